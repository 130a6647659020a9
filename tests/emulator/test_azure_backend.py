from __future__ import annotations

import io
import json
import logging
import re
import wave
from itertools import count

import anyio
import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureBackend, AzureLimits, AzureSettings, ReconnectPolicy
from azstt.emulator import Faults, Script, Utterance
from azstt.emulator.faults import (
    BadStatus,
    Close,
    Drop,
    Duplicate,
    EndTurn,
    Expire,
    Malformed,
    Mute,
    NoTurnEnd,
    Refuse,
    Reorder,
    Stall,
)

pytestmark = pytest.mark.usefixtures("no_thread_left", "interface")

NEVER = ReconnectPolicy(attempts=0)


def wav(pcm: bytes) -> bytes:
    """Put 16 kHz mono PCM into a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(pcm)
    return file.getvalue()


# Transcripts


def test_a_recording_is_transcribed(azure, audio):
    """A transcript has the service's text, words and confidence, and accounts for every second."""
    script = Script.saying("And so, my fellow Americans:", "ask not.", start=0.5, pause=0.5)
    with emulators.serve(script=script) as emulator:
        transcript = azstt.transcribe_file(audio / "jfk.wav", backend=azure(emulator))
    assert transcript.text == "And so, my fellow Americans: ask not."
    assert transcript.backend == "azure"
    assert [word.text for word in transcript.words[:2]] == ["And", "so,"]
    assert transcript.words[0].start == pytest.approx(0.5)
    assert transcript.words[0].confidence is not None
    assert not transcript.words[0].estimated
    assert (transcript.ledger.sent, transcript.ledger.unaccounted) == (11.0, 0)
    assert emulator.requests[0].violation is None
    assert emulator.requests[0].closed == "client 1000"


@pytest.mark.anyio
async def test_the_async_twin_runs_beside_other_tasks(azure, number_engine, numbers, said):
    """While the service is slow, the event loop runs other tasks."""
    beats = count()
    faults = Faults.of(Mute(at=3.0))

    async def beat() -> None:
        while True:
            next(beats)
            await anyio.sleep(0.01)

    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(beat)
            transcript = await azstt.atranscribe_bytes(wav(numbers(20)), backend=azure(emulator))
            tasks.cancel_scope.cancel()
    assert transcript.text == said(20)
    assert next(beats) > 20


@pytest.mark.anyio
async def test_canceling_stops_at_once(azure):
    """A canceled transcription leaves no thread and no connection behind."""
    with emulators.serve(faults=Faults.of(Mute())) as emulator:
        with anyio.move_on_after(0.5):
            await azstt.atranscribe_bytes(
                wav(bytes(32_000 * 60)), backend=azure(emulator, limits=AzureLimits(stop=2))
            )
    assert emulator.requests[0].closed is not None


@pytest.mark.parametrize("interface", ["native"], indirect=True)
@pytest.mark.parametrize("text", ["長い話" * 400, "ยาว" * 400, "लंबा पाठ " * 150, "😀" * 700])
def test_a_long_final_arrives_whole(azure, text):
    """No final is truncated or lost at the binding's limit of 2,047 bytes."""
    text = text.strip()
    script = Script(segments=(Utterance(text=text, start=0.1, end=4.9),))
    with emulators.serve(script=script) as emulator:
        transcript = azstt.transcribe_bytes(
            wav(bytes(32_000 * 5)), backend=azure(emulator), partials=True
        )
    assert transcript.text == text


@pytest.mark.parametrize("interface", ["public"], indirect=True)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_final_that_the_sdk_loses_is_an_error(azure):
    """Where the SDK's own objects lose a long final, the transcript is not taken for complete."""
    script = Script(segments=(Utterance(text="😀" * 700, start=0.1, end=4.9),))
    expected = pytest.raises(azstt.IncompleteTranscriptError, match=r"4\.9 of 5\.0 s")
    with emulators.serve(script=script) as emulator, expected:
        azstt.transcribe_bytes(wav(bytes(32_000 * 5)), backend=azure(emulator))


@pytest.mark.parametrize("interface", ["native"], indirect=True)
@pytest.mark.parametrize(
    "options", [{}, {"diarize": True}, {"translate": ["de"]}, {"language": ["en-US", "de-DE"]}]
)
def test_both_ways_to_read_results_give_the_same_events(
    azure, run, without_native_interface, options
):
    """If the SDK's C interface is not there, its public objects give equal events."""
    script = Script.saying("One two three four.", "Five six.", start=0.5, pause=0.8)
    with emulators.serve(script=script) as emulator:
        native = run(azure(emulator), bytes(160_000), partials=True, **options)
        without_native_interface()
        public = run(azure(emulator), bytes(160_000), partials=True, **options)
    assert len(native.of(azstt.Final)) >= 2
    assert native.of(azstt.Partial)
    ids = [session.of(azstt.Started)[0].session_id for session in (native, public)]
    assert ids == [request.headers["x-connectionid"] for request in emulator.requests]
    assert native.events[1:] == public.events[1:]


