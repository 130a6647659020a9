from __future__ import annotations

import asyncio
import io
import math
import signal
import subprocess
import sys
import threading
import time
import warnings
import wave
from itertools import pairwise

import anyio
import pytest

import azstt
from azstt.testing import Cue, ScriptedBackend
from azstt.testing._scripted import EVERYTHING


def _wav(pcm: bytes) -> bytes:
    """Put 16 kHz mono PCM into a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(pcm)
    return file.getvalue()


SECOND = _wav(bytes(32_000))
HELLO = ScriptedBackend.saying("Hello, world.")
HANGS = ScriptedBackend(
    [
        azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.5)),
        Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf),
    ]
)

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_a_file_becomes_a_transcript(audio):
    """A path becomes a typed transcript with every second accounted for."""
    transcript = azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, language="en-GB")
    assert transcript.text == str(transcript) == "Hello, world."
    assert [word.text for word in transcript.words] == ["Hello,", "world."]
    assert (transcript.backend, transcript.language) == ("scripted", "en-GB")
    assert transcript.duration == transcript.ledger.decoded == transcript.ledger.sent == 11.0
    assert transcript.ledger.recognized == pytest.approx(0.6)
    assert transcript.ledger.silent == pytest.approx(10.4)
    assert transcript.usage.audio_seconds == 11.0
    assert 0 < transcript.usage.first_result_latency <= transcript.usage.wall_seconds


def test_text_that_is_probably_wrong_gives_a_warning():
    """One warning says why, where the call stands."""
    word = azstt.Word(text="x", start=0.0, end=1.0, confidence=0.3)
    said = azstt.Final(segment=azstt.Segment(text="x", start=0.0, end=1.0, words=(word,) * 10))
    backend = ScriptedBackend([said], model="moonshine-tiny-en")
    with pytest.warns(azstt.LowConfidenceWarning, match="probably wrong") as caught:
        azstt.transcribe_bytes(SECOND, backend=backend)
    assert [warning.filename for warning in caught] == [__file__]


def test_every_kind_of_source(audio):
    """A path, a file object, an iterable and a feed from another thread give the same result."""
    path = audio / "jfk.wav"
    feed = azstt.ByteFeed()

    def fill() -> None:
        feed.push(path.read_bytes())
        feed.close()

    threading.Thread(target=fill).start()
    with path.open("rb") as file:
        for source in (str(path), path, file, io.BytesIO(path.read_bytes()), feed):
            assert azstt.transcribe_file(source, backend=HELLO).duration == 11.0
        assert not file.closed
    data = path.read_bytes()
    chunks = (data[i : i + 5_000] for i in range(0, len(data), 5_000))
    assert azstt.transcribe_file(chunks, backend=HELLO).duration == 11.0
    for buffer in (data, bytearray(data), memoryview(data)):
        assert azstt.transcribe_bytes(buffer, backend=HELLO).duration == 11.0


def test_a_part_of_a_file(audio):
    """`start` and `end` choose what is transcribed; times count from the chosen start."""
    transcript = azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, start=2, end=4.5)
    assert transcript.duration == 2.5


def test_the_backend_gets_its_own_sample_rate():
    """Audio is converted to the sample rate that the recognizer prefers."""
    telephone = ScriptedBackend(
        capabilities=HELLO.capabilities.model_copy(update={"sample_rates": (8_000,)})
    )
    assert azstt.transcribe_bytes(SECOND, backend=telephone).duration == 1.0


def test_silence_is_an_empty_transcript():
    """Audio without speech is not an error."""
    transcript = azstt.transcribe_bytes(SECOND, backend=ScriptedBackend())
    assert (transcript.text, transcript.ledger.silent) == ("", 1.0)
    assert transcript.usage.first_result_latency is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "whisper"}, "no such backend"),
        ({"langauge": "en-US"}, "did you mean 'language'"),
        ({"timeout": 0}, "timeout=0 must be"),
        ({"timeout": math.nan}, "timeout=nan must be"),
        ({"backend": "local", "language": "de-DE"}, "does not recognize language 'de-DE'"),
        ({"backend": "local", "diarize": True}, "does not support option 'diarize'"),
        ({"backend": "local", "phrases": ["x"]}, "does not support option 'phrases'"),
    ],
)
def test_a_wrong_argument_is_found_before_any_io(options, message):
    """Arguments are checked before the file is opened."""
    with pytest.raises(azstt.ConfigurationError, match=message):
        azstt.transcribe_file("/no/such/file", **{"backend": HELLO, **options})


def test_bytes_and_paths_are_not_mixed_up():
    """A path is not audio and audio is not a path; the message names the right function."""
    with pytest.raises(azstt.ConfigurationError, match="call transcribe_bytes"):
        azstt.transcribe_file(SECOND, backend=HELLO)
    with pytest.raises(azstt.ConfigurationError, match="call transcribe_file"):
        azstt.transcribe_bytes("talk.mp3", backend=HELLO)


def test_an_audio_error_is_raised_unchanged(audio):
    """A problem with the file is an error of its own class."""
    with pytest.raises(azstt.AudioSourceError, match="no-such-file"):
        azstt.transcribe_file(audio / "no-such-file.wav", backend=HELLO)


def test_a_failure_carries_the_partial_transcript():
    """The error carries what was recognized before the recognizer failed."""
    error = azstt.ServiceError("on purpose")
    backend = ScriptedBackend(
        [
            azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.4)),
            Cue(event=azstt.Failed(error=error), at=0.5),
        ]
    )
    with pytest.raises(azstt.ServiceError) as caught:
        azstt.transcribe_bytes(SECOND, backend=backend)
    assert caught.value is error
    assert caught.value.partial.text == "Hello."


def test_a_session_that_can_not_be_had():
    """A refusal at the start is the error that the call raises."""
    backend = ScriptedBackend(start_error=azstt.AuthenticationError("refused"))
    with pytest.raises(azstt.AuthenticationError, match="refused") as caught:
        azstt.transcribe_bytes(SECOND, backend=backend)
    assert caught.value.partial.text == ""


def test_half_a_transcript_is_an_error():
    """A recognizer that skips audio is noticed."""
    backend = ScriptedBackend([Cue(event=azstt.Ended(position=0.2), at=1.0)])
    with pytest.raises(azstt.IncompleteTranscriptError, match=r"0\.8 of 1\.0 s"):
        azstt.transcribe_bytes(SECOND, backend=backend)


def test_a_session_that_ends_before_the_audio_is_an_error():
    """A recognizer that stops early is noticed."""
    backend = ScriptedBackend([Cue(event=azstt.Ended(position=2.0), at=2.0)])
    with pytest.raises((azstt.ServiceError, azstt.IncompleteTranscriptError)) as caught:
        azstt.transcribe_file(_endless(), backend=backend)
    assert caught.value.partial is not None


def test_the_timeout_stops_a_recognizer_that_hangs():
    """The call ends in time, and the error carries what had been recognized."""
    began = time.monotonic()
    with pytest.raises(azstt.RecognitionTimeoutError, match=r"timeout=0\.5 s") as caught:
        azstt.transcribe_bytes(SECOND, backend=HANGS, timeout=0.5)
    assert time.monotonic() - began < 20
    assert caught.value.partial.text == "Hello."
    assert caught.value.retryable


def test_the_timeout_stops_a_source_that_hangs():
    """A read that never returns does not hold up the caller."""
    release = threading.Event()

    def chunks():
        yield SECOND[:20_000]
        release.wait()

    began = time.monotonic()
    with pytest.raises(azstt.RecognitionTimeoutError):
        azstt.transcribe_file(chunks(), backend=HELLO, timeout=0.5)
    assert time.monotonic() - began < 20
    release.set()


def stall_after(seconds):
    """Return capabilities with this stall timeout."""
    return EVERYTHING.model_copy(update={"stall_timeout": seconds})


def test_a_recognizer_that_stalls_is_given_up():
    """A recognizer that hangs is an error even without a timeout."""
    hangs = ScriptedBackend(
        [Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf)],
        capabilities=stall_after(0.3),
    )
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled: no audio accepted"):
        azstt.transcribe_bytes(SECOND, backend=hangs)


class Endless:
    """A recognizer that accepts all audio and never ends."""

    name = "endless"
    capabilities = stall_after(0.3)

    def open(self, options, audio, emit):
        return self

    def start(self):
        pass

    def write(self, pcm, /):
        pass

    def finish(self):
        pass

    def close(self):
        pass


def test_a_recognizer_that_never_ends_is_given_up():
    """A recognizer that has all of the audio and never ends is an error."""
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled: no audio accepted"):
        azstt.transcribe_bytes(SECOND, backend=Endless())


def test_a_recognizer_that_reconnects_is_waited_for():
    """An attempt to connect again is a sign of life."""
    attempts = [
        Cue(event=azstt.Reconnecting(attempt=n, delay=0, reason="lost"), at=0.5, delay=0.6)
        for n in (1, 2, 3)
    ]
    patient = ScriptedBackend(attempts, capabilities=stall_after(1.0))
    assert azstt.transcribe_bytes(SECOND, backend=patient).text == ""


def test_a_slow_source_is_not_the_recognizers_fault():
    """A source that pauses for longer than the recognizer may is waited for."""
    patient = ScriptedBackend(
        [azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.5))],
        capabilities=stall_after(0.1),
    )

    def chunks():
        yield SECOND[:20_000]
        time.sleep(1)
        yield SECOND[20_000:]

    assert azstt.transcribe_file(chunks(), backend=patient).text == "Hello."


def test_an_exception_of_the_source_is_raised_unchanged():
    """An exception in the caller's own code reaches the caller as it is."""

    def chunks():
        yield SECOND[:20_000]
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        azstt.transcribe_file(chunks(), backend=HELLO)


