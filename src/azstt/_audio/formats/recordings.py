"""Find where a recording ends and another one follows it in the same file or stream. Pure.

Sizes are followed from header to header: RIFF and IFF chunks, ISO boxes, Ogg pages, EBML segments.
Bytes are searched only where a format has no sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Final, Literal, NamedTuple, TypeAlias

from azstt._audio.formats.ebml import read_element
from azstt._audio.formats.mpeg import find_frame, frame_kind, frame_size, mp3_info, tag_size

#: Bytes in which all recordings can be told by how they begin.
_HEAD: Final = 16
#: Bytes by which a stream's format is told; it may not have more yet.
_FIRST_HEAD: Final = 12
#: Bytes that are searched at once.
_WINDOW: Final = 1 << 18
#: How far behind a recording another one is looked for, where something else follows it.
_JUNK: Final = 1 << 20
#: How other recordings begin that are looked for in one that does not state its size.
_OTHERS: Final = (
    *(b"RIFF", b"OggS\0\2", b"\x1a\x45\xdf\xa3", b"fLaC\0\0\0\x22", b"ID3\3\0", b"ID3\4\0"),
    *(b"\0\0\0" + bytes([size]) + b"ftyp" for size in (20, 24, 28, 32, 36)),
)
#: The size that a frame rarely exceeds.
_FRAMES: Final = 1 << 15
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
#: How the formats that can be told by a few bytes begin.
_BEGINS: Final = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64)....(?:WAVE|AVI )|FORM....AIF[FC]|caff\0\x01\0\0|"
    rb"riff\x2e\x91\xcf\x11|fLaC[\0\x80]\0\0\x22|OggS\0[\x02\x06].{6}|\0\0..ftyp[ -~]{4}|"
    rb"\.snd\0\0..|\x1a\x45\xdf\xa3(?:[\x80-\xbf]|\x01.{7}|\x10.{3})(?:\x42|\xec|\xbf)",
    re.DOTALL,
)
_ID3: Final = re.compile(rb"ID3[\x02-\x04]\0[\0\x40\x80][\0-\x7f]{4}")
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
#: Elements between or after segments: void, CRC, and index, tags or clusters of wrong sizes.
_EBML_SIBLINGS: Final = frozenset({0xEC, 0xBF, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1F43B675})
_PAGE: Final = b"OggS\0"
_OGG_HEAD, _OGG_FIRST, _OGG_CONTINUED = 27, 2, 1
#: The header of an AU file, and the GUID of a W64 file's chunk with its size.
_AU_HEAD, _W64_HEAD = 24, 24


class Ask(NamedTuple):
    """What a scan wants to see next; all bytes before it belong to the recording.

    Attributes:
        at: a place in the recording.
        least: how many bytes it needs from there; it gets fewer only at the end of the source.
        most: how many it can use.
    """

    at: int
    least: int
    most: int = 0


class Following(NamedTuple):
    """Where the next recording begins.

    Attributes:
        at: its place, counted from the beginning of this one.
        prefix: bytes that belong before it, if it has no header of its own.
    """

    at: int
    prefix: bytes = b""


#: Yields what it wants to see, is sent these bytes, and returns what follows.
Scan: TypeAlias = Generator[Ask, bytes, Following | None]


def scan() -> Scan:
    """Scan a recording for the one that follows it."""
    at = 0
    while True:
        head = yield Ask(at, _FIRST_HEAD)
        size = tag_size(head)
        if not size:
            break
        at += size
    for magic, walk in _WALKS.items():
        if head.startswith(magic):
            return (yield from walk(at))
    if head[4:8] in _FIRST_BOXES:
        return (yield from _iso(at))
    return (yield from _mp3(at)) if frame_kind(head) == "mp3" else None


class Splitter:
    """Splits a stream into its recordings while it arrives.

    Attributes:
        following: the next recording, once all of this one was returned.
    """

    def __init__(self) -> None:
        self.following: Following | None = None
        self._rest = bytearray()
        self._begin()

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that belong to this recording, of those that were fed so far."""
        if self.following is not None or self._ask is not None:
            self._rest += data
            data = self._advance()
        return data

    def finish(self) -> bytes:
        """Return the last bytes of this recording at the end of the stream."""
        data = b""
        while self._ask is not None and self.following is None:
            data += self._send(bytes(self._rest[: self._ask.least]))
        if self.following is None:
            data += bytes(self._rest)
            self._rest.clear()
        return data

    def rest(self) -> bytes:
        """Return the bytes that were fed and not returned, of whichever recording."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def next(self) -> bytes:
        """Begin with the following recording, and return its first bytes."""
        prefix = b"" if self.following is None else self.following.prefix
        self.following = None
        self._rest[:0] = prefix
        self._begin()
        return self.feed(b"")

    def _begin(self) -> None:
        self._at = 0  # of the bytes that are kept
        self._scan = scan()
        self._ask: Ask | None = next(self._scan)

    def _advance(self) -> bytes:
        """Scan as far as the bytes suffice, and return those that belong to this recording."""
        done = bytearray(self._skip())
        while self.following is None and (ask := self._ask) is not None:
            if self._at < ask.at or len(self._rest) < ask.least:
                break
            done += self._send(bytes(self._rest[: max(ask.least, ask.most)]))
        if self._ask is None and self.following is None:
            done += self._rest
            self._rest.clear()
        return bytes(done)

    def _send(self, data: bytes) -> bytes:
        try:
            self._ask = self._scan.send(data)
        except StopIteration as end:
            self._ask, self.following = None, end.value
        return self._skip()

    def _skip(self) -> bytes:
        """Return the bytes before the place to look at."""
        place = self._ask or self.following
        if place is None:
            return b""
        done = bytes(self._rest[: place.at - self._at])
        del self._rest[: len(done)]
        self._at += len(done)
        return done


def _begins(head: bytes) -> bool:
    """Return whether a recording that has a magic number begins here."""
    return _BEGINS.match(head) is not None


def _after(at: int) -> Scan:
    """Look for a recording right after the end of one: behind tags, zeros and other junk."""
    end = at
    while at - end < _JUNK:
        data = yield Ask(at, _HEAD, _WINDOW)
        if not data:
            return None
        if size := tag_size(data[:_HEAD]):
            # An ID3 tag may also begin the next recording: what follows it decides.
            if (yield from _is_tagged(at, data)):
                return Following(at)
            at += size
        elif _begins(data) or (yield from _is_frames(at, data)):
            return Following(at)
        elif len(data) < _HEAD:
            return None
        else:
            found = _BEGINS.search(data, 1) or _ID3.search(data, 1)
            at += len(data) - _HEAD + 1 if found is None else found.start()
    return None


def _is_frames(at: int, data: bytes) -> Generator[Ask, bytes, bool]:
    """Return whether MP3 or AAC frames begin here."""
    kind, size = frame_kind(data), frame_size(data)
    if kind is None or not size:
        return False
    data = yield Ask(at, size + _HEAD)
    return find_frame(data, kind) == (0, True)


def _search(at: int, magics: tuple[bytes, ...], frame: bytes = b"") -> Scan:
    """Look for a recording in one that does not state its size.

    Args:
        at: where to begin.
        magics: how others begin; the first one is that of this recording's format.
        frame: how this recording's frames begin. While windows end in frames, and hold no other
            recording of this format, they are not searched for other formats.
    """
    least = 1
    while True:
        data = yield Ask(at, least, _WINDOW)
        if len(data) < least:
            return None
        whole = frame and frame in data[-_FRAMES:] and magics[0] not in data
        found = -1 if whole else _find(data, magics)
        if found < 0:
            # A magic number may have begun at the end.
            keep = max(_begun(data, magic) for magic in magics)
            at, least = at + len(data) - keep, keep + 1
        elif found or len(data) < _HEAD:
            at, least = at + found, _HEAD
        elif _begins(data) or data.startswith(_PAGE) or (yield from _is_tagged(at, data)):
            return Following(at)
        else:
            at, least = at + 1, 1


def _find(data: bytes, magics: tuple[bytes, ...]) -> int:
    """Return where the first of the magic numbers is; -1 if there is none."""
    return min((found for magic in magics if (found := data.find(magic)) >= 0), default=-1)


def _begun(data: bytes, magic: bytes) -> int:
    """Return how many bytes at the end may be the beginning of a magic number."""
    return next((n for n in range(len(magic) - 1, 0, -1) if data.endswith(magic[:n])), 0)


def _is_tagged(at: int, data: bytes) -> Generator[Ask, bytes, bool]:
    """Return whether a recording begins here with an ID3 tag."""
    if not _ID3.match(data):
        return False
    size = tag_size(data[:_HEAD]) or 0
    data = yield Ask(at, size + _HEAD)
    return frame_kind(data[size:]) is not None or data.startswith(b"fLaC", size)


def _riff(at: int) -> Scan:
    """Scan a WAV or AVI file."""
    head = yield Ask(at, _RIFF_SIZE)
    order: Literal["big", "little"] = "big" if head.startswith(b"RIFX") else "little"
    if head[8:12] == b"AVI ":
        return (yield from _avi(at))
    if head[8:12] != b"WAVE":
        return None
    at += _RIFF_SIZE
    fmt, long_size, has_data = b"", 0, False
    while True:
        head = yield Ask(at, _HEAD if has_data else 8)
        name, size = head[:4], int.from_bytes(head[4:8], order)
        if not _is_name(name) or _begins(head):
            return (yield from _after(at))
        if name == b"ds64":
            body = yield Ask(at + 8, 16)
            long_size = int.from_bytes(body[8:], "little")
        elif name == b"fmt " and size <= _MAX_FORMAT:
            fmt = yield Ask(at, 8 + size)
        elif name == b"data" and has_data:
            return Following(at, b"RIFF\xff\xff\xff\xffWAVE" + fmt)
        elif name == b"data":
            has_data = True
            size = long_size if long_size and size == _LONG else size
            if not size or _UNKNOWN_SIZE <= size != long_size:
                return (yield from _search(at + 8, (b"RIFF",)))
        at += 8 + size
        at += yield from _padding(at, size)


def _avi(at: int) -> Scan:
    """Scan an AVI file; a large one goes on in further RIFF chunks."""
    while True:
        head = yield Ask(at, _RIFF_SIZE)
        if head[:4] != b"RIFF" or head[8:12] not in {b"AVI ", b"AVIX"}:
            return (yield from _after(at))
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
    return 0 if _is_name(name) else 1


def _is_name(name: bytes) -> bool:
    """Return whether this may be a chunk's or a box's name."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in name)  # noqa: PLR2004


