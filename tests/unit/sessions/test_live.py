from __future__ import annotations

import asyncio
import math
import random
import threading
from contextlib import suppress

import anyio
import anyio.lowlevel
import numpy as np
import pytest

from azstt import (
    AudioFormat,
    AudioGap,
    ConfigurationError,
    Ended,
    Failed,
    Final,
    IncompleteAudioWarning,
    IncompleteTranscriptError,
    LiveSession,
    NoAudioStreamError,
    Partial,
    RecognitionTimeoutError,
    Reconnecting,
    Segment,
    ServiceError,
    ServiceUnreachableError,
    SessionStateError,
    SpeechStarted,
    Started,
    ThrottledError,
    open_audio,
)
from azstt.backends import Capabilities
from azstt.testing import Cue, ScriptedBackend
from azstt.testing._scripted import EVERYTHING

pytestmark = pytest.mark.anyio
AUDIO = AudioFormat()
PIECE = bytes(AUDIO.size(0.1))


def partial(text: str, end: float) -> Partial:
    """Return an interim result of a segment that starts at 0."""
    return Partial(text=text, start=0.0, end=end)


def final(text: str, start: float, end: float) -> Final:
    """Return a final result."""
    return Final(segment=Segment(text=text, start=start, end=end))


async def pump(live: LiveSession, seconds: float) -> None:
    """Send audio, and finish."""
    for _ in range(round(seconds * 10)):
        await live.send(PIECE)
    await live.finish()


async def send(live: LiveSession, pieces: int) -> None:
    """Send audio."""
    for _ in range(pieces):
        await live.send(PIECE)


async def until(condition) -> None:
    """Wait for something that happens on another thread."""
    with anyio.fail_after(10):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await anyio.sleep(0.005)


def stuck(at: float, *before, **described) -> ScriptedBackend:
    """A recognizer that takes audio up to a second, and hangs then until it is closed."""
    hangs = Cue(event=SpeechStarted(at=at), at=at, delay=math.inf)
    return ScriptedBackend([*before, hangs], **described)


@pytest.mark.usefixtures("no_thread_left")
async def test_events_come_while_audio_goes():
    """Every event reaches the reader in order, and the transcript is what files give."""
    script = [
        SpeechStarted(at=0.0),
        partial("hello", 0.3),
        partial("hello world", 0.6),
        final("Hello, world.", 0.0, 0.8),
    ]
    async with LiveSession(backend=ScriptedBackend(script, model="small")) as live:
        await pump(live, 1.0)
        events = [event async for event in live]
    assert [event.kind for event in events] == [
        *("started", "speech_started", "partial", "partial", "final", "ended")
    ]
    assert events[3] == partial("hello world", 0.6).model_copy(
        update={"stable": "hello", "tail": " world", "delta": "hello"}
    )
    transcript = live.transcript
    assert (transcript.text, transcript.model, transcript.duration) == ("Hello, world.", "small", 1)
    assert transcript.ledger.unaccounted == 0


async def test_the_transcript_is_there_at_any_time():
    """During the session it has what was said; audio without a result is pending, not missing."""
    async with LiveSession(backend=ScriptedBackend([final("One.", 0.0, 0.5)])) as live:
        for _ in range(10):
            await live.send(PIECE)
        await until(lambda: live.transcript.text == "One.")
        await until(lambda: live.transcript.duration == 1.0)
        (gap,) = live.transcript.ledger.gaps
        assert (gap.at, gap.reason) == (0.5, "pending")
    assert live.transcript.text == "One."


async def test_pieces_may_be_anything_that_holds_samples():
    """Bytes of any kind and NumPy arrays are sent; an empty chunk has no effect."""
    async with LiveSession(backend=ScriptedBackend()) as live:
        for piece in (
            *(b"", PIECE, bytearray(PIECE), memoryview(PIECE)),
            *(np.zeros(1_600, "i2"), np.zeros(1_600, "f4"), np.zeros(0, "i2")),
        ):
            await live.send(piece)
        await live.finish()
        assert (await live.wait()).duration == pytest.approx(0.5)


@pytest.mark.parametrize("call", ["send", "finish", "receive", "wait"])
async def test_nothing_goes_before_the_start(call):
    """The message says what to do first."""
    live = LiveSession(backend=ScriptedBackend())
    with pytest.raises(SessionStateError, match=r"before start\(\); start the session first"):
        await getattr(live, call)(*[b""][: call == "send"])
    with pytest.raises(SessionStateError, match=r"before start\(\)"):
        _ = live.transcript
    await live.aclose()


