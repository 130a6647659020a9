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
#: Seconds that 6 % of the bytes may hit, with the packets of which only a part is damaged.
_HIT: Final = 3.0
#: Kinds whose gaps must name the whole loss; the rest is joined media, where the ends may differ.
_ACCOUNTED: Final = frozenset({"damaged", "truncated", "gapped"})
#: Kinds with holes that the ffmpeg program fills, and by how much it may be off after them.
_HOLES: Final = frozenset({"gapped", "dtx"})
_DRIFT: Final = 0.15


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
    # Damage may be played as noise, so that more was lost than is missing.
    most = max(lost, _HIT if case.kind == "damaged" else 0.0)
    if case.kind in _ACCOUNTED and told > _TOO_MUCH[0] * most + _TOO_MUCH[1]:
        faults.append(f"says {told:.2f} s are lost of {max(0.0, lost):.2f}")
    late = _error(case, heard, played, whole)
    if late is not None and late > PUNCTUAL:
        faults.append(f"beeps off by {1000 * late:.0f} ms")
    faults += _alarms(case, heard)
    return Verdict(case, live, recovered, accounted, late, tuple(faults), heard)


def _recovered(case: Case, heard: Heard, played: Played, whole: Sequence[Played]) -> float | None:
    """Return the share of sound that was heard; of joined media, of all parts unless named."""
    there = played.sounding
    if case.kind == "joined":
        if _unreadable(heard):
            return None
        there = sum(part.sounding for part in whole)
    return heard.seconds / there if there > _EDGE else None


def _accounted(case: Case, heard: Heard, lost: float, told: float) -> float | None:
    if case.kind not in _ACCOUNTED or lost <= _EDGE or (heard.error and not heard.missing):
        return None
    form, promise = FORMS[case.form], FORMS[case.form].promise
    if case.detail.startswith("deleted") and promise == "nothing" and not form.timed:
        return None  # nothing in the file tells how much was there
    if case.kind == "truncated" and promise != "length":
        # How much is missing cannot be known; that something is can, or not even that.
        return None if promise == "nothing" else float(bool(heard.missing))
    return min(1.0, told / lost)


def _error(case: Case, heard: Heard, played: Played, whole: Sequence[Played]) -> float | None:
    """Return by how much the worst beep is off."""
    if heard.error and not heard.beeps:
        return None
    if case.kind == "damaged":
        # Some beeps are gone. Where a player is right about the others, so must we be.
        known = FORMS[case.form].timed and _farthest(played.beeps, case.beeps) <= PUNCTUAL
        return _farthest(heard.beeps, case.beeps) if known else None
    right = _right(case, heard, played, whole)
    if right is None:
        return None
    return max(_farthest(right, heard.beeps), _farthest(heard.beeps, right))


def _right(
    case: Case, heard: Heard, played: Played, whole: Sequence[Played]
) -> Sequence[float] | None:
    """Return when a player plays the beeps; None if it is not to be measured."""
    if case.kind == "truncated" or (case.kind == "joined" and _unreadable(heard)):
        return None
    if case.kind == "joined":
        first, second = whole
        return (*first.beeps, *(first.seconds + at for at in second.beeps))
    if not case.form:
        return None
    # The filter lets times drift by up to 0.1 s before it fills a hole, so what is known counts;
    # unless the container cannot hold the times.
    filled = case.kind in _HOLES and _farthest(played.beeps, case.beeps) <= _DRIFT
    return case.beeps if filled or FORMS[case.form].player else played.beeps


def _unreadable(heard: Heard) -> bool:
    return any(gap.reason == "unreadable" for gap in heard.missing)


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
