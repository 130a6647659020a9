"""The push decoder for MP3 and ADTS AAC."""

from __future__ import annotations

from typing import Final, Literal

from av.audio.frame import AudioFrame
from av.error import FFmpegError

from azstt._audio.formats.demux import Cut, Loss, Packet
from azstt._audio.formats.frames import FrameDemuxer
from azstt._audio.formats.mpeg import FrameKind, mp3_info
from azstt._audio.streams.base import PacketDecoder, PushDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat

#: The decoders that libav's demuxers choose.
_DECODERS: Final[dict[FrameKind, str]] = {"mp3": "mp3float", "aac": "aac"}
#: Seconds of padding that an encoder may add to fill its last frames.
_PADDING: Final = 0.15
#: Seconds that may be missing from the stated length.
_SLACK: Final = 0.1


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
        self._demuxer = FrameDemuxer(kind)
        self._decoder: PacketDecoder | None = None
        self._skip = 0  # samples of decoder delay still to skip
        self._remaining: int | None = None  # samples left according to the file's header
        self._withheld: list[tuple[AudioFrame, int]] = []  # padding, unless too much follows
        self._shape: tuple[int, int] | None = None  # sample rate and channels
        self._seconds = self._frame_seconds = 0.0  # decoded in all, in the last frame
        self._size = 0  # bytes of what was decoded
        self._lost = 0.0  # seconds

    def _decode_data(self, data: bytes) -> None:
        for item in self._demuxer.feed(data):
            if isinstance(item, Packet):
                self._take(item.data)
            elif isinstance(item, Loss) and self._size:
                self._lose(item.size * self._seconds / self._size)

    def _flush(self) -> None:
        if self._decoder is not None:
            self._push_trimmed(self._decoder.flush())
            self._decoder = None

    def _end(self) -> Cut | None:
        cut = self._demuxer.end()
        if self._remaining is not None and self._shape is not None:
            missing = self._remaining / self._shape[0] - self._lost
            return Cut(missing) if missing > _SLACK else None
        return cut

    def _stream_info(self) -> tuple[str, str, int, int] | None:
        kind = self._demuxer.kind
        if kind is None or self._shape is None:
            return None
        return (kind, _DECODERS[kind], *self._shape)

    def _take(self, frame: bytes) -> None:
        """Decode a frame; an MP3 file's first one may be its header, which states the length."""
        if self._decoder is not None:
            self._decode(frame, self._decoder)
            return
        kind = self._demuxer.kind or "mp3"
        self._decoder = PacketDecoder(_DECODERS[kind])
        info = mp3_info(frame) if kind == "mp3" else None
        if info is None:
            self._decode(frame, self._decoder)
        else:
            self._skip, self._remaining = info

    def _lose(self, seconds: float) -> None:
        self._lost += seconds
        self._output.lose(seconds)

    def _decode(self, frame: bytes, decoder: PacketDecoder) -> None:
        try:
            decoded = decoder.decode(frame)
            self._push_trimmed(decoded)
        except FFmpegError:
            # Before the first good frame there may have been junk.
            if self._shape is not None:
                self._lose(self._frame_seconds)
            return
        self._size += len(frame)
        for part in decoded:
            self._frame_seconds = part.samples / part.sample_rate
            self._seconds += self._frame_seconds
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