async def test_after_the_end_no_audio_is_taken():
    """Finished and closed are told apart; a session starts once."""
    live = LiveSession(backend=ScriptedBackend())
    await live.start()
    with pytest.raises(SessionStateError, match="starts once"):
        await live.start()
    await live.finish()
    with pytest.raises(SessionStateError, match=r"send\(\) after finish\(\)"):
        await live.send(PIECE)
    await live.aclose()
    await live.aclose()
    with pytest.raises(SessionStateError, match=r"finish\(\) after the session was closed"):
        await live.finish()


@pytest.mark.usefixtures("no_thread_left")
async def test_closed_without_finish_the_iteration_ends():
    """The events that came before the close can still be read, and nothing else follows."""
    async with LiveSession(backend=ScriptedBackend([final("One.", 0.0, 0.5)])) as live:
        for _ in range(6):
            await live.send(PIECE)
        await until(lambda: live.transcript.text)
        await live.aclose()
    assert [event.kind async for event in live] == ["started", "final"]
    with pytest.raises(anyio.EndOfStream):
        await live.receive()


async def test_the_events_have_one_reader_at_a_time():
    """A second one would take events from the first; one after the other may read."""
    async with LiveSession(backend=ScriptedBackend()) as live:
        assert isinstance(await live.receive(), Started)
        async with anyio.create_task_group() as group:
            group.start_soon(live.receive)
            await anyio.wait_all_tasks_blocked()
            with pytest.raises(SessionStateError, match="one reader"):
                await live.receive()
            group.cancel_scope.cancel()
        await live.finish()
        assert [event.kind async for event in live.events()] == ["ended"]


async def test_canceling_loses_no_event():
    """However often a reader gives up waiting, it gets every event once and in order."""
    count = 200
    script = [final(str(n), n / 100, (n + 1) / 100) for n in range(count)]
    chance = random.Random(1)  # noqa: S311 - it cancels, and guards nothing
    read: list[str] = []
    async with (
        LiveSession(backend=ScriptedBackend(script)) as live,
        anyio.create_task_group() as group,
    ):
        group.start_soon(pump, live, count / 100)
        while len(read) < count:
            with anyio.move_on_after(chance.random() / 1_000):
                event = await live.receive()
                read += [event.segment.text] if isinstance(event, Final) else []
    assert read == [str(n) for n in range(count)]


async def test_a_send_that_is_canceled_has_taken_nothing():
    """When the recognizer is behind, send waits; canceled, it has sent none of its chunk."""
    async with LiveSession(backend=stuck(0.1), buffer=0.3) as live:
        with anyio.move_on_after(0.3) as scope:
            while True:
                await live.send(PIECE)
        assert scope.cancelled_caught
        sent = live.transcript.ledger.decoded
        with anyio.move_on_after(0.1):
            await live.send(PIECE)
        assert live.transcript.ledger.decoded == sent > 0
        await live.aclose()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("announced", ["webm", AUDIO], ids=["container", "pcm"])
async def test_a_large_piece_is_taken_whole_or_not_at_all(audio, announced):
    """Whenever asyncio itself cancels a send, as its timeouts do, the piece can be sent again."""
    webm = (audio / "mediarecorder.webm").read_bytes()
    whole, seconds = (webm, seconds_of(webm)) if announced == "webm" else (PIECE * 90, 9.0)
    async with LiveSession(audio=announced, backend=ScriptedBackend()) as live:
        for turns in range(1_000):
            sending = asyncio.ensure_future(live.send(whole))
            for _ in range(turns):
                await asyncio.sleep(0)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
                break
        await live.finish()
        assert (await live.wait()).duration == pytest.approx(seconds, abs=0.001)


async def test_the_smallest_buffer_is_one_all_the_same():
    """At least one frame may wait, or nothing could ever be sent."""
    async with LiveSession(backend=ScriptedBackend(), buffer=1e-6) as live:
        with anyio.fail_after(10):
            assert (await live.transcribe([PIECE] * 3)).duration == pytest.approx(0.3)


async def test_only_one_sends_at_a_time():
    """Two senders would mix their audio."""
    async with (
        LiveSession(backend=stuck(0.1), buffer=0.1) as live,
        anyio.create_task_group() as group,
    ):
        for _ in range(2):
            await live.send(PIECE)
        group.start_soon(live.send, PIECE)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(SessionStateError, match=r"while another send\(\) is running"):
            await live.send(PIECE)
        group.cancel_scope.cancel()
        await live.aclose()


