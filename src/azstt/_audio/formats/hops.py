"""Hop over the frames, packets, blocks, or tags of a recording, to what follows them. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Final

from azstt._audio.formats.mpeg import TAG_HEAD, frame_kind, mp3_info, tag_size
from azstt._audio.formats.searches import WINDOW, Ask, Following, Scan, after, begins, search
from azstt._audio.formats.units import (
    BARE,
    HEAD,
    M2TS,
    MANY,
    MPEG,
    PS,
    WAVPACK,
    Unit,
    count_units,
    flv_tags,
    hop,
)

#: A frame's header, its side information, and the beginning of an MP3 file's own header.
_MP3_HEAD: Final = 4 + 32 + 16
#: Bytes of a FLAC frame's header for its length and its rate, where a code says so.
_BLOCK_FIELD: Final = {6: 1, 7: 2}
_RATE_FIELD: Final = {12: 1, 13: 2, 14: 2}
#: A FLAC frame's header without its check, the largest frame, and samples in one.
_FLAC_HEAD, _MAX_FLAC, _MAX_STEP = 16, 1 << 17, 1 << 16
#: Bytes of the block with what a FLAC file says of itself, up to the number of samples.
_FLAC_INFO: Final = 22
#: Places in a FLAC file at which its frames are looked at, and how many bytes of each.
_PROBES, _PROBE = 8, 1 << 16
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


def flac(at: int, size: int | None) -> Scan:
    """Scan a FLAC file: its frames say which they are, but not how large.

    Args:
        at: where it begins.
        size: of the source, if it is known.
    """
    at, info = yield from _flac_blocks(at + 4)
    most = int.from_bytes(info[7:10]) or _MAX_FLAC
    # The sync code, and the size and rate that only the last frame may change.
    frame = yield Ask(at, 3)
    if len(frame) < 3:  # noqa: PLR2004  it was cut off before
        return None
    number, seen = -1, 0
    if size is not None:
        at, number = yield from _last_probe(info, frame, at, size)
    while True:
        data = yield Ask(at, max(seen, _FLAC_HEAD) + 1, WINDOW)
        ended, found = len(data) <= max(seen, _FLAC_HEAD), -1
        place = data.find(frame, max(0, seen - _FLAC_HEAD))
        while 0 <= place <= len(data) - _FLAC_HEAD:
            if number < (count := _flac_number(data, place)) <= number + _MAX_STEP:
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


def _flac_blocks(at: int) -> Generator[Ask, bytes, tuple[int, bytes]]:
    """Return where a FLAC file's frames begin, and what it says of itself."""
    info, last = b"", False
    while not last:
        block = yield Ask(at, 4)
        last = len(block) < 4 or block[0] & 0x80 > 0  # noqa: PLR2004  a block's header
        if block and not block[0] & 0x7F:
            info = (yield Ask(at, _FLAC_INFO))[4:_FLAC_INFO]
        at += 4 + int.from_bytes(block[1:])
    return at, info


def _last_probe(
    info: bytes, frame: bytes, at: int, size: int
) -> Generator[Ask, bytes, tuple[int, int]]:
    """Look at frames all over a FLAC file.

    If they count on, up to the number that it states, no other one is in between: its frames would
    count from 0.

    Returns:
        from where on to hop over all of them, and the number before.
    """
    begin, last, numbers = at, -1, list[int]()
    for part in range(_PROBES):
        at = begin + max(0, size - _PROBE - begin) * part // (_PROBES - 1)
        data = (yield Ask(at, _PROBE))[:_PROBE]
        places = (mark.start() for mark in re.finditer(re.escape(frame), data))
        numbers = [number for place in places if (number := _flac_number(data, place)) >= 0]
        if not numbers or (part and numbers[0] < last) or numbers != sorted(numbers):
            return begin, -1
        last = numbers[-1]
    longest, samples = int.from_bytes(info[2:4]), int.from_bytes(info[10:18]) & (1 << 36) - 1
    counted = last if frame[1] & 1 else last * longest
    # The last frame may have another code for its length.
    return (at, numbers[0] - 1) if counted < samples <= counted + 2 * longest else (begin, -1)


def _flac_number(data: bytes, at: int) -> int:
    """Return the number of the FLAC frame at a place, which is coded like UTF-8; -1 if none is."""
    head = data[at : at + _FLAC_HEAD]
    size = max(1, 8 - (head[4] ^ 0xFF).bit_length()) if len(head) == _FLAC_HEAD else 8
    end = 4 + size + _BLOCK_FIELD.get(head[2] >> 4, 0) + _RATE_FIELD.get(head[2] & 15, 0)
    if size == 8 or _crc8(head[:end]) != head[end]:  # noqa: PLR2004  no number has as many bytes
        return -1
    number = head[4] & (0x7F >> size if size > 1 else 0x7F)
    for byte in head[5 : 4 + size]:
        number = number << 6 | byte & 0x3F
    return number


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ (0x07 if crc & 0x80 else 0)) & 0xFF
    return crc


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
    at += int.from_bytes(head[5:9]) + 4
    tag = yield Ask(at, 11)
    return (yield from units(flv_tags(tag[8:]), at))