def test_silence_is_an_empty_transcript(azure):
    """Audio without speech is accounted for as silence, and no error."""
    with emulators.serve() as emulator:
        transcript = azstt.transcribe_bytes(wav(bytes(32_000 * 40)), backend=azure(emulator))
    assert transcript.text == ""
    assert transcript.ledger.silent == transcript.ledger.sent == 40


def test_partials_come_when_requested(azure, run):
    """There are interim results with the option, and none without it."""
    script = Script.saying("One two three four.", start=0.5)
    with emulators.serve(script=script) as emulator:
        eager = run(azure(emulator), bytes(96_000), partials=True)
        plain = run(azure(emulator), bytes(96_000))
    assert eager.of(azstt.Partial)
    assert not plain.of(azstt.Partial)
    assert plain.of(azstt.SpeechStarted)
    assert plain.events[-1] == azstt.Ended(position=3.0)
    (started,) = plain.of(azstt.Started)
    assert started.session_id == emulator.requests[1].headers["x-connectionid"]


# Never a truncated, duplicated or reordered transcript

RECOVERED = {
    "a reset": [Drop(at=3.0)],
    "a FIN": [Drop(at=3.0, how="fin")],
    "a reset on every connection": [Drop(at=3.0, connection=None)],
    "restarting": [Close(at=4.0, code=1012)],
    "a protocol error": [Close(at=5.0, code=1002)],
    "quota exceeded": [Close(at=5.0, code=1007, reason="Quota exceeded")],
    "throttled": [Close(at=5.0, code=4429)],
    "one after the other": [
        Close(at=3.0, code=1002),
        Close(at=4.0, code=4429, connection=1),
        Mute(at=1.0, connection=2),
    ],
    "mute": [Mute(at=3.0)],
    "a turn that ends early": [EndTurn(at=3.0)],
    "no end of the turn": [NoTurnEnd()],
    "malformed": [Malformed(phrase=1)],
    "an error status": [BadStatus(phrase=1)],
    "an unknown status": [BadStatus(phrase=1, status="Surprise")],
    "twice": [Duplicate(phrase=1)],
    "out of order": [Reorder(phrase=0)],
    "an expired credential": [Expire(at=3.0)],
    "503 for a while": [Refuse(status=503, connection=n) for n in range(7)],
    "lost, then 503 for longer than the SDK tries": [
        Drop(at=3.0),
        *(Refuse(status=503, connection=n) for n in range(1, 12)),
    ],
}