@pytest.mark.parametrize("call", ["finish", "commit", "update"])
async def test_other_calls_take_their_turn_behind_a_send(call):
    """A stop button's `finish` waits for the pump's `send`, whose audio still counts."""
    hold = threading.Event()
    backend = HeldBackend([], hold, at=0.1)
    async with LiveSession(backend=backend, buffer=0.1) as live:
        await live.send(PIECE)
        await until(lambda: backend.taken >= 0.1)
        await live.send(PIECE)
        async with anyio.create_task_group() as group:
            group.start_soon(live.send, PIECE)  # which waits for room
            await anyio.wait_all_tasks_blocked()
            group.start_soon(getattr(live, call))
            await anyio.wait_all_tasks_blocked()
            hold.set()
    assert live.transcript.complete
    assert live.transcript.duration == pytest.approx(0.3)


async def test_of_two_that_begin_to_send_at_once_one_is_refused():
    """Exactly one is refused, and neither waits forever."""
    refused: list[str] = []
    async with LiveSession(backend=ScriptedBackend()) as live:

        async def one() -> None:
            try:
                await live.send(PIECE)
            except SessionStateError as error:
                refused.append(str(error))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
    assert refused == ["send() while another send() is running; one at a time"]
    assert live.transcript.ledger.decoded == pytest.approx(0.1)


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("call", ["send", "finish"])
async def test_while_the_start_is_at_work_no_audio_is_taken(call):
    """Audio that cannot be taken yet is refused, not silently lost."""
    backend = SlowToOpen()
    async with anyio.create_task_group() as group:
        live = LiveSession(backend=backend)
        group.start_soon(live.start)
        await until(backend.opening.is_set)
        with pytest.raises(SessionStateError, match=r"while start\(\) is running"):
            await getattr(live, call)(*[PIECE][: call == "send"])
        backend.go_on.set()
    await live.aclose()


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("way", ["closed", "canceled"])
async def test_a_start_that_is_left_leaves_no_session(way):
    """A recognizer's session that comes too late is closed, and never started."""
    backend = SlowToOpen()
    live = LiveSession(backend=backend)

    async def start() -> None:
        with pytest.raises(SessionStateError, match=r"start\(\) after the session was closed"):
            await live.start()

    async with anyio.create_task_group() as group:
        group.start_soon(start if way == "closed" else live.start)
        await until(backend.opening.is_set)
        if way == "closed":
            await live.aclose()
        else:
            group.cancel_scope.cancel()
    backend.go_on.set()
    await until(lambda: backend.calls)
    assert set(backend.calls) == {"close"}


async def test_closing_frees_a_send_that_waits():
    """A send that waits for room raises when the session is closed."""
    live = LiveSession(backend=stuck(0.1), buffer=0.1)
    await live.start()

    async def send_on() -> None:
        with pytest.raises(SessionStateError, match=r"after the session was closed"):
            await send(live, 1_000)

    async with anyio.create_task_group() as group:
        group.start_soon(send_on)
        await until(lambda: live.transcript.ledger.decoded >= 0.2)
        await live.aclose()


async def test_what_is_dropped_is_named_and_times_stay_true():
    """The oldest audio goes, as an event and in the ledger, and later words are in place."""
    hold = threading.Event()
    later = final("Later.", 1.0, 1.5)  # in the time of the recognizer, which was given less
    backend = HeldBackend([later], hold, at=0.5)
    async with LiveSession(backend=backend, overflow="drop_oldest", buffer=1.0) as live:
        await live.send(PIECE * 5)
        await until(lambda: backend.taken >= 0.5)
        for _ in range(30):
            await live.send(PIECE)
        hold.set()
        await until(lambda: live.transcript.duration >= 3.5)
        await live.finish()
        events = [event async for event in live]
    gaps = [event for event in events if isinstance(event, AudioGap)]
    assert gaps[0].start == pytest.approx(0.5)
    assert gaps[-1].end == pytest.approx(2.5)
    (segment,) = live.transcript.segments
    assert (segment.start, segment.end) == (pytest.approx(3.0), pytest.approx(3.5))
    ledger = live.transcript.ledger
    (gap,) = ledger.gaps
    assert (gap.at, gap.seconds, gap.reason) == (
        *(pytest.approx(0.5), pytest.approx(2.0), "dropped"),
    )
    assert ledger.sent == pytest.approx(3.5)
    assert ledger.sent == pytest.approx(ledger.recognized + ledger.silent + gap.seconds)
    assert isinstance(events[-1], Ended)
    assert events[-1].position == pytest.approx(3.5)
    assert live.usage.audio_seconds == pytest.approx(1.5)


