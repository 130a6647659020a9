"""A process that decodes on request with one decoder: `python -m benchmarks.decode.worker DECODER`.

It imports what the decoder needs and reports its memory; from then on each line of input is a
request in JSON, and each line of output the answer. `measure.py` is the other end.
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
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any, Final

from benchmarks.decode.decoders import DECODERS, RATE, Decode
from benchmarks.processes import child_peak_memory, peak_memory, status_memory

_REFS: Final = Path("/proc/self/clear_refs")


class _Counter:
    """Counts the bytes of PCM and discards them."""

    def __init__(self) -> None:
        self.size = 0

    def __call__(self, pcm: bytes | memoryview) -> None:
        self.size += len(pcm)


def cpu_seconds() -> float:
    """Return the CPU seconds of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def decode(run: Decode, paths: Sequence[str], repeat: int) -> dict[str, float]:
    """Decode files in turn, `repeat` times."""
    counter = _Counter()
    cpu, wall = cpu_seconds(), time.perf_counter()
    for _ in range(repeat):
        for path in paths:
            run(path, counter)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    seconds = counter.size / 2 / RATE / repeat
    return {
        "cpu": cpu / repeat,
        "wall": wall / repeat,
        "seconds": seconds,
        "peak": max(peak_memory(), child_peak_memory()),
    }


def stream(paths: Sequence[str], repeat: int, pieces: int) -> dict[str, float]:
    """Decode files in turn with azstt's live decoder, each in so many pieces, `repeat` times."""
    from azstt._audio import LiveDecoder  # noqa: PLC0415 - only the worker for azstt loads it
    from azstt._audio_format import AudioFormat  # noqa: PLC0415

    counter, errors = _Counter(), list[Exception | None]()
    contents = [Path(path).read_bytes() for path in paths]
    start, wall = cpu_seconds(), time.perf_counter()
    for data in contents * repeat:
        size = len(data) // pieces + 1
        decoder = LiveDecoder("auto", AudioFormat(), sink=counter, done=errors.append)
        for at in range(0, len(data), size):
            decoder.feed(data[at : at + size])
        decoder.finish()
        decoder.close()
    cpu, wall = cpu_seconds() - start, time.perf_counter() - wall
    if any(errors):
        raise ValueError(errors)
    seconds = counter.size / 2 / RATE / repeat
    return {"cpu": cpu / repeat, "wall": wall / repeat, "seconds": seconds}


def rescue(run: Decode, path: str) -> dict[str, object]:
    """Decode a damaged file as far as it goes."""
    counter, error = _Counter(), ""
    wall = time.perf_counter()
    try:
        run(path, counter)
    except Exception as problem:  # noqa: BLE001 - any error ends only this file
        error = type(problem).__name__
    wall = time.perf_counter() - wall
    return {"seconds": counter.size / 2 / RATE, "error": error, "wall": wall}


def in_threads(run: Decode, paths: Sequence[str]) -> dict[str, float]:
    """Decode files at the same time, each in a thread of its own."""
    cpu, wall = cpu_seconds(), time.perf_counter()
    threads = [Thread(target=run, args=(path, _Counter())) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"wall": time.perf_counter() - wall, "cpu": cpu_seconds() - cpu}


def open_times(path: str, repeat: int) -> dict[str, list[float]]:
    """Time opening a file with azstt, and the first PCM from it, in seconds."""
    from azstt._audio import open_audio  # noqa: PLC0415 - only the worker for azstt loads it

    opened: list[float] = []
    first: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        with open_audio(path) as reader:
            opened.append(time.perf_counter() - start)
            next(iter(reader))
            first.append(time.perf_counter() - start)
    return {"open": opened, "first": first}


def spin(seconds: float) -> dict[str, float]:
    """Spin; return the CPU time that this process got."""
    cpu, end = time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass
    return {"cpu": time.process_time() - cpu}


def _serve(run: Decode) -> None:
    answers: dict[str, Callable[..., Any]] = {
        "decode": partial(decode, run),
        "stream": stream,
        "rescue": partial(rescue, run),
        "threads": partial(in_threads, run),
        "open": open_times,
        "spin": spin,
    }
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = answers[request.pop("do")](**request)
        except Exception as error:  # noqa: BLE001 - reported to the other end
            answer = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


def main() -> None:
    decoder = DECODERS[sys.argv[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of third-party syntax
        for module in decoder.modules:
            importlib.import_module(module)
    if _REFS.exists() and os.access(_REFS, os.W_OK):
        # Reset the peak, so that memory used briefly by imports does not hide what decoding uses.
        _REFS.write_text("5")
    imports = status_memory("VmRSS") if sys.platform == "linux" else peak_memory()
    if decoder.prepare is not None:
        decoder.prepare()
    print(json.dumps({"imports": imports}), flush=True)
    _serve(decoder.decode)


if __name__ == "__main__":
    main()
