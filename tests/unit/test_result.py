from __future__ import annotations

import pytest

from azstt import AudioLedger, ConfigurationError, Gap, Partial, Segment, Word


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
    """A result that ends up in a log by its repr discloses no transcript text."""
    assert "secret" not in repr(value)


@pytest.mark.parametrize("time", [-1.0, float("nan"), float("inf")])
def test_an_impossible_time_is_refused(time):
    """A time is a finite number of seconds, and not negative."""
    with pytest.raises(ConfigurationError):
        Word(text="x", start=time, end=time)


def test_only_gaps_without_a_known_reason_are_unaccounted():
    """Gaps with a known reason do not make a transcript incomplete."""
    ledger = AudioLedger(
        gaps=(Gap(at=0, seconds=1, reason="damaged"), Gap(at=5, seconds=2, reason="unaccounted"))
    )
    assert ledger.unaccounted == 2


def test_a_segment_has_a_duration():
    """A segment's duration is its end minus its start."""
    assert Segment(text="x", start=1.5, end=4.0).duration == 2.5