async def test_too_much_audio_may_be_an_error():
    """The message names the limit and the remedies; nothing of the piece is taken."""
    async with LiveSession(backend=stuck(0.1), overflow="error", buffer=0.3) as live:
        with pytest.raises(SessionStateError, match=r"buffer=0\.3 s .* overflow='block'"):
            await send(live, 10)
        assert 0.3 <= live.transcript.ledger.decoded < 0.7
        await live.aclose()


async def test_a_failure_comes_after_the_events_before_it():
    """The reader gets every event, then the error with the partial; others are told of it."""
    failed = Cue(event=Failed(error=ThrottledError("too many", retry_after=2.0)), at=0.6)
    told: list[Failed] = []
    async with LiveSession(backend=ScriptedBackend([final("One.", 0.0, 0.5), failed])) as live:
        live.on(Failed, told.append)
        await live.send(PIECE * 7)
        assert [(await live.receive()).kind for _ in range(2)] == ["started", "final"]
        with pytest.raises(ThrottledError) as caught:
            await live.receive()
        assert caught.value.partial is not None
        assert caught.value.partial.text == "One."
        with pytest.raises(ThrottledError):
            await live.wait()
        for call in (live.send(PIECE), live.finish()):
            with pytest.raises(SessionStateError, match="after the session failed") as after:
                await call
            assert isinstance(after.value.__cause__, ThrottledError)
    assert [failure.error.retry_after for failure in told] == [2.0]


@pytest.mark.usefixtures("no_thread_left")
async def test_a_session_that_cannot_start_says_why():
    """The error comes out of the start, bare, and nothing is left open."""
    refused = ServiceUnreachableError("no route")
    live = LiveSession(backend=ScriptedBackend(start_error=refused))
    with pytest.raises(ServiceUnreachableError, match="no route"):
        async with live:
            pytest.fail("it has not started")


async def test_an_end_that_comes_too_early_is_an_error():
    """A recognizer that stops in the middle is no success."""
    script = [Cue(event=Ended(position=0.5), at=0.5)]
    async with LiveSession(backend=ScriptedBackend(script)) as live:
        for _ in range(5):
            await live.send(PIECE)
        with pytest.raises(ServiceError, match=r"ended the session at 0\.5 s, before the audio"):
            await live.wait()


async def test_a_shortened_transcript_is_an_error():
    """Audio without an answer is not silently left out."""
    script = [final("One.", 0.0, 0.5), Cue(event=Ended(position=1.0), at=3.0)]
    async with LiveSession(backend=ScriptedBackend(script)) as live:
        await pump(live, 2.0)
        with pytest.raises(IncompleteTranscriptError, match=r"1\.0 of 2\.0 s") as caught:
            await live.wait()
    assert caught.value.partial is not None
    assert caught.value.partial.text == "One."


async def test_a_recognizer_that_hangs_is_given_up():
    """A session never waits forever, and the error says how long it waited."""
    backend = stuck(0.1, capabilities=Capabilities(stall_timeout=0.3))
    async with LiveSession(backend=backend) as live:
        await pump(live, 0.5)
        with pytest.raises(
            RecognitionTimeoutError, match=r"stalled: no audio accepted and no result for 0\.3 s"
        ):
            async for _ in live:
                pass


@pytest.mark.parametrize("overflow", ["block", "drop_oldest", "error"])
async def test_whoever_only_sends_learns_of_a_recognizer_that_hangs(overflow):
    """With handlers no call waits for events: the send that finds no room raises."""
    backend = stuck(0.1, capabilities=Capabilities(stall_timeout=0.3))
    async with LiveSession(backend=backend, overflow=overflow, buffer=0.2) as live:

        async def send_on() -> None:
            while True:
                with suppress(SessionStateError):
                    await live.send(PIECE)
                await anyio.sleep(0.01)

        with pytest.raises(RecognitionTimeoutError), anyio.fail_after(30):
            await send_on()


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("call", ["open", "start"])
async def test_a_start_that_hangs_is_given_up(call):
    """A recognizer that never opens or starts is given up after its stall timeout."""
    hold = threading.Event()
    backend = HangsIn(call, hold, capabilities=Capabilities(stall_timeout=0.3))
    with pytest.raises(RecognitionTimeoutError), anyio.fail_after(30):
        await LiveSession(backend=backend).start()
    hold.set()


