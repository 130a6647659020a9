"""What is missing, in words."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from azstt._errors import IncompleteAudioWarning, LowConfidenceWarning, warn
from azstt._result import TOLERANCE, Gap
from azstt._transcript import Transcript
from azstt._units import timestamp

#: What the reasons of gaps in the media mean, see `Gap`.
_MEANINGS = {
    "truncated": "truncated: the recording ends too early",
    "damaged": "damaged: it can't be read",
    "absent": "absent: it was never stored",
    "closed": "closed: the session was closed before it was recognized",
    "unreadable": "unreadable: a further recording of a kind that can't be followed",
}


def describe(gaps: Iterable[Gap]) -> list[str]:
    """Say how much is missing, where and why: a phrase for each reason, in order of time.

    What is missing in every channel counts once.
    """
    by_reason: defaultdict[str, list[Gap]] = defaultdict(list)
    for gap in dict.fromkeys(gap.model_copy(update={"channel": None}) for gap in gaps):
        by_reason[gap.reason].append(gap)
    return [
        f"{how_much(gap.seconds for gap in some)} of audio is missing {where(some)} "
        f"({_MEANINGS.get(reason, reason)})"
        for reason, some in by_reason.items()
    ]


def how_much(lengths: Iterable[float | None]) -> str:
    """Return the sum of lengths in words; None is unknown."""
    lengths = list(lengths)
    known = sum(filter(None, lengths))
    text = f"{known:.1f} s" if known >= 1 else f"{known:.2f} s"
    if None not in lengths:
        return text
    return f"more than {text}" if known else "an unknown length"


def warned(transcript: Transcript, source: str = "") -> Transcript:
    """Return a transcript, after warnings if something is missing or it is probably wrong.

    Args:
        transcript: the transcript.
        source: names it in the warnings.
    """
    if not transcript.complete:
        warn_of(transcript.ledger.gaps, source)
    if doubt := transcript.doubt:
        warn(_prefix(source) + doubt, LowConfidenceWarning)
    return transcript


def warn_of(gaps: Iterable[Gap], source: str = "") -> None:
    """Give the warning."""
    warn(_prefix(source) + "; ".join(describe(gaps)), IncompleteAudioWarning)


def _prefix(source: str) -> str:
    return f"{source!r}: " if source else ""


def are_missing(gaps: Iterable[Gap]) -> bool:
    """Return whether gaps of one channel are more than rounding."""
    return sum(math.inf if gap.seconds is None else gap.seconds for gap in gaps) > TOLERANCE


def where(gaps: Sequence[Gap]) -> str:
    """Return where audio is missing, in words."""
    first = timestamp(gaps[0].at)
    return f"at {first}" if len(gaps) == 1 else f"in {len(gaps)} places, the first at {first}"
