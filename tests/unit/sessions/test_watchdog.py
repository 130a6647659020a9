from __future__ import annotations

import pytest

from azstt._sessions.watchdog import StallDetector


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
