"""The measuring: workers that decode, runs one by one, medians of paired ratios, plain tables."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from select import select
from statistics import median
from typing import Any, Final

from benchmarks import ROOT
from benchmarks.decode.decoders import RATE, ffmpeg_on_path, ffmpeg_static


class WorkerDiedError(RuntimeError):
    """A worker crashed, or took too long and was ended."""


class Worker:
    """A process with one decoder, at the other end of two pipes.

    Args:
        decoder: its name.

    Attributes:
        imports: its memory once everything is imported, in MB.
        cpu: the processor time of its whole life, once it is closed.
    """

    def __init__(self, decoder: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.decode.worker", decoder],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.cpu = 0.0
        self.imports: float = self.hear()["imports"]

    def tell(self, do: str, **request: object) -> None:
        """Send a request."""
        pipe = self._process.stdin
        if pipe is not None:
            pipe.write(json.dumps({"do": do, **request}) + "\n")
            pipe.flush()

    def hear(self, patience: float = 600.0) -> dict[str, Any]:
        """Wait for an answer, at most some seconds.

        Raises:
            WorkerDiedError: there is none.
        """
        pipe = self._process.stdout
        line = pipe.readline() if pipe and select([pipe], [], [], patience)[0] else ""
        if not line:
            self._process.kill()
            self.close()
            raise WorkerDiedError(f"a worker ended with {self._process.returncode}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, do: str, **request: object) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        self.tell(do, **request)
        return self.hear()

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
def workers(names: Iterable[str]) -> Iterator[dict[str, Worker]]:
    """Keep a worker for each decoder; end them all."""
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
        wall: what the clock says, in seconds.
        seconds: of audio that came out.
        whole: the processor time of the whole process, from its start to its end.
        peak: the most memory that it or a child ever had, in MB.
        extra: the same without what the imports took.
    """

    cpu: float
    wall: float
    seconds: float
    whole: float = 0.0
    peak: float | None = None
    extra: float | None = None


#: The runs of one file, by decoder, in the order of the rounds; a text says why there are none.
Series = dict[str, list[Run] | str]


def rounds(
    runs: Mapping[str, Callable[[], Run]], count: int, limits: Mapping[str, int] | None = None
) -> Series:
    """Run all competitors in turn, in another order each round.

    Args:
        runs: what runs each once; what raises ValueError cannot read the file.
        count: how many rounds.
        limits: fewer rounds for some.
    """
    found: dict[str, list[Run]] = {name: [] for name in runs}
    failed: dict[str, str] = {}
    order = random.Random(0)  # noqa: S311  a seed
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
    """Give the median of a figure of a decoder's runs."""
    runs = series.get(name)
    if not isinstance(runs, list) or not runs:
        return None
    values = [getattr(run, figure) for run in runs]
    return None if None in values else median(values)


def ratio(series: Series, over: str, under: str, figure: str = "cpu") -> float | None:
    """Give the median of the ratios of two decoders' runs in the same round."""
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
    # A program's memory has nothing to do with the Python beside it, nor has its time.
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
    """Run a program once; give what it took, and what it printed."""
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
    """Run the limit, which is a program in C, once."""
    run, printed = process_run([str(program), str(path)])
    samples, cpu = printed.split()
    return replace(run, cpu=float(cpu), seconds=int(samples) / RATE)


def table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of plain text; the first column is to the left, the others to the right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    sys.stdout.flush()


def number(value: float | None, spec: str, unit: str = "") -> str:
    """Give a figure as text, or a dash."""
    return "-" if value is None else f"{value:{spec}}{unit}"


def note(text: str) -> None:
    """Tell who waits how far it has come."""
    print(f"[{datetime.now(UTC):%H:%M:%S}] {text}", file=sys.stderr, flush=True)


def machine() -> str:
    """Describe what the figures were measured on, and when."""
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"{platform.system()}, Python {platform.python_version()}",
        *(f"{name} {_version(name)}" for name in _PACKAGES if importlib.util.find_spec(name)),
        f"ffmpeg {_program_version(ffmpeg_on_path())}",
        f"ffmpeg static {_program_version(ffmpeg_static())}",
    ]
    return "; ".join(parts)


_PACKAGES: Final = ("azstt", "av", "pydub", "librosa", "soundfile", "soxr")


def _version(package: str) -> str:
    return importlib.metadata.version(package)


def _program_version(program: str | None) -> str:
    if program is None:
        return "not installed"
    result = subprocess.run([program, "-version"], check=True, capture_output=True, text=True)
    return result.stdout.split()[2]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