async def test_a_speaker_who_pauses_is_waited_for():
    """A pause in the audio, however long, is not a stall."""
    backend = ScriptedBackend(capabilities=Capabilities(stall_timeout=0.2))
    async with LiveSession(backend=backend) as live:
        await live.send(PIECE)
        assert isinstance(await live.receive(), Started)
        with anyio.move_on_after(0.8) as scope:
            await live.receive()
        assert scope.cancelled_caught
        await live.finish()
        await live.wait()


async def test_handlers_are_called_with_their_kind_of_event():
    """Callback style: each handler gets its kind, until it is taken off."""
    script = [final("One.", 0.0, 0.2), Cue(event=final("Two.", 0.2, 0.4), at=0.8)]
    texts: list[str] = []
    ended: list[float] = []
    live = LiveSession(backend=ScriptedBackend(script))
    live.on(Ended, lambda event: ended.append(event.position))
    off = live.on(Final, lambda event: texts.append(event.segment.text))
    async with live:
        await live.send(PIECE * 5)
        await until(lambda: texts)
        off()
        off()
        await live.send(PIECE * 5)
        await live.finish()
        assert (await live.wait()).text == "One. Two."
    assert (texts, ended) == (["One."], [1.0])


async def test_what_a_handler_raises_ends_the_session_and_comes_out():
    """A fault in the user's code is the user's to see, not swallowed."""
    live = LiveSession(backend=ScriptedBackend([final("One.", 0.0, 0.2)]))

    def handler(event: Final) -> None:
        raise KeyError(event.kind)

    live.on(Final, handler)
    async with live:
        await live.send(PIECE * 5)
        with pytest.raises(KeyError, match="final"):
            await live.wait()


async def test_a_handler_that_raises_on_a_drop_or_a_failure_hides_nothing():
    """A dropped-audio handler's error ends the session; a failure is not replaced by another."""

    def broken(event: AudioGap | Failed) -> None:
        raise KeyError(event.kind)

    async with LiveSession(backend=stuck(0.1), overflow="drop_oldest", buffer=0.2) as live:
        live.on(AudioGap, broken)
        await live.send(PIECE * 10)
        with pytest.raises(KeyError, match="audio_gap"):
            await live.wait()
    failed = Cue(event=Failed(error=ThrottledError("too many")), at=0.5)
    async with LiveSession(backend=ScriptedBackend([failed])) as live:
        live.on(Failed, broken)
        await live.send(PIECE * 6)
        with pytest.raises(ThrottledError):
            await live.wait()


async def test_a_coroutine_function_is_no_handler():
    """It would never be awaited, so it is refused at once."""

    async def handler(event: Final) -> None:
        pass

    with pytest.raises(ConfigurationError, match="plain function"):
        LiveSession(backend=ScriptedBackend()).on(Final, handler)


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_source_is_transcribed_in_one_call(kind):
    """Any iterable of pieces, async or not, is sent to its end."""
    pieces = [PIECE] * 10

    async def arriving():
        for piece in pieces:
            await anyio.lowlevel.checkpoint()
            yield piece

    async with LiveSession(backend=ScriptedBackend.saying("Hello, world.")) as live:
        transcript = await live.transcribe(pieces if kind == "plain" else arriving())
    assert (transcript.text, transcript.duration) == ("Hello, world.", 1.0)


async def test_what_a_source_raises_comes_out_bare():
    """A microphone that breaks is an error of the call."""

    def broken():
        yield PIECE
        raise OSError("unplugged")

    async with LiveSession(backend=ScriptedBackend()) as live:
        with pytest.raises(OSError, match="unplugged"):
            await live.transcribe(broken())


@pytest.mark.parametrize("call", ["wait", "transcribe"])
async def test_whoever_waits_for_the_whole_is_told_that_it_was_closed(call):
    """A part is not passed off as the whole, and a source that pauses is not waited for."""
    live = LiveSession(backend=ScriptedBackend([final("One.", 0.0, 0.5)]))
    await live.start()

    async def pausing():
        yield PIECE * 6
        await anyio.sleep_forever()

    async def whole() -> None:
        with pytest.raises(SessionStateError, match="closed before its end") as caught:
            await (live.transcribe(pausing()) if call == "transcribe" else live.wait())
        assert caught.value.partial is not None
        assert caught.value.partial.text == ("One." if call == "transcribe" else "")

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(whole)
            await anyio.wait_all_tasks_blocked()
            await until(lambda: call == "wait" or live.transcript.text)
            await live.aclose()


