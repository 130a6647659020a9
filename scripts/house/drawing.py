"""Writes a layout as SVG, readable on light and dark pages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Final

from scripts.house.layout import BOX_HEIGHT, BOX_WIDTH, FRAME, GAP, Layout, Node, lay_out
from scripts.house.rooms import Room

#: The least width; a wider house is drawn smaller.
_WIDTH: Final = 1200.0
_MARGIN: Final = 16.0
#: The column of the floors' labels.
_LABELS: Final = 56.0
_ROW: Final = 108.0
_TOP: Final = 12.0
_CAPTION: Final = 58.0
#: The highest floor that is pure: no I/O, no dependency but pydantic.
_PURE: Final = 2
_STYLE: Final = """
    .page { fill: #ffffff } .band { fill: #f3f6fa } .pure { fill: #eef7f0 }
    .box { fill: #ffffff; stroke: #45607c; stroke-width: 1.4 } .pure-box { stroke: #3c7a4b }
    .frame { fill: #45607c; fill-opacity: .08; stroke: #45607c; stroke-opacity: .5 }
    .frame { stroke-dasharray: 4 4 }
    .way { fill: none; stroke: #7f97af; stroke-width: 1.4 } .tip { fill: #7f97af }
    .bar { fill: #45607c; fill-opacity: .45 } .pure-bar { fill: #3c7a4b; fill-opacity: .5 }
    text { fill: #1d2733 } .name { font-weight: 600 } .small { font-size: 11.5px; fill: #50606f }
    .floor { font-size: 15px; font-weight: 600; fill: #6b7d8f }
    @media (prefers-color-scheme: dark) {
      .page { fill: #0f161d } .band { fill: #161f29 } .pure { fill: #13231a }
      .box { fill: #1c2733; stroke: #8fb1d3 } .pure-box { stroke: #7cc28d }
      .frame { fill: #8fb1d3; stroke: #8fb1d3 }
      .way { stroke: #6f8aa5 } .tip { fill: #6f8aa5 }
      .bar { fill: #8fb1d3 } .pure-bar { fill: #7cc28d }
      text { fill: #e8eef4 } .small { fill: #a9b8c6 } .floor { fill: #8496a8 }
    }
"""

_TIP: Final = """
    <marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" orient="auto"
      markerWidth="7" markerHeight="7"><path class="tip" d="M0 0 8 4 0 8z"/></marker>
  """


def draw(rooms: Sequence[Room]) -> str:
    """Return the picture of the rooms, as SVG text."""
    layout = lay_out(rooms)
    height = 2 * _TOP + _ROW * len(layout.rows) + _CAPTION
    width = _fit(layout)
    label = f"{len(rooms)} rooms on {len(set(layout.floors))} floors; arrows show imports"
    size = f'viewBox="0 0 {width:.0f} {height:.0f}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label="{label}"',
        '  font-family="system-ui, sans-serif" font-size="14">',
        f"  <style>{_STYLE}  </style>",
        f"  <defs>{_TIP}</defs>",
        f'  <rect class="page" width="{width:.0f}" height="{height:.0f}" rx="10"/>',
        *_bands(layout, width),
        *_arrows(layout),
        *_boxes(layout, max(room.lines for room in rooms)),
        *_caption(rooms, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def structure(picture: str) -> list[str]:
    """Return the rooms and arrows of a picture, without its figures, which change all the time."""
    figures = ('class="small"', 'bar"')
    return [line for line in picture.splitlines() if not any(kind in line for kind in figures)]


def _fit(layout: Layout) -> float:
    """Center the rooms between the margins; return the width of the picture."""
    nodes = [node for row in layout.rows for node in row]
    right = max(node.x + node.width / 2 for node in nodes)
    width = max(_WIDTH, _LABELS + right + 4 * _MARGIN)
    for node in nodes:
        node.x += (_LABELS + width - right) / 2
    return width


def _y(layout: Layout, row: int) -> float:
    """Return the center of a row."""
    return _TOP + _ROW * (len(layout.rows) - row - 0.5)


def _bands(layout: Layout, width: float) -> Iterator[str]:
    for floor in sorted(set(layout.floors)):
        rows = [row for row, its in enumerate(layout.floors) if its == floor]
        top = _y(layout, rows[-1]) - _ROW / 2 + 3
        kind = "pure" if floor <= _PURE else "band"
        yield (
            f'  <rect class="{kind}" x="{_MARGIN:.0f}" y="{top:.0f}" rx="8" '
            f'width="{width - 2 * _MARGIN:.0f}" height="{_ROW * len(rows) - 6:.0f}"/>'
        )
        middle = top + _ROW * len(rows) / 2 + 2
        yield f'  <text class="floor" x="{_MARGIN + 14:.0f}" y="{middle:.0f}">F{floor}</text>'


def _arrows(layout: Layout) -> Iterator[str]:
    starts = _ports(layout, upper=True)
    ends = _ports(layout, upper=False)
    for index, chain in enumerate(layout.chains):
        points = [(starts[index], _y(layout, chain[0].row) + _half(chain[0]))]
        for node in chain[1:-1]:  # straight down through the row, so that rooms stay clear
            points += [
                (node.x, _y(layout, node.row) - BOX_HEIGHT / 2),
                (node.x, _y(layout, node.row) + BOX_HEIGHT / 2),
            ]
        points.append((ends[index], _y(layout, chain[-1].row) - _half(chain[-1]) - 2))
        path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for (x, y), (to_x, to_y) in pairwise(points):
            bend = (to_y - y) / 2
            path += f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}"
        yield f'  <path class="way" marker-end="url(#tip)" d="{path}"/>'


def _half(node: Node) -> float:
    return BOX_HEIGHT / 2 + (FRAME if len(node.rooms) > 1 else 0.0)


def _ports(layout: Layout, *, upper: bool) -> dict[int, float]:
    """Spread the arrows of a node along its edge, in the order of where they go."""
    ports: dict[int, float] = {}
    for node in (node for row in layout.rows for node in row if node.rooms):
        chains = [
            index
            for index, chain in enumerate(layout.chains)
            if (chain[0] if upper else chain[-1]) is node
        ]
        chains.sort(key=lambda i: layout.chains[i][1 if upper else -2].x)
        step = min(26.0, (node.width - 24) / max(1, len(chains)))
        for place, index in enumerate(chains):
            ports[index] = node.x + (place - (len(chains) - 1) / 2) * step
    return ports


def _boxes(layout: Layout, most: int) -> Iterator[str]:
    for node in (node for row in layout.rows for node in row if node.rooms):
        y = _y(layout, node.row)
        left = node.x - node.width / 2
        if len(node.rooms) > 1:
            height = BOX_HEIGHT + 2 * FRAME
            yield (
                f'  <rect class="frame" x="{left:.1f}" y="{y - height / 2:.1f}" rx="10" '
                f'width="{node.width:.1f}" height="{height:.1f}"/>'
            )
            left += FRAME
        for index, room in enumerate(node.rooms):
            yield from _box(room, left + index * (BOX_WIDTH + GAP / 2), y - BOX_HEIGHT / 2, most)


def _box(room: Room, x: float, y: float, most: int) -> Iterator[str]:
    pure = "pure-" if room.floor <= _PURE else ""
    middle = f'x="{x + BOX_WIDTH / 2:.1f}" text-anchor="middle"'
    files = f"{room.modules} modules" if room.modules > 1 else "1 module"
    yield (
        f'  <rect class="box {pure}box" x="{x:.1f}" y="{y:.1f}" rx="7" '
        f'width="{BOX_WIDTH:.0f}" height="{BOX_HEIGHT:.0f}"/>'
    )
    yield f'  <text class="name" {middle} y="{y + 20:.1f}">{escape(room.name)}</text>'
    yield f'  <text class="small" {middle} y="{y + 37:.1f}">{room.lines:,} lines, {files}</text>'
    yield (
        f'  <rect class="{pure}bar" x="{x + 12:.1f}" y="{y + 44:.1f}" rx="2" height="4" '
        f'width="{max(3.0, (BOX_WIDTH - 24) * room.lines / most):.1f}"/>'
    )


def _caption(rooms: Sequence[Room], height: float) -> Iterator[str]:
    lines = sum(room.lines for room in rooms)
    texts = (
        (
            f"src/azstt: {len(rooms)} rooms, {lines:,} lines. Arrows are imports, types included; "
            "those that follow from others are left out (transitive reduction)."
        ),
        (
            "Rooms in a dashed frame use each other; no modules do. Green floors are pure: no I/O, "
            "and no dependency but pydantic. Bars show the number of lines."
        ),
    )
    for number, text in enumerate(texts):
        yield (
            f'  <text class="small" x="{_MARGIN + 4:.0f}" '
            f'y="{height - _CAPTION + 16 + 18 * number:.0f}">{text}</text>'
        )
