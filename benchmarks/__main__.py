"""Runs every benchmark as a smoke test: `python -m benchmarks --quick`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from typing import Final

from benchmarks import ROOT
from benchmarks.processes import module_command
from benchmarks.report import SMOKE_NOTICE

_BENCHMARKS: Final = (
    "benchmarks.accuracy",
    "benchmarks.azure_overhead",
    "benchmarks.decode",
    "benchmarks.decode.streams",
    "benchmarks.live",
    "benchmarks.media",
)
#: Seconds after which a smoke run has failed.
_TIMEOUT: Final = 300


def main() -> int:
    """Run all benchmarks at once: timing does not matter here. Print what failed or was skipped."""
    parser = argparse.ArgumentParser(description="smoke-test every benchmark")
    help_text = "required: measure with one benchmark's own command, as python -m benchmarks.decode"
    parser.add_argument("--quick", action="store_true", required=True, help=help_text)
    parser.parse_args()
    print(SMOKE_NOTICE, flush=True)
    began = time.monotonic()
    running = {
        name: subprocess.Popen(
            module_command(name, "--quick"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in _BENCHMARKS
    }
    failed = [name for name, process in running.items() if not _passed(name, process)]
    print(f"{time.monotonic() - began:.0f} s in all; failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


def _passed(name: str, process: subprocess.Popen[str]) -> bool:
    try:
        output, _ = process.communicate(timeout=_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    if process.returncode or SMOKE_NOTICE not in output:
        print(f"{name}: FAILED with status {process.returncode}\n{output}")
        return False
    print(f"{name}: ok")
    print(
        *(f"  {line}\n" for line in output.splitlines() if line.startswith("skipped:")),
        sep="",
        end="",
        flush=True,
    )
    return True


if __name__ == "__main__":
    sys.exit(main())