@pytest.mark.parametrize("faults", RECOVERED.values(), ids=RECOVERED)
def test_no_word_is_lost_or_duplicated(azure, number_engine, numbers, said, faults):
    """Whatever fails on the way, the words are those of the audio, at their times."""
    with emulators.serve(engine=number_engine, faults=Faults.of(*faults)) as emulator:
        transcript = azstt.transcribe_bytes(wav(numbers(40)), backend=azure(emulator))
    assert transcript.text == said(40)
    assert transcript.ledger.unaccounted == 0
    for number, word in enumerate(transcript.words):
        assert word.start == pytest.approx(number * 0.3 + number // 4 * 0.4)


def test_an_overflow_loses_nothing(azure, number_engine, numbers, said):
    """When the SDK's buffer overflows and it fails, even the first word is recognized."""
    limits = AzureLimits(hold=10, idle=20, first_response=20, stop=2, pace=200)
    with emulators.serve(engine=number_engine, faults=Faults.of(Mute())) as emulator:
        transcript = azstt.transcribe_bytes(
            wav(numbers(40)), backend=azure(emulator, limits=limits)
        )
    assert len(emulator.requests) == 2
    assert transcript.text == said(40)


def test_a_session_survives_an_outage(azure, number_engine, numbers, said, run):
    """If the service is down for longer than the SDK tries, all words are recognized."""
    policy = ReconnectPolicy(attempts=100, total=30, first_delay=0.1, longest_delay=0.2)
    with emulators.serve(engine=number_engine, speed=4) as first:
        backend = azure(first, reconnect=policy)
        feeding = run(backend, numbers(40), wait=False)
        feeding.until(azstt.Final)
    assert not feeding.over
    feeding.until(azstt.Reconnecting, count=3)
    port = int(first.host.rpartition(":")[2])
    with emulators.serve(engine=number_engine, port=port):
        feeding.finish()
    text = " ".join(event.segment.text for event in feeding.of(azstt.Final))
    assert text == said(40)
    assert feeding.events[-1] == azstt.Ended(position=16.0)


def test_a_lost_final_is_an_error(azure, number_engine, numbers):
    """Speech that the service announced but sent no result for is not taken for silence."""
    number_engine.forget = {2}
    expected = pytest.raises(azstt.IncompleteTranscriptError)
    with emulators.serve(engine=number_engine) as emulator, expected as caught:
        azstt.transcribe_bytes(wav(numbers(16)), backend=azure(emulator))
    assert caught.value.partial.text == "1 2 3 4 5 6 7 8 13 14 15 16"
    (gap,) = caught.value.partial.ledger.gaps
    assert (gap.reason, gap.at, gap.seconds) == (
        "unaccounted",
        pytest.approx(3.2),
        pytest.approx(1.6),
    )


def test_the_error_has_the_partial_transcript(azure, number_engine, numbers):
    """When all attempts failed, the error has what was recognized and which seconds are missing."""
    faults = Faults.of(Drop(at=3.2), *(Refuse(status=503, connection=n) for n in range(1, 60)))
    expected = pytest.raises(azstt.ThrottledError)
    with emulators.serve(engine=number_engine, faults=faults) as emulator, expected as caught:
        azstt.transcribe_bytes(wav(numbers(40)), backend=azure(emulator))
    assert caught.value.partial.text == "1 2 3 4 5 6 7 8"
    (gap,) = caught.value.partial.ledger.gaps
    assert gap.at == pytest.approx(2.8)
    assert gap.at + gap.seconds == pytest.approx(caught.value.partial.ledger.sent)


def test_each_attempt_is_reported(azure, number_engine, numbers, run, caplog):
    """A reconnection is an event and a log line, without transcript text."""
    faults = Faults.of(Close(at=3.0, code=1002))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(20))
    (event,) = session.of(azstt.Reconnecting)
    assert event.attempt == 1
    assert "closed the connection (1002)" in event.reason
    (record,) = (record for record in caplog.records if record.name == "azstt.azure")
    assert record.getMessage().startswith("connection lost (1002); attempt 1 in 0.")
    assert record.getMessage().endswith("to resume at 2.8 s")


def test_no_text_is_logged(azure, number_engine, numbers, run, caplog):
    """With every log of the process on, a session that reconnects logs nothing that was said."""
    faults = Faults.of(Close(at=3.0, code=1002), Drop(at=5.0, connection=1), Mute(connection=2))
    caplog.set_level(logging.DEBUG)
    number_engine.prefix = "s3cret"
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        session = run(azure(emulator), numbers(40))
    (first, *_) = session.of(azstt.Final)
    assert "s3cret1" in str(first)
    assert caplog.records
    assert "s3cret" not in caplog.text + repr(session.events) + repr(caplog.records)


# Errors

REFUSED = {
    400: (azstt.RequestError, False, "rejected the request"),
    401: (azstt.AuthenticationError, False, "the key or token was rejected by host 'ws://127"),
    403: (azstt.AuthenticationError, False, "AZURE_SPEECH_KEY"),
    404: (azstt.RequestError, False, "there is no Speech service at host"),
    408: (azstt.RecognitionTimeoutError, True, "did not respond in time"),
    429: (azstt.ThrottledError, True, "the quota of host 'ws://127"),
    500: (azstt.ServiceError, True, "reported an internal error"),
    502: (azstt.ServiceError, True, "reported an internal error"),
    503: (azstt.ThrottledError, True, "the quota of host"),
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_is_a_typed_error(azure, status):
    """Each HTTP status is one of azstt's errors, with code, session id and a clear message."""
    kind, retryable, words = REFUSED[status]
    faults = Faults.of(Refuse(status=status, connection=None))
    with emulators.serve(faults=faults) as emulator, pytest.raises(kind) as caught:
        azstt.transcribe_bytes(wav(bytes(3200)), backend=azure(emulator, reconnect=NEVER))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.retryable, error.backend) == (str(status), retryable, "azure")
    assert error.session_id
    assert words in str(error)
    assert "STACK" not in str(error)


