"""Split MP3 and ADTS AAC into frames while they arrive, without tags and junk. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from azstt._audio.formats.demux import Cut, DemuxBuffer, Loss
from azstt._audio.formats.mpeg import (
    FRAME_HEAD,
    TAG_HEAD,
    FrameKind,
    find_frame,
    frame_kind,
    frame_shape,
    frame_size,
    tag_size,
)

#: Bytes at the end, in which no frame was found, that are worth telling; tags that do not say how
#: long they are have less.
_JUNK: Final = 4096


class FrameDemuxer:
    """Demuxes a sequence of frames that each have their own header.

    Args:
        kind: the codec; None to detect it from the first frame.

    Attributes:
        kind: the codec, once it is known.
    """

    def __init__(self, kind: FrameKind | None) -> None:
        self.kind: FrameKind | None = kind
        self._buffer = DemuxBuffer()
        self._shape: tuple[int, int] | None = None
        self._sizes: dict[int, int] = {}  # of MP3 frames, by the byte of the header that tells
        self._size_of: Callable[[bytearray, int], int] = self._mp3_size
        self._resyncing = False  # the position of the next frame is unknown
        self._junk = 0  # bytes since the last frame

    def feed(self, data: bytes) -> Iterator[bytes | Loss]:
        """Yield the frames that this chunk completes, and losses before them."""
        buffer = self._buffer
        buffer.add(data)
        while not buffer.skipping:
            if self._shape is not None and not self._resyncing:
                yield from self._frames(self._shape)
            if not self._step():
                break
        if buffer.full:
            buffer.mark_identified()  # a tag this long is not worth keeping

    def end(self) -> Cut | None:
        """Return what is missing at the end."""
        if self._shape is None:
            raise self._buffer.needs_libav()
        return Cut(None) if self._junk > _JUNK else None

    def _frames(self, shape: tuple[int, int]) -> list[bytes | Loss]:
        """Return the complete frames at the beginning of the buffer."""
        data, at, size_of, first = self._buffer.data, 0, self._size_of, shape[0]
        frames: list[bytes | Loss] = []
        whole = len(data) - FRAME_HEAD
        while at <= whole and data[at] == 0xFF and data[at + 1] & 0xFE == first:  # noqa: PLR2004  the sync word
            end = at + size_of(data, at)
            if not at < end <= len(data):
                break
            frames.append(bytes(data[at:end]))
            at = end
        if frames:
            self._buffer.discard(at)
            if self._junk:
                frames.insert(0, Loss(self._junk))
                self._junk = 0
        return frames

    def _is_frame(self, head: bytes) -> bool:
        """Return whether a frame like the ones before begins here."""
        return (
            frame_kind(head) == self.kind
            and frame_shape(head) == self._shape
            and frame_size(head) > 0
        )

    def _aac_size(self, data: bytearray, at: int) -> int:
        """Return the size of an AAC frame; 0 if it is not like the ones before."""
        same = self._shape is not None and data[at + 2] & 0xFC == self._shape[1]
        return (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5 if same else 0

    def _mp3_size(self, data: bytearray, at: int) -> int:
        """Return the size of an MP3 frame; 0 if it is not like the ones before."""
        size = self._sizes.get(data[at + 2])
        if size is None:
            head = bytes(data[at : at + FRAME_HEAD])
            size = frame_size(head) if frame_shape(head) == self._shape else 0
            self._sizes[data[at + 2]] = size
        return size

    def _step(self) -> bool:
        """Process what is no complete frame: a tag, junk; False if it is incomplete."""
        head = bytes(self._buffer.data[:TAG_HEAD])
        if not self._resyncing and self._shape is not None and self._is_frame(head):
            return False
        tag = tag_size(head)
        if tag:
            self._buffer.discard(tag)
            return True
        if tag is None or len(head) < FRAME_HEAD:
            return False
        return self._begin(head) if self._shape is None else self._resync()

    def _begin(self, head: bytes) -> bool:
        """Identify the stream by its first frame, which needs no other one to confirm it."""
        found = frame_kind(head)
        if found == "other" or (found or self.kind) is None:
            raise self._buffer.needs_libav()
        if found is None or not frame_size(head):
            return self._resync()
        self.kind = found
        self._set_shape(head)
        return True

    def _resync(self) -> bool:
        """Move to the next frame; False if it has not arrived yet."""
        buffer = self._buffer
        at, found = find_frame(bytes(buffer.data), self.kind or "mp3")
        buffer.discard(at)
        if self._shape is not None:  # a stream may begin in the middle of a frame
            self._junk += at
        self._resyncing = not found
        if found:
            self._set_shape(bytes(buffer.data[:FRAME_HEAD]))
        return found

    def _set_shape(self, head: bytes) -> None:
        self._shape = frame_shape(head)
        self._size_of = self._aac_size if self.kind == "aac" else self._mp3_size
        self._sizes.clear()
        self._buffer.mark_identified()