def _aiff(at: int) -> Scan:
    """Scan an AIFF file."""
    size = int.from_bytes((yield Ask(at, 8))[4:])
    return (yield from _after(at + 8 + size + (size & 1))) if size else None


def _au(at: int) -> Scan:
    """Scan an AU file."""
    head = yield Ask(at, _AU_HEAD)
    offset, size = int.from_bytes(head[4:8]), int.from_bytes(head[8:12])
    if size >= _UNKNOWN_SIZE:
        return (yield from _search(at + offset, (b".snd",)))
    return (yield from _after(at + offset + size))


def _caf(at: int) -> Scan:
    """Scan a CAF file."""
    at += 8
    while True:
        head = yield Ask(at, 12)
        if not _is_name(head[:4]) or head.startswith(b"caff"):
            return (yield from _after(at))
        size = int.from_bytes(head[4:12])
        if size >= _UNKNOWN_SIZE_64:
            return None
        at += 12 + size


def _w64(at: int) -> Scan:
    """Scan a Sony Wave64 file."""
    size = int.from_bytes((yield Ask(at, _W64_HEAD))[16:24], "little")
    return (yield from _after(at + (size + 7 & ~7))) if 0 < size < _UNKNOWN_SIZE_64 else None


#: How ISO files begin, and what belongs to one after its index or media.
_FIRST_BOXES: Final = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"pnot", b"styp"})
_FILLERS: Final = frozenset({b"free", b"skip", b"wide", b"uuid"})
_FRAGMENT: Final = frozenset({b"moof", b"mdat"})