def test_progress_is_reported(audio):
    """Progress rises to the end, and knows the length of the audio."""
    reported: list[azstt.Progress] = []
    azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, progress=reported.append)
    recognized = [progress.recognized for progress in reported]
    assert recognized == sorted(recognized)
    assert recognized[-1] == reported[-1].decoded == reported[-1].total == 11.0
    assert reported[-1].xrt == pytest.approx(11.0 / reported[-1].elapsed)


def test_progress_may_stop_the_work():
    """An exception that the callback raises ends the call."""

    def stop(_: azstt.Progress) -> None:
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        azstt.transcribe_bytes(SECOND, backend=HANGS, progress=stop)


@pytest.mark.anyio
@pytest.mark.parametrize("when", ["in the middle", "at the end"])
async def test_what_progress_raises_has_the_partial_transcript(when):
    """Whatever stops the work from outside, what was recognized can be had from it."""

    def stop(progress: azstt.Progress) -> None:
        if progress.recognized >= (0.5 if when == "in the middle" else 1.0):
            raise InterruptedError("enough")

    backend = HANGS if when == "in the middle" else ScriptedBackend.saying("Hello.")
    with pytest.raises(InterruptedError) as blocking:
        azstt.transcribe_bytes(SECOND, backend=backend, progress=stop)
    with pytest.raises(InterruptedError) as asynchronous:
        await azstt.atranscribe_bytes(SECOND, backend=backend, progress=stop)
    for caught in (blocking, asynchronous):
        assert azstt.partial_of(caught.value).text == "Hello."
        (note,) = caught.value.__notes__
        assert "azstt.partial_of()" in note
    assert azstt.partial_of(InterruptedError()) is None


