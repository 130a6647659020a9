"""Walk through a recording in each format, to the one that follows it. Pure.

Sizes are followed from header to header: RIFF and IFF chunks, ISO boxes, Ogg pages, EBML segments.
Bytes are searched only where a format has no sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, Literal

from azstt._audio.formats.ebml import read_element
from azstt._audio.formats.mpeg import frame_kind, mp3_info
from azstt._audio.formats.searches import (
    HEAD,
    OTHERS,
    PAGE,
    Ask,
    Following,
    Scan,
    after,
    begins,
    is_name,
    search,
)

#: The largest ``fmt`` chunk.
_MAX_FORMAT: Final = 1 << 16
#: Writers that do not know the size of their samples write this or more, or 0.
_UNKNOWN_SIZE: Final = 0x7FFF_F000
_UNKNOWN_SIZE_64: Final = 1 << 62
_RIFF_SIZE: Final = 12
#: A frame's header, its side information, and the beginning of an MP3 file's own header.
_MP3_HEAD: Final = 4 + 32 + 16
#: Stands for a size of 64 bits that is stated elsewhere.
_LONG: Final = 0xFFFF_FFFF
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
#: Elements between or after segments: void, CRC, and index, tags or clusters of wrong sizes.
_EBML_SIBLINGS: Final = frozenset({0xEC, 0xBF, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1F43B675})
_OGG_HEAD, _OGG_FIRST, _OGG_CONTINUED = 27, 2, 1
#: The header of an AU file, and the GUID of a W64 file's chunk with its size.
_AU_HEAD, _W64_HEAD = 24, 24


def riff(at: int) -> Scan:
    """Scan a WAV or AVI file."""
    head = yield Ask(at, _RIFF_SIZE)
    order: Literal["big", "little"] = "big" if head.startswith(b"RIFX") else "little"
    if head[8:12] == b"AVI ":
        return (yield from _avi(at))
    return (yield from _wav(at + _RIFF_SIZE, order)) if head[8:12] == b"WAVE" else None


def _wav(at: int, order: Literal["big", "little"]) -> Scan:
    """Scan the chunks of a WAV file."""
    fmt, long_size, samples = b"", 0, 0
    while True:
        head = yield Ask(at, HEAD if samples else 8)
        name, size = head[:4], int.from_bytes(head[4:8], order)
        if not is_name(name) or begins(head):
            found = None if begins(head) else (yield from _cut_short(samples, at, head))
            return found or (yield from after(at))
        if name == b"ds64":
            body = yield Ask(at + 8, 16)
            long_size = int.from_bytes(body[8:], "little")
        elif name == b"fmt " and size <= _MAX_FORMAT:
            fmt = yield Ask(at, 8 + size)
        elif name == b"data" and samples:
            return Following(at, b"RIFF\xff\xff\xff\xffWAVE" + fmt)
        elif name == b"data":
            samples = at + 8
            size = long_size if long_size and size == _LONG else size
            if not size or _UNKNOWN_SIZE <= size != long_size:
                return (yield from search(samples, (b"RIFF",)))
            # A stream cannot be searched later.
            if not (yield Ask(0, 1)) and (found := (yield from _in_samples(samples, size))):
                return found
        at += 8 + size
        at += yield from _padding(at, size)


def _in_samples(at: int, size: int) -> Scan:
    """Look for another WAV file among samples that were cut short."""
    return search(at, (b"RIFF",), end=at + size)


def _cut_short(samples: int, at: int, head: bytes) -> Scan:
    """Look for another WAV file among samples, if these do not end where they should.

    Args:
        samples: where they begin.
        at: where they should end, or the chunks after them.
        head: the bytes there, which begin no chunk.
    """
    if not samples or (not head and (yield Ask(at - 1, 1))):
        return None
    return (yield from _in_samples(samples, at - samples))


def _avi(at: int) -> Scan:
    """Scan an AVI file; a large one goes on in further RIFF chunks."""
    while True:
        head = yield Ask(at, _RIFF_SIZE)
        if head[:4] != b"RIFF" or head[8:12] not in {b"AVI ", b"AVIX"}:
            return (yield from after(at))
        if at and head[8:12] == b"AVI ":
            return Following(at)
        size = int.from_bytes(head[4:8], "little")
        if not size:
            return None
        at += 8 + size + (size & 1)


def _padding(at: int, size: int) -> Generator[Ask, bytes, int]:
    """Return how many bytes of padding follow a chunk; some writers leave it out."""
    if not size & 1:
        return 0
    name = yield Ask(at, 4)
    return 0 if is_name(name) else 1


def aiff(at: int) -> Scan:
    """Scan an AIFF file."""
    size = int.from_bytes((yield Ask(at, 8))[4:])
    return (yield from after(at + 8 + size + (size & 1))) if size else None


def au(at: int) -> Scan:
    """Scan an AU file."""
    head = yield Ask(at, _AU_HEAD)
    offset, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    if size >= _UNKNOWN_SIZE:
        return (yield from search(at + offset, (b".snd",)))
    return (yield from after(at + offset + size))


def caf(at: int) -> Scan:
    """Scan a CAF file."""
    at += 8
    while True:
        head = yield Ask(at, 12)
        if not is_name(head[:4]) or head.startswith(b"caff"):
            return (yield from after(at))
        size = int.from_bytes(head[4:12])
        if size >= _UNKNOWN_SIZE_64:
            return None
        at += 12 + size


def w64(at: int) -> Scan:
    """Scan a Sony Wave64 file."""
    size = int.from_bytes((yield Ask(at, _W64_HEAD))[16:24], "little")
    return (yield from after(at + (size + 7 & ~7))) if 0 < size < _UNKNOWN_SIZE_64 else None


#: How ISO files begin, and what belongs to one after its index or media.
FIRST_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"pnot", b"styp"})
_FILLERS: Final = frozenset({b"free", b"skip", b"wide", b"uuid"})
_FRAGMENT: Final = frozenset({b"moof", b"mdat"})


def iso(at: int) -> Scan:
    """Scan an MP4 or MOV file, in fragments or not.

    Another file, or header of fragments, begins with a second ``ftyp``, or a second ``moov`` after
    fragments, if media follow it.
    """
    seen: set[bytes] = set()
    begun: int | None = None  # where another recording seems to begin
    while True:
        start = at if begun is None else begun
        head = (yield Ask(start, at - start + 16))[at - start :]
        size, kind = int.from_bytes(head[:4]), head[4:8]
        size = int.from_bytes(head[8:16]) if size == 1 else size
        if not is_name(kind) or size < 8:  # noqa: PLR2004  a box's header
            return (yield from after(at)) if begun is None and size else None
        if begun is None:
            if _opens_another(kind, seen):
                begun = at
        elif kind in _FRAGMENT:
            return Following(begun)
        elif kind not in _FILLERS | {b"ftyp", b"moov", b"sidx", b"styp"}:
            begun = None
        seen.add(kind)
        at += size


def _opens_another(kind: bytes, seen: set[bytes]) -> bool:
    """Return whether a box may be the first of another recording."""
    if kind == b"ftyp":
        return bool(seen & _FRAGMENT)
    return kind == b"moov" and {b"moov", b"moof"} <= seen


def ogg(at: int) -> Scan:
    """Scan an Ogg stream; another one begins with first pages after any others."""
    started = False
    while True:
        head = yield Ask(at, _OGG_HEAD)
        if len(head) < _OGG_HEAD:
            return None
        if not head.startswith(PAGE):
            if begins(head):
                return Following(at)
            found = yield from _next_page(at + 1)
            if found is None:
                return None
            at = found.at
            continue
        number = int.from_bytes(head[18:22], "little")
        first = head[5] & (_OGG_FIRST | _OGG_CONTINUED) == _OGG_FIRST and not number
        if first and started:
            return Following(at)
        started = started or not first
        table = (yield Ask(at, _OGG_HEAD + head[26]))[_OGG_HEAD:]
        at += _OGG_HEAD + head[26] + sum(table)


def _next_page(at: int) -> Scan:
    """Look for the next Ogg page after damage, or a recording in another format."""
    return search(at, (PAGE, *OTHERS))


def ebml(at: int) -> Scan:
    """Scan a WebM or Matroska file; a recorder leaves sizes open."""
    first = True
    while True:
        head = yield Ask(at, HEAD)
        element = read_element(head, 0)
        if element is None or (element.id == _EBML and not first):
            return None if element is None else Following(at)
        if element.id not in {_EBML, _SEGMENT} | _EBML_SIBLINGS:
            return (yield from after(at))
        if element.size is None:
            return (yield from search(at + element.start, (b"\x1a\x45\xdf\xa3", *OTHERS)))
        first = False
        at += element.end


def flac(at: int) -> Scan:
    """Scan a FLAC file, which does not say how large it is."""
    at, last = at + 4, False
    while not last:
        block = yield Ask(at, 4)
        if len(block) < 4:  # noqa: PLR2004  a block's header
            return None
        last = block[0] & 0x80 > 0
        at += 4 + int.from_bytes(block[1:])
    # The sync code, and the size and rate that only the last frame may change.
    frame = yield Ask(at, 3)
    return (yield from search(at, (b"fLaC", *OTHERS), frame))


def mp3(at: int) -> Scan:
    """Scan an MP3 file; only its own header tells how large it is."""
    frame = yield Ask(at, _MP3_HEAD)
    tag = max(frame.find(b"Xing"), frame.find(b"Info"))
    flags = frame[tag + 7] if 0 <= tag <= len(frame) - 16 else 0
    if not flags & 2:
        return None
    place = tag + 8 + 4 * (flags & 1)
    size = int.from_bytes(frame[place : place + 4])
    if not size:
        return None
    head = yield Ask(at + size, _MP3_HEAD)
    if frame_kind(head) == "mp3" and mp3_info(head) is None:
        return None  # there are more frames than it says
    return (yield from after(at + size))


#: By how a recording begins.
WALKS: Final[dict[bytes, Callable[[int], Scan]]] = {
    b"RIFF": riff,
    b"RIFX": riff,
    b"RF64": riff,
    b"BW64": riff,
    b"FORM": aiff,
    b".snd": au,
    b"caff": caf,
    b"riff": w64,
    b"OggS": ogg,
    b"\x1a\x45\xdf\xa3": ebml,
    b"fLaC": flac,
}