@pytest.mark.usefixtures("no_thread_left")
async def test_a_source_is_left_when_its_transcription_is_canceled():
    """Nothing is pulled from it anymore, at once and without a warning."""
    pulled: list[bytes] = []

    def endless():
        while True:
            pulled.append(PIECE)
            yield PIECE

    async with LiveSession(backend=stuck(0.1), buffer=0.2) as live:
        with anyio.move_on_after(0.2):
            await live.transcribe(endless())
        before = len(pulled)
        await anyio.sleep(0.05)
        await live.aclose()
    assert len(pulled) == before > 0


async def test_start_send_and_close_may_stand_in_different_tasks():
    """As in the cells of a notebook, or the handlers of a server."""
    live = LiveSession(backend=ScriptedBackend.saying("Hello."))
    for step in (live.start, lambda: pump(live, 1.0), live.wait, live.aclose):
        async with anyio.create_task_group() as group:
            group.start_soon(step)
    assert live.transcript.text == "Hello."


async def test_latencies_and_reconnections_are_counted():
    """What a user of the session wants to watch is there, while it goes on and in the end."""
    script = [
        Cue(event=Reconnecting(attempt=1, delay=0.0, reason="lost"), at=0.2),
        Cue(event=partial("one", 0.3), at=0.3, delay=0.05),
        final("One.", 0.0, 0.5),
    ]
    async with LiveSession(backend=ScriptedBackend(script)) as live:
        await pump(live, 1.0)
        usage = (await live.wait()).usage
    assert usage.reconnects == 1
    assert usage.audio_seconds == 1.0
    assert usage.first_partial_latency is not None
    assert usage.first_partial_latency >= 0.05
    assert usage.final_latency is not None
    assert usage.first_result_latency is not None
    assert usage.wall_seconds >= usage.first_result_latency


LOST = ServiceError("the line is down", code="4711")
DOWN = Cue(event=Reconnecting(attempt=1, delay=0.0, reason="the line is down", error=LOST), at=0.2)


async def test_a_session_that_stalls_tells_what_went_wrong_before():
    """A recognizer that reconnects and then does nothing more is a time-out with that error."""
    stuck = Cue(event=Reconnecting(attempt=2, delay=0.0, reason="it is down"), at=0.3, delay=1e6)
    able = EVERYTHING.model_copy(update={"stall_timeout": 0.3})
    backend = ScriptedBackend([DOWN, stuck], capabilities=able)
    async with LiveSession(backend=backend) as live:
        await pump(live, 1.0)
        with pytest.raises(
            RecognitionTimeoutError, match=r"the last error was: the line"
        ) as caught:
            await live.wait()
    assert caught.value.__cause__ is LOST
    assert caught.value.code == "4711"


async def test_a_session_without_audio_tells_what_went_wrong_before():
    """The time-out of a sender that has died while the recognizer was away tells that, too."""
    async with LiveSession(backend=ScriptedBackend([DOWN]), idle_timeout=0.3) as live:
        await live.send(PIECE * 10)
        with pytest.raises(SessionStateError, match="last error was: the line") as caught:
            await live.wait()
    assert caught.value.__cause__ is LOST


async def test_a_trouble_that_is_over_is_not_told():
    """An error before the last results has nothing to do with a time-out after them."""
    script = [DOWN, Cue(event=partial("one", 0.3), at=0.3)]
    async with LiveSession(backend=ScriptedBackend(script), idle_timeout=0.3) as live:
        await live.send(PIECE * 10)
        with pytest.raises(SessionStateError, match="no audio") as caught:
            await live.wait()
    assert caught.value.__cause__ is None


