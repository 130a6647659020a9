"""Walk through a recording in each format, to the one that follows it. Pure.

Sizes are followed from header to header: RIFF and IFF chunks, ISO boxes, Ogg pages, EBML segments.
Bytes are searched only where a format has no sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Final, Literal

from azstt._audio.formats.ebml import read_element
from azstt._audio.formats.hops import flv, units, wavpack
from azstt._audio.formats.searches import (
    PAGE,
    WINDOW,
    Ask,
    Following,
    Scan,
    begins,
    past,
    search,
)
from azstt._audio.formats.units import (
    AMR_NB,
    AMR_WB,
    FRAGMENTS,
    HEAD,
    MATROSKA,
    OGG,
    amr_frames,
    fixed_packets,
    is_name,
)

#: The largest ``fmt`` chunk.
_MAX_FORMAT: Final = 1 << 16
#: Writers that do not know the size of their samples write this or more, or 0.
_UNKNOWN_SIZE: Final = 0x7FFF_F000
_UNKNOWN_SIZE_64: Final = 1 << 62
_RIFF_SIZE: Final = 12
#: Stands for a size of 64 bits that is stated elsewhere.
_LONG: Final = 0xFFFF_FFFF
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
#: Elements between or after segments: void, CRC, and index, tags or clusters of wrong sizes.
_EBML_SIBLINGS: Final = frozenset({0xEC, 0xBF, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1F43B675})
_OGG_HEAD, _OGG_FIRST, _OGG_CONTINUED = 27, 2, 1
#: The header of an AU file, and the GUID of a W64 file's chunk with its size.
_AU_HEAD, _W64_HEAD = 24, 24
#: An ASF object's header, the one that has packets without their number, and the GUID of another.
_ASF_OBJECT, _ASF_EMPTY = 24, 50
_ASF_FILE: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
#: The most frames of a TTA file: a week.
_MOST_FRAMES: Final = 600_000
_MXF_KEY: Final = b"\x06\x0e\x2b\x34"


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
            return (yield from past(samples or at, at))
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
                return (yield from search(samples, bare=False))
            # A stream cannot be searched later.
            if not (yield Ask(0, 1)) and (found := (yield from _in_samples(samples, size))):
                return found
        at += 8 + size
        at += yield from _padding(at, size)


def _in_samples(at: int, size: int) -> Scan:
    """Look for another WAV file among the samples of a stream, in case they were cut short."""
    end, least, magic = at + size, 1, b"RIFF"
    while at < end:
        data = yield Ask(at, least, WINDOW)
        if len(data) < least:
            return None
        if (found := data.find(magic)) < 0:
            # It may have begun at the end.
            keep = next((n for n in (3, 2, 1) if data.endswith(magic[:n])), 0)
            at, least = at + len(data) - keep, keep + 1
        elif found:
            at, least = at + found, 1
        elif begins((yield Ask(at, HEAD))):
            return Following(at)
        else:
            at, least = at + 1, 1
    return None


def _avi(at: int) -> Scan:
    """Scan an AVI file; a large one goes on in further RIFF chunks."""
    begin = at + _RIFF_SIZE
    while True:
        head = yield Ask(at, HEAD if at else _RIFF_SIZE)
        if head[:4] != b"RIFF" or head[8:12] not in {b"AVI ", b"AVIX"}:
            if not is_name(head[:4]) or begins(head):
                return (yield from past(begin, at))
            at += 8 + int.from_bytes(head[4:8], "little")  # a chunk outside
            continue
        if at > begin and head[8:12] == b"AVI ":
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
    return (yield from past(at + 8, at + 8 + size + (size & 1))) if size else None


def au(at: int) -> Scan:
    """Scan an AU file."""
    head = yield Ask(at, _AU_HEAD)
    offset, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    if size >= _UNKNOWN_SIZE:
        return (yield from search(at + offset, bare=False))
    return (yield from past(at + offset, at + offset + size))


def caf(at: int) -> Scan:
    """Scan a CAF file."""
    at = begin = at + 8
    while True:
        head = yield Ask(at, HEAD)
        if not is_name(head[:4]) or begins(head):
            return (yield from past(begin, at))
        size = int.from_bytes(head[4:12])
        if size >= _UNKNOWN_SIZE_64:
            return None
        at += 12 + size


def w64(at: int) -> Scan:
    """Scan a Sony Wave64 file."""
    size = int.from_bytes((yield Ask(at, _W64_HEAD))[16:24], "little")
    return (yield from past(at + 24, at + (size + 7 & ~7))) if 0 < size < _UNKNOWN_SIZE_64 else None


#: How ISO files begin, and what belongs to one after its index or media.
FIRST_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"pnot", b"styp"})
_FILLERS: Final = frozenset({b"free", b"skip", b"wide", b"uuid"})
_FRAGMENT: Final = frozenset({b"moof", b"mdat"})


def iso(at: int) -> Scan:
    """Scan an MP4 or MOV file, in fragments or not.

    Another file, or header of fragments, begins with a second ``ftyp``, or a second ``moov`` after
    fragments, if media follow it. Fragments go on behind damage.
    """
    seen: set[bytes] = set()
    first = at
    begun: int | None = None  # where another recording seems to begin
    while True:
        start = at if begun is None else begun
        head = (yield Ask(start, at - start + 16))[at - start :]
        size, kind = int.from_bytes(head[:4]), head[4:8]
        size = int.from_bytes(head[8:16]) if size == 1 else size
        if not is_name(kind) or (kind != b"ftyp" and begins(head)):
            if b"moof" in seen and begun is None and not begins(head):
                found = yield from search(at, FRAGMENTS, bare=False)
                if found is None:
                    return None
                at = found.at
                continue
            return (yield from past(first, at)) if begun is None else None
        if size < 8:  # noqa: PLR2004  a box's header
            return None
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
            found = yield from search(at, OGG)
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


def ebml(at: int) -> Scan:
    """Scan a WebM or Matroska file; a recorder leaves sizes open."""
    begin = at
    while True:
        head = yield Ask(at, HEAD)
        element = read_element(head, 0)
        if element is not None and element.id == _EBML and at > begin:
            return Following(at)
        if element is None or element.id not in {_EBML, _SEGMENT} | _EBML_SIBLINGS:
            return (yield from past(begin, at))
        if element.size is None:
            return (yield from units(MATROSKA, at + element.start))
        at += element.end


def asf(at: int) -> Scan:
    """Scan an ASF (WMA, WMV) file; a live recording does not state its size."""
    begin, packet = at, 0
    while True:
        head = yield Ask(at, _ASF_OBJECT)
        size = int.from_bytes(head[16:24], "little")
        if begins(head) and at > begin:
            return Following(at)
        if not _is_asf(head) or size < _ASF_OBJECT:
            return (yield from past(begin, at))
        if begins(head):
            header = yield Ask(at, min(size, WINDOW))
            place = header.find(_ASF_FILE) + 92
            packet = int.from_bytes(header[place : place + 4], "little")
        elif size == _ASF_EMPTY and packet > 3:  # noqa: PLR2004  a packet's header
            at += size
            mark = (yield Ask(at, 3))[:1]
            return (yield from units(fixed_packets(mark + b"\0\0", packet), at))
        at += size


def _is_asf(head: bytes) -> bool:
    """Return whether an object of an ASF file begins here, by what all their GUIDs share."""
    return len(head) == _ASF_OBJECT and head[7] == 0x11 and not head[10]  # noqa: PLR2004


def tta(at: int) -> Scan:
    """Scan a TTA file, whose header has the sizes of all frames."""
    head = yield Ask(at, 22)
    rate, samples = (int.from_bytes(head[i : i + 4], "little") for i in (10, 14))
    frames = -(-samples // max(1, 256 * rate // 245))
    if not 0 < frames <= _MOST_FRAMES:
        return None
    table = (yield Ask(at + 22, 4 * frames + 4))[: 4 * frames]
    sizes = [int.from_bytes(table[i : i + 4], "little") for i in range(0, len(table), 4)]
    begin = at + 22 + 4 * frames + 4
    return (yield from past(begin, begin + sum(sizes)))


def ape(at: int) -> Scan:
    """Scan a Monkey's Audio file, whose header has the sizes of all its parts."""
    head = yield Ask(at, 36)
    parts = [int.from_bytes(head[i : i + 4], "little") for i in (8, 12, 16, 20, 24, 32)]
    return (yield from past(at + parts[0], at + sum(parts) + (head[28] << 32 if head else 0)))


def mxf(at: int) -> Scan:
    """Scan an MXF file, a sequence of keys with lengths and values."""
    begin = at
    while True:
        head = yield Ask(at, HEAD + 5)
        if not head.startswith(_MXF_KEY) or (at > begin and begins(head) and head[13] == 2):  # noqa: PLR2004
            return Following(at) if at > begin and begins(head) else (yield from past(begin, at))
        size = head[16] & 0x7F if len(head) > 16 else 0  # noqa: PLR2004  a key
        long = size if len(head) > 16 and head[16] & 0x80 else 0  # noqa: PLR2004
        at += 17 + long + (int.from_bytes(head[17 : 17 + long]) if long else size)


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
    b"wvpk": wavpack,
    b"FLV\1": flv,
    b"0&\xb2u": asf,
    b"TTA1": tta,
    b"MAC ": ape,
    b"\6\x0e+4": mxf,
    b"#!AMR\n": lambda at: units(amr_frames(AMR_NB), at + 6),
    b"#!AMR-WB\n": lambda at: units(amr_frames(AMR_WB), at + 9),
}
