"""Programs whose audio comes from a source: whatever breaks or is canceled, no word is lost."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

import anyio
import numpy as np
import pytest

import azstt
from azstt import BlockingLiveSession, LiveSession
from azstt.testing import ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")
asyncs = pytest.mark.anyio
on_asyncio = pytest.mark.parametrize("anyio_backend", ["asyncio"])

LAST = "for you"
#: Bytes that a program sends at a time.
PIECE = 3_200


@pytest.fixture(scope="module")
def recording(audio) -> list[bytes]:
    """A real voice, as pieces of PCM; `LAST` is among its last words."""
    with azstt.open_audio(audio / "jfk.wav", end=10.4) as reader:
        pcm = b"".join(reader)
    return [pcm[at : at + PIECE] for at in range(0, len(pcm), PIECE)]


@pytest.fixture(params=["blocking", "async"])
def source(request, recording):
    """A source that may be iterated over once."""

    async def arriving():
        for piece in recording:
            await anyio.lowlevel.checkpoint()
            yield piece

    return iter(recording) if request.param == "blocking" else arriving()


@pytest.fixture(params=["blocking", "async"])
def unplugged(request, recording):
    """A microphone that is unplugged after all of the recording."""

    def blocking():
        yield from recording
        raise azstt.AudioSourceError("unplugged")

    async def arriving():
        for piece in blocking():
            yield piece

    return blocking() if request.param == "blocking" else arriving()


def endless(pieces, pulled):
    """A microphone: it says the pieces, then is silent for ever; it notes what was pulled."""
    for piece in pieces:
        pulled.append(piece)
        yield piece
    while True:
        time.sleep(0.01)
        pulled.append(bytes(PIECE))
        yield bytes(PIECE)


def check(transcript: azstt.Transcript | None) -> None:
    """Check that the last words are there, and that nothing is missing."""
    assert transcript is not None
    assert LAST in transcript.text.lower()
    assert transcript.complete
    assert transcript.duration == pytest.approx(10.4, abs=0.01)


def test_feed_and_read(backend, recording):
    """A thread's program feeds a source, reads the events, and has every word."""
    with BlockingLiveSession(backend=backend) as live:
        live.feed(recording)
        finals = [event.segment.text for event in live if isinstance(event, azstt.Final)]
    check(live.transcript)
    assert LAST in " ".join(finals).lower()


def test_feed_and_leave(backend, recording):
    """The end of the block waits for the whole source."""
    with BlockingLiveSession(backend=backend) as live:
        live.feed(iter(recording))
    check(live.transcript)


def test_feed_one_source_after_another(backend, recording):
    """A source need not be the last one."""
    with BlockingLiveSession(backend=backend) as live:
        live.feed(recording[:50], finish=False).wait()
        live.feed(recording[50:])
        check(live.wait())


def test_feed_until_a_stop_button(backend, recording):
    """`finish` ends an endless source, and what was pulled from it counts."""
    pulled: list[bytes] = []
    with BlockingLiveSession(backend=backend) as live:
        live.feed(endless(recording, pulled))
        while len(pulled) < len(recording):
            time.sleep(0.001)
        live.finish()
        transcript = live.wait()
    assert LAST in transcript.text.lower()
    assert transcript.duration == pytest.approx(len(pulled) / 10, abs=0.01)


def test_a_microphone_is_unplugged(backend, unplugged):
    """What came before it is recognized, and in the error, which comes once and bare."""

    def program() -> None:
        with BlockingLiveSession(backend=backend) as live:
            live.feed(unplugged)
            for _ in live:
                pass

    with pytest.raises(azstt.AudioSourceError, match="unplugged") as caught:
        program()
    check(caught.value.partial)


def test_a_microphone_is_unplugged_while_nobody_reads(backend, unplugged):
    """The end of the block raises it."""
    live = BlockingLiveSession(backend=backend)
    with pytest.raises(azstt.AudioSourceError, match="unplugged") as caught, live:
        live.feed(unplugged)
    check(caught.value.partial)


def test_a_program_s_own_error_in_the_source(backend, recording):
    """It keeps its type, and the words are in the session's transcript."""

    def source():
        yield from recording
        raise ZeroDivisionError

    live = BlockingLiveSession(backend=backend)
    with pytest.raises(ZeroDivisionError), live:
        live.transcribe(source())
    check(live.transcript)


