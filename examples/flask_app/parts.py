"""The parts of a transcript in progress, segments and gaps; and transcripts made of them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from pydantic import TypeAdapter

import azstt

#: What is stored as it comes.
Part: TypeAlias = azstt.Segment | azstt.Gap
#: The reasons of gaps between two sessions, and where the server stopped.
RESTARTED, DISCONNECTED = "restarted", "disconnected"

S = TypeVar("S", azstt.Segment, azstt.Word)

_PART: TypeAdapter[Part] = TypeAdapter(Part)


def parse(part: str) -> Part:
    """Read a part from JSON."""
    return _PART.validate_json(part)


def assembled(backend: str, parts: Sequence[Part], seconds: float) -> azstt.Transcript:
    """Return the transcript that parts make up.

    Args:
        backend: the name of the recognizer.
        parts: the segments and gaps, in order.
        seconds: the duration.
    """
    segments = tuple(part for part in parts if isinstance(part, azstt.Segment))
    gaps = tuple(part for part in parts if isinstance(part, azstt.Gap))
    recognized = sum(segment.duration for segment in segments)
    missing = sum(gap.span for gap in gaps)
    ledger = azstt.AudioLedger(
        decoded=seconds,
        sent=seconds,
        recognized=recognized,
        silent=max(0.0, seconds - recognized - missing),
        gaps=gaps,
    )
    return azstt.Transcript(backend=backend, segments=segments, duration=seconds, ledger=ledger)


def moved(part: Part, seconds: float) -> Part:
    """Return a part that comes later by some seconds."""
    if isinstance(part, azstt.Gap):
        return part.model_copy(update={"at": part.at + seconds})
    words = tuple(_moved(word, seconds) for word in part.words)
    return _moved(part, seconds).model_copy(update={"words": words})


def joined(earlier: azstt.Transcript, later: azstt.Transcript) -> azstt.Transcript:
    """Return two transcripts as one, in which the later one follows the end of the earlier."""
    after = earlier.duration
    segments = [moved(segment, after) for segment in later.segments]
    gaps = [moved(gap, after) for gap in later.ledger.gaps]
    ledger = azstt.AudioLedger.model_validate(
        {
            "decoded": after + later.ledger.decoded,
            "sent": after + later.ledger.sent,
            "recognized": earlier.ledger.recognized + later.ledger.recognized,
            "silent": earlier.ledger.silent + later.ledger.silent,
            "gaps": (*earlier.ledger.gaps, *gaps),
        }
    )
    changes = {
        "segments": (*earlier.segments, *segments),
        "duration": after + later.duration,
        "ledger": ledger,
    }
    return later.model_copy(update=changes)


def _moved(span: S, seconds: float) -> S:
    return span.model_copy(update={"start": span.start + seconds, "end": span.end + seconds})
