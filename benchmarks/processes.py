"""The processes that benchmarks start, and the memory of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks import ROOT

if sys.platform != "win32":
    import resource

_STATUS: Final = Path("/proc/self/status")
#: The unit of `ru_maxrss`, in parts of a MB.
_MAXRSS_PER_MB: Final = 1 << 20 if sys.platform == "darwin" else 1 << 10


def module_command(module: str, *arguments: object, python: str = sys.executable) -> list[str]:
    """Return the command that runs a module of the benchmarks; run it in `ROOT`."""
    return [python, "-m", module, *map(str, arguments)]


@contextmanager
def service(module: str, *arguments: object) -> Generator[tuple[str, int]]:
    """Run a service in a process of its own until the block ends.

    Yields:
        The address, which the process prints as its first line, and the process id.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        module_command(module, *arguments), cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the service has no pipes")
        yield process.stdout.readline().strip(), process.pid
        process.stdin.close()  # which ends it


def peak_memory() -> float:
    """Return the peak resident memory of this process, in MB; nan where it is unknown."""
    if _STATUS.exists():  # getrusage would also count the process that started this one
        return status_memory("VmHWM")
    if sys.platform == "win32":
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB


def child_peak_memory() -> float:
    """Return the peak resident memory of the largest child that has ended, in MB."""
    if sys.platform == "win32":
        return float("nan")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / _MAXRSS_PER_MB


def status_memory(field: str) -> float:
    """Return a memory field of `/proc/self/status`, such as VmRSS, in MB."""
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))