def test_what_a_source_gives_is_no_audio(backend, recording):
    """A piece of a wrong type is an error of the source like any other."""

    def program() -> None:
        with BlockingLiveSession(backend=backend) as live:
            live.feed([*recording, "no audio"])
            live.wait()

    with pytest.raises(azstt.ConfigurationError, match="not str") as caught:
        program()
    check(caught.value.partial)


@asyncs
async def test_iterate_over_a_transcription(backend, source):
    """One loop has the events of a source, and then every word."""
    async with LiveSession(backend=backend) as live:
        kinds = [event.kind async for event in live.transcribe(source)]
    assert (kinds[0], kinds[-1]) == ("started", "ended")
    check(live.transcript)


@asyncs
async def test_await_a_transcription(backend, source):
    """One call has all of it."""
    async with LiveSession(backend=backend) as live:
        check(await live.transcribe(source))


@asyncs
@on_asyncio
@pytest.mark.parametrize(
    "wait",
    [
        asyncio.create_task,
        lambda whole: asyncio.wait_for(whole, 60),
        asyncio.gather,
        asyncio.shield,
    ],
    ids=["create_task", "wait_for", "gather", "shield"],
)
async def test_a_transcription_is_a_coroutine(backend, recording, wait):
    """Whatever asyncio does with a coroutine works."""
    async with LiveSession(backend=backend) as live:
        done = await wait(live.transcribe(recording))
    check(done[0] if isinstance(done, list) else done)


@asyncs
async def test_a_transcription_in_a_task_group(backend, source):
    """It can be started like any async function; the block may even be left at once."""
    async with anyio.create_task_group() as group, LiveSession(backend=backend) as live:
        group.start_soon(live.transcribe, source)
        await anyio.wait_all_tasks_blocked()
    check(live.transcript)


@asyncs
async def test_feed_and_iterate(backend, source):
    """A feed needs no await; reading goes beside it."""
    async with LiveSession(backend=backend) as live:
        live.feed(source)
        kinds = [event.kind async for event in live]
    assert kinds[-1] == "ended"
    check(live.transcript)


@asyncs
async def test_await_a_feed(backend, source):
    """Awaited, it was all sent."""
    async with LiveSession(backend=backend) as live:
        await live.feed(source, finish=False)
        assert live.transcript.ledger.decoded == pytest.approx(10.4, abs=0.01)
        await live.finish()
    check(live.transcript)


async def iterate(live: LiveSession, source) -> None:
    """Read the events of a source."""
    async for _ in live.transcribe(source):
        pass


async def await_all(live: LiveSession, source) -> None:
    """Wait for the transcript of a source."""
    await live.transcribe(source)


async def await_feed(live: LiveSession, source) -> None:
    """Wait until a source was sent."""
    await live.feed(source)


async def feed_and_read(live: LiveSession, source) -> None:
    """Read the events beside the feed."""
    live.feed(source)
    async for _ in live:
        pass


async def feed_and_wait(live: LiveSession, source) -> None:
    """Wait beside the feed."""
    live.feed(source)
    await live.wait()


async def feed_and_leave(live: LiveSession, source) -> None:
    """Leave it to the end of the block."""
    live.feed(source)


@asyncs
@pytest.mark.parametrize(
    "form", [iterate, await_all, await_feed, feed_and_read, feed_and_wait, feed_and_leave]
)
@pytest.mark.parametrize("unplugged", ["async"], indirect=True)
async def test_an_async_microphone_is_unplugged(backend, unplugged, form):
    """In every form the error itself comes, once, with every word."""

    async def program() -> None:
        async with LiveSession(backend=backend) as live:
            await form(live, unplugged)

    with pytest.raises(azstt.AudioSourceError, match="unplugged") as caught:
        await program()
    check(caught.value.partial)


@asyncs
async def test_a_loop_is_left_and_goes_on(backend, source):
    """After a break the same source goes on, and nothing between is lost."""
    async with LiveSession(backend=backend) as live:
        async for event in live.transcribe(source):
            if isinstance(event, azstt.Started | azstt.SpeechStarted):
                break
        kinds = [event.kind async for event in live.transcribe(source)]
    assert kinds[-1] == "ended"
    check(live.transcript)


@asyncs
async def test_a_loop_is_left_and_the_block_too(backend, recording):
    """A source that never ends is stopped when its loop and its block are left."""
    pulled: list[bytes] = []
    with anyio.fail_after(60):
        async with LiveSession(backend=backend) as live:
            async for event in live.transcribe(endless(recording, pulled)):
                if isinstance(event, azstt.Final) and LAST in event.segment.text.lower():
                    break
    assert LAST in live.transcript.text.lower()
    assert live.transcript.duration == pytest.approx(len(pulled) / 10, abs=0.01)