async def test_hours_of_unread_partials_are_no_burden():
    """A reader that comes late finds the last partial, and every final."""
    script = [partial(f"word {n}", n / 1_000) for n in range(1, 2_000)]
    async with LiveSession(backend=ScriptedBackend([*script, final("End.", 0.0, 2.0)])) as live:
        await pump(live, 2.0)
        await live.wait()
        events = [event async for event in live]
    assert len(events) < 300
    assert [event.kind for event in events[-3:]] == ["partial", "final", "ended"]
    assert events[-3].text == "word 1999"
    deltas = "".join(event.delta for event in events if isinstance(event, Partial))
    assert deltas == events[-3].stable


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"audio": "wma"}, "audio='wma' is neither an AudioFormat nor one of auto, webm"),
        ({"overflow": "drop"}, "overflow='drop' is not one of block, drop_oldest, error"),
        ({"buffer": 0}, "buffer=0 must be a number of seconds above 0"),
        ({"buffer": math.inf}, "buffer=inf"),
        ({"idle_timeout": 0.0}, r"idle_timeout=0\.0 must be a number .* or None"),
        ({"idle_timeout": math.nan}, "idle_timeout=nan"),
        ({"channels": "separate"}, "open one for each"),
        ({"on_reconnect": print}, "'quiet' backend never reconnects"),
        ({"language": "de-DE"}, "'quiet' backend does not recognize language 'de-DE'"),
        ({"phrases": ["azstt"]}, "does not support option 'phrases'"),
        ({"langage": "en"}, "'langage'"),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_starts(wrong, words):
    """The constructor says what is wrong, and what would be right."""
    quiet = ScriptedBackend(name="quiet", capabilities=Capabilities(languages=frozenset({"en"})))
    with pytest.raises(ConfigurationError, match=words):
        LiveSession(backend=quiet, **wrong)


@pytest.mark.parametrize("call", ["commit", "update"])
async def test_what_the_backend_cannot_is_refused(call):
    """A commit or an update that would be ignored is an error instead."""
    quiet = ScriptedBackend(name="quiet", capabilities=Capabilities(phrases=True))
    async with LiveSession(backend=quiet) as live:
        with pytest.raises(ConfigurationError, match=r"'quiet' backend (cannot|does not support)"):
            await (live.commit() if call == "commit" else live.update(phrases=["azstt"]))


async def test_options_that_do_not_go_together_change_nothing():
    """A refused update is an error of that call only, and the next one begins where it was."""
    backend = Particular()
    async with LiveSession(backend=backend) as live:
        await live.send(PIECE)
        with pytest.raises(ConfigurationError, match="'phrase_weight' needs 'phrases'"):
            await live.update(phrase_weight=2.0)
        await live.update(language="de-DE")
        await live.send(PIECE)
        await live.finish()
        assert (await live.wait()).duration == pytest.approx(0.2)
    assert [(asked.language, asked.phrase_weight) for asked in backend.asked[1:]] == [
        (("de-DE",), None)
    ]


async def test_an_update_does_not_outlast_the_session():
    """When the recognizer is behind, it waits, but not beyond the end of the session."""
    live = LiveSession(backend=stuck(0.1))
    await live.start()
    await live.send(PIECE)

    async def update() -> None:
        with pytest.raises(SessionStateError, match="closed before the update was applied"):
            await live.update(phrases=["azstt"])

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(update)
            await anyio.wait_all_tasks_blocked()
            await live.aclose()


@pytest.mark.parametrize("piece", [50, 100_000])
async def test_a_browsers_recording_is_heard_in_pieces(audio, piece):
    """What a real MediaRecorder gives becomes words, however it is cut."""
    webm = (audio / "mediarecorder.webm").read_bytes()
    pieces = [webm[at : at + piece] for at in range(0, len(webm), piece)]
    async with LiveSession(audio="webm", backend="local") as live:
        transcript = await live.transcribe(pieces)
    assert "fellow" in transcript.text
    assert transcript.duration == pytest.approx(seconds_of(webm), abs=0.001)


@pytest.mark.parametrize("file", ["flac.flac", "vorbis.ogg", "mp3.mp3", "pcm_s24_8k.wav"])
async def test_whatever_comes_is_told_from_its_first_bytes(audio, file):
    """With "auto" nobody needs to know the container, decoded at once or in a thread."""
    data = (audio / "containers" / file).read_bytes()
    async with LiveSession(audio="auto", backend=ScriptedBackend()) as live:
        transcript = await live.transcribe([data[at : at + 999] for at in range(0, len(data), 999)])
    assert transcript.ledger.decoded == pytest.approx(seconds_of(data), abs=0.06)


async def test_pcm_of_any_shape_is_resampled():
    """A second of telephone stereo in floats is a second of speech."""
    phone = AudioFormat(sample_rate=8_000, channels=2, sample_width=4, floating=True)
    async with LiveSession(audio=phone, backend=ScriptedBackend()) as live:
        transcript = await live.transcribe([np.zeros((800, 2), "f4")] * 10)
    assert transcript.duration == pytest.approx(1.0, abs=0.001)


