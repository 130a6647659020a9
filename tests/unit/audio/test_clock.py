"""The clock that compares timestamps with samples."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.clock import MediaClock

#: Seconds of each piece.
PIECE = 0.02


def run(times, *, seconds=PIECE, lost=(), **options):
    """Return the clock after these timestamps, and the holes: seconds of audio before, length.

    Args:
        times: a timestamp for each piece.
        seconds: of each piece.
        lost: what could not be read before which piece, in seconds.
        options: of the clock.
    """
    clock, lost = MediaClock[int](**options), dict(lost)
    placed = []
    for number, time in enumerate(times):
        if number in lost or not clock.follows(time, seconds):
            placed += clock.take(time, seconds, number, lost=lost.get(number))
        else:
            placed.append((0.0, math.nan, number))
    placed += clock.flush()
    assert [item for _, _, item in placed] == list(range(len(placed))) == list(range(len(times)))
    return clock, [(round(item * seconds, 3), round(hole, 3)) for hole, _, item in placed if hole]


def count(start, pieces):
    """Return the timestamps of so many pieces in a row."""
    return [start + PIECE * number for number in range(pieces)]


def counted(times):
    """Return what counting samples gives."""
    return len(times) * PIECE


def test_no_timestamps():
    """Without timestamps, samples are counted."""
    clock, holes = run([None] * 50)
    assert (clock.now, holes) == (pytest.approx(1.0), [])


def test_a_late_start_and_a_hole():
    """Audio that begins late, and a hole in it, are placed where the timestamps say."""
    clock, holes = run([*count(7.0, 50), *count(9.3, 50)], origin=5.0)
    assert holes == [(0.0, 2.0), (1.0, 1.3)]
    assert clock.now == pytest.approx(5.3)


def test_audio_before_the_stated_start():
    """Audio that begins a little before the stated start is at 0, and the rest follows it."""
    clock, holes = run([*count(0.0, 50), *count(3.0, 50)], origin=0.08)
    assert (holes, clock.now) == ([(1.0, 2.0)], pytest.approx(4.0))


def test_rounded_and_jittered_timestamps():
    """Timestamps in whole milliseconds, or some ms off, make no holes."""
    times = [
        round(time, 3) + off
        for time, off in zip(count(0, 500), (0, 0.02, -0.02, 0.01, 0) * 100, strict=True)
    ]
    clock, holes = run(times)
    assert (holes, clock.now) == ([], pytest.approx(10.0))


@pytest.mark.parametrize("seconds", [0.02, 0.1])
def test_timestamps_that_jitter(seconds):
    """Timestamps that are up to 50 ms off, either way, put the audio at most 36 ms off."""
    dice = random.Random(1)  # noqa: S311  a seed makes it repeatable
    clock = MediaClock[int]()
    for number in range(5000):
        time = number * seconds + (dice.uniform(-0.05, 0.05) if number else 0)
        if not clock.follows(time, seconds):
            for placed in clock.take(time, seconds, number):
                true = placed.item * seconds
                assert placed.at + placed.hole == pytest.approx(true, abs=0.036)


@pytest.mark.parametrize("drift", [0.001, -0.001, 0.03, -0.03])
def test_a_recorder_whose_clock_drifts(drift):
    """A sample clock that is off by up to 3 % is followed within 50 ms."""
    times = [time * (1 + drift) for time in count(0.0, 5000)]
    clock, holes = run(times)
    assert clock.now == pytest.approx(100 * (1 + drift), abs=0.05)
    assert all(abs(hole) < 0.05 for _, hole in holes)


def test_a_single_wrong_timestamp():
    """One timestamp that the next contradicts is not believed."""
    times = count(0.0, 100)
    times[50] = 5000.0
    times[70] = 0.0
    assert run(times)[1] == []


@pytest.mark.parametrize("wrong", [93.0, -6.0, 4.0, 0.5, 1e6])
@pytest.mark.parametrize("pieces", [2, 17, 250])
def test_a_wrong_timestamp_that_serves_many_pieces(wrong, pieces):
    """A damaged timestamp from which others are counted moves nothing, in a file."""
    times = count(0.0, 600)
    times[300 : 300 + pieces] = count(6.0 + wrong, pieces)
    clock, holes = run(times, live=False)
    assert (holes, clock.now) == ([], pytest.approx(12.0))


@pytest.mark.parametrize("wrong", [93.0, -3.0, 4.0])
def test_a_wrong_timestamp_after_damage(wrong):
    """What is lost before or after a wrong timestamp is a hole there, in a file and live."""
    for live, at in itertools.product((False, True), (100, 117)):
        times = [*count(0.0, 100), *count(2.0 + wrong, 17), *count(2.64, 400)]
        clock, holes = run(times, lost={50: 0.0, at: 0.04}, live=live)
        assert (holes, clock.now) == ([(at * PIECE, 0.3)], pytest.approx(10.64))


@pytest.mark.parametrize("live", [False, True])
def test_two_wrong_timestamps_and_a_return(live):
    """Timestamps that jump on from a wrong one, and then return, move nothing."""
    times = count(0.0, 600)
    times[300:310], times[310:400] = count(7.1, 10), count(15.3, 90)
    clock, holes = run(times, live=live, lost={299: 0.0})
    assert (holes, clock.now) == ([], pytest.approx(12.0))


@pytest.mark.parametrize("gap", [None, 17])
def test_holes_one_after_another(gap):
    """What is lost every few frames is a hole each time, also where few have a timestamp."""
    times, lost = count(0.0, 100), {}
    for number in range(6):
        lost[len(times)] = 0.0
        part = count(2.0 + 1.54 * (number + 1), 17)
        times += part[:1] + [None] * 16 if gap else part
    times += count(2.0 + 1.54 * 7, 400)
    clock, holes = run(times, live=False, lost=lost)
    assert clock.now == pytest.approx(2.0 + 1.54 * 7 + 8.0)
    assert [hole for _, hole in holes][:6] == [1.54, *[1.2] * 5]


@pytest.mark.parametrize("live", [False, True])
def test_a_long_hole_after_damage(live):
    """What was really lost is a hole, however long, if the timestamps stay there."""
    times = [*count(0.0, 100), *count(40.0, 400)]
    assert run(times, live=live, lost={100: 0.0})[1] == [(2.0, 38.0)]
    assert run(times[:200], live=live, lost={100: 0.0})[1] == [(2.0, 38.0)]
    clock = MediaClock[int](live=live)
    assert clock.follows(0.0, 1.0)
    assert [placed.hole for placed in clock.take(39.9, 0.02, 0, lost=38.9)] == [38.9]


def test_losses_between_the_pieces_that_confirm_a_hole():
    """A hole is confirmed by pieces that are further ahead, as more was lost between them."""
    times = [*count(0, 100), 7.3, 12.1, *count(17.3, 300)]
    _, holes = run(times, lost={100: 3.3, 101: 4.78, 102: 5.18}, live=False)
    assert holes == [(2.0, 5.3), (2.02, 4.78), (2.04, 5.18)]


def test_a_wrong_timestamp_until_the_end():
    """A jump after damage that less than a second of audio follows is not believed."""
    assert run([*count(0.0, 100), *count(95.0, 17)], live=False, lost={100: 0.1})[1] == []


@pytest.mark.parametrize(("seconds", "waits"), [(0.0, 1), (1.0, 5)])
def test_nothing_waits_long_without_damage(seconds, waits):
    """Live audio after a recorder's pause comes out 0.1 s later, and a late start at once."""
    clock = MediaClock[int]()
    assert not seconds or clock.follows(0.0, seconds)
    for number in range(waits):
        assert clock.take(61.0 + PIECE * number, PIECE, number) == []
    placed = clock.take(61.0 + PIECE * waits, PIECE, waits)
    assert [piece.hole for piece in placed] == [61.0 - seconds, *[0.0] * waits]


