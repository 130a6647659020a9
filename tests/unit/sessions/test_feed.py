from __future__ import annotations

import random
import threading
import time

import anyio
import anyio.lowlevel
import pytest

from azstt import (
    AudioFormat,
    AudioSourceError,
    Failed,
    LiveSession,
    ServiceError,
    SessionStateError,
    partial_of,
)
from azstt.testing import Cue, ScriptedBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]
PIECE = bytes(AudioFormat().size(0.1))


def counted(piece: int) -> bytes:
    """Return a piece of audio that differs from all others."""
    return piece.to_bytes(2, "little") * 1_600


class Listening(ScriptedBackend):
    """Keeps the audio that it gets."""

    def __init__(self, *events) -> None:
        super().__init__(events)
        self.heard = bytearray()

    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        write = session.write

        def listen(pcm: bytes) -> None:
            self.heard += pcm
            write(pcm)

        session.write = listen
        return session


async def forever():
    """Give one piece, and then nothing."""
    yield PIECE
    await anyio.sleep_forever()


async def test_one_source_at_a_time():
    """Two would mix their audio; the message says how to stop the first. It may be joined."""
    source = forever()
    async with LiveSession(backend=ScriptedBackend()) as live:
        feed = live.feed(source)
        assert live.feed(source) is feed
        with pytest.raises(SessionStateError, match=r"while another source .* finish\(\)"):
            live.feed([PIECE])
        with pytest.raises(SessionStateError, match="while a source is being sent"):
            await live.send(PIECE)
        await live.finish()


@pytest.mark.parametrize("call", ["feed", "transcribe"])
async def test_no_source_before_the_start_and_after_the_end(call):
    """The messages are those of `send`."""
    live = LiveSession(backend=ScriptedBackend())
    with pytest.raises(SessionStateError, match=rf"{call} before start\(\)"):
        await getattr(live, call)([PIECE])
    async with live:
        await live.finish()
        with pytest.raises(SessionStateError, match=rf"{call}\(\) after finish\(\)"):
            await getattr(live, call)([PIECE])
    with pytest.raises(SessionStateError, match=rf"{call}\(\) after the session was closed"):
        await getattr(live, call)([PIECE])


async def test_a_list_may_be_sent_again():
    """A source that was sent to its end starts over."""
    pieces = [PIECE] * 3
    async with LiveSession(backend=ScriptedBackend()) as live:
        for _ in range(2):
            await live.feed(pieces, finish=False)
        await live.feed(pieces)
        assert (await live.wait()).duration == pytest.approx(0.9)


@pytest.mark.parametrize("kind", ["blocking", "async"])
@pytest.mark.parametrize("seed", range(3))
async def test_cancellations_at_any_time_lose_nothing(kind, seed):
    """The recognizer gets exactly the source's audio, however the waits for it end."""
    chance = random.Random(seed)  # noqa: S311 - it cancels, and guards nothing
    backend = Listening()
    pieces = [counted(n) for n in range(200)]

    def blocking():
        for piece in pieces:
            time.sleep(chance.random() / 2_000)
            yield piece

    async def asynchronous():
        for piece in pieces:
            await anyio.sleep(chance.random() / 2_000)
            yield piece

    source = blocking() if kind == "blocking" else asynchronous()
    async with LiveSession(backend=backend) as live:
        for _ in range(40):
            with anyio.move_on_after(chance.random() / 200):
                match chance.randrange(4):
                    case 0:
                        await live.feed(source)
                    case 1:
                        await live.transcribe(source)
                    case 2:
                        async for _ in live.transcribe(source):
                            break
                    case _:
                        await live.commit()
        await live.transcribe(source)
    assert backend.heard == b"".join(pieces)


async def test_a_canceled_list_goes_on():
    """A source that was stopped goes on, even if iterating over it would start over."""
    backend = Listening()
    pieces = [counted(n) for n in range(300)]
    async with LiveSession(backend=backend) as live:
        for _ in range(5):
            with anyio.move_on_after(0.002):
                await live.feed(pieces)
        await live.feed(pieces)
        await live.wait()
    assert backend.heard == b"".join(pieces)


