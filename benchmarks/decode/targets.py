"""Compares the measured figures with the targets for azstt's decoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.decode.blocks import TWO_CORES
from benchmarks.report import print_table

_COMPRESSED = ("mp3", "m4a", "opus", "webm", "flac", "mp4")
#: An hour of these has an index of tens of MB, which libav holds in memory.
_INDEXED = ("m4a", "mp4")


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on one figure.

    Attributes:
        what: a description.
        key: block, format and name of the figure.
        bound: the value to reach.
        least: whether the bound is a minimum; otherwise it is a maximum.
        unit: printed after the figures.
        base: the key of a figure to subtract, such as the one for another length.
    """

    what: str
    key: tuple[str, str, str]
    bound: float
    least: bool = True
    unit: str = "x"
    base: tuple[str, str, str] | None = None

    def met(self, value: float) -> bool:
        """Return whether a value reaches the target."""
        return value >= self.bound if self.least else value <= self.bound


def print_targets(figures: dict[tuple[str, str, str], float]) -> None:
    """Print each target that was measured, and whether it is met."""
    rows: list[list[str]] = []
    missed = 0
    for target in _targets():
        if target.key not in figures or (target.base and target.base not in figures):
            continue
        value = figures[target.key] - (figures[target.base] if target.base else 0.0)
        busy = figures.get((*target.key[:2], "cores"), TWO_CORES) < TWO_CORES
        verdict = "" if target.met(value) else "machine busy" if busy else "MISSED"
        missed += bool(verdict)
        sign = ">=" if target.least else "<="
        bound = f"{sign} {target.bound:g}{target.unit}"
        measured = f"{value:.{0 if abs(value) >= 100 else 3}f}{target.unit}"  # noqa: PLR2004
        rows.append([f"{target.key[1]:6} {target.what}", bound, measured, verdict])
    print_table(
        f"Targets: {len(rows) - missed} of {len(rows)} met", ["", "target", "now", ""], rows
    )


def _targets() -> Iterator[Target]:
    yield from _warm()
    yield from _long()
    yield from _memory()
    for form in (*_COMPRESSED, "wav48"):
        yield Target("2 files in 2 threads, faster than in turn", ("threads", form, "speed"), 1.7)
    yield Target("seconds of damaged files, share of ffmpeg's", ("damaged", "all", "share"), 0.99)
    for form in (*_COMPRESSED, "wav48", "wav16"):
        bound = 3.5 if form == "mp4" else 1.0
        yield Target("open 10 s", ("open", form, "ms"), bound, least=False, unit=" ms")
    for form, bound in (("wav16", 0.3), ("mp3", 1.3)):
        what = "fresh process, 10 s, CPU over ffmpeg's"
        yield Target(what, ("cold", form, "share"), bound, least=False)


def _warm() -> Iterator[Target]:
    bounds = dict.fromkeys(_COMPRESSED, 5.5) | {"opus": 4.0, "wav48": 12.0, "wav16": 1000.0}
    for form, bound in bounds.items():
        yield Target("10 s warm, faster than ffmpeg", ("warm", form, "speed"), bound)


def _long() -> Iterator[Target]:
    speeds = dict.fromkeys(_COMPRESSED, 1.15) | {"wav48": 2.2}
    kinds = {"": "decoding", "whole_": "whole process"}
    for length, kind in (("5min", ""), ("1h", ""), ("1h", "whole_")):
        what = f"{length}, {kinds[kind]}"
        for form in _COMPRESSED:
            yield Target(f"{what}, of the limit", (length, form, f"{kind}limit"), 0.80)
        for form, bound in speeds.items():
            yield Target(f"{what}, faster than ffmpeg", (length, form, f"{kind}speed"), bound)
    # An hour would say little: the program starts once, and both merely copy.
    yield Target("5min, decoding, faster than ffmpeg", ("5min", "wav16", "speed"), 50.0)


def _memory() -> Iterator[Target]:
    for form in (*_COMPRESSED, "wav48", "wav16"):
        ten, full = ("1h", form, "extra_10s"), ("1h", form, "extra")
        for length, key in (("10 s", ten), ("1 h", full)):
            what = f"{length}, memory over the imports"
            yield Target(what, key, 10.0, least=False, unit=" MB")
        if form not in _INDEXED:
            what = "1 h, memory over that of 10 s"
            yield Target(what, full, 1.0, least=False, unit=" MB", base=ten)
