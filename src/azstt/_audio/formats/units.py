"""Frames, packets, blocks, tags: what follows one another, each with a header. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from azstt._audio.formats.ebml import read_element
from azstt._audio.formats.mpeg import frame_kind, frame_size

#: Bytes in which all recordings can be told by how they begin.
HEAD: Final = 20
#: Units in a row that are a recording, where nothing else says that one begins.
MANY: Final = 12
#: Kilobits per second of AC-3, by its header's field.
_AC3: Final = (
    *(32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640),
)
#: The header's field that tells AC-3 (up to this) from E-AC-3 (up to that).
_AC3_VERSION, _EAC3_VERSION = 10, 16
#: Kilobits per second of layer 2 in MPEG-1; its successors have those of layer 3.
_LAYER_2: Final = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_RATES: Final = (44_100, 48_000, 32_000)
#: Sizes of AMR frames, by type, for narrow and wide band; 0 for those that do not exist.
AMR_NB: Final = (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1)
AMR_WB: Final = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1)
_FLV_TAGS: Final = frozenset({8, 9, 18})
_PACK, _END, _FIRST_STREAM = 0xBA, 0xB9, 0xBB


class Unit(NamedTuple):
    """A kind of units that follow one another without anything between them.

    Attributes:
        mark: how each begins.
        size: returns the size of the one at a place; 0 if none is there, or too little of it.
        head: bytes by which the size can be told.
        alike: bytes at the beginning that all of a recording have in common.
    """

    mark: re.Pattern[bytes]
    size: Callable[[bytes, int], int]
    head: int
    alike: int


def hop(
    unit: Unit, data: bytes, is_first: Callable[[bytes], bool] | None = None
) -> tuple[int, int]:
    """Hop over units while their headers are in the data.

    Args:
        unit: their kind.
        data: the bytes.
        is_first: whether one with this header begins another recording, which ends this one.

    Returns:
        where the last one begins, and where it ends.
    """
    at, last, most, size_of = 0, 0, len(data) - unit.head, unit.size
    while at <= most and (size := size_of(data, at)):
        if is_first is not None and is_first(data[at : at + HEAD]):
            break
        last, at = at, at + size
    return last, at


def count_units(unit: Unit, data: bytes, at: int, most: int) -> tuple[int, int]:
    """Count units that are alike in a row.

    Returns:
        how many there are, up to `most`; and where the last one ends, in or after the data.
    """
    same, count = data[at : at + unit.alike], 0
    while count < most and at + unit.head <= len(data) and data.startswith(same, at):
        size = unit.size(data, at)
        if not size:
            break
        at, count = at + size, count + 1
    return count, at


def _mpeg(data: bytes, at: int) -> int:
    head = data[at : at + 6]
    kind = frame_kind(head)
    if kind == "mp3":
        return frame_size(head)
    if kind != "other" or head[1] >> 1 & 3 != 2 or head[1] >> 3 & 3 != 3:  # noqa: PLR2004  layer 2 of MPEG-1
        return 0
    return 144_000 * _LAYER_2[head[2] >> 4] // _RATES[head[2] >> 2 & 3] + (head[2] >> 1 & 1)


def _adts(data: bytes, at: int) -> int:
    if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0 or data[at + 2] >> 2 & 15 > 12:  # noqa: PLR2004  see frame_kind
        return 0
    size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return size if size > 7 else 0  # noqa: PLR2004  its header


def ac3_size(data: bytes, at: int = 0) -> int:
    """Return the size of the AC-3 or E-AC-3 frame at a place; 0 if none is there."""
    if data[at : at + 2] != b"\x0b\x77" or len(data) - at < 6:  # noqa: PLR2004  its header
        return 0
    rate, version = data[at + 4] >> 6, data[at + 5] >> 3
    if _AC3_VERSION < version <= _EAC3_VERSION:
        return 2 * ((data[at + 2] & 7) << 8 | data[at + 3]) + 2
    index = data[at + 4] & 63
    if version > _AC3_VERSION or index >= 2 * len(_AC3):
        return 0
    bits = _AC3[index >> 1]
    return {0: 4 * bits, 1: 2 * (320 * bits // 147 + (index & 1)), 2: 6 * bits}.get(rate, 0)


def _dts(data: bytes, at: int) -> int:
    if not data.startswith(b"\x7f\xfe\x80\x01", at):
        return 0
    return ((data[at + 5] & 3) << 12 | data[at + 6] << 4 | data[at + 7] >> 4) + 1


def _latm(data: bytes, at: int) -> int:
    same = data[at] == 0x56 and data[at + 1] >> 5 == 7  # noqa: PLR2004  the sync word
    return ((data[at + 1] & 31) << 8 | data[at + 2]) + 3 if same else 0


def _packet(size: int, sync: int) -> Callable[[bytes, int], int]:
    return lambda data, at: size if data[at + sync] == 0x47 else 0  # noqa: PLR2004  the sync byte


def _pack(data: bytes, at: int) -> int:
    """Return the size of a packet of an MPEG program stream, or of a pack's header."""
    if not data.startswith(b"\0\0\1", at) or data[at + 3] < _END:
        return 0
    if data[at + 3] == _PACK:
        return 14 if data[at + 4] & 0xC0 else 12
    return 6 + int.from_bytes(data[at + 4 : at + 6]) if data[at + 3] >= _FIRST_STREAM else 4