@pytest.mark.parametrize(
    ("code", "reason"), [(4429, ""), (1007, "Quota exceeded"), (4429, "too many")]
)
def test_the_quota_has_one_error(azure, code, reason):
    """Close codes for an exhausted quota are the same error as 429."""
    faults = Faults.of(Close(at=0.2, code=code, reason=reason, connection=None))
    with emulators.serve(faults=faults) as emulator, pytest.raises(azstt.ThrottledError) as caught:
        azstt.transcribe_bytes(wav(bytes(32_000)), backend=azure(emulator, reconnect=NEVER))
    assert caught.value.retryable
    assert caught.value.code == str(code)


def test_the_delay_that_the_service_asks_for_is_used(azure, number_engine, numbers, said, run):
    """There is no reconnection earlier than the service asks for."""
    close = Close(at=3.0, code=4429, reason="Too many requests. Retry-After: 1")
    with emulators.serve(engine=number_engine, faults=Faults.of(close)) as emulator:
        session = run(azure(emulator), numbers(20))
    (event,) = session.of(azstt.Reconnecting)
    assert event.delay == 1.0
    assert " ".join(event.segment.text for event in session.of(azstt.Final)) == said(20)


def test_an_unreachable_service_is_reported_at_once(azure):
    """A service that was never reached is not retried."""
    with emulators.serve() as emulator:
        pass
    with pytest.raises(azstt.ServiceUnreachableError, match="could not connect to host"):
        azstt.transcribe_bytes(wav(bytes(3200)), backend=azure(emulator))


def test_an_sdk_failure_has_a_plain_message(azure):
    """An exception of the SDK is reported without its C stack."""
    with emulators.serve() as emulator, pytest.raises(azstt.RequestError) as caught:
        azstt.transcribe_bytes(
            wav(bytes(3200)),
            backend=azure(emulator),
            properties={"SPEECH-AudioThrottleAsPercentageOfRealTime": "1"},
        )
    assert str(caught.value).startswith(
        "the Speech SDK rejected the configuration (SPXERR_INVALID_ARG)"
    )
    assert "\n" not in str(caught.value)


# Limits


@pytest.mark.parametrize(
    ("fault", "limit"),
    [
        (Stall(connection=None), "within 5 s (connect)"),
        (Stall(when="after_upgrade", connection=None), "within 1 s (first_response)"),
        (Mute(connection=None), "for 1.5 s (idle)"),
        (Mute(at=1.0, connection=None), "for 1.5 s (idle)"),
        (NoTurnEnd(connection=None), "for 1.5 s (idle)"),
    ],
)
def test_every_wait_ends(azure, interface, fault, limit):
    """A service that goes silent at any point is a timeout that names the limit."""
    if interface == "public":  # which has no event for the first message
        limit = limit.replace("within 1 s (first_response)", "for 1.5 s (idle)")
    expected = pytest.raises(azstt.RecognitionTimeoutError, match=re.escape(limit))
    with emulators.serve(faults=Faults.of(fault)) as emulator, expected:
        azstt.transcribe_bytes(wav(bytes(96_000)), backend=azure(emulator, reconnect=NEVER))


def test_a_timeout_tells_what_went_wrong_before_it(azure):
    """When the service is throttled until the time is up, the time-out says so."""
    endless = ReconnectPolicy(attempts=100, total=60, first_delay=0.1, longest_delay=0.2)
    faults = Faults.of(Refuse(status=429, connection=None))
    expected = pytest.raises(azstt.RecognitionTimeoutError, match="was not done within timeout=4")
    with emulators.serve(faults=faults) as emulator, expected as caught:
        backend = azure(emulator, reconnect=endless)
        azstt.transcribe_bytes(wav(bytes(96_000)), backend=backend, timeout=4)
    assert isinstance(caught.value.__cause__, azstt.ThrottledError)
    assert caught.value.code == "429"
    assert "; the last error was: the quota of host 'ws://127.0.0.1" in str(caught.value)


def test_a_limit_on_waiting_tells_what_went_wrong_before_it(azure):
    """A service that throttles, and then does not answer at all, is a time-out that says both."""
    throttled = [Refuse(status=429, connection=n) for n in range(5)]
    silent = [Stall(connection=n) for n in range(5, 20)]
    expected = pytest.raises(azstt.RecognitionTimeoutError, match=r"within 3 s \(connect\)")
    faults = Faults.of(*throttled, *silent)
    with emulators.serve(faults=faults) as emulator, expected as caught:
        limits = AzureLimits(connect=3, stop=1)
        azstt.transcribe_bytes(wav(bytes(96_000)), backend=azure(emulator, limits=limits))
    assert isinstance(caught.value.__cause__, azstt.ThrottledError)
    assert "; the last error was: the quota of host" in str(caught.value)


