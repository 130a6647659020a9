"""Programs as people write them: whatever their shape, they keep every word."""

from __future__ import annotations

import itertools
import threading
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest

import azstt
from azstt import BlockingLiveSession, LiveSession
from azstt._threads.loop_thread import RunningLoop
from azstt.testing import ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")

LAST = "for you"
#: Bytes that a program sends at a time.
PIECE = 3_200


@pytest.fixture(scope="module")
def recording(audio) -> bytes:
    """A real voice, as PCM; `LAST` is among its last words."""
    with azstt.open_audio(audio / "jfk.wav", end=10.4) as reader:
        return b"".join(reader)


def pieces(pcm: bytes) -> list[bytes]:
    """Cut audio into pieces."""
    return [pcm[at : at + PIECE] for at in range(0, len(pcm), PIECE)]


def check(transcript: azstt.Transcript) -> None:
    """Check that the last words are there, and that nothing is missing."""
    assert LAST in transcript.text.lower()
    assert transcript.complete


def test_send_then_leave(backend, recording):
    """Leaving the block is enough: the last words come."""
    with BlockingLiveSession(backend=backend) as live:
        for piece in pieces(recording):
            live.send(piece)
    check(live.transcript)


def test_send_finish_then_leave(backend, recording):
    """Whoever says `finish` and leaves gets the last words too."""
    with BlockingLiveSession(backend=backend) as live:
        live.send(recording)
        live.finish()
    check(live.transcript)


def test_handlers_and_leave(backend, recording):
    """Handlers get every final before the block is left."""
    heard: list[str] = []
    with BlockingLiveSession(backend=backend) as live:
        live.on(azstt.Final, lambda event: heard.append(event.segment.text))
        for piece in pieces(recording):
            live.send(piece)
    assert LAST in " ".join(heard).lower()


def test_start_and_close_without_a_block(backend, recording):
    """Without a block, `close` waits for the last words."""
    live = BlockingLiveSession(backend=backend)
    live.start()
    live.send(recording)
    live.finish()
    live.close()
    check(live.transcript)


def test_a_stop_button(backend, recording):
    """`finish` may come from another thread than the pump's, in the middle of a `send`."""
    stopped = threading.Event()
    with BlockingLiveSession(backend=backend) as live:

        def pump() -> None:
            for piece in pieces(recording):
                if stopped.is_set():
                    return
                live.send(piece)
            stopped.set()

        pumping = threading.Thread(target=pump)
        pumping.start()
        stopped.wait()
        live.finish()
        pumping.join()
    check(live.transcript)


def test_a_stop_button_as_the_block_is_left(backend, recording):
    """The block's end and a `finish` from elsewhere at the same moment lose no word."""
    with BlockingLiveSession(backend=backend) as live:

        def press() -> None:
            with suppress(azstt.SessionStateError):  # whoever comes second
                live.finish()

        pressing = threading.Thread(target=press)
        live.send(recording)
        pressing.start()
    pressing.join()
    check(live.transcript)


def test_an_interrupt_as_the_end_of_the_block_begins(recording, monkeypatch):
    """The session is closed all the same, with its source."""
    live = BlockingLiveSession(backend=ScriptedBackend())

    def interrupted(*_: object) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    def program() -> None:
        with live:
            live.feed(itertools.cycle([recording]))
            monkeypatch.setattr(RunningLoop, "call", interrupted)

    with pytest.raises(KeyboardInterrupt):
        program()
    with pytest.raises(azstt.SessionStateError, match="closed before its end"):
        live.wait()


@pytest.mark.anyio
async def test_async_send_then_leave(backend, recording):
    """The same on an event loop."""
    async with LiveSession(backend=backend) as live:
        for piece in pieces(recording):
            await live.send(piece)
    check(live.transcript)


@pytest.mark.anyio
async def test_async_finish_as_the_block_is_left(backend, recording):
    """Another task's `finish` while the block's end waits for a `send` loses no word."""

    async def pump(live: LiveSession) -> None:
        await live.send(recording)

    async def press(live: LiveSession) -> None:
        with suppress(azstt.SessionStateError):  # whoever comes second
            await live.finish()

    async with anyio.create_task_group() as group, LiveSession(backend=backend, buffer=1) as live:
        group.start_soon(pump, live)
        await anyio.sleep(0.01)
        group.start_soon(press, live)
        await anyio.lowlevel.checkpoint()
    check(live.transcript)


@pytest.mark.anyio
async def test_left_by_an_exception(backend, recording):
    """An exception ends the session at once, and the transcript says that it is not complete."""
    live = LiveSession(backend=backend)

    async def program() -> None:
        async with live:
            for piece in pieces(recording):
                await live.send(piece)
            raise ZeroDivisionError

    with anyio.fail_after(20), pytest.raises(ZeroDivisionError):
        await program()
    transcript = live.transcript
    assert not transcript.complete
    assert {gap.reason for gap in transcript.ledger.gaps} == {"closed"}
    assert transcript.duration == pytest.approx(10.4, abs=0.01)


@pytest.mark.anyio
async def test_closed_in_the_middle(backend, recording):
    """`aclose` ends the session at once, and leaving the block then waits for nothing."""
    async with LiveSession(backend=backend) as live:
        await live.send(recording)
        await live.aclose()
    assert not live.transcript.complete
