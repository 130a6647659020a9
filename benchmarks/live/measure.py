"""Measuring: an emulator and a client process for each run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import ROOT
from benchmarks.processes import module_command, service

BASE = "sdk"
PEERS = ("livekit", "pipecat")
#: Seconds until a newly opened session is in a steady state.
SETTLE = 4.0
#: Texts a second in each session: the emulator sends twenty in five seconds.
_TEXTS = 4.0


@dataclass(frozen=True)
class Load:
    """The work of a client process.

    Attributes:
        sessions: sessions at once.
        seconds: the length of the measurement.
        chunk: seconds of audio that are sent at once.
        settle: seconds to wait after sessions are opened.
    """

    sessions: int
    seconds: float
    chunk: float
    settle: float = SETTLE


@dataclass
class Run:
    """The measurements of one client process; times in milliseconds, memory in MB."""

    load: Load
    figures: dict[str, Any]

    @property
    def texts(self) -> list[float]:
        """The latency of every text from the wire to the user."""
        texts: list[float] = [*self.figures["partials"], *self.figures["finals"]]
        return texts

    @property
    def received(self) -> float:
        """The share of all texts that arrived."""
        expected = _TEXTS * self.load.sessions * float(self.figures["wall"])
        return len(self.texts) / expected

    @property
    def cpu(self) -> float:
        """CPU seconds for a minute of one session."""
        return float(self.figures["cpu"] / self.load.sessions / self.figures["wall"] * 60)

    @property
    def size(self) -> float:
        """Memory of one more session, after it has run for a while."""
        return float((self.sizes[-1][1] - self.figures["one"]) / max(1, self.load.sessions - 1))

    @property
    def sizes(self) -> Sequence[tuple[float, float]]:
        """Pairs of elapsed seconds and the memory of the process at that time."""
        return [(at, size) for at, size in self.figures["sizes"]]

    def cores(self, figure: str) -> float:
        """Return the average cores used: figure is ``cpu``, ``emulator`` or ``others``."""
        return float(self.figures[figure] / self.figures["wall"])


@dataclass
class Runs:
    """All runs of all contenders under one load, in rounds."""

    load: Load
    of: dict[str, list[Run]] = field(default_factory=dict[str, list[Run]])

    def middle(self, name: str, value: Callable[[Run], float]) -> float:
        """Return the median over a contender's rounds."""
        return median(map(value, self.of[name]))

    def added(self, name: str, value: Callable[[Run], float]) -> float:
        """Return the median difference to the bare SDK in the same round."""
        pairs = zip(self.of[name], self.of[BASE], strict=True)
        return median(value(run) - value(base) for run, base in pairs)


class Bench:
    """Runs contenders in turn.

    Args:
        names: the contenders.
        peers: the interpreter that has the peers installed; without it they are skipped.
    """

    def __init__(self, names: Sequence[str], peers: Path | None) -> None:
        self.names = [name for name in names if peers is not None or name not in PEERS]
        self.skipped = [name for name in names if name not in self.names]
        self.versions: dict[str, str] = {}
        self._peers = (
            peers.absolute() if peers else None
        )  # processes have another working directory

    def rounds(self, load: Load, rounds: int, names: Iterable[str] = ()) -> Runs:
        """Run every contender once a round, in a new order each time."""
        chosen = list(names) or self.names
        runs = Runs(load, {name: [] for name in chosen})
        for _ in range(rounds):
            for name in random.sample(chosen, len(chosen)):
                runs.of[name].append(self.run(name, load))
                print(".", end="", file=sys.stderr, flush=True)
        return runs

    def run(self, name: str, load: Load) -> Run:
        """Run a contender once.

        Raises:
            RuntimeError: it failed, or did not open all sessions.
        """
        with service("benchmarks.live.emulator", load.chunk) as (host, process):
            python = str(self._peers) if name in PEERS else sys.executable
            task = (name, host, process, *astuple(load))
            done = subprocess.run(
                module_command("benchmarks.live.worker", *task, python=python),
                cwd=ROOT,
                capture_output=True,
                check=False,
                text=True,
                timeout=load.seconds + 300,
            )
        if done.returncode:
            raise RuntimeError(f"{name} ended with {done.returncode}: {done.stderr[-2000:]}")
        figures = json.loads(done.stdout.splitlines()[-1])
        if figures["open"] < load.sessions or figures["failed"]:
            raise RuntimeError(
                f"{name}: {figures['open']} sessions open, failed: {figures['failed'][:3]}"
            )
        self.versions |= figures.pop("versions")
        return Run(load, figures)


def quantile(share: float, values: Iterable[float]) -> float:
    """Return a quantile of the values, for a share from 0 to 1; nan if there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
