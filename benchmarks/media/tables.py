"""Prints the tables, in Markdown for docs/benchmarks.md, and the misses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final

from benchmarks.media.forms import FORMS
from benchmarks.media.listening import Missing
from benchmarks.media.verdicts import ACCOUNTED, PUNCTUAL, RECOVERED, Verdict
from benchmarks.report import number

_KINDS: Final = ("whole", "damaged", "truncated", "late", "gapped", "joined", "dtx")


def print_tables(verdicts: Sequence[Verdict]) -> None:
    """Print containers and kinds, files and live."""
    print(
        f"\nThe worst recording of each: seconds recovered of those that ffmpeg recovers (target "
        f"{RECOVERED:.0%}) / lost seconds accounted for ({ACCOUNTED:.0%}) / error of the times "
        f"({1000 * PUNCTUAL:.0f} ms). Bold: a target is missed."
    )
    for live, title in ((False, "Files"), (True, "Live, in pieces of 4000 bytes")):
        print(f"\n{title}:\n\n| | {' | '.join(_KINDS)} |\n|---{'|---:' * len(_KINDS)}|")
        for form in FORMS:
            mine = [v for v in verdicts if v.case.form == form and v.live == live]
            if mine:
                cells = (_cell([v for v in mine if v.case.kind == kind]) for kind in _KINDS)
                print(f"| {form} | {' | '.join(cells)} |")
    good = [verdict for verdict in verdicts if not verdict.case.form]
    alarms = sum(bool(verdict.faults) for verdict in good)
    missed = sum(bool(verdict.faults) for verdict in verdicts)
    print(f"\nGood recordings: {len(good) // 2}, as files and live; with a fault: {alarms}")
    print(f"All: {len(verdicts) - missed} of {len(verdicts)} within their targets", flush=True)


def _cell(verdicts: Sequence[Verdict]) -> str:
    """Return the worst figures of a container and kind."""
    if not verdicts:
        return ""
    recovered = _least(v.recovered for v in verdicts)
    accounted = _least(v.accounted for v in verdicts)
    late = [v.late for v in verdicts if v.late is not None]
    figures = (recovered, accounted, f"{1000 * max(late):.0f} ms" if late else "-")
    text = " / ".join(figures)
    return f"**{text}**" if any(v.faults for v in verdicts) else text


def _least(shares: Iterable[float | None]) -> str:
    known = [share for share in shares if share is not None]
    return f"{100 * min(1.0, *known, 1.0):.1f}" if known else "-"


def print_misses(verdicts: Sequence[Verdict]) -> None:
    """List what misses its target: files and live, by kind, with the paths."""
    missed = [verdict for verdict in verdicts if verdict.faults]
    missed.sort(key=lambda v: (v.live, _KINDS.index(v.case.kind)))
    for (live, kind), group in groupby(missed, lambda v: (v.live, v.case.kind)):
        found = list(group)
        print(f"\n{'live' if live else 'files'}, {kind}: {len(found)} missed\n")
        for verdict in found:
            gaps = ", ".join(map(_gap, verdict.heard.missing[:3])) or "none"
            print(f"- {verdict.case.path}: {'; '.join(verdict.faults)} (gaps: {gaps})")


def _gap(gap: Missing) -> str:
    return f"{gap.reason} {number(gap.seconds, '.2f', ' s')} at {gap.at:.2f}"
