"""Measuring: worker processes, single runs, rounds, and medians of paired ratios."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from select import select
from statistics import median
from typing import Any

from benchmarks import ROOT
from benchmarks.decode.decoders import RATE
from benchmarks.processes import module_command


class WorkerDiedError(RuntimeError):
    """A worker crashed, or took too long and was killed."""


class Worker:
    """A process that decodes on request, with one decoder (see `worker.py`).

    Args:
        decoder: the decoder's name.
        tree: the folder that azstt is imported from; by default the one that this process uses.

    Attributes:
        imports: its memory after all imports, in MB.
        cpu: its total CPU time in seconds, once it is closed.
    """

    def __init__(self, decoder: str, tree: Path | None = None) -> None:
        self._process = subprocess.Popen(
            module_command("benchmarks.decode.worker", decoder),
            cwd=ROOT,
            env=None if tree is None else {**os.environ, "PYTHONPATH": str(tree.absolute())},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.cpu = 0.0
        self.imports: float = self.receive()["imports"]

    def send(self, do: str, **request: object) -> None:
        """Send a request."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.write(json.dumps({"do": do, **request}) + "\n")
            pipe.flush()

    def receive(self, timeout: float = 600.0) -> dict[str, Any]:
        """Wait for an answer, for at most `timeout` seconds.

        Raises:
            WorkerDiedError: there was none.
        """
        pipe = self._process.stdout
        line = pipe.readline() if pipe and select([pipe], [], [], timeout)[0] else ""
        if not line:
            self._process.kill()
            self.close()
            raise WorkerDiedError(f"a worker ended with {self._process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, do: str, **request: object) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        self.send(do, **request)
        return self.receive()

    def close(self) -> None:
        """End the process and wait for it."""
        if self._process.returncode is not None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime


@contextmanager
def workers(names: Iterable[str]) -> Generator[dict[str, Worker]]:
    """Keep a worker for each decoder, until the block ends."""
    running: dict[str, Worker] = {}
    try:
        for name in names:
            running[name] = Worker(name)
        yield running
    finally:
        for worker in running.values():
            worker.close()


@dataclass(frozen=True, slots=True)
class Run:
    """One decoding of one file.

    Attributes:
        cpu: user and system time of decoding, of the process and its children, in seconds.
        wall: elapsed time in seconds.
        seconds: seconds of audio that were decoded.
        whole: CPU time of the whole process, from start to end, in seconds.
        peak: peak memory of the process or a child, in MB.
        extra: the peak minus the memory of the imports, in MB.
    """

    cpu: float
    wall: float
    seconds: float
    whole: float = 0.0
    peak: float | None = None
    extra: float | None = None


#: The runs of one file by decoder, in order of the rounds; a text says why there are none.
Series = dict[str, list[Run] | str]


def rounds(
    runs: Mapping[str, Callable[[], Run]], count: int, limits: Mapping[str, int] | None = None
) -> Series:
    """Run all contenders in turn, in a new order each round.

    Args:
        runs: runs each contender once; ValueError means that it cannot read the file.
        count: the number of rounds.
        limits: lower numbers of rounds for some contenders.
    """
    found: dict[str, list[Run]] = {name: [] for name in runs}
    failed: dict[str, str] = {}
    order = random.Random(0)  # noqa: S311 - reproducible
    for number in range(count):
        turn = [n for n in runs if n not in failed and number < (limits or {}).get(n, count)]
        order.shuffle(turn)
        for name in turn:
            try:
                found[name].append(runs[name]())
            except (ValueError, WorkerDiedError):
                failed[name] = "cannot"
    return {**found, **failed}


def middle(series: Series, name: str, figure: str) -> float | None:
    """Return the median of a figure over a decoder's runs, or None if it has none."""
    runs = series.get(name)
    if not isinstance(runs, list) or not runs:
        return None
    values = [getattr(run, figure) for run in runs]
    return None if None in values else median(values)


def ratio(series: Series, over: str, under: str, figure: str = "cpu") -> float | None:
    """Return the median ratio of two decoders' runs in the same round, or None."""
    above, below = series.get(over), series.get(under)
    if not isinstance(above, list) or not isinstance(below, list):
        return None
    pairs = [getattr(a, figure) / getattr(b, figure) for a, b in zip(above, below, strict=False)]
    return median(pairs) if pairs else None


def whole_run(decoder: str, path: Path) -> Run:
    """Decode a file once in a process of its own."""
    worker = Worker(decoder)
    try:
        answer = worker.ask("decode", paths=[str(path)], repeat=1)
    finally:
        worker.close()
    if "failed" in answer:
        raise ValueError(answer["failed"])
    # For a program, the memory and time of the Python process beside it do not count.
    program = decoder.startswith("ffmpeg")
    return Run(
        answer["cpu"],
        answer["wall"],
        answer["seconds"],
        whole=answer["cpu"] if program else worker.cpu,
        peak=answer["peak"],
        extra=None if program else answer["peak"] - worker.imports,
    )


def process_run(command: Sequence[str]) -> tuple[Run, bytes]:
    """Run a program once; return what it used, and its output."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    printed = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.stdout:
        process.stdout.close()
    wall, cpu = time.perf_counter() - start, usage.ru_utime + usage.ru_stime
    if process.returncode:
        raise ValueError(f"{command[0]} ended with {process.returncode}")
    return Run(cpu, wall, 0.0, whole=cpu), printed


def limit_run(program: Path, path: Path) -> Run:
    """Run the C limit (see `limit.c`) once."""
    run, printed = process_run([str(program), str(path)])
    samples, cpu = printed.split()
    return replace(run, cpu=float(cpu), seconds=int(samples) / RATE)
