from __future__ import annotations

import pytest
from pydantic import BaseModel

import azstt
from azstt import (
    Alternative,
    AudioLedger,
    ConfigurationError,
    Failed,
    Final,
    Gap,
    Partial,
    PronouncedWord,
    Segment,
    ServiceError,
    Sound,
    Transcript,
    Word,
)

WORD = Word(text="secret", start=0.5, end=1.25)
SEGMENT = Segment(text="secret", start=0.5, end=1.25, words=(WORD,))
SHOWN = [
    (WORD, "[0.50s -> 1.25s] secret"),
    (SEGMENT, "[0.50s -> 1.25s] secret"),
    (SEGMENT.model_copy(update={"speaker": "Ann"}), "[0.50s -> 1.25s] Ann: secret"),
    (Partial(text="secret", start=60, end=61), "[60.00s -> 61.00s] secret"),
    (Final(segment=SEGMENT), "[0.50s -> 1.25s] secret"),
    (Alternative(text="secret"), "secret"),
    (Sound(text="secret", start=0, end=1), "[0.00s -> 1.00s] secret"),
    (PronouncedWord(text="secret", start=0, end=1), "[0.00s -> 1.00s] secret"),
    (Transcript(segments=(SEGMENT,), backend="scripted"), "secret"),
]


@pytest.mark.parametrize(("value", "shown"), SHOWN, ids=lambda value: type(value).__name__)
def test_text_is_printed_and_never_in_a_repr(value, shown):
    """`print` shows text and times; a repr, which may end up in a log, discloses no text."""
    assert str(value) == shown
    assert "secret" not in repr(value)
    assert "secret" not in repr([Failed(error=ServiceError("x")), value])


def test_everything_with_text_is_printed_like_this():
    """No public type that holds text is left out."""
    public = [kind for kind in vars(azstt).values() if isinstance(kind, type)]
    models = [kind for kind in public if issubclass(kind, BaseModel)]
    assert {kind for kind in models if "text" in kind.model_fields} <= {type(v) for v, _ in SHOWN}


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
