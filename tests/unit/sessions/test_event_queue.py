from __future__ import annotations

import anyio
import pytest

from azstt import AudioGap, Partial, SessionStateError, SpeechStarted
from azstt._sessions.event_queue import EventQueue

pytestmark = pytest.mark.anyio


async def test_events_come_out_in_order():
    """Events come out in the order in which they went in."""
    queue = EventQueue()
    events = [SpeechStarted(at=at) for at in range(5)]
    for event in events:
        queue.put(event)
    assert [await queue.get(1.0) for _ in events] == events


async def test_a_reader_waits_for_so_long_and_no_longer():
    """None after the timeout lets the reader check for a stall."""
    assert await EventQueue().get(0.01) is None


async def test_a_reader_can_be_woken_for_nothing():
    """When the session ends, a waiting reader returns at once."""
    queue = EventQueue()
    async with anyio.create_task_group() as group:

        async def read() -> None:
            with anyio.fail_after(5):
                assert await queue.get(60.0) is None

        group.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        queue.wake()


async def test_an_event_that_comes_as_its_reader_gives_up_is_not_lost():
    """Either that reader has it or the next one gets it."""
    queue = EventQueue()
    read: list[object] = []

    async def reader() -> None:
        read.append(await queue.get(60.0))

    async with anyio.create_task_group() as group:
        group.start_soon(reader)
        await anyio.wait_all_tasks_blocked()
        queue.put(SpeechStarted(at=1.0))
        group.cancel_scope.cancel()
    assert read or await queue.get(1.0) == SpeechStarted(at=1.0)


async def test_there_is_one_reader():
    """A second reader gets an error, and the first goes on."""
    queue = EventQueue()
    async with anyio.create_task_group() as group:
        group.start_soon(queue.get, 60.0)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(SessionStateError, match="one reader"):
            await queue.get(1.0)
        queue.put(SpeechStarted(at=1.0))


async def test_partials_that_nobody_reads_become_one():
    """What a screen would have shown in the end is kept, with all that became stable."""
    queue = EventQueue()
    for n in range(1_000):
        queue.put(Partial(text=str(n), delta=f"{n} ", start=0.0, end=1.0))
    read: list[Partial] = []
    while (event := await queue.get(0.0)) is not None:
        assert isinstance(event, Partial)
        read.append(event)
    assert len(read) < 300
    assert read[-1].text == "999"
    assert "".join(event.delta for event in read) == "".join(f"{n} " for n in range(1_000))


async def test_gaps_that_nobody_reads_become_one_where_they_go_on():
    """Audio that is dropped piece by piece for hours is one stretch; another stretch is another."""
    queue = EventQueue()
    for number in range(1_000):
        queue.put(AudioGap(start=number / 10, end=number / 10 + 0.1, reason="dropped"))
    queue.put(AudioGap(start=200.0, end=201.0, reason="dropped"))
    gaps: list[AudioGap] = []
    while (event := await queue.get(0.0)) is not None:
        assert isinstance(event, AudioGap)
        gaps.append(event)
    assert len(gaps) < 300
    assert (gaps[-2].end, gaps[-1].start) == (pytest.approx(100.0), 200.0)
    assert sum(gap.duration for gap in gaps) == pytest.approx(101.0)
    assert sum(gap.seconds for gap in gaps if gap.seconds) == pytest.approx(101.0)


async def test_merged_gaps_lose_no_length_and_make_up_none():
    """Damage that takes up no time adds up, and a length that is unknown stays so."""
    queue = EventQueue()
    for _ in range(1_000):
        queue.put(AudioGap(start=5.0, end=5.0, reason="damaged", seconds=0.5))
    read = [await queue.get(0.0) for _ in range(257)]
    assert sum(gap.seconds for gap in read) == 500
    assert await queue.get(0.0) is None
    for seconds in (*[1.0] * 257, None, 1.0):
        queue.put(AudioGap(start=5.0, end=5.0, reason="damaged", seconds=seconds))
    assert [await queue.get(0.0) for _ in range(257)][-1].seconds is None
