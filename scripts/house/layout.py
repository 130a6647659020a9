"""Places rooms in rows: by floor, then by who imports whom, with few crossings.

The usual steps for layered drawings: rooms that import each other share a frame; imports that
follow from others are dropped; imports that pass rows get a waypoint in each; barycenters order
the rows; isotonic regression moves everything as close to its neighbors as its row allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Final

from scripts.house.rooms import Room

BOX_WIDTH: Final = 156.0
BOX_HEIGHT: Final = 54.0
GAP: Final = 16.0
#: The space between a frame and the rooms in it.
FRAME: Final = 9.0
_WAYPOINT_WIDTH: Final = 10.0
_SWEEPS: Final = 60


@dataclass(slots=True, eq=False)
class Node:
    """A frame of rooms, or without rooms a waypoint; x is its center."""

    row: int
    rooms: list[Room] = field(default_factory=list[Room])
    x: float = 0.0
    up: list[Node] = field(default_factory=list["Node"])
    down: list[Node] = field(default_factory=list["Node"])

    @property
    def width(self) -> float:
        """Its width, with the frame if it has several rooms."""
        if not self.rooms:
            return _WAYPOINT_WIDTH
        frame = 2 * FRAME if len(self.rooms) > 1 else 0.0
        return frame + len(self.rooms) * (BOX_WIDTH + GAP / 2) - GAP / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """The rows from the bottom up, the floor of each, and the drawn imports as chains of nodes."""

    rows: list[list[Node]]
    floors: list[int]
    chains: list[list[Node]]


def lay_out(rooms: Sequence[Room]) -> Layout:
    """Place rooms, with the lowest floor in the first row."""
    groups = _groups(rooms)
    above = _reduced(groups)
    floors, row_of = _rows(groups)
    nodes = {name: Node(row_of[name], members) for name, members in groups.items()}
    rows: list[list[Node]] = [[] for _ in floors]
    for node in nodes.values():
        rows[node.row].append(node)
    chains = [
        _chain(nodes[name], nodes[other], rows) for name in nodes for other in sorted(above[name])
    ]
    for sweep in range(_SWEEPS):
        _order(rows, downward=sweep % 2 == 0)
        _swap(rows)
    for sweep in range(_SWEEPS):
        _align(rows, downward=sweep % 2 == 0)
    _center(rows)
    return Layout(rows, floors, chains)


def _groups(rooms: Sequence[Room]) -> dict[str, list[Room]]:
    """Group rooms that import each other, directly or not."""
    reach = {room.name: _reach(room.name, {r.name: r.imports for r in rooms}) for room in rooms}
    groups: dict[str, list[Room]] = {}
    for room in rooms:
        peers = [
            n for n in reach if n == room.name or (room.name in reach[n] and n in reach[room.name])
        ]
        groups.setdefault(min(peers), []).append(room)
    return groups


def _reach(start: str, imports: dict[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = imports[waiting.pop()] - found
        found |= new
        waiting += sorted(new)
    return found


def _group_imports(groups: dict[str, list[Room]]) -> dict[str, frozenset[str]]:
    group_of = {room.name: name for name, members in groups.items() for room in members}
    return {
        name: frozenset(group_of[other] for room in members for other in room.imports) - {name}
        for name, members in groups.items()
    }


def _reduced(groups: dict[str, list[Room]]) -> dict[str, set[str]]:
    """Return the imports that do not follow from others."""
    imports = _group_imports(groups)
    return {
        name: {
            other
            for other in direct
            if not any(other in _reach(between, imports) for between in direct - {other})
        }
        for name, direct in imports.items()
    }


def _rows(groups: dict[str, list[Room]]) -> tuple[list[int], dict[str, int]]:
    """Return the floor of each row, and the row of each group."""
    imports = _group_imports(groups)
    floor_of = {name: max(room.floor for room in members) for name, members in groups.items()}

    def depth(name: str) -> int:
        peers = [other for other in imports[name] if floor_of[other] == floor_of[name]]
        return 1 + max(map(depth, peers), default=-1)

    places = {name: (floor_of[name], depth(name)) for name in groups}
    rows = sorted(set(places.values()))
    return [floor for floor, _ in rows], {name: rows.index(place) for name, place in places.items()}


def _chain(upper: Node, lower: Node, rows: list[list[Node]]) -> list[Node]:
    """Connect two nodes, by waypoints in the rows between them."""
    chain = [upper]
    for row in range(upper.row - 1, lower.row, -1):
        chain.append(Node(row))
        rows[row].append(chain[-1])
    chain.append(lower)
    for above, below in pairwise(chain):
        above.down.append(below)
        below.up.append(above)
    return chain


def _neighbors(*, downward: bool) -> Callable[[Node], list[Node]]:
    return (lambda node: node.up) if downward else (lambda node: node.down)


def _passes(rows: list[list[Node]], *, downward: bool) -> Iterable[list[Node]]:
    return reversed(rows) if downward else rows


def _order(rows: list[list[Node]], *, downward: bool) -> None:
    """Sort each row by the mean place of its neighbors in the row before it."""
    neighbors = _neighbors(downward=downward)
    for row in _passes(rows, downward=downward):
        place = {node: (i + 0.5) / len(line) for line in rows for i, node in enumerate(line)}
        means = {node: _mean([place[n] for n in neighbors(node)], place[node]) for node in row}
        row.sort(key=means.__getitem__)


def _swap(rows: list[list[Node]]) -> None:
    """Swap neighbors in a row where that removes crossings."""
    for row in rows:
        for i in range(len(row) - 1):
            if _crossings(rows, row[i + 1], row[i]) < _crossings(rows, row[i], row[i + 1]):
                row[i], row[i + 1] = row[i + 1], row[i]


def _crossings(rows: list[list[Node]], left: Node, right: Node) -> int:
    """Count how often the arrows of two nodes cross, if one is to the left of the other."""
    place = {node: i for row in rows for i, node in enumerate(row)}
    pairs = (*product(left.up, right.up), *product(left.down, right.down))
    return sum(place[a] > place[b] for a, b in pairs)


def _align(rows: list[list[Node]], *, downward: bool) -> None:
    """Move the nodes of each row towards their neighbors; keep their order and distances."""
    for row in _passes(rows, downward=downward):
        wanted = [_mean(list(_pulls(node)), node.x) for node in row]
        offsets = list(_offsets(row))
        places = _isotonic([want - offset for want, offset in zip(wanted, offsets, strict=True)])
        for node, place, offset in zip(row, places, offsets, strict=True):
            node.x = place + offset


def _pulls(node: Node) -> Iterator[float]:
    """Yield the places of a node's neighbors; waypoints pull more, to straighten long arrows."""
    for other in (*node.up, *node.down):
        weight = 1 + 3 * (not node.rooms) * (not other.rooms) + (not other.rooms)
        yield from [other.x] * weight


def _offsets(row: Sequence[Node]) -> Iterator[float]:
    """Yield the centers of nodes that are placed as close as possible."""
    edge = 0.0
    for node in row:
        yield edge + node.width / 2
        edge += node.width + GAP


def _isotonic(values: Sequence[float]) -> list[float]:
    """Return the non-decreasing values that are closest to the given ones (least squares)."""
    blocks: list[tuple[float, int]] = []
    for value in values:
        mean, count = value, 1
        while blocks and blocks[-1][0] > mean:
            before, size = blocks.pop()
            mean, count = (mean * count + before * size) / (count + size), count + size
        blocks.append((mean, count))
    return [mean for mean, count in blocks for _ in range(count)]


def _center(rows: list[list[Node]]) -> None:
    """Move everything so that the leftmost edge is at zero."""
    left = min(node.x - node.width / 2 for row in rows for node in row)
    for row in rows:
        for node in row:
            node.x -= left


def _mean(values: Sequence[float], default: float) -> float:
    return sum(values) / len(values) if values else default