async def test_a_picture_in_the_stream_holds_nobody_up(audio):
    """A decoder that takes megabytes and gives no sound for them makes room all the same."""
    flac = (audio / "noise.flac").read_bytes()
    picture = bytes([6, *(6 << 20).to_bytes(3)]) + bytes(6 << 20)
    whole = flac[:42] + picture + flac[42:]
    pieces = [whole[at : at + (2 << 20)] for at in range(0, len(whole), 2 << 20)]
    async with LiveSession(audio="flac", backend=ScriptedBackend()) as live:
        with anyio.fail_after(30):
            transcript = await live.transcribe(pieces)
    assert transcript.duration == pytest.approx(seconds_of(flac))


async def test_a_close_that_hangs_leaves_only_itself():
    """The recognizer's own thread is left alone; the decoder's is not left with it."""
    hold = threading.Event()
    live = LiveSession(audio="mp4", backend=HangsIn("close", hold))
    await live.start()
    await live.send(b"\0\0\0\x18ftypiso5" + bytes(12))
    with anyio.fail_after(10):
        await live.aclose()
    await until(lambda: "azstt live decode" not in {t.name for t in threading.enumerate()})
    hold.set()


async def test_what_is_no_audio_is_an_error_with_what_was_found():
    """A page that sends a picture is told so, by send or by whatever waits."""
    async with LiveSession(audio="webm", backend=ScriptedBackend()) as live:
        with pytest.raises(NoAudioStreamError, match="PNG"):
            await live.transcribe([b"\x89PNG\r\n\x1a\n" + bytes(5_000)])


async def test_damage_in_the_stream_is_in_the_ledger(audio):
    """Audio that cannot be decoded is a named gap, and the rest is recognized."""
    whole = (audio / "containers" / "mp3.mp3").read_bytes()
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\x55" * 2_000 + whole[middle + 2_000 :]
    async with LiveSession(audio="mp3", backend=ScriptedBackend()) as live:
        with pytest.warns(IncompleteAudioWarning, match="damaged"):
            transcript = await live.transcribe([damaged])
    (gap,) = transcript.ledger.gaps
    assert gap.reason == "damaged"
    assert gap.at < transcript.duration < seconds_of(whole)


def seconds_of(data: bytes) -> float:
    """Return the duration of a file, in seconds."""
    with open_audio(data) as reader:
        for _ in reader:
            pass
        return reader.report.seconds


class HeldBackend(ScriptedBackend):
    """Holds back a write at a second of the audio until it is told to go on."""

    def __init__(self, script, hold: threading.Event, *, at: float) -> None:
        super().__init__(script)
        self.hold = hold
        self.at = at
        self.taken = 0.0

    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        write = session.write

        def held(pcm: bytes) -> None:
            self.taken += audio.seconds(len(pcm))
            write(pcm)
            if self.taken >= self.at:
                assert self.hold.wait(10)

        session.write = held
        return session


class HangsIn(ScriptedBackend):
    """Hangs in one call of its session until it is let go."""

    def __init__(self, call: str, hold: threading.Event, **described) -> None:
        super().__init__(**described)
        self.call = call
        self.hold = hold

    def open(self, options, audio, emit):
        if self.call == "open":
            self.hold.wait(60)
        session = super().open(options, audio, emit)
        setattr(session, self.call, lambda: self.hold.wait(60))
        return session


class SlowToOpen(ScriptedBackend):
    """Opens a session slowly, and records the calls that it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.opening = threading.Event()
        self.go_on = threading.Event()
        self.calls: list[str] = []

    def open(self, options, audio, emit):
        self.opening.set()
        assert self.go_on.wait(10)
        session = super().open(options, audio, emit)
        for call in ("start", "close"):
            setattr(session, call, self._noted(call, getattr(session, call)))
        return session

    def _noted(self, name, call):
        def noted() -> None:
            self.calls.append(name)
            call()

        return noted


class Particular(ScriptedBackend):
    """Refuses a weight without phrases, and goes on as before."""

    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        update = session.update

        def particular(asked) -> None:
            if asked.phrase_weight and not asked.phrases:
                raise ConfigurationError("option 'phrase_weight' needs 'phrases'")
            update(asked)

        session.update = particular
        return session
