"""Check the measured coverage against the project's minimums.

usage: python -m scripts.check_coverage coverage.json
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Percent of lines and branches, for the pure floors and for everything.
PURE_FLOORS, PURE_MINIMUM = ("F0", "F1", "F2"), 100.0
MINIMUM = 95.0


def pure_files() -> set[str]:
    """Return the files of the pure floors, whose rooms are modules or folders."""
    floors = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["azstt"]["floors"]
    rooms = [ROOT / "src" / "azstt" / room for floor in PURE_FLOORS for room in floors[floor]]
    files = [file for room in rooms for file in room.rglob("*.py")]
    files += [room.with_suffix(".py") for room in rooms if not room.is_dir()]
    return {file.relative_to(ROOT).as_posix() for file in files}


def main(report: Path) -> int:
    """Print the coverage; return the exit status."""
    measured = json.loads(report.read_text())
    pure = pure_files()
    short = [
        f"{path}: {file['summary']['percent_covered']:.1f} % (missing {file['missing_lines']}, "
        f"branches {file['missing_branches']})"
        for path, file in measured["files"].items()
        if path in pure and file["summary"]["percent_covered"] < PURE_MINIMUM
    ]
    unmeasured = sorted(pure - set(measured["files"]))
    total = measured["totals"]["percent_covered"]
    print(f"coverage, lines and branches: {total:.2f} % overall (at least {MINIMUM} %)")
    print(f"coverage of the pure floors: {len(pure)} files, {len(short)} of them below 100 %")
    print(*short, *(f"{path}: not measured" for path in unmeasured), sep="\n")
    return int(bool(short or unmeasured) or total < MINIMUM)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
