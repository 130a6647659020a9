"""Search a file or stream for the recording that follows another one. Pure.

A search is a generator that asks for bytes, so that it serves files and streams alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from typing import Final, NamedTuple, TypeAlias

from azstt._audio.formats.mpeg import find_frame, frame_kind, frame_size, tag_size

#: Bytes in which all recordings can be told by how they begin.
HEAD: Final = 16
#: Bytes that are searched at once.
_WINDOW: Final = 1 << 18
#: How far behind a recording another one is looked for, where something else follows it.
_JUNK: Final = 1 << 20
#: How the formats that can be told by a few bytes begin.
_BEGINS: Final = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64)....(?:WAVE|AVI )|FORM....AIF[FC]|caff\0\x01\0\0|"
    rb"riff\x2e\x91\xcf\x11|fLaC[\0\x80]\0\0\x22|OggS\0[\x02\x06].{6}|\0\0..ftyp[ -~]{4}|"
    rb"\.snd\0\0..|\x1a\x45\xdf\xa3(?:[\x80-\xbf]|\x01.{7}|\x10.{3})(?:\x42|\xec|\xbf)",
    re.DOTALL,
)
_ID3: Final = re.compile(rb"ID3[\x02-\x04]\0[\0\x40\x80][\0-\x7f]{4}")
#: How other recordings begin that are looked for in one that does not state its size.
OTHERS: Final = (
    *(b"RIFF", b"OggS\0\2", b"\x1a\x45\xdf\xa3", b"fLaC\0\0\0\x22", b"ID3\3\0", b"ID3\4\0"),
    *(b"\0\0\0" + bytes([size]) + b"ftyp" for size in (20, 24, 28, 32, 36)),
)
#: The size that a frame rarely exceeds.
_FRAMES: Final = 1 << 15
PAGE: Final = b"OggS\0"


class Ask(NamedTuple):
    """What a scan wants to see next; all bytes before it belong to the recording.

    Attributes:
        at: a place in the recording.
        least: how many bytes it needs from there; it gets fewer only at the end of the source, and
            none of those that a stream has passed.
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


def begins(head: bytes) -> bool:
    """Return whether a recording that has a magic number begins here."""
    return _BEGINS.match(head) is not None


def after(at: int) -> Scan:
    """Look for a recording right after the end of one: behind tags, zeros and other junk."""
    end = at
    while at - end < _JUNK:
        data = yield Ask(at, HEAD, _WINDOW)
        if not data:
            return None
        if size := tag_size(data[:HEAD]):
            # An ID3 tag may also begin the next recording: what follows it decides.
            if (yield from _is_tagged(at, data)):
                return Following(at)
            at += size
        elif begins(data) or (yield from _is_frames(at, data)):
            return Following(at)
        elif len(data) < HEAD:
            return None
        else:
            found = _BEGINS.search(data, 1) or _ID3.search(data, 1)
            at += len(data) - HEAD + 1 if found is None else found.start()
    return None


def _is_frames(at: int, data: bytes) -> Generator[Ask, bytes, bool]:
    """Return whether MP3 or AAC frames begin here."""
    kind, size = frame_kind(data), frame_size(data)
    if kind is None or not size:
        return False
    data = yield Ask(at, size + HEAD)
    return find_frame(data, kind) == (0, True)


def search(at: int, magics: tuple[bytes, ...], frame: bytes = b"", end: float = math.inf) -> Scan:
    """Look for a recording in one that does not state its size.

    Args:
        at: where to begin.
        magics: how others begin; the first one is that of this recording's format.
        frame: how this recording's frames begin. While windows end in frames, and hold no other
            recording of this format, they are not searched for other formats.
        end: where to stop.
    """
    least = 1
    while at < end:
        data = yield Ask(at, least, _WINDOW)
        if len(data) < least:
            return None
        whole = frame and frame in data[-_FRAMES:] and magics[0] not in data
        found = -1 if whole else _find(data, magics)
        if found < 0:
            # A magic number may have begun at the end.
            keep = max(_begun(data, magic) for magic in magics)
            at, least = at + len(data) - keep, keep + 1
        elif found or len(data) < HEAD:
            at, least = at + found, HEAD
        elif begins(data) or data.startswith(PAGE) or (yield from _is_tagged(at, data)):
            return Following(at)
        else:
            at, least = at + 1, 1
    return None


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
    size = tag_size(data[:HEAD]) or 0
    data = yield Ask(at, size + HEAD)
    return frame_kind(data[size:]) is not None or data.startswith(b"fLaC", size)


def is_name(name: bytes) -> bool:
    """Return whether this may be a chunk's or a box's name."""
    return len(name) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in name)  # noqa: PLR2004