async def test_what_was_pulled_is_sent_before_what_comes_next():
    """After a cancellation other audio may follow, in order."""
    backend, gate = Listening(), anyio.Event()

    async def source():
        yield counted(1)
        await gate.wait()
        yield counted(2)

    interrupted = source()
    async with LiveSession(backend=backend) as live:
        with anyio.move_on_after(0.05):
            await live.feed(interrupted)
        gate.set()
        await anyio.wait_all_tasks_blocked()
        await live.send(counted(3))
        await live.feed([counted(4)])
    assert backend.heard == b"".join(counted(n) for n in range(1, 5))


async def test_finishing_as_the_source_ends_is_no_error():
    """A stop button may come a moment too late."""
    async with LiveSession(backend=ScriptedBackend()) as live:
        await live.feed([PIECE])
        await live.finish()
        with pytest.raises(SessionStateError, match=r"send\(\) after finish\(\)"):
            await live.send(PIECE)


async def test_closing_ends_a_feed():
    """Whoever awaits it learns that not everything was sent; an async source is canceled."""
    ended: list[bool] = []

    async def source():
        try:
            async for piece in forever():
                yield piece
        finally:
            ended.append(True)

    live = LiveSession(backend=ScriptedBackend())
    await live.start()

    async def feed() -> None:
        with pytest.raises(SessionStateError, match="closed before all of its source"):
            await live.feed(source())

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(feed)
            await anyio.wait_all_tasks_blocked()
            await live.aclose()
    assert ended


async def test_an_exception_in_the_block_ends_a_feed():
    """It is not waited for then."""
    live = LiveSession(backend=ScriptedBackend())

    async def program() -> None:
        async with live:
            live.feed(forever())
            raise ZeroDivisionError

    with anyio.fail_after(10), pytest.raises(ZeroDivisionError):
        await program()


async def test_a_recognizer_that_fails_after_its_source():
    """Its error is raised, with that of the source as the context."""
    failing = ScriptedBackend([Cue(event=Failed(error=ServiceError("on purpose")), at=0.2)])

    def source():
        yield PIECE * 2
        raise AudioSourceError("unplugged")

    async with LiveSession(backend=failing) as live:
        with pytest.raises(ServiceError, match="on purpose") as caught:
            await live.transcribe(source())
        with pytest.raises(SessionStateError, match="after the session failed"):
            await live.feed([PIECE])
    assert caught.value.partial is not None


async def test_too_much_audio_from_a_source():
    """With overflow="error" it is an error of the source: what was taken is recognized."""
    hold = threading.Event()

    class Held(ScriptedBackend):
        def open(self, options, audio, emit):
            session = super().open(options, audio, emit)
            write = session.write
            session.write = lambda pcm: (hold.wait(10), write(pcm))
            return session

    async with LiveSession(backend=Held(), overflow="error", buffer=0.3) as live:

        async def let_go() -> None:
            while live.transcript.ledger.decoded < 0.3:  # noqa: ASYNC110 - no event tells it
                await anyio.sleep(0.01)
            await anyio.sleep(0.05)
            hold.set()

        async with anyio.create_task_group() as group:
            group.start_soon(let_go)
            with pytest.raises(SessionStateError, match="the recognizer is behind") as caught:
                await live.transcribe([PIECE] * 100)
    assert caught.value.partial is not None
    assert caught.value.partial.complete


async def test_what_an_async_source_raises_has_the_partial_transcript():
    """Whatever a live source raises, what was said before can be had from it."""

    async def source():
        yield PIECE * 20
        raise LookupError("the line broke")

    async with LiveSession(backend=ScriptedBackend.saying("Hello.")) as live:
        with pytest.raises(LookupError) as caught:
            await live.transcribe(source())
    assert partial_of(caught.value).text == live.transcript.text == "Hello."


async def test_a_failed_source_is_told_to_one():
    """The reader gets it; who awaits the feed gets an error of the session's state."""

    def source():
        yield PIECE
        raise AudioSourceError("unplugged")

    told: list[BaseException] = []
    live = LiveSession(backend=ScriptedBackend())

    async def read() -> None:
        with pytest.raises(AudioSourceError) as caught:
            async for _ in live:
                pass
        told.append(caught.value)

    async with live, anyio.create_task_group() as group:
        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(SessionStateError, match=r"feed\(\) after the session failed") as caught:
            await live.feed(source())
    assert caught.value.__cause__ is told[0]


async def test_a_transcription_that_nobody_waits_for_sends_nothing():
    """It begins when it is awaited or iterated over; closing it is enough to drop it."""
    async with LiveSession(backend=ScriptedBackend()) as live:
        live.transcribe([PIECE]).close()
    assert live.transcript.duration == 0.0
