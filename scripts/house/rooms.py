"""Reads the rooms, their floors and the imports between them from the source."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "src" / "azstt"
#: Folders whose subfolders are rooms of their own.
_DIVIDED: Final = ("backends", "emulator")
#: The room of the top-level modules on the lowest floor.
_VOCABULARY: Final = "vocabulary"


@dataclass(frozen=True, slots=True)
class Room:
    """A folder, or the top-level modules of one floor.

    Attributes:
        name: what the picture calls it.
        floor: the number of its floor, the highest of its modules.
        lines: lines of code, comments and docstrings, in all modules.
        modules: how many modules it has.
        imports: the names of the rooms that it imports, types included.
    """

    name: str
    floor: int
    lines: int
    modules: int
    imports: frozenset[str]


def read_floors() -> dict[str, int]:
    """Read `[tool.azstt.floors]`: the floor of each folder or module."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    floors: dict[str, list[str]] = project["tool"]["azstt"]["floors"]
    return {name: int(floor.removeprefix("F")) for floor, names in floors.items() for name in names}


def read_rooms() -> list[Room]:
    """Read all rooms from the source, in order of their floors and names."""
    floors = read_floors()
    paths = {_module(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    imports = {module: set(_imports(path, paths)) for module, path in paths.items()}
    room_of = {module: _room(module, floors) for module in paths}
    # A file that stands lower than its folder is a room of its own where rooms in between use it.
    for module in floors:
        folder = module.rpartition("/")[0]
        users = {
            room_of[other]
            for other in paths
            if folder
            and module in imports[other]
            and _floor(other, floors) < _floor(folder, floors)
        }
        if users - {room_of.get(module)}:
            room_of[module] = module
    rooms: list[Room] = []
    for name in dict.fromkeys(room_of.values()):
        modules = [module for module in paths if room_of[module] == name]
        used = {room_of[other] for module in modules for other in imports[module]}
        floor = max(_floor(module, floors) for module in modules)
        lines = sum(
            len(paths[module].read_text(encoding="utf-8").splitlines()) for module in modules
        )
        rooms.append(Room(name, floor, lines, len(modules), frozenset(used - {name})))
    return sorted(rooms, key=lambda room: (room.floor, room.name))


def _module(path: Path) -> str:
    """Return a module's name as in the table of floors."""
    name = path.relative_to(PACKAGE).with_suffix("").as_posix()
    return name if name == "__init__" else name.removesuffix("/__init__")


def _longest(module: str, floors: dict[str, int]) -> str:
    """Return the most specific entry of the table of floors for a module."""
    matches = [entry for entry in floors if f"{module}/".startswith(f"{entry}/")]
    if not matches:
        raise KeyError(f"{module} has no floor: add it to [tool.azstt.floors]")
    return max(matches, key=len)


def _floor(module: str, floors: dict[str, int]) -> int:
    return floors[_longest(module, floors)]


def _room(module: str, floors: dict[str, int]) -> str:
    first, *rest = module.split("/")
    if first == "__main__":  # it only starts the command
        return "_cli"
    if first in _DIVIDED and rest and (PACKAGE / first / rest[0]).is_dir():
        return f"{first}/{rest[0]}"
    if (PACKAGE / first).is_dir():
        return first
    floor = _floor(module, floors)
    if floor == min(floors.values()):
        return _VOCABULARY
    peers = [
        name for name in floors if floors[name] == floor and (PACKAGE / f"{name}.py").is_file()
    ]
    modules = [name for name in peers if "/" not in name and name != "__main__"]
    return "azstt" if modules == ["__init__"] else ", ".join(modules)


def _imports(path: Path, modules: dict[str, Path]) -> Iterator[str]:
    """Yield the modules of ours that a module imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, *parts = name.split(".")
            if package == "azstt":
                while parts and "/".join(parts) not in modules:
                    parts.pop()
                yield "/".join(parts) or "__init__"
