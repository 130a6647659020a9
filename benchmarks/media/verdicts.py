"""Compares what azstt heard with what there was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.media.forms import FORMS
from benchmarks.media.listening import Heard
from benchmarks.media.player import Played
from benchmarks.media.recordings import Case

#: The targets: shares of what the ffmpeg program recovers, and of what is lost; seconds.
RECOVERED, ACCOUNTED, PUNCTUAL = 0.99, 0.95, 0.05
#: Seconds of a loss that are no matter: a packet or two at an edge.
_EDGE: Final = 0.1
#: More than this share, plus some seconds, is said to be lost than is.
_TOO_MUCH: Final = (1.1, 0.3)
#: Kinds whose gaps must name the whole loss; the rest is joined media, where the ends may differ.
_ACCOUNTED: Final = frozenset({"damaged", "truncated", "gapped"})
_PUNCTUAL: Final = frozenset({"whole", "late", "gapped", "joined", "dtx"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a recording was heard; None where nothing is to be measured.

    Attributes:
        case: the recording.
        live: whether it came in pieces.
        recovered: the share of what the ffmpeg program recovers.
        accounted: the share of the loss that gaps name.
        late: the largest error of a beep's time, in seconds.
        faults: what falls short, in words.
        heard: all that was heard.
    """

    case: Case
    live: bool
    recovered: float | None
    accounted: float | None
    late: float | None
    faults: tuple[str, ...]
    heard: Heard


def judge(
    case: Case, heard: Heard, played: Played, whole: Sequence[Played], *, live: bool
) -> Verdict:
    """Compare what was heard of a recording with what a player plays, and with the whole."""
    faults: list[str] = [heard.error] if heard.error and played.sounding > _EDGE else []
    recovered = _recovered(case, heard, played, whole)
    if recovered is not None and recovered < RECOVERED:
        faults.append(f"recovered {recovered:.1%} of {played.sounding:.2f} s")
    lost = sum(part.seconds for part in whole) - heard.seconds
    told = sum(gap.seconds or 0.0 for gap in heard.missing)
    accounted = _accounted(case, heard, lost, told)
    if accounted is not None and accounted * lost < ACCOUNTED * lost - _EDGE / 2:
        faults.append(f"accounts for {told:.2f} of {lost:.2f} s lost")
    if case.kind in _ACCOUNTED and told > _TOO_MUCH[0] * max(0.0, lost) + _TOO_MUCH[1]:
        faults.append(f"says {told:.2f} s are lost of {max(0.0, lost):.2f}")
    late = _error(case, heard, played)
    if late is not None and late > PUNCTUAL:
        faults.append(f"beeps off by {1000 * late:.0f} ms")
    faults += _alarms(case, heard)
    return Verdict(case, live, recovered, accounted, late, tuple(faults), heard)


def _recovered(case: Case, heard: Heard, played: Played, whole: Sequence[Played]) -> float | None:
    """Return the share of sound that was heard; of joined media, of all parts unless named."""
    there = played.sounding
    if case.kind == "joined":
        if any(gap.reason == "unreadable" for gap in heard.missing):
            return None
        there = sum(part.sounding for part in whole)
    return heard.seconds / there if there > _EDGE else None


def _accounted(case: Case, heard: Heard, lost: float, told: float) -> float | None:
    if case.kind not in _ACCOUNTED or lost <= _EDGE or (heard.error and not heard.missing):
        return None
    promise = FORMS[case.form].promise
    if case.kind == "truncated" and promise != "length":
        # How much is missing cannot be known; that something is can, or not even that.
        return None if promise == "nothing" else float(bool(heard.missing))
    return min(1.0, told / lost)


def _error(case: Case, heard: Heard, played: Played) -> float | None:
    """Return by how much the worst beep is off."""
    form = FORMS.get(case.form)
    if not case.beeps or (heard.error and not heard.beeps):
        return None
    if case.kind in _PUNCTUAL:
        # The ffmpeg program knows nothing of the parts of a file that was joined.
        exact = form is not None and (form.player or case.kind == "joined")
        right = case.beeps if exact else played.beeps
        if case.kind == "joined" and any(gap.reason == "unreadable" for gap in heard.missing):
            return None
        return max(_farthest(right, heard.beeps), _farthest(heard.beeps, right))
    # Where a player is right after the damage, so must we be; its filter fills from 0.1 s on.
    if form is None or not form.timed or case.kind != "damaged":
        return None
    off = _farthest(played.beeps, case.beeps)
    return _farthest(heard.beeps, case.beeps) if off <= PUNCTUAL else None


def _farthest(times: Sequence[float], others: Sequence[float]) -> float:
    """Return the largest distance from one of the times to the nearest of the others."""
    if not others:
        return 99.0 if times else 0.0
    return max((min(abs(at - other) for other in others) for at in times), default=0.0)


def _alarms(case: Case, heard: Heard) -> list[str]:
    """Return what is called missing and is not."""
    allowed: frozenset[str] | None = {
        "whole": frozenset[str](),
        "late": frozenset[str](),
        "gapped": frozenset({"absent"}),
        # What was never stored may be called absent, though it was silence.
        "dtx": frozenset({"absent"}),
        "joined": frozenset({"unreadable"}),
    }.get(case.kind)
    if allowed is None:
        return []
    false = [gap for gap in heard.missing if gap.reason not in allowed]
    return [f"false alarm: {gap.reason} {gap.seconds} s at {gap.at:.2f} s" for gap in false[:2]]
