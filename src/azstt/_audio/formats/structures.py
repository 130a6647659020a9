"""The units of FLV, AVI and fragmented MP4, by which a damaged stream is repaired. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

from azstt._audio.formats.fragments import FragmentBox, read_fragment
from azstt._audio.formats.repair import Repair
from azstt._audio.formats.sniff import is_iso
from azstt._audio.formats.units import is_name

#: An FLV tag's header: audio, video or data; its size, its time, and three zeros.
_TAG: Final = re.compile(rb"[\x08\x09\x12].{7}\0\0\0", re.DOTALL)
_TAG_HEAD, _TAG_END = 11, 4
#: A tag with audio, how AAC begins in it, and the most bytes by which that is described.
_AUDIO, _AAC_SETUP, _LONGEST_SETUP = 8, b"\xaf\0", 64
#: A chunk of an AVI file with media or an index.
_CHUNK: Final = re.compile(rb"\d\d(?:wb|dc|db|pc)|ix\d\d")
_CHUNK_HEAD, _LIST_HEAD = 8, 12
#: What else comes after such a chunk, and lists whose content is in the same order.
_AFTER_CHUNK: Final = frozenset({b"LIST", b"JUNK", b"RIFF", b"idx1"})
_ENTERED: Final = frozenset({b"movi", b"rec ", b"AVI ", b"AVIX"})
#: How a fragment begins, behind the size of its first box; and the largest box header.
_FRAGMENT: Final = b"moof\0\0\0\x10mfhd"
#: What the index says about the number of each track that has fragments.
_TRACK: Final = re.compile(rb"trex....(....)", re.DOTALL)
_SIZE, _BOX_HEAD, _LONG_BOX_HEAD = 4, 8, 16
#: A box with media is damaged if it is so much larger than what describes them says.
_PROPORTION, _SPARE = 2, 1 << 16


class FlvTags:
    """The tags of an FLV file, each followed by its size."""

    head: int = _TAG_HEAD

    def __init__(self) -> None:
        self._begun = False
        self._tag: re.Pattern[bytes] | None = None

    def measure(self, data: bytearray, at: int, *, found: bool) -> int:  # noqa: ARG002  always sure
        """Return the size of a tag and what follows it; at first, of the file's header."""
        if len(data) < at + _TAG_HEAD:
            return _TAG_HEAD
        if not self._begun:
            return int.from_bytes(data[5:9]) + _TAG_END
        if not self._pattern(data, at).match(data, at):
            return 0
        body = int.from_bytes(data[at + 1 : at + 4])
        if data[at] == _AUDIO and body > _LONGEST_SETUP:
            first = bytes(data[at + _TAG_HEAD : at + _TAG_HEAD + 2])
            if first == _AAC_SETUP:
                return 0  # a damaged frame, which would change the decoder's setup
        return self._confirmed(data, at, _TAG_HEAD + body + _TAG_END)

    def _confirmed(self, data: bytearray, at: int, size: int) -> int:
        """Return a tag's size if the size after it agrees, or another tag begins there."""
        end = at + size
        if len(data) < end or int.from_bytes(data[end - _TAG_END : end]) == size - _TAG_END:
            return size
        # Some writers state other sizes.
        if len(data) < end + _TAG_HEAD:
            return size + _TAG_HEAD
        return size if self._pattern(data, at).match(data, end) else 0

    def candidates(self, data: bytes | bytearray, at: int) -> Iterator[int]:
        """Yield the places of what may be tags."""
        return (found.start() for found in (self._tag or _TAG).finditer(data, at))

    def _pattern(self, data: bytearray, at: int) -> re.Pattern[bytes]:
        """Return how tags begin; some writers number the stream, which should be 0."""
        if self._tag is None:
            stream = re.escape(bytes(data[at + 8 : at + _TAG_HEAD]))
            other = re.compile(rb"[\x08\x09\x12].{7}" + stream, re.DOTALL)
            self._tag = other if other.match(data, at) else _TAG
        return self._tag

    def flows(self, data: bytearray) -> bool:
        """Return False: libav wants the size behind a tag."""
        del data
        return False

    def adapt(self, data: bytearray, place: int) -> None:
        """Change nothing."""
        del data, place
        self._begun = True


