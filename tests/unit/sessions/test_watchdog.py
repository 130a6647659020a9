from __future__ import annotations

import pytest

from azstt._sessions.watchdog import IdleClock, StallDetector


@pytest.mark.parametrize(
    ("looks", "over"),
    [
        ([(1, 0, True), (1, 9, True)], False),
        ([(1, 0, True), (1, 11, True)], True),
        ([(1, 0, True), (2, 9, True), (2, 18, True)], False),
        ([(1, 0, True), (1, 9, False), (1, 18, True)], False),
        ([(1, 0, False), (1, 100, True)], False),
        ([(1, 0, False), (1, 100, True), (1, 111, True)], True),
        ([(1, 0, False), (1, 100, False)], False),
        ([(1, 100, True)], False),
    ],
    ids=[
        "within",
        "beyond",
        "it moved",
        "not its turn",
        "nobody looked",
        "its turn since",
        "never its turn",
        "the first look",
    ],
)
def test_the_clock_runs_only_against_a_recognizer_that_does_not_move(looks, over):
    """A pause of the source, however long, does not count as a stall."""
    stall = StallDetector(10.0)
    seen = [stall.is_over(mark, now, waiting=waiting) for mark, now, waiting in looks]
    assert seen[-1] is over
    assert not any(seen[:-1])


@pytest.mark.parametrize(
    ("looks", "over"),
    [
        ([(1, 0), (1, 1), (1, 2), (1, 3)], False),
        ([(1, 0), (1, 1), (1, 2), (1, 3), (1, 4)], True),
        ([(1, 0), (1, 1), (2, 2), (2, 3), (2, 4)], False),
        ([(1, 0), (1, 100), (1, 200)], False),
    ],
    ids=["within", "beyond", "it moved", "nobody looked"],
)
def test_the_idle_clock_runs_only_from_look_to_look(looks, over):
    """A pause in which nobody waits does not count, however long."""
    idle = IdleClock(3.0)
    seen = [idle.is_over(mark, now) for mark, now in looks]
    assert seen[-1] is over
    assert not any(seen[:-1])


def test_an_idle_clock_without_a_limit():
    """It never ends anything."""
    idle = IdleClock(None)
    assert not any(idle.is_over(1, now) for now in range(0, 10_000, 50))
