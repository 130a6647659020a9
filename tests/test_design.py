from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts.house.rooms import read_floors

ROOT = Path(__file__).parents[1]
#: A room in the first code block of docs/design.md: `  _assembly/   F1  events to a Transcript`.
ROOM = re.compile(r"^  (\S+?)(?:/|\.py)? +F(\d+)  \S.*$", re.MULTILINE)


def test_the_map_shows_every_room_on_its_floor():
    """docs/design.md lists the rooms of `[tool.azstt.floors]`, on their floors, and no others."""
    block = (ROOT / "docs" / "design.md").read_text().split("```")[1]
    rooms = ROOM.findall(block)
    assert {name: int(floor) for name, floor in rooms} == read_floors()
    assert len(rooms) == len(read_floors())


def test_the_picture_of_the_house_is_up_to_date():
    """docs/house.svg shows the rooms that there are and what they import."""
    command = [sys.executable, "-m", "scripts.house", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
