"""A process that decodes on request, with one decoder, so that each is measured by itself.

    python decode_worker.py DECODER

It imports what the decoder needs and says so; then each line of its input is a request in JSON
and each line of its output the answer. `decode_measure.py` is the other end.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any, Final

from benchmarks.decode.decoders import DECODERS, RATE, Decode

_STATUS: Final = Path("/proc/self/status")
_REFS: Final = Path("/proc/self/clear_refs")
#: What the system counts peak memory in, to the MB.
_UNITS: Final = 1 << 20 if sys.platform == "darwin" else 1 << 10


class _Counter:
    """Counts the bytes of PCM and drops them."""

    def __init__(self) -> None:
        self.size = 0

    def __call__(self, piece: bytes | memoryview) -> None:
        self.size += len(piece)


def cpu_seconds() -> float:
    """Give the processor time of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def decode(run: Decode, paths: Sequence[str], repeat: int) -> dict[str, float]:
    """Decode files one after the other, each several times."""
    counter = _Counter()
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(repeat):
        for path in paths:
            run(path, counter)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    seconds = counter.size / 2 / RATE / repeat
    return {"cpu": cpu / repeat, "wall": wall / repeat, "seconds": seconds, "peak": _peak()}


def rescue(run: Decode, path: str) -> dict[str, object]:
    """Decode a damaged file as far as it goes."""
    counter, error = _Counter(), ""
    wall = time.perf_counter()
    try:
        run(path, counter)
    except Exception as problem:  # noqa: BLE001  whatever it is, it ends this file only
        error = type(problem).__name__
    wall = time.perf_counter() - wall
    return {"seconds": counter.size / 2 / RATE, "error": error, "wall": wall}


def in_threads(run: Decode, paths: Sequence[str]) -> dict[str, float]:
    """Decode files at the same time, each in a thread."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    threads = [Thread(target=run, args=(path, _Counter())) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def open_times(path: str, repeat: int) -> dict[str, list[float]]:
    """Time how long azstt takes to open a file, and until it gives the first PCM."""
    open_audio = importlib.import_module("azstt._audio").open_audio
    opened, first = [], []
    for _ in range(repeat):
        start = time.perf_counter()
        with open_audio(path) as reader:
            opened.append(time.perf_counter() - start)
            next(iter(reader))
            first.append(time.perf_counter() - start)
    return {"open": opened, "first": first}


def spin(seconds: float) -> dict[str, float]:
    """Use the processor as much as it lets us; tell how much that was."""
    cpu, end = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return {"cpu": time.process_time() - cpu}


def _memory(field: str) -> float:
    """Give a figure of this process's memory, in MB."""
    if not _STATUS.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNITS
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def _peak() -> float:
    """Give the peak memory of this process or of the biggest child, in MB."""
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _UNITS
    return max(_memory("VmHWM"), child)


def _serve(run: Decode) -> None:
    answers: dict[str, Callable[..., Any]] = {
        "decode": lambda **request: decode(run, **request),
        "rescue": lambda **request: rescue(run, **request),
        "threads": lambda **request: in_threads(run, **request),
        "open": open_times,
        "spin": spin,
    }
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = answers[request.pop("do")](**request)
        except Exception as error:  # noqa: BLE001  the other end decides what it means
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def main() -> None:
    decoder = DECODERS[sys.argv[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other people's syntax
        for module in decoder.modules:
            importlib.import_module(module)
    if _REFS.exists() and os.access(_REFS, os.W_OK):
        # What the imports took for a moment shall not hide what decoding takes.
        _REFS.write_text("5")
    imports = _memory("VmRSS")
    if decoder.prepare is not None:
        decoder.prepare()
    print(json.dumps({"imports": imports}), flush=True)
    _serve(decoder.decode)


if __name__ == "__main__":
    main()