def test_what_a_source_raises_has_the_partial_transcript():
    """A source that fails does not take along what was recognized of it."""

    def chunks():
        yield bytes(32_000 * 60)
        time.sleep(0.5)
        raise LookupError("the tape broke")

    with pytest.raises(Exception, match="the tape broke") as caught:
        azstt.transcribe_file(chunks(), backend=HELLO, audio=azstt.AudioFormat())
    assert azstt.partial_of(caught.value).text == "Hello, world."


@pytest.mark.parametrize("how", ["canceled", "timed out"])
def test_a_cancellation_has_the_partial_transcript(how):
    """A task that is canceled, and one that runs into a timeout of asyncio's, lose nothing."""

    async def main() -> BaseException:
        work = asyncio.create_task(azstt.atranscribe_bytes(SECOND, backend=HANGS))
        try:
            if how == "timed out":
                await asyncio.wait_for(work, 0.5)
            await asyncio.sleep(0.5)
            work.cancel()
            await work
        except (asyncio.CancelledError, TimeoutError) as error:
            return error
        raise AssertionError

    error = asyncio.run(main())
    assert isinstance(error, TimeoutError if how == "timed out" else asyncio.CancelledError)
    assert azstt.partial_of(error).text == "Hello."


def test_the_sync_call_works_inside_a_running_loop():
    """A notebook cell, which runs inside an event loop, may call the sync function."""

    async def cell() -> str:
        return azstt.transcribe_bytes(SECOND, backend=HELLO).text

    assert asyncio.run(cell()) == "Hello, world."


