from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat
from azstt._sessions.pcm_queue import Dropped, PcmQueue

AUDIO = AudioFormat()
SECOND = AUDIO.size(1.0)


def make_queue(limit: float = 10.0) -> PcmQueue:
    """Return a queue for speech."""
    return PcmQueue(AUDIO, limit, lambda: None)


def test_what_waits_is_taken_together_but_not_more_than_a_second():
    """Small chunks cost one call; a recognizer that is behind is not given minutes at once."""
    queue = make_queue()
    for _ in range(15):
        queue.put(bytes(SECOND // 10))
    queue.end()
    assert [len(queue.take()), len(queue.take()), queue.take()] == [SECOND, SECOND // 2, None]


def test_a_call_comes_between_what_was_put_before_and_after_it():
    """A commit is of exactly the audio that was sent before it."""
    queue = make_queue()

    def commit() -> None:
        pass

    queue.put(b"aa")
    queue.call(commit)
    queue.put(b"bb")
    assert [queue.take(), queue.take(), queue.take()] == [b"aa", commit, b"bb"]


def test_the_oldest_goes_and_its_place_is_told():
    """What is dropped is an exact stretch of the audio; a call that waits in it is still made."""
    queue = make_queue(limit=2.0)
    queue.put(b"a" * SECOND)
    assert queue.take() == b"a" * SECOND
    queue.put(b"b" * SECOND)
    queue.call(print)
    queue.put(b"c" * SECOND)
    dropped: list[Dropped] = []
    queue.trim(dropped.append)
    assert dropped == []
    queue.put(b"d" * (SECOND // 2))
    queue.put(b"e" * SECOND)
    queue.trim(dropped.append)
    assert dropped == [Dropped(taken=1.0, at=1.0, seconds=1.5)]
    assert queue.put_seconds == 4.5
    assert queue.dropped_seconds == 1.5
    assert [queue.take(), queue.take()] == [print, b"c" * (SECOND // 2) + b"d" * (SECOND // 2)]
    assert queue.taken_seconds == 2.0


def test_a_drop_is_told_before_what_follows_it_is_taken():
    """Results of the audio after a gap never arrive before the gap itself."""
    queue = make_queue(limit=1.0)
    queue.put(b"a" * SECOND)
    queue.put(b"b" * SECOND)
    order: list[str] = []

    def take() -> None:
        queue.take()
        order.append("taken")

    thread = Thread(target=take)

    def tell(_: Dropped) -> None:
        thread.start()
        thread.join(0.1)
        order.append("told")

    queue.trim(tell)
    thread.join()
    assert order == ["told", "taken"]


def test_full_is_told_and_room_too():
    """A sender that waits because of `full` is notified of each item that is taken."""
    full: list[bool] = []
    queue = PcmQueue(AUDIO, 1.0, lambda: full.append(queue.full))
    queue.put(bytes(SECOND))
    assert queue.full
    queue.take()
    assert full == [False]


def test_closing_frees_who_waits_and_drops_the_rest():
    """A thread that waits for audio ends with the session."""
    queue = make_queue()
    taken: list[object] = []
    thread = Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.close()
    thread.join(5)
    queue.put(b"aa")
    assert (taken, queue.take(), queue.put_seconds) == ([None], None, 0.0)


def test_what_nobody_took_was_put_in_all_the_same():
    """After closing, the account still has what was sent."""
    queue = make_queue()
    queue.put(bytes(SECOND))
    queue.close()
    assert (queue.put_seconds, queue.taken_seconds) == (1.0, 0.0)


@given(
    st.lists(st.one_of(st.integers(1, 40), st.just("take"), st.just("trim")), max_size=60),
    st.integers(1, 30),
)
def test_every_byte_is_taken_dropped_or_waits(steps, limit):
    """Nothing is lost, doubled or disordered, whatever the order of calls."""
    queue = PcmQueue(AudioFormat(sample_rate=4_000), limit * 2 / 8_000, lambda: None)
    put = taken = b""
    count = 0
    for step in steps:
        if step == "trim":
            queue.trim(lambda _: None)
            assert not queue.full or len(put) >= limit * 2
        elif step == "take":
            if queue.taken_seconds + queue.dropped_seconds < queue.put_seconds:
                chunk = queue.take()
                at = round((queue.taken_seconds + queue.dropped_seconds) * 8_000)
                assert put[at - len(chunk) : at] == chunk
                taken += chunk
        else:
            chunk = b"".join((count + i).to_bytes(2) for i in range(step))
            count += step
            put += chunk
            assert queue.put(chunk) == len(put) / 8_000
    queue.end()
    while (chunk := queue.take()) is not None:
        taken += chunk
    assert len(taken) + queue.dropped_seconds * 8_000 == len(put)


@pytest.mark.parametrize("call", ["put", "call"])
def test_after_the_end_nothing_more_goes_in(call):
    """Items that come after the end are ignored."""
    queue = make_queue()
    queue.end()
    getattr(queue, call)(b"aa")
    assert queue.take() is None