def _iso(at: int) -> Scan:
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
        if not _is_name(kind) or size < 8:  # noqa: PLR2004  a box's header
            return (yield from _after(at)) if begun is None and size else None
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


def _ogg(at: int) -> Scan:
    """Scan an Ogg stream; another one begins with first pages after any others."""
    started = False
    while True:
        head = yield Ask(at, _OGG_HEAD)
        if len(head) < _OGG_HEAD:
            return None
        if not head.startswith(_PAGE):
            if _begins(head):
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
    return _search(at, (_PAGE, *_OTHERS))


def _ebml(at: int) -> Scan:
    """Scan a WebM or Matroska file; a recorder leaves sizes open."""
    first = True
    while True:
        head = yield Ask(at, _HEAD)
        element = read_element(head, 0)
        if element is None or (element.id == _EBML and not first):
            return None if element is None else Following(at)
        if element.id not in {_EBML, _SEGMENT} | _EBML_SIBLINGS:
            return (yield from _after(at))
        if element.size is None:
            return (yield from _search(at + element.start, (b"\x1a\x45\xdf\xa3", *_OTHERS)))
        first = False
        at += element.end


def _flac(at: int) -> Scan:
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
    return (yield from _search(at, (b"fLaC", *_OTHERS), frame))


def _mp3(at: int) -> Scan:
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
    return (yield from _after(at + size))


_WALKS: Final[dict[bytes, Callable[[int], Scan]]] = {
    b"RIFF": _riff,
    b"RIFX": _riff,
    b"RF64": _riff,
    b"BW64": _riff,
    b"FORM": _aiff,
    b".snd": _au,
    b"caff": _caf,
    b"riff": _w64,
    b"OggS": _ogg,
    b"\x1a\x45\xdf\xa3": _ebml,
    b"fLaC": _flac,
}