def test_small_steps_back():
    """Timestamps that go back by half a second are followed: what came before was too late."""
    assert run([*count(0.0, 100), *count(1.5, 100)])[1] == [(2.0, -0.5)]


def test_another_recording_begins():
    """Timestamps that go back by far begin a recording that follows at once."""
    clock, holes = run([*count(50.0, 100), *count(0.0, 100), *count(2.5, 50)], origin=50.0)
    assert (holes, clock.now) == ([(4.0, 0.5)], pytest.approx(5.5))


def test_splices_of_a_broadcast():
    """A jump ahead by over 10 s is a splice in a broadcast, unless damage explains it."""
    times = [*count(0.0, 50), *count(40.0, 50)]
    assert run(times)[1] == [(1.0, 39.0)]
    assert run(times, spliced=True)[1] == []
    assert run(times, spliced=True, lost={50: 0.02})[1] == [(1.0, 39.0)]


def test_a_difference_after_damage():
    """After damage a hole of 10 ms counts, which otherwise is rounding."""
    for damaged, holes in ((False, [0.0]), (True, [pytest.approx(0.01), 0.0])):
        clock = MediaClock[int]()
        placed = clock.take(0.01, 0.02, 0, lost=0.0 if damaged else None)
        assert [p.hole for p in [*placed, *clock.take(0.03, 0.02, 1)]][: len(holes)] == holes


