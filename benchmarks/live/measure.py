"""The measuring of benchmarks/live.py: an emulator and a client process for each run."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import ROOT

BASE = "sdk"
PEERS = ("livekit", "pipecat")
#: Texts a second of each session: live_emulator says twenty in five seconds.
_TEXTS = 4.0


@dataclass(frozen=True)
class Load:
    """What a client process is given to do."""

    sessions: int
    seconds: float
    piece: float


@dataclass
class Run:
    """What one client process measured; times in milliseconds, memory in MB."""

    load: Load
    figures: dict[str, Any]

    @property
    def texts(self) -> list[float]:
        """From the wire to the user, of every text."""
        return [*self.figures["partials"], *self.figures["finals"]]

    @property
    def heard(self) -> float:
        """The share of all texts that came."""
        load = self.load
        return len(self.texts) / (_TEXTS * load.sessions * self.figures["wall"])

    @property
    def cpu(self) -> float:
        """Seconds of CPU for a minute of a session."""
        return float(self.figures["cpu"] / self.load.sessions / self.figures["wall"] * 60)

    @property
    def size(self) -> float:
        """Memory of a further session, once it has run for a while."""
        return float((self.sizes[-1][1] - self.figures["one"]) / max(1, self.load.sessions - 1))

    @property
    def sizes(self) -> Sequence[tuple[float, float]]:
        """Seconds, and the memory of the process then."""
        return [(at, size) for at, size in self.figures["sizes"]]

    def share(self, whose: str) -> float:
        """Give the cores that were taken, on average, by ``cpu``, ``emulator`` or ``strangers``."""
        return float(self.figures[whose] / self.figures["wall"])


@dataclass
class Runs:
    """All runs of all contenders under one load, in rounds."""

    load: Load
    of: dict[str, list[Run]] = field(default_factory=dict)

    def middle(self, name: str, value: Callable[[Run], float]) -> float:
        """Give the median of a contender's rounds."""
        return median(map(value, self.of[name]))

    def added(self, name: str, value: Callable[[Run], float]) -> float:
        """Give the median of what came on top of the bare SDK in the same round."""
        pairs = zip(self.of[name], self.of[BASE], strict=True)
        return median(value(run) - value(base) for run, base in pairs)


class Bench:
    """Runs contenders in turns.

    Args:
        names: the contenders.
        peers: the interpreter that has the peers.
    """

    def __init__(self, names: Sequence[str], peers: Path | None) -> None:
        self.names = [name for name in names if peers is not None or name not in PEERS]
        self.versions: dict[str, str] = {}
        self._peers = peers.absolute() if peers else None  # processes run elsewhere

    def rounds(self, load: Load, rounds: int, names: Iterable[str] = ()) -> Runs:
        """Run every contender once a round, in another order each time."""
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
            RuntimeError: it failed, or did not open all of its sessions.
        """
        with emulator(load.piece) as (host, number):
            python = str(self._peers) if name in PEERS else sys.executable
            task = (name, host, number, load.sessions, load.seconds, load.piece)
            done = subprocess.run(
                [python, "-m", "benchmarks.live.worker", *map(str, task)],
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
            raise RuntimeError(f"{name}: {figures['open']} open, failed: {figures['failed'][:3]}")
        self.versions |= figures.pop("versions")
        return Run(load, figures)


@contextmanager
def emulator(piece: float) -> Iterator[tuple[str, int]]:
    """Run the service; give its address and its process."""
    command = [sys.executable, "-m", "benchmarks.live.emulator", str(piece)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the emulator has no pipes")
        yield process.stdout.readline().strip(), process.pid
        process.stdin.close()


def at(share: float, values: Iterable[float]) -> float:
    """Give the value below which so large a share of all lies; nan for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
