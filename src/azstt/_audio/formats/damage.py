"""Tell damage from holes that a recorder left, by the bytes between two packets. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from azstt._audio.formats.ebml import read_element, read_number
from azstt._audio.formats.mpeg import TAG_HEAD, tag_size

#: Returns up to so many bytes at a place of a source; empty where they are out of reach.
Look: TypeAlias = Callable[[int, int], bytes]

#: Formats in which every hole is damage: nothing else makes one.
_WITHOUT_HOLES: Final = frozenset({"flac"})
#: Bytes between two packets that are looked at.
_MOST: Final = 1 << 24
#: Zeros at the end up to which a file is only padded.
MOST_PADDING: Final = 1 << 16
#: Bytes of the fixed part of an Ogg page's header, of a Matroska block's header at most, and those
#: that every ASF packet begins with.
_PAGE, _BLOCK_HEAD, _PACKET = 27, 9, 3
_LYRICS: Final = b"LYRICSBEGIN"
#: Matroska's elements of the upper levels, and those in them that begin with further elements.
_MATROSKA: Final = frozenset(
    {0x18538067, 0x1F43B675, 0xA0, 0xA1, 0xA3, 0xE7, 0xA7, 0xAB, 0xEC, 0xBF, 0x9B, 0xFB, 0x75A2}
    | {0x75A1, 0xA4, 0xFD, 0xFA, 0x1C53BB6B, 0x1254C367, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0xAF}
    | {0x1043A770, 0x1941A469, 0x5854, 0x8E, 0xC8}
)
_PARENTS: Final = frozenset({0x18538067, 0x1F43B675, 0xA0})
_BLOCKS: Final = frozenset({0xA1, 0xA3})


def is_padding(rest: bytes) -> bool:
    """Return whether what follows the last frame is a tag or a few zeros, and nothing is lost."""
    if tag_size(rest[:TAG_HEAD]) or rest.startswith(_LYRICS):
        return True
    return len(rest) <= MOST_PADDING and not rest.strip(b"\0")


def is_broken(container: str, look: Look, last: int, place: int) -> bool:
    """Return whether the container is damaged between two packets of a track.

    Args:
        container: libav's name for the format.
        look: reads the source.
        last: where libav says that the first packet is.
        place: where the second packet is.
    """
    if container in _WITHOUT_HOLES:
        return True
    if container.startswith("matroska"):
        head = look(max(0, last - _BLOCK_HEAD), min(last, _BLOCK_HEAD))
        ends = (last + size for size in _block_sizes(head) if last + size <= place)
        return not any(
            _elements_reach(look(end, min(_MOST, place - end)), place - end) for end in ends
        )
    if container == "ogg":
        return not _pages_reach(look(last, min(_MOST, place - last + _PAGE)), place - last)
    if container == "asf":
        return look(last, _PACKET) != look(place, _PACKET)
    if container == "flv":
        return not _tags_reach(look(last, min(_MOST, place - last)), place - last)
    return False


def _block_sizes(head: bytes) -> Iterator[int]:
    """Yield the sizes that a Matroska block may have, by the bytes before its content."""
    for at in range(len(head) - 1):
        size = read_number(head, at + 1) if head[at] in _BLOCKS else None
        if size is not None and size[0] is not None and size[1] == len(head):
            yield size[0]


def _elements_reach(data: bytes, goal: int) -> bool:
    """Return whether whole elements lie between two blocks' contents."""
    at = 0
    while at < goal and (element := read_element(data, at)) is not None:
        if element.id not in _MATROSKA:
            return False
        inside = element.id in _PARENTS or (element.id in _BLOCKS and element.end > goal)
        at = element.start if inside else element.end
        if element.id in _BLOCKS and inside:
            return True
    return at <= goal


def _pages_reach(data: bytes, goal: int) -> bool:
    """Return whether the next page of the same stream is the one at `goal`, by its number."""
    at, first = 0, (data[14:18], int.from_bytes(data[18:22], "little"))
    while at < goal:
        lacing = data[at + _PAGE : at + _PAGE + data[at + 26]] if at + _PAGE <= len(data) else b""
        if not lacing or data[at : at + 4] != b"OggS":
            return False
        at += _PAGE + len(lacing) + sum(lacing)
        if at < goal and data[at + 14 : at + 18] == first[0]:
            return False
    number = int.from_bytes(data[at + 18 : at + 22], "little")
    return at == goal and (data[at + 14 : at + 18], number) == (first[0], first[1] + 1)


def _tags_reach(data: bytes, goal: int) -> bool:
    """Return whether whole FLV tags lie between two of them."""
    at = 0
    while 0 <= at < goal and at + 4 <= len(data):
        at += 11 + int.from_bytes(data[at + 1 : at + 4]) + 4
    return at == goal
