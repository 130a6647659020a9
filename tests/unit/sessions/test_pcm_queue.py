from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat
from azstt._sessions.pcm_queue import Dropped, PcmQueue

AUDIO = AudioFormat()
SECOND = AUDIO.size(1.0)


def outlet(limit: float = 10.0) -> PcmQueue:
    """Make one for speech."""
    return PcmQueue(AUDIO, limit, lambda: None)


def test_what_waits_is_taken_together_but_not_more_than_a_second():
    """Small pieces cost one call; a recognizer that is behind is not given minutes at once."""
    way = outlet()
    for _ in range(15):
        way.put(bytes(SECOND // 10))
    way.end()
    assert [len(way.take()), len(way.take()), way.take()] == [SECOND, SECOND // 2, None]


def test_a_call_comes_between_what_was_put_before_and_after_it():
    """A commit is of exactly the audio that was sent before it."""
    way = outlet()

    def commit() -> None:
        pass

    way.put(b"aa")
    way.call(commit)
    way.put(b"bb")
    assert [way.take(), way.take(), way.take()] == [b"aa", commit, b"bb"]


def test_the_oldest_goes_and_its_place_is_told():
    """What is dropped is an exact stretch of the audio; a call that waits in it is still made."""
    way = outlet(limit=2.0)
    way.put(b"a" * SECOND)
    assert way.take() == b"a" * SECOND
    way.put(b"b" * SECOND)
    way.call(print)
    way.put(b"c" * SECOND)
    dropped: list[Dropped] = []
    way.trim(dropped.append)
    assert dropped == []
    way.put(b"d" * (SECOND // 2))
    way.put(b"e" * SECOND)
    way.trim(dropped.append)
    assert dropped == [Dropped(taken=1.0, at=1.0, seconds=1.5)]
    assert way.put_seconds == 4.5
    assert way.dropped_seconds == 1.5
    assert [way.take(), way.take()] == [print, b"c" * (SECOND // 2) + b"d" * (SECOND // 2)]
    assert way.taken_seconds == 2.0


def test_a_drop_is_told_before_what_follows_it_is_taken():
    """Words that come of the audio behind a gap never arrive before the gap itself."""
    way = outlet(limit=1.0)
    way.put(b"a" * SECOND)
    way.put(b"b" * SECOND)
    order: list[str] = []

    def take() -> None:
        way.take()
        order.append("taken")

    thread = Thread(target=take)

    def tell(_: Dropped) -> None:
        thread.start()
        thread.join(0.1)
        order.append("told")

    way.trim(tell)
    thread.join()
    assert order == ["told", "taken"]


def test_full_is_told_and_room_too():
    """Whoever holds back by `full` hears of each thing that is taken."""
    told: list[bool] = []
    way = PcmQueue(AUDIO, 1.0, lambda: told.append(way.full))
    way.put(bytes(SECOND))
    assert way.full
    way.take()
    assert told == [False]


def test_closing_frees_who_waits_and_drops_the_rest():
    """A thread that waits for audio ends with the session."""
    way = outlet()
    taken: list[object] = []
    thread = Thread(target=lambda: taken.append(way.take()))
    thread.start()
    way.close()
    thread.join(5)
    way.put(b"aa")
    assert (taken, way.take(), way.closed) == ([None], None, True)


def test_what_nobody_took_was_put_in_all_the_same():
    """Closing makes nothing of it undone: the account still has what was sent."""
    way = outlet()
    way.put(bytes(SECOND))
    way.close()
    assert (way.put_seconds, way.taken_seconds) == (1.0, 0.0)


@given(
    st.lists(st.one_of(st.integers(1, 40), st.just("take"), st.just("trim")), max_size=60),
    st.integers(1, 30),
)
def test_every_byte_is_taken_dropped_or_waits(steps, limit):
    """Nothing is lost, doubled or disordered, whatever the order of calls."""
    way = PcmQueue(AudioFormat(sample_rate=4_000), limit * 2 / 8_000, lambda: None)
    put = taken = b""
    count = 0
    for step in steps:
        if step == "trim":
            way.trim(lambda _: None)
            assert not way.full or len(put) >= limit * 2
        elif step == "take":
            if not way.idle:
                piece = way.take()
                at = round((way.taken_seconds + way.dropped_seconds) * 8_000)
                assert put[at - len(piece) : at] == piece
                taken += piece
        else:
            piece = b"".join((count + i).to_bytes(2) for i in range(step))
            count += step
            put += piece
            assert way.put(piece) == len(put) / 8_000
    way.end()
    while (piece := way.take()) is not None:
        taken += piece
    assert len(taken) + way.dropped_seconds * 8_000 == len(put)


@pytest.mark.parametrize("call", ["put", "call"])
def test_after_the_end_nothing_more_goes_in(call):
    """What comes too late is not heard of."""
    way = outlet()
    way.end()
    getattr(way, call)(b"aa")
    assert way.take() is None
