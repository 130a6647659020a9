"""The push decoder for MP3 and ADTS AAC; libav's parser finds the frames."""

from __future__ import annotations

from typing import Final, Literal

from av.audio.frame import AudioFrame
from av.error import FFmpegError

from azstt._audio.formats.demux import DemuxBuffer
from azstt._audio.formats.mpeg import (
    FRAME_HEAD,
    TAG_HEAD,
    FrameKind,
    find_frame,
    frame_kind,
    mp3_info,
    tag_size,
)
from azstt._audio.streams.base import PacketDecoder, PushDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat

#: The decoders that libav's demuxers choose.
_DECODERS: Final[dict[FrameKind, str]] = {"mp3": "mp3float", "aac": "aac"}
#: Seconds of padding that an encoder may add to fill its last frames.
_PADDING: Final = 0.15


class MpegStreamDecoder(PushDecoder):
    """Decodes a sequence of frames that each have their own header.

    Args:
        kind: the codec; None to detect it from the first frame.
        audio: the output format.
        receiver: takes the output.
    """

    def __init__(
        self, kind: Literal["mp3", "aac"] | None, audio: AudioFormat, receiver: Receiver
    ) -> None:
        super().__init__(audio, receiver)
        self._buffer = DemuxBuffer()
        self._kind: FrameKind | None = kind
        self._decoder: PacketDecoder | None = None
        self._expect_tag = False  # the next frame is the first one, which may be a tag
        self._skip = 0  # samples of decoder delay still to skip
        self._remaining: int | None = None  # samples left according to the tag
        self._withheld: list[tuple[AudioFrame, int]] = []  # padding, unless too much follows
        self._shape: tuple[int, int] | None = None  # sample rate and channels
        self._seconds = 0.0  # per frame

    def _decode_data(self, data: bytes) -> None:
        if self._decoder is None:
            buffer = self._buffer
            buffer.add(data)
            if not self._open():
                if buffer.full:
                    buffer.mark_identified()  # a tag this long is not worth keeping
                return
            data = bytes(buffer.data)
            buffer.mark_identified()
        self._parse(data)

    def _flush(self) -> None:
        if self._decoder is not None:
            self._parse(None)
            self._push_trimmed(self._decoder.flush())
            self._decoder = None

    def _on_end(self) -> None:
        if self._decoder is None:
            raise self._buffer.needs_libav()

    def _stream_info(self) -> tuple[str, str, int, int] | None:
        if self._kind is None or self._shape is None:
            return None
        return (self._kind, _DECODERS[self._kind], *self._shape)

    def _open(self) -> bool:
        """Skip tags and junk up to the first frame; False if it has not arrived yet."""
        buffer = self._buffer
        while size := tag_size(head := bytes(buffer.data[:TAG_HEAD])):
            buffer.discard(size)
        if buffer.skipping or size is None or len(head) < FRAME_HEAD:
            return False
        found = frame_kind(head)
        if found == "other" or (found or self._kind) is None:
            raise buffer.needs_libav()
        if found is None and self._kind is not None:
            at, certain = find_frame(bytes(buffer.data), self._kind)
            buffer.discard(at)
            if not certain:
                return False
        self._kind = found or self._kind
        self._decoder = PacketDecoder(_DECODERS[self._kind or "mp3"])
        self._expect_tag = self._kind == "mp3"
        return True

    def _parse(self, data: bytes | None) -> None:
        if self._decoder is None:
            return
        for frame in self._decoder.parse(data):
            first, self._expect_tag = self._expect_tag, False
            if not (first and self._is_header(frame)):
                self._decode(frame)

    def _is_header(self, frame: bytes) -> bool:
        """Return whether an MP3 file's first frame is its header, and apply the length in it."""
        info = mp3_info(frame)
        if info is None:
            return False
        self._skip, self._remaining = info
        return True

    def _decode(self, frame: bytes) -> None:
        if self._decoder is None:
            return
        try:
            decoded = self._decoder.decode(frame)
            self._push_trimmed(decoded)
        except FFmpegError:
            # Before the first good frame there may have been junk.
            if self._shape is not None:
                self._output.lose(self._seconds)
            return
        for part in decoded:
            self._seconds = part.samples / part.sample_rate
            self._shape = self._shape or (part.sample_rate, part.layout.nb_channels)

    def _push_trimmed(self, frames: list[AudioFrame]) -> None:
        """Push frames without the decoder's delay at the beginning and padding at the end."""
        for frame in frames:
            start = min(self._skip, frame.samples)
            self._skip -= start
            end = frame.samples
            if self._remaining is not None:
                end = min(end, start + self._remaining)
                self._remaining -= end - start
            self._push(frame, start, end)
            if end < frame.samples:
                self._withhold(frame, end)

    def _withhold(self, frame: AudioFrame, start: int) -> None:
        """Withhold samples after the stated end, and push them once there are too many."""
        self._withheld.append((frame, start))
        samples = sum(held.samples - first for held, first in self._withheld)
        if samples > frame.sample_rate * _PADDING:
            # Too long for padding: the stated length is wrong.
            self._remaining = None
            for held, first in self._withheld:
                self._push(held, first, held.samples)
            self._withheld.clear()
