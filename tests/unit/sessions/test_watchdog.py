from __future__ import annotations

import pytest

from azstt._sessions.watchdog import StallDetector


@pytest.mark.parametrize(
    ("checks", "over"),
    [
        ([(0, at, True) for at in (2, 4, 6, 8, 10)], False),
        ([(0, at, True) for at in (2, 4, 6, 8, 11)], True),
        ([(0, 2, True), (0, 4, True), (5, 6, True), (5, 8, True), (5, 11, True)], False),
        ([(0, 2, True), (0, 4, True), (0, 6, False), (0, 8, True), (0, 11, True)], False),
        ([(0, at, False) for at in range(0, 100, 2)], False),
        ([(0, 600, True)], False),
        ([(0, 600, True), (599, 602, True), (599, 604, True)], False),
        ([(0, at, True) for at in (600, 1200, 1800, 2400, 3000)], True),
    ],
    ids=[
        "within",
        "beyond",
        "it moved",
        "not its turn",
        "never its turn",
        "nobody checked",
        "it moved while nobody checked",
        "checked rarely",
    ],
)
def test_the_clock_runs_only_against_a_recognizer_that_does_not_move(checks, over):
    """Neither a pause of the source nor one of the whole process counts as a stall."""
    stall = StallDetector(10.0)
    seen = [stall.is_over(progress, now, waiting=waiting) for progress, now, waiting in checks]
    assert seen[-1] is over
    assert not any(seen[:-1])


def test_a_clock_without_a_limit():
    """It never ends anything."""
    stall = StallDetector(None)
    assert not any(stall.is_over(0, now, waiting=True) for now in range(0, 10_000, 50))