def test_the_sync_call_works_in_threads():
    """Many threads may transcribe at once."""
    texts: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: texts.append(azstt.transcribe_bytes(SECOND, backend=HELLO).text)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello, world."] * 8


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.5])
def test_ctrl_c_leaves_at_once(after):
    """An interrupt at any moment ends the call and the interpreter, even if all else hangs."""
    code = (
        "import azstt, math; from azstt.testing import Cue, ScriptedBackend\n"
        "cue = Cue(event=azstt.SpeechStarted(at=0), at=0, delay=math.inf)\n"
        "backend = ScriptedBackend([cue])\n"
        "print('ready', flush=True)\n"
        f"azstt.transcribe_bytes({SECOND[:44]!r} + bytes(32000), backend=backend)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_keeps_what_was_recognized():
    """After Ctrl-C, the interrupt has the transcript so far."""
    code = (
        "import azstt, math; from azstt.testing import Cue, ScriptedBackend\n"
        "said = azstt.Final(segment=azstt.Segment(text='Half a sentence', start=0, end=0.5))\n"
        "cue = Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf)\n"
        "backend = ScriptedBackend([said, cue])\n"
        "tell = lambda progress: progress.recognized and print('heard', flush=True)\n"
        "try:\n"
        f"    audio = {SECOND[:44]!r} + bytes(32000)\n"
        "    azstt.transcribe_bytes(audio, backend=backend, progress=tell)\n"
        "except KeyboardInterrupt as error:\n"
        "    partial = azstt.partial_of(error)\n"
        "    print(partial.text, partial.complete, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "heard\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert said.splitlines()[-1] == "Half a sentence False"


@pytest.mark.anyio
async def test_the_async_call(audio):
    """The async functions give the same results, on either loop."""
    reported: list[azstt.Progress] = []
    path = audio / "jfk.wav"
    of_file = await azstt.atranscribe_file(path, backend=HELLO, progress=reported.append)
    of_bytes = await azstt.atranscribe_bytes(path.read_bytes(), backend=HELLO)
    assert of_file.text == of_bytes.text == "Hello, world."
    assert reported


@pytest.mark.anyio
async def test_canceling_stops_the_work():
    """Canceling returns at once, even if the recognizer hangs."""
    with anyio.fail_after(20):
        with anyio.move_on_after(0.5) as scope:
            await azstt.atranscribe_bytes(SECOND, backend=HANGS)
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_the_loop_is_never_blocked(audio):
    """Other tasks keep running during a transcription."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    slow = [Cue(event=azstt.Partial(text="x", start=0, end=1), at=0, delay=0.5)]
    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        await azstt.atranscribe_file(audio / "jfk.wav", backend=ScriptedBackend(slow))
        group.cancel_scope.cancel()
    assert ticks > 5


class SlowToOpen(ScriptedBackend):
    """Takes its time to make a session, as an SDK that is imported does, or refuses it."""

    refuses = False

    def open(self, options, audio, emit):
        time.sleep(0.5)
        if self.refuses:
            raise azstt.ConfigurationError("these options do not go together")
        return super().open(options, audio, emit)


async def heartbeat(beats: list[float]) -> None:
    """Note the time on the loop, again and again."""
    while True:
        beats.append(time.monotonic())
        await anyio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["file", "live"])
async def test_a_backend_that_is_slow_to_open_does_not_block_the_loop(call):
    """Its libraries are loaded in a thread: other tasks go on meanwhile."""
    beats: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(heartbeat, beats)
        if call == "file":
            await azstt.atranscribe_bytes(SECOND, backend=SlowToOpen())
        else:
            async with azstt.LiveSession(backend=SlowToOpen()):
                pass
        group.cancel_scope.cancel()
    assert max(after - before for before, after in pairwise(beats)) < 0.4


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["file", "live"])
async def test_what_a_backend_refuses_to_open_comes_out_bare(call):
    """The error is the backend's own, of its own type, and not in a group."""
    backend = SlowToOpen()
    backend.refuses = True
    calls = {
        "file": lambda: azstt.atranscribe_file("/no/such/file", backend=backend),
        "live": lambda: azstt.LiveSession(backend=backend).start(),
    }
    with pytest.raises(azstt.ConfigurationError, match="do not go together"):
        await calls[call]()


def test_the_fallback_warns_at_the_callers_line():
    """Without a backend the warning points at the line that called."""
    code = (
        "import warnings, azstt\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    try:\n"
        "        azstt.transcribe_file('/no/such/file')\n"
        "    except azstt.AudioError:\n"
        "        print(caught[0].filename, caught[0].lineno)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "<string> 5\n"


def test_no_warning_with_a_backend():
    """A caller who names the backend sees no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        azstt.transcribe_bytes(SECOND, backend=HELLO)


def _endless():
    """Yield a WAV file without end."""
    yield SECOND[:40] + b"\xff\xff\xff\xff"
    while True:
        yield bytes(3_200)
