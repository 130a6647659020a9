from __future__ import annotations

import pytest
from pydantic import ValidationError

from azstt import AudioLedger, Gap, Partial, Segment, Word


@pytest.mark.parametrize(
    "value",
    [
        Word(text="secret", start=0, end=1),
        Segment(text="secret", start=0, end=1, words=(Word(text="secret", start=0, end=1),)),
        Partial(text="secret", start=0, end=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_repr_shows_no_text(value):
    """What is logged by its repr gives nothing away."""
    assert "secret" not in repr(value)


@pytest.mark.parametrize("time", [-1.0, float("nan"), float("inf")])
def test_times_are_times(time):
    """A time is a finite number of seconds, from zero on."""
    with pytest.raises(ValidationError):
        Word(text="x", start=time, end=time)


def test_unaccounted_is_what_no_reason_is_known_for():
    """Named gaps are known losses; only the nameless count against the transcript."""
    ledger = AudioLedger(
        gaps=(Gap(at=0, seconds=1, reason="damaged"), Gap(at=5, seconds=2, reason="unaccounted"))
    )
    assert ledger.unaccounted == 2


def test_a_segment_knows_how_long_it_lasts():
    """Durations need no arithmetic by the user."""
    assert Segment(text="x", start=1.5, end=4.0).duration == 2.5