def test_a_live_source_may_pause(azure, run):
    """Nothing times out while there is hardly any audio to recognize."""
    limits = AzureLimits(connect=5, first_response=1, idle=0.5, stop=2)
    with emulators.serve(script=Script.saying("Hello.", start=2)) as emulator:
        session = run(azure(emulator, limits=limits), bytes(32_000), wait=False)
        session.pause(1.5)
        session.write(bytes(96_000))
        session.finish()
    assert [event.segment.text for event in session.of(azstt.Final)] == ["Hello."]


def test_a_slow_service_slows_the_writer(azure, run):
    """Writes block at the service's speed, so memory does not grow with the file."""
    limits = AzureLimits(hold=10, pace=10_000)
    with emulators.serve(speed=40, script=Script.saying("Hello.")) as emulator:
        session = run(azure(emulator, limits=limits), bytes(32_000 * 40), wait=False)
        buffer = session.session._buffer
        most = 0
        while session.feeding:
            most = max(most, len(buffer._bytes))
            session.pause(0.005)
        session.finish()
    assert session.events[-1] == azstt.Ended(position=40.0)
    assert most <= 32_000 * 22


# Threads and handles


def test_closing_from_a_callback_is_allowed(azure):
    """An event handler may close the session, and no event follows."""
    with emulators.serve(script=Script.saying("Hello.", "Good-bye.", start=0.2)) as emulator:
        events = []

        def take(event) -> None:
            events.append(event)
            if isinstance(event, azstt.Final):
                session.close()

        session = azure(emulator).open(azstt.RecognitionOptions(), azstt.AudioFormat(), take)
        session.start()
        session.write(bytes(96_000))
        session._supervisor.join(5)
        assert isinstance(events[-1], azstt.Final)
        session.close()


def test_no_secret_is_shown(caplog):
    """Neither logs, reprs nor errors contain the key."""
    backend = AzureBackend(AzureSettings(host="ws://127.0.0.1:1", key="s3cret"))
    assert "s3cret" not in repr(backend)
    with pytest.raises(azstt.ServiceUnreachableError) as caught:
        azstt.transcribe_bytes(wav(bytes(3200)), backend=backend)
    assert "s3cret" not in repr(caught.value) + str(caught.value) + caplog.text
    assert "s3cret" not in json.dumps(vars(caught.value), default=str)


# The session's own rules


def test_a_session_starts_once(azure):
    """A second start and audio before the first are errors; a closed session does nothing."""
    with emulators.serve() as emulator:
        session = azure(emulator).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), lambda _: None
        )
        with pytest.raises(azstt.SessionStateError, match="before start"):
            session.write(b"")
        session.start()
        with pytest.raises(azstt.SessionStateError, match="started before"):
            session.start()
        session.close()
        session.finish()
        other = azure(emulator).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), lambda _: None
        )
        other.close()
        other.start()
    assert len(emulator.requests) == 1


def test_an_exception_in_a_callback_is_a_failure(azure):
    """An exception on the SDK's thread ends the session with an error."""
    events = []

    def take(event) -> None:
        if event.kind == "final":
            raise LookupError("on purpose")
        events.append(event)

    with emulators.serve(script=Script.saying("Hello.", start=0.2)) as emulator:
        session = azure(emulator).open(azstt.RecognitionOptions(), azstt.AudioFormat(), take)
        session.start()
        session.write(bytes(64_000))
        session._supervisor.join(10)
        session.close()
    error = events[-1].error
    assert isinstance(error, azstt.ServiceError)
    assert isinstance(error.__cause__, LookupError)
    assert "on purpose" not in str(error)


def test_closing_ends_the_wait_for_another_attempt(azure, run):
    """Closing does not wait for the delay of a reconnection."""
    slow = ReconnectPolicy(first_delay=60, longest_delay=60, total=600)
    faults = Faults.of(Close(at=0.2, code=1002))
    with emulators.serve(faults=faults) as emulator:
        session = run(azure(emulator, reconnect=slow), bytes(32_000), wait=False)
        session.until(azstt.Reconnecting)
        session.session.close()
        assert not session.session._supervisor.is_alive()


def test_diarization_survives_a_reconnection(azure, number_engine, numbers, said):
    """The conversation transcriber reconnects like any other recognizer."""
    faults = Faults.of(Close(at=4.0, code=1002))
    with emulators.serve(engine=number_engine, faults=faults) as emulator:
        transcript = azstt.transcribe_bytes(wav(numbers(20)), backend=azure(emulator), diarize=True)
    assert transcript.text == said(20)
