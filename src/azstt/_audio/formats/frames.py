"""Split MP3 and ADTS AAC into frames while they arrive, without tags and junk. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from azstt._audio.formats.demux import Cut, DemuxBuffer, Item, Loss, Packet
from azstt._audio.formats.mpeg import (
    FRAME_HEAD,
    TAG_HEAD,
    FrameKind,
    find_frame,
    frame_kind,
    frame_samples,
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
        self._resyncing = False  # the position of the next frame is unknown
        self._junk = 0  # bytes since the last frame

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield the items that this chunk completes."""
        buffer = self._buffer
        buffer.add(data)
        while not buffer.skipping and (items := self._step()) is not None:
            yield from items
        if buffer.full:
            buffer.mark_identified()  # a tag this long is not worth keeping

    def end(self) -> Cut | None:
        """Return what is missing at the end."""
        if self._shape is None:
            raise self._buffer.needs_libav()
        return Cut(None) if self._junk > _JUNK else None

    def _step(self) -> list[Item] | None:
        """Process a frame, a tag or junk; None if it is incomplete."""
        data = self._buffer.data
        head = bytes(data[:TAG_HEAD])
        if not self._resyncing and self._fits(head) and (size := frame_size(head)):
            return self._take(size) if len(data) >= size else None
        tag = tag_size(head)
        if tag:
            self._buffer.discard(tag)
            return []
        if tag is None or len(head) < FRAME_HEAD:
            return None
        return self._begin(head) if self._shape is None else self._resync()

    def _fits(self, head: bytes) -> bool:
        """Return whether this is the header of a frame like the ones before."""
        return (
            self._shape is not None
            and frame_kind(head) == self.kind
            and frame_shape(head) == self._shape
        )

    def _take(self, size: int) -> list[Item]:
        frame = bytes(self._buffer.data[:size])
        self._buffer.discard(size)
        junk, self._junk = self._junk, 0
        packet = Packet(frame, frame_samples(frame))
        return [Loss(junk), packet] if junk else [packet]

    def _begin(self, head: bytes) -> list[Item] | None:
        """Identify the stream by its first frame, which needs no other one to confirm it."""
        found = frame_kind(head)
        if found == "other" or (found or self.kind) is None:
            raise self._buffer.needs_libav()
        if found is None or not frame_size(head):
            return self._resync()
        self.kind, self._shape = found, frame_shape(head)
        self._buffer.mark_identified()
        return []

    def _resync(self) -> list[Item] | None:
        """Move to the next frame; None if it has not arrived yet."""
        buffer = self._buffer
        at, found = find_frame(bytes(buffer.data), self.kind or "mp3")
        buffer.discard(at)
        if self._shape is not None:  # a stream may begin in the middle of a frame
            self._junk += at
        self._resyncing = not found
        if not found:
            return None
        self._shape = frame_shape(bytes(buffer.data[:FRAME_HEAD]))
        buffer.mark_identified()
        return []