@asyncs
@pytest.mark.parametrize("form", ["transcribe", "feed"])
async def test_canceled_again_and_again(backend, source, form):
    """Whenever a wait is canceled, going on with the same source loses nothing."""
    chance = random.Random(form)  # noqa: S311 - it cancels, and guards nothing
    async with LiveSession(backend=backend) as live:
        for _ in range(30):
            with anyio.move_on_after(chance.random() / 200):
                await (live.transcribe(source) if form == "transcribe" else live.feed(source))
        check(await live.transcribe(source))


@asyncs
async def test_canceled_and_left(backend, recording):
    """What was pulled from a source before the cancellation is recognized."""
    pulled: list[bytes] = []

    def microphone():
        for piece in recording:
            pulled.append(piece)
            yield piece
            time.sleep(0.001)

    source = microphone()
    async with LiveSession(backend=backend) as live:
        with anyio.move_on_after(0.05):
            await live.transcribe(source)
    assert pulled
    assert live.transcript.duration == pytest.approx(len(pulled) / 10, abs=0.05)
    assert live.transcript.complete


@asyncs
async def test_the_session_fails_in_a_loop_over_a_transcription():
    """`except azstt.AzsttError` around the loop gets it, without a group around it."""
    failing = ScriptedBackend([azstt.Failed(error=azstt.ServiceError("on purpose"))])
    told: list[str] = []
    try:
        async with LiveSession(backend=failing) as live:
            async for _ in live.transcribe([bytes(PIECE)] * 100):
                pass
    except azstt.AzsttError as error:
        told.append(str(error))
    assert told == ["on purpose"]


@asyncs
async def test_the_session_fails_beside_a_sender_in_a_task_group():
    """A task group wraps the failure, which is in it once; the sender has a state error at most."""
    failing = ScriptedBackend([azstt.Failed(error=azstt.ServiceError("on purpose"))])

    async def pump(live: LiveSession) -> None:
        with suppress(azstt.SessionStateError):
            while True:
                await live.send(bytes(PIECE))

    async def program() -> None:
        async with LiveSession(backend=failing) as live, anyio.create_task_group() as group:
            group.start_soon(pump, live)
            async for _ in live:
                pass

    with pytest.raises(ExceptionGroup) as caught:
        await program()
    assert [str(error) for error in caught.value.exceptions] == ["on purpose"]


@asyncs
async def test_the_session_fails_beside_a_reader_as_the_block_is_left():
    """The reader has the failure, and the block's end does not tell it again."""
    failing = ScriptedBackend([azstt.Failed(error=azstt.ServiceError("on purpose"))])

    async def read(live: LiveSession) -> None:
        async for _ in live:
            pass

    async def program() -> None:
        async with anyio.create_task_group() as group, LiveSession(backend=failing) as live:
            group.start_soon(read, live)
            await live.send(bytes(PIECE))

    with pytest.raises(ExceptionGroup) as caught:
        await program()
    assert [str(error) for error in caught.value.exceptions] == ["on purpose"]


class Clip:
    """A source that can be seen to be gone."""

    def __iter__(self):
        """Give one piece."""
        yield bytes(PIECE)


@asyncs
async def test_the_sources_of_a_long_session():
    """Those that were sent are not kept: a session may have thousands."""
    clips = [Clip() for _ in range(20)]
    seen = [weakref.ref(clip) for clip in clips]
    async with LiveSession(backend=ScriptedBackend()) as live:
        while clips:
            await live.feed(clips.pop(), finish=False)
        gc.collect()
        assert not [clip for clip in seen if clip()]


@pytest.mark.parametrize("fails", [False, True])
def test_a_source_is_let_go_at_the_end_of_the_block(fails):
    """A microphone that a generator opened is released, though the session is kept."""
    released = threading.Event()

    def microphone():
        try:
            while True:
                time.sleep(0.01)
                yield bytes(PIECE)
        finally:
            released.set()

    live = BlockingLiveSession(backend=ScriptedBackend())
    with suppress(ZeroDivisionError), live:
        live.feed(microphone())
        if fails:
            raise ZeroDivisionError
        live.finish()
    assert released.wait(5)


