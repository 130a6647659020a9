"""The tables of the live benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from statistics import linear_regression, median
from typing import Any

from benchmarks.live.measure import BASE, Run, Runs, quantile

_P99 = 0.99
#: The growth of the 99th percentile at which a process counts as full.
_FULL = 2.0


def _part(kind: str, share: float) -> Callable[[Run], float]:
    """Return a function that reads a quantile of one kind of time from a run."""
    return lambda run: quantile(share, run.figures[kind])


def latency(runs: Runs) -> None:
    """Print the latency of texts, and the difference to the bare SDK."""
    load = runs.load
    print(
        f"\nLatency, {load.sessions} sessions, chunks of {load.chunk * 1000:g} ms, "
        f"{load.seconds:g} s, {len(runs.of[BASE])} rounds: milliseconds"
    )
    print(f"{'':10} {'partials':^28} {'finals':^28} {'trip':>6}")
    columns = f"{'median':>7} {'added':>6} {'p99':>6} {'added':>6}"
    print(f"{'':10} {columns} {columns} {'median':>6}")
    for name in runs.of:
        if name == "nothing":
            continue
        print(f"{name:10} ", end="")
        for kind in ("partials", "finals"):
            for share in (0.5, _P99):
                value = _part(kind, share)
                print(f"{runs.middle(name, value):7.2f} {runs.added(name, value):+6.2f}", end="")
            print(" ", end="")
        print(f"{runs.middle(name, _part('trip', 0.5)):8.1f}")


def load(ladder: Sequence[Runs]) -> None:
    """Print the cost of many sessions in one process."""
    print("\nMany sessions in one process")
    print(
        f"{'':10} {'sessions':>8} {'cpu s/min':>10} {'MB each':>8} {'first MB':>9} {'median':>7} "
        f"{'p99 ms':>7} {'texts':>6} {'fed late':>8} {'cores: client':>14} {'emulator':>9} "
        f"{'others':>7}"
    )
    for runs in ladder:
        for name in runs.of:
            middle = partial(runs.middle, name)
            print(
                f"{name:10} {runs.load.sessions:8} {middle(lambda run: run.cpu):10.3f} "
                f"{middle(lambda run: run.size):8.2f} "
                f"{middle(lambda run: run.figures['one']):9.1f} "
                f"{middle(lambda run: quantile(0.5, run.texts)):7.1f} "
                f"{middle(lambda run: quantile(_P99, run.texts)):7.1f} "
                f"{middle(lambda run: run.received):6.0%} "
                f"{middle(_part('late', _P99)):8.1f} {middle(_cores('cpu')):14.2f} "
                f"{middle(_cores('emulator')):9.2f} {middle(_cores('others')):7.2f}"
            )


def _cores(figure: str) -> Callable[[Run], float]:
    return lambda run: run.cores(figure)


def capacity(few: Runs, ladder: Sequence[Runs]) -> None:
    """Print how many sessions keep the 99th percentile below twice that of a few sessions."""
    print(f"\nSessions of those tried until p99 is {_FULL:g} times that of {few.load.sessions}")
    for name in few.of:
        if name == "nothing":
            continue
        limit = _FULL * few.middle(name, lambda run: quantile(_P99, run.texts))
        held, broken = few.load.sessions, None
        for runs in ladder:
            if runs.middle(name, lambda run: quantile(_P99, run.texts)) > limit:
                broken = runs.load.sessions
                break
            held = runs.load.sessions
        after = "the most tried" if broken is None else f"not {broken}"
        print(f"{name:10} {held} ({after}; twice is {limit:.1f} ms)")


def flat(runs: Runs) -> None:
    """Print memory over time."""
    print(f"\nMemory of {runs.load.sessions} sessions over {runs.load.seconds / 60:g} minutes: MB")
    for name, (run,) in runs.of.items():
        sizes = run.sizes
        shown = sizes[:: max(1, len(sizes) // 6)]
        course = "  ".join(f"{seconds / 60:.1f} min {size:.1f}" for seconds, size in shown)
        late = sizes[len(sizes) // 3 :]
        slope = linear_regression(
            [seconds for seconds, _ in late], [size for _, size in late]
        ).slope
        grown = slope * 3600 / runs.load.sessions
        print(f"{name:10} {course}; in an hour a session grows by {grown:.2f} MB")


def raw(runs: Runs) -> dict[str, Any]:
    """Return all measurements, for JSON."""
    return {
        "load": asdict(runs.load),
        "runs": {name: [run.figures for run in each] for name, each in runs.of.items()},
        "p99": {
            name: median(quantile(_P99, run.texts) for run in each)
            for name, each in runs.of.items()
            if name != "nothing"
        },
    }