class AviChunks:
    """The chunks of an AVI file, and the heads of the lists that they are in."""

    head: int = _LIST_HEAD

    def measure(self, data: bytearray, at: int, *, found: bool) -> int:
        """Return the size of a chunk, the head of a list, or a byte of padding."""
        if len(data) < at + _LIST_HEAD:
            return _LIST_HEAD
        name = bytes(data[at : at + 4])
        if not is_name(name):
            return int(is_name(bytes(data[at + 1 : at + 5])))
        if name in {b"RIFF", b"LIST"} and bytes(data[at + 8 : at + 12]) in _ENTERED:
            return _LIST_HEAD
        size = _CHUNK_HEAD + int.from_bytes(data[at + 4 : at + 8], "little")
        if not found:
            return size
        end = at + size + (size & 1)
        if len(data) < end + 4:
            return end + 4 - at
        after = bytes(data[end : end + 4])
        return size if _CHUNK.match(after) or after in _AFTER_CHUNK else 0

    def candidates(self, data: bytes | bytearray, at: int) -> Iterator[int]:
        """Yield the places of what may be chunks with media."""
        return (found.start() for found in _CHUNK.finditer(data, at))

    def flows(self, data: bytearray) -> bool:
        """Return False: a chunk is a packet."""
        del data
        return False

    def adapt(self, data: bytearray, place: int) -> None:
        """Change nothing."""
        del data, place


class FragmentBoxes:
    """The boxes of a fragmented MP4 file."""

    head: int = _SIZE + len(_FRAGMENT)

    def __init__(self) -> None:
        self._tracks = set[int]()
        self._base: int | None = None  # stated by the first fragment, from its beginning
        self._end: int | None = None  # of the last fragment's media, in the repaired stream

    def measure(self, data: bytearray, at: int, *, found: bool) -> int:  # noqa: ARG002
        """Return the size of a box; that of a fragment is confirmed by the box after it."""
        if len(data) < at + _LONG_BOX_HEAD:
            return _LONG_BOX_HEAD
        size, kind = int.from_bytes(data[at : at + 4]), bytes(data[at + 4 : at + 8])
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16])
        size = size or sys.maxsize  # up to the end
        if not is_name(kind) or size < _BOX_HEAD:
            return 0
        return self._confirmed(data, at, size) if kind == b"moof" else size

    def _confirmed(self, data: bytearray, at: int, size: int) -> int:
        """Return a fragment's size if it is sound and its media follow."""
        end = at + size
        if len(data) < end + _BOX_HEAD:
            return size + _BOX_HEAD
        fragment = read_fragment(data, at, end)
        if fragment is None or (self._tracks and fragment.tracks - self._tracks):
            return 0
        after = size + int.from_bytes(data[end : end + 4])
        return size if is_name(bytes(data[end + 4 : end + 8])) or fragment.end(data) == after else 0

    def candidates(self, data: bytes | bytearray, at: int) -> Iterator[int]:
        """Yield the places of what may be fragments."""
        place = data.find(_FRAGMENT, at + _SIZE)
        while place >= 0:
            yield place - _SIZE
            place = data.find(_FRAGMENT, place + 1)

    def flows(self, data: bytearray) -> bool:
        """Return whether media begin here, which are decoded while they arrive."""
        return bytes(data[4:8]) == b"mdat" and len(data) >= _LONG_BOX_HEAD

    def adapt(self, data: bytearray, place: int) -> None:
        """Make what a fragment states of its media fit."""
        size, kind = int.from_bytes(data[:4]), bytes(data[4:8])
        if kind == b"moof" and (fragment := read_fragment(data, 0, size)) is not None:
            after = size + int.from_bytes(data[size : size + 4])
            if fragment.end(data) == after:
                data[size + 4 : size + 8] = b"mdat"  # whatever is left of its name
            elif bytes(data[size + 4 : size + 8]) == b"mdat" and after > size + 1:
                self._fit(data, fragment, after)
            end = fragment.end(data)
            self._end = None if end is None else place + end
            self._rebase(data, place, fragment.bases)
        elif kind == b"mdat" and size != 1 and self._end is not None:
            told = self._end - place
            if told > _BOX_HEAD and not 0 < size <= _PROPORTION * told + _SPARE:
                data[:4] = told.to_bytes(4)
        elif kind == b"moov":
            found = _TRACK.finditer(data, 0, size)
            self._tracks = {int.from_bytes(track[1]) for track in found}

    @staticmethod
    def _fit(data: bytearray, fragment: FragmentBox, end: int) -> None:
        """Make samples end where others begin, or their box ends: libav would go on behind it."""
        for run in fragment.runs:
            begin = run.offset or 0
            others = (other.offset or 0 for other in fragment.runs)
            run.fit(data, min((other for other in others if begin < other < end), default=end))

    def _rebase(self, data: bytearray, place: int, fields: list[int]) -> None:
        """Move the places in the file that a fragment states by as much as it was moved."""
        bases = [int.from_bytes(data[field : field + 8]) for field in fields]
        if not bases:
            return
        if self._base is None:
            self._base = bases[0] - place
        shift = place + self._base - bases[0]
        for field, base in zip(fields, bases, strict=True):
            data[field : field + 8] = max(0, base + shift).to_bytes(8)


def repair_of(head: bytes) -> Repair | None:
    """Return what repairs a stream with this beginning; None for other formats."""
    if head.startswith(b"FLV"):
        return Repair(FlvTags())
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return Repair(AviChunks())
    return Repair(FragmentBoxes()) if is_iso(head) else None