@pytest.mark.parametrize("kind", [anyio.EndOfStream, TimeoutError])
def test_a_source_s_error_is_no_timeout_of_the_reader(kind):
    """Whoever polls can tell a source that timed out or broke off from a pause in the events."""

    def source():
        yield bytes(PIECE)
        raise kind

    def program() -> None:
        with BlockingLiveSession(backend=ScriptedBackend()) as live:
            live.feed(source())
            while True:
                with suppress(TimeoutError):
                    live.receive(timeout=0.05)

    with pytest.raises(azstt.SessionStateError, match=f"ended by {kind.__name__}") as caught:
        program()
    assert isinstance(caught.value.__cause__, kind)
    assert caught.value.partial is not None


@asyncs
@pytest.mark.parametrize("kind", [anyio.EndOfStream, TimeoutError])
async def test_a_source_s_error_is_no_end_of_the_loop(kind):
    """A loop over the events raises it as it is."""

    def source():
        yield bytes(PIECE)
        raise kind

    def program() -> None:
        with BlockingLiveSession(backend=ScriptedBackend()) as live:
            live.feed(source())
            for _ in live:
                pass

    with pytest.raises(kind):
        async with LiveSession(backend=ScriptedBackend()) as live:
            await iterate(live, source())
    with pytest.raises(kind):
        program()


@asyncs
async def test_a_blocking_session_on_the_thread_of_a_loop():
    """It blocks that loop, whichever it is, but has a loop of its own."""
    with BlockingLiveSession(backend=ScriptedBackend.saying("Hello."), idle_timeout=2) as live:
        live.feed([bytes(PIECE)] * 10)
        assert live.wait().text == "Hello."


@asyncs
@pytest.mark.parametrize("chunk", [bytes(PIECE), np.zeros(PIECE, np.int16)])
async def test_a_chunk_is_no_source(chunk):
    """A whole array is not iterated over sample by sample: the error says what to do."""
    async with LiveSession(backend=ScriptedBackend()) as live:
        with pytest.raises(azstt.ConfigurationError, match=r"a list: transcribe\(\[chunk\]\)"):
            await live.transcribe(chunk)
        with pytest.raises(azstt.ConfigurationError, match="takes an iterable of chunks"):
            live.feed(chunk)


@asyncs
async def test_a_timer_commits_after_the_end_of_the_source(backend, recording):
    """It does not end the session while the last words are still to come."""

    async def tick(live: LiveSession) -> None:
        while True:
            await anyio.sleep(0.02)
            await live.commit()

    async with LiveSession(backend=backend) as live, anyio.create_task_group() as group:
        async for event in live.transcribe(recording):
            if event.kind == "started":
                group.start_soon(tick, live)
        group.cancel_scope.cancel()
    assert live.transcript.text  # of words that the timer cuts
    assert live.transcript.duration == pytest.approx(10.4, abs=0.01)
    assert live.transcript.complete


@pytest.mark.parametrize("leave", ["break", "interrupt", "close"])
def test_the_loop_over_a_microphone_is_left(backend, recording, leave):
    """Who stops reading stops the microphone; what it heard until then is recognized."""
    pulled: list[bytes] = []
    with BlockingLiveSession(backend=backend) as live:
        live.feed(endless(recording, pulled))
        with suppress(KeyboardInterrupt):
            for _ in live:
                while len(pulled) <= len(recording):
                    time.sleep(0.01)
                if leave == "interrupt":
                    raise KeyboardInterrupt
                break
        if leave == "close":
            live.close()
    assert LAST in live.transcript.text.lower()


@asyncs
async def test_the_loop_over_a_feed_is_left(backend, recording):
    """So it is on an event loop."""
    pulled: list[bytes] = []
    with anyio.fail_after(60):
        async with LiveSession(backend=backend) as live:
            live.feed(endless(recording, pulled))
            async for _ in live:
                if len(pulled) > len(recording):
                    break
                await anyio.sleep(0.1)
    assert LAST in live.transcript.text.lower()


def test_a_reader_in_another_thread_keeps_the_source(backend, recording):
    """The block waits for the source if it is not the reader that leaves it."""
    with BlockingLiveSession(backend=backend) as live:
        live.feed(recording)
        reading = threading.Thread(target=list, args=[live])
        reading.start()
    reading.join()
    check(live.transcript)


