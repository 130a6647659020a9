"""What the benchmarks print in common: the machine, plain tables, the notice of a smoke run."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

#: What `--quick` runs print first.
SMOKE_NOTICE: Final = (
    "smoke run: tiny inputs, one round; it shows that the benchmark works, and measures nothing"
)


def machine(*packages: str) -> str:
    """Describe the machine, the date and the installed ones of some packages, in one line."""
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{_processor()}, {os.cpu_count()} cores, load {_load()}",
        f"{platform.system()}, Python {platform.python_version()}",
        *(f"{name} {importlib.metadata.version(name)}" for name in packages if _is_installed(name)),
    ]
    return "; ".join(parts)


def print_skipped(names: Iterable[str], reason: str) -> None:
    """Name the contenders that are left out, and why."""
    for name in names:
        print(f"skipped: {name} ({reason})")


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a plain-text table: the first column flush left, the others flush right."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f"\n{title}\n")
    for index, line in enumerate(lines):
        cells = [
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
        if index == 0:
            print("  ".join("-" * width for width in widths))
    sys.stdout.flush()


def number(value: float | None, spec: str, unit: str = "") -> str:
    """Format a figure; a missing one is a dash."""
    return "-" if value is None else f"{value:{spec}}{unit}"


def note(text: str) -> None:
    """Report progress on standard error."""
    print(f"[{datetime.now(UTC):%H:%M:%S}] {text}", file=sys.stderr, flush=True)


def _is_installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # such as azstt itself, run from a checkout
        return False
    return True


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