def test_the_last_timestamp():
    """A hole before the last piece is believed if it is short, since nothing follows."""
    assert run([*count(0.0, 50), 3.0])[1] == [(1.0, 2.0)]
    assert run([*count(0.0, 50), 300.0])[1] == []
    assert run([*count(0.0, 50), 5.0], end=2.0)[1] == []


def test_a_piece_without_a_timestamp_confirms():
    """Where only some pieces have timestamps, one of them is enough for a hole."""
    assert run([0.0, None, None, 5.0, None, None])[1] == [(0.06, 4.94)]


def test_the_stated_end():
    """Holes do not reach beyond the stated end, unless the audio itself does."""
    times = [*count(0.0, 50), *count(100.0, 50)]
    assert run(times, end=200.0)[1] == [(1.0, 99.0)]
    assert run(times, end=10.0)[1] == []
    assert run([*count(0.0, 150), *count(100.0, 50)], end=1.0)[1] == [(3.0, 97.0)]


def test_silence_that_was_not_stored():
    """Comfort noise every 0.4 s, as in discontinuous transmission, is placed packet by packet."""
    clock, _ = run([0.4 * number for number in range(25)])
    assert clock.now == pytest.approx(24 * 0.4 + PIECE)


@pytest.mark.parametrize(
    ("lie", "bound"),
    [
        pytest.param(lambda _: 0.0, 0.5, id="all zero"),
        pytest.param(lambda number: number * PIECE / 2, 1.2, id="half as fast"),
        pytest.param(lambda number: number * PIECE * 1000, 0.1, id="a thousand times as fast"),
        pytest.param(lambda number: -number * PIECE, 0.5, id="backwards"),
        pytest.param(lambda number: number * PIECE + number % 2 * 3600, 0.1, id="alternating"),
        pytest.param(lambda number: number * PIECE + number // 2 % 2 * 5, 5.1, id="in pairs"),
        pytest.param(lambda number: number * PIECE + number // 30 % 2 * 5, 5.1, id="in runs"),
        pytest.param(lambda number: math.inf if number % 3 else math.nan, 0.1, id="no numbers"),
        pytest.param(lambda _: 1e9, 0.5, id="far away"),
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_timestamps_that_lie(lie, bound, live):
    """Whatever the timestamps of 20 s say, the times end about where counting samples ends."""
    times = [lie(number) for number in range(1000)]
    clock, _ = run(times, live=live)
    assert clock.now == pytest.approx(20.0, abs=bound)


stamps = st.one_of(
    st.none(), st.floats(-1e7, 1e7), st.sampled_from([0.0, 1.0, 5.0, 1e5, math.inf, math.nan])
)


@given(
    st.lists(st.tuples(stamps, st.integers(1, 20)), max_size=30),
    st.one_of(st.none(), st.floats(0.1, 100)),
    st.booleans(),
    st.booleans(),
    st.dictionaries(st.integers(0, 400), st.floats(0, 1e4), max_size=9),
)
def test_hostile_timestamps(runs, end, spliced, live, lost):
    """Pieces come out once and in order, and the times never fall far behind the samples."""
    times = list(
        itertools.chain.from_iterable(
            [None if start is None else start + PIECE * number for number in range(length)]
            for start, length in runs
        )
    )
    lost = {number: seconds for number, seconds in lost.items() if number < len(times)}
    clock, holes = run(times, end=end, spliced=spliced, live=live, lost=lost)
    total = sum(hole for _, hole in holes)
    assert clock.now == pytest.approx(counted(times) + total, abs=0.01)
    assert clock.now >= 0.85 * counted(times) - 1.5
    at = 0.0
    for samples, hole in holes:
        # A stated end that is behind already is not believed any more.
        if end is not None and samples + at <= end + 1:
            assert samples + at + hole <= end + 2.1
        at += hole