def test_push_to_talk_with_a_source_for_each_turn(backend, recording):
    """A thread's program waits until a turn was sent, and commits it."""
    with BlockingLiveSession(backend=backend) as live:
        turns: list[str] = []
        for _ in range(2):
            live.feed(recording, finish=False).wait()
            live.commit()
            turns.append("")
            for event in live:
                if isinstance(event, azstt.Final):
                    turns[-1] += event.segment.text.lower()
                elif isinstance(event, azstt.Committed):
                    break
    assert LAST in turns[0]
    assert live.transcript.duration == pytest.approx(20.8, abs=0.01)


def test_a_source_that_knows_another_format(audio):
    """Nothing is heard at the wrong speed: the error names the remedy, which works."""
    telephone = azstt.AudioFormat(sample_rate=8_000)
    with azstt.open_audio(audio / "jfk.wav", output=telephone) as reader:
        other = BlockingLiveSession(backend=ScriptedBackend())
        with other, pytest.raises(azstt.ConfigurationError, match=r"audio=source\.audio"):
            other.feed(reader)
        with BlockingLiveSession(audio=reader.audio, backend=ScriptedBackend()) as live:
            assert live.transcribe(reader).duration == pytest.approx(11.0, abs=0.01)


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ("talk.mp4", r"feed\(azstt.open_audio\("),
        (Path("talk.mp4"), r"feed\(azstt.open_audio\("),
        (None, "use a microphone, a generator or a list"),
        (5, "use a microphone, a generator or a list"),
        (b"pcm", r"feed\(\[chunk\]\)"),
    ],
    ids=repr,
)
def test_what_is_no_source(wrong, remedy):
    """The error says what a source is, and what to do with a file or a chunk."""
    with BlockingLiveSession(backend=ScriptedBackend()) as live:
        with pytest.raises(azstt.ConfigurationError, match=remedy):
            live.feed(wrong)
        with pytest.raises(azstt.ConfigurationError, match="iterable of chunks"):
            live.transcribe(wrong)


def test_a_thread_that_sends_dies(backend, recording, monkeypatch):
    """Its reader waits no longer than `idle_timeout`, and has what was sent until then."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)

    def pump(live: BlockingLiveSession) -> None:
        for piece in recording:
            live.send(piece)
        raise FileNotFoundError

    def program() -> None:
        with BlockingLiveSession(backend=backend, idle_timeout=0.5) as live:
            threading.Thread(target=pump, args=[live]).start()
            for _ in live:
                pass

    with pytest.raises(azstt.SessionStateError, match=r"no finish\(\) for 0\.5 s") as caught:
        program()
    check(caught.value.partial)


@asyncs
@on_asyncio
async def test_a_task_that_sends_dies(backend, recording):
    """The same for an asyncio task that nobody awaits."""

    async def pump(live: LiveSession) -> None:
        for piece in recording:
            await live.send(piece)
        raise ValueError

    pumping: list[asyncio.Task[None]] = []

    async def program() -> None:
        async with LiveSession(backend=backend, idle_timeout=0.5) as live:
            pumping.append(asyncio.create_task(pump(live)))
            await live.wait()

    with pytest.raises(azstt.SessionStateError, match="idle_timeout=None") as caught:
        await program()
    check(caught.value.partial)
    assert isinstance(pumping[0].exception(), ValueError)


@asyncs
async def test_a_microphone_hangs(backend, recording):
    """A source that is silent for so long is an error too, though its thread cannot be ended."""
    hang = threading.Event()

    def source():
        yield from recording
        hang.wait(60)

    try:
        with pytest.raises(azstt.SessionStateError, match="no audio") as caught:
            async with LiveSession(backend=backend, idle_timeout=0.5) as live:
                live.feed(source())
        check(caught.value.partial)
    finally:
        hang.set()


def test_a_notebook_rests_between_its_cells(backend, recording):
    """The clock runs only while somebody waits."""
    with BlockingLiveSession(backend=backend, idle_timeout=0.5) as live:
        for piece in recording:
            live.send(piece)
        time.sleep(1.2)
        with suppress(TimeoutError):
            live.receive(timeout=0.1)
    check(live.transcript)


def test_whoever_polls_waits_too(backend, recording):
    """A reader with a short timeout of its own learns as well that no audio comes."""

    def program() -> None:
        with BlockingLiveSession(backend=backend, idle_timeout=0.5) as live:
            live.send(b"".join(recording))
            while True:
                with suppress(TimeoutError):
                    live.receive(timeout=0.02)

    with pytest.raises(azstt.SessionStateError, match="no audio") as caught:
        program()
    check(caught.value.partial)