def _block(data: bytes, at: int) -> int:
    """Return the size of a WavPack block."""
    if not data.startswith(b"wvpk", at) or data[at + 9] != 4:  # noqa: PLR2004  the version
        return 0
    return 8 + int.from_bytes(data[at + 4 : at + 8], "little")


def _page(data: bytes, at: int) -> int:
    """Return the size of an Ogg page; 0 if the table in its header is not complete."""
    table = data[at + 27 : at + 27 + data[at + 26]]
    whole = data.startswith(b"OggS\0", at) and len(table) == data[at + 26]
    return 27 + len(table) + sum(table) if whole else 0


def _element(data: bytes, at: int) -> int:
    """Return the size of a Matroska element on the levels of clusters and blocks."""
    found = read_element(data, at)
    if found is None or found.id not in _ELEMENTS:
        return 0
    return (found.start if found.id == _CLUSTER or found.size is None else found.end) - at


_CLUSTER: Final = 0x1F43B675
#: Matroska's elements in a segment, and in a cluster; those for all levels.
_ELEMENTS: Final = frozenset(
    {_CLUSTER, 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469}
    | {0xE7, 0xA7, 0xAB, 0xA0, 0xA3, 0x5854, 0xEC, 0xBF}
)


def _box(data: bytes, at: int) -> int:
    """Return the size of a box of MP4."""
    size = int.from_bytes(data[at : at + 4])
    return size if size >= 8 and is_name(data[at + 4 : at + 8]) else 0  # noqa: PLR2004  its header


def is_name(name: bytes) -> bool:
    """Return whether this may be a chunk's or a box's name."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in name)  # noqa: PLR2004


def amr_frames(sizes: tuple[int, ...]) -> Unit:
    """Return AMR's frames."""

    def size(data: bytes, at: int) -> int:
        return 0 if data[at] & 0x83 else sizes[data[at] >> 3]

    return Unit(re.compile(rb"[\4\x0c\x14\x1c\x24\x2c\x34\x3c]"), size, 1, 1)


def flv_tags(stream: bytes = bytes(3)) -> Unit:
    """Return an FLV file's tags, with the repetition of its size behind each.

    Args:
        stream: the number of the stream in them, which should be 0.
    """

    def size_of(data: bytes, at: int) -> int:
        size = 11 + int.from_bytes(data[at + 1 : at + 4])
        if data[at] & 0xDF not in _FLV_TAGS or data[at + 8 : at + 11] != stream:
            return 0
        repeated = data[at + size : at + size + 4]
        return size + 4 if len(repeated) < 4 or int.from_bytes(repeated) == size else 0  # noqa: PLR2004

    mark = rb"[\x08\x09\x12](?=.{7}" + re.escape(stream) + rb")"
    return Unit(re.compile(mark, re.DOTALL), size_of, 11, 0)


def fixed_packets(mark: bytes, size: int) -> Unit:
    """Return packets of one size that begin alike."""
    same = len(mark)

    def size_of(data: bytes, at: int) -> int:
        return size if data.startswith(mark, at) else 0

    return Unit(re.compile(re.escape(mark)), size_of, same, same)


ADTS: Final = Unit(re.compile(rb"\xff[\xf0\xf1\xf8\xf9]"), _adts, 6, 2)
MPEG: Final = Unit(re.compile(rb"\xff[\xe2\xe3\xf2-\xf7\xfa-\xfd](?=[\x10-\xef])"), _mpeg, 6, 2)
AC3: Final = Unit(re.compile(rb"\x0b\x77"), ac3_size, 6, 2)
DTS: Final = Unit(re.compile(rb"\x7f\xfe\x80\x01"), _dts, 8, 4)
LATM: Final = Unit(re.compile(rb"\x56[\xe0-\xff]"), _latm, 3, 1)
TS: Final = Unit(re.compile(rb"\x47(?=.{187}\x47)", re.DOTALL), _packet(188, 0), 1, 1)
#: With a time stamp before each packet, and with check bytes behind it.
M2TS: Final = Unit(re.compile(rb".{4}\x47(?=.{191}\x47)", re.DOTALL), _packet(192, 4), 5, 0)
DVB_TS: Final = Unit(re.compile(rb"\x47(?=.{203}\x47)", re.DOTALL), _packet(204, 0), 1, 1)
PS: Final = Unit(re.compile(rb"\0\0\x01\xba"), _pack, 6, 3)
WAVPACK: Final = Unit(re.compile(rb"wvpk"), _block, HEAD, 4)  # with the number of its first sample
OGG: Final = Unit(re.compile(rb"OggS\0"), _page, 27, 0)
MATROSKA: Final = Unit(re.compile(rb"\x1f\x43\xb6\x75"), _element, 2, 0)
FRAGMENTS: Final = Unit(re.compile(rb".{4}moof\0\0\0\x10mfhd", re.DOTALL), _box, 8, 0)
#: Units that need nothing before them.
BARE: Final = (ADTS, MPEG, AC3, DTS, LATM, TS, DVB_TS)
