"""Split MP3 and ADTS AAC into frames while they arrive, without tags and junk. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from azstt._audio.formats.demux import Cut, DemuxBuffer, Loss
from azstt._audio.formats.mpeg import (
    FRAME_HEAD,
    TAG_HEAD,
    FrameKind,
    find_frame,
    frame_ends,
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
        data, at = self._buffer.data, 0
        frames: list[bytes | Loss] = []
        for end in frame_ends(data, shape):
            if end > len(data):
                break
            frames.append(bytes(data[at:end]))
            at = end
        if frames:
            self._buffer.discard(at)
            if self._junk:
                frames.insert(0, Loss(self._junk))
                self._junk = 0
        return frames

    def _step(self) -> bool:
        """Process what is no complete frame: a tag, junk; False if it is incomplete."""
        if self._resyncing:
            return self._resync()
        head = bytes(self._buffer.data[:TAG_HEAD])
        if self._shape is not None and frame_ends(head, self._shape):
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
        self._buffer.mark_identified()
