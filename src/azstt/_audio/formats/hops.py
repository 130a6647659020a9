"""Hop over the frames, packets, blocks, or tags of a recording, to what follows them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final

from azstt._audio.formats.mpeg import TAG_HEAD, frame_kind, mp3_info, tag_size
from azstt._audio.formats.searches import WINDOW, Ask, Following, Scan, after, begins, search
from azstt._audio.formats.units import (
    BARE,
    FLV,
    HEAD,
    M2TS,
    MANY,
    MPEG,
    PS,
    WAVPACK,
    Unit,
    count_units,
    hop,
)

#: A frame's header, its side information, and the beginning of an MP3 file's own header.
_MP3_HEAD: Final = 4 + 32 + 16
#: A FLAC frame's header without its check, the largest frame, and samples in one.
_FLAC_HEAD, _MAX_FLAC, _MAX_STEP = 16, 1 << 17, 1 << 16
#: Bytes at the end by which a file of frames is known to be nothing else.
_TAIL: Final = 1 << 16


def units(unit: Unit, at: int, is_first: Callable[[bytes], bool] = lambda _: False) -> Scan:
    """Hop over units to what is none, and look there for another recording, or for more of them.

    Args:
        unit: their kind.
        at: where they begin.
        is_first: whether a unit that begins with these bytes is the first of another recording.
    """
    least, last, begin = unit.head, at, at
    while True:
        data = yield Ask(at, least, WINDOW)
        if len(data) < least:
            return None
        before, end = hop(unit, data, is_first if at > begin else None)
        if end:
            least, last, at = unit.head, at + before, at + end
        elif len(data) < HEAD:
            least = HEAD
        elif unit.size(data, 0) or begins(data):
            return Following(at)
        elif size := tag_size(data[:TAG_HEAD]):
            at += size
        else:
            found = (yield from search(last + 1, unit)) or (yield from search(at, unit))
            if found is None or not unit.size((yield Ask(found.at, HEAD)), 0):
                return found
            at = found.at


def frames(at: int, head: bytes, size: int | None) -> Scan:
    """Scan frames or packets that have nothing before them, if they are any.

    Args:
        at: where they begin.
        head: their first bytes.
        size: of the source, if it is known.
    """
    for unit in (*BARE, M2TS, PS):
        if len(head) > unit.head and unit.size(head, 0):
            if size is not None and (yield from _end_alike(unit, at, size)):
                return None
            return (yield from units(unit, at))
    return None


def _end_alike(unit: Unit, at: int, size: int) -> Generator[Ask, bytes, bool]:
    """Return whether a file ends with whole units of this kind, so that nothing else follows."""
    data = yield Ask(max(at, size - _TAIL), _TAIL)
    for mark in unit.mark.finditer(data):
        count, end = count_units(unit, data, mark.start(), len(data))
        if count > MANY:
            rest = data[end:]
            return end == len(data) or tag_size(rest[:TAG_HEAD]) == len(rest)
    return False


def flac(at: int) -> Scan:
    """Scan a FLAC file: its frames say which they are, but not how large."""
    at, last, most = at + 4, False, _MAX_FLAC
    while not last:
        block = yield Ask(at, 4)
        if len(block) < 4:  # noqa: PLR2004  a block's header
            return None
        last, size = block[0] & 0x80 > 0, int.from_bytes(block[1:])
        if not block[0] & 0x7F:
            most = int.from_bytes((yield Ask(at, 11))[8:]) or _MAX_FLAC
        at += 4 + size
    # The sync code, and the size and rate that only the last frame may change.
    frame = yield Ask(at, 3)
    number, seen = -1, 0
    while True:
        data = yield Ask(at, max(seen, _FLAC_HEAD) + 1, WINDOW)
        ended, found = len(data) <= max(seen, _FLAC_HEAD), -1
        place = data.find(frame, max(0, seen - _FLAC_HEAD))
        while 0 <= place <= len(data) - _FLAC_HEAD:
            if number < (count := _flac_number(data, place + 4)) <= number + _MAX_STEP:
                number, found = count, place
            place = data.find(frame, place + 3)
        if found >= 0:  # a decoder needs the next header
            at, seen = at + found + _FLAC_HEAD, len(data) - found - _FLAC_HEAD
        elif ended or len(data) > most:
            end = at + len(data)
            other = yield from search(at, end=end)
            if ended or other is not None:
                return other
            at, seen = end, 0
        else:
            seen = len(data)


def _flac_number(data: bytes, at: int) -> int:
    """Return a FLAC frame's number, which is coded like UTF-8; -1 if it is none."""
    first = data[at]
    size = 8 - (first ^ 0xFF).bit_length()
    if size in {1, 8}:
        return -1
    number = first & 0x7F >> size
    for byte in data[at + 1 : at + max(1, size)]:
        number = number << 6 | byte & 0x3F
    return number


def mp3(at: int) -> Scan:
    """Scan an MP3 file by its own header; without one, by its frames."""
    frame = yield Ask(at, _MP3_HEAD)
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags = frame[tag + 7] if 0 <= tag <= len(frame) - 16 else 0
    place = tag + 8 + 4 * (flags & 1)
    size = int.from_bytes(frame[place : place + 4]) if flags & 2 else 0
    head = (yield Ask(at + size, _MP3_HEAD)) if size else b""
    if size and not head and (yield Ask(at + size - 1, 1)):
        return None
    found = None
    if head and (not frame_kind(head) or mp3_info(head) is not None):
        found = yield from after(at + size)
        if found is None or found.at == at + size:
            return found
    # It was cut off or damaged, or there are more frames than it says.
    return (yield from units(MPEG, at)) or found


def wavpack(at: int) -> Scan:
    """Scan a WavPack file; each has blocks that count its samples from 0."""
    return (yield from units(WAVPACK, at, lambda head: head[16:20] == bytes(4)))


def flv(at: int) -> Scan:
    """Scan an FLV file."""
    head = yield Ask(at, 9)
    return (yield from units(FLV, at + int.from_bytes(head[5:9]) + 4))
