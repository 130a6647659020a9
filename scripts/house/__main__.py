"""Draw docs/house.svg: `python -m scripts.house`.

With `--check` it only compares rooms and arrows with the picture; figures may be older.
"""

from __future__ import annotations

import argparse
import sys

from scripts.house.drawing import draw, structure
from scripts.house.rooms import ROOT, read_rooms

PICTURE = ROOT / "docs" / "house.svg"


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser("scripts.house", description="draw docs/house.svg")
    parser.add_argument("--check", action="store_true", help="fail if rooms or arrows have changed")
    check = parser.parse_args().check
    picture = draw(read_rooms())
    if not check:
        PICTURE.write_text(picture, encoding="utf-8")
    elif structure(PICTURE.read_text(encoding="utf-8")) != structure(picture):
        print("docs/house.svg is out of date: run python -m scripts.house", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
