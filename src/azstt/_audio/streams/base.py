"""The base of the push decoders: chunks of a stream in, PCM out in the same call.

libav's demuxers read ahead to identify the contents and wait for complete pages, which in some
formats is a second of speech. Here a packet is decoded as soon as its last byte has arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from av import CodecContext
from av import Packet as AvPacket
from av.audio.frame import AudioFrame
from av.error import FFmpegError

from azstt._audio.clock import MediaClock
from azstt._audio.formats.demux import Cut, NeedsLibavError
from azstt._audio.rejections import nothing_decoded
from azstt._audio.report import TRUNCATED, DecodeReport
from azstt._audio.resample import Resampler, Target
from azstt._audio.streams.receiver import Receiver
from azstt._audio.timed import TimedResampler
from azstt._audio_format import AudioFormat

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.stream import Stream

    Decode: TypeAlias = Callable[[AvPacket[Stream] | None], list[AudioFrame]]
    Parse: TypeAlias = Callable[[bytes | None], list[AvPacket[Stream]]]

#: The name of a live stream in messages.
LABEL: Final = "<stream>"


class PushDecoder:
    """Common parts of the push decoders: resampling, recording losses, delivering PCM.

    Args:
        audio: the output format.
        receiver: takes the output, and has the tally of all recordings of the stream.
    """

    backlog: int = 0
    allow_empty: bool = False

    def __init__(self, audio: AudioFormat, receiver: Receiver) -> None:
        self._audio = audio
        self._receiver = receiver
        self._tally = receiver.tally
        self._output = self._open_output(pause=0.0)

    def _start_recording(self, *, pause: float) -> None:
        """Begin a recording after the one before it, if any; see `TimedResampler`."""
        self._deliver_rest()
        self._output = self._open_output(pause=pause)

    def _open_output(self, *, pause: float) -> TimedResampler:
        self._receiver.start_recording()
        target = Target(self._audio, keep_channels=False, live=True)
        resampler = Resampler(target, LABEL, self._tally)
        return TimedResampler(resampler, MediaClock[AudioFrame](), self._tally, pause=pause)

    def feed(self, data: bytes) -> None:
        """Decode a chunk.

        Raises:
            NeedsLibavError: this decoder does not support the recording that begins; everything
                before it has been delivered.
            AudioError: it cannot be decoded.
        """
        try:
            self._decode_data(data)
        except NeedsLibavError:
            self._deliver_rest()
            raise
        self._deliver(self._output.pull())

    def finish(self) -> None:
        """Deliver the remaining PCM and the end.

        Raises:
            NeedsLibavError: the stream ended before it could be identified.
            AudioDecodeError: nothing could be decoded.
        """
        cut = self._end()
        self._deliver_rest()
        if not self._receiver.seconds and not self.allow_empty:
            raise nothing_decoded(LABEL, self._tally.packets)
        if cut is not None:
            self._tally.add(TRUNCATED, self._output.position, cut.seconds)
        self._receiver.end(None)

    def close(self) -> None:
        """Do nothing: everything is freed with the decoder."""

    @property
    def report(self) -> DecodeReport | None:
        """The stream's format and losses so far; None while it is unknown."""
        info = self._stream_info()
        return None if info is None else self._receiver.report(*info)

    def _decode_data(self, data: bytes) -> None:
        """Push the frames that this chunk completes into the resampler."""
        raise NotImplementedError

    def _flush(self) -> None:
        """Push the remaining frames."""
        raise NotImplementedError

    def _end(self) -> Cut | None:
        """Handle the end of the stream, and return what is missing there.

        Raises:
            NeedsLibavError: no recording has started.
        """
        raise NotImplementedError

    def _stream_info(self) -> tuple[str, str, int, int] | None:
        """Return container, codec, sample rate and channels, once they are known."""
        raise NotImplementedError

    def _deliver_rest(self) -> None:
        self._flush()
        self._deliver(self._output.flush())

    def _deliver(self, chunks: Iterable[bytes]) -> None:
        self._receiver.deliver(b"".join(chunks))

    def _push(self, frame: AudioFrame, start: int, end: int, time: float | None = None) -> None:
        """Push samples `start` to `end` of a frame; `time` is the timestamp of the first one."""
        if start <= 0 and end >= frame.samples:
            self._output.push(frame, time)
        elif start < end:
            self._output.push(_cut(frame, max(0, start), min(end, frame.samples)), time)


class PacketDecoder:
    """One of libav's decoders, without a demuxer.

    Args:
        name: libav's name for the decoder.
        head: the codec's setup data, if it has any.
    """

    def __init__(self, name: str, head: bytes | None = None) -> None:
        # The name of an audio codec creates an audio codec context.
        self.context: AudioCodecContext = cast("AudioCodecContext", CodecContext.create(name, "r"))
        self.context.thread_count = 1
        self.context.extradata = head
        # PyAV leaves the packet types open.
        self._decode = cast("Decode", self.context.decode)  # pyright: ignore[reportUnknownMemberType]
        self._parse = cast("Parse", self.context.parse)  # pyright: ignore[reportUnknownMemberType]

    def decode(self, packet: bytes) -> list[AudioFrame]:
        """Decode a packet.

        Raises:
            FFmpegError: it is damaged.
        """
        return self._decode(AvPacket(packet))

    def parse(self, data: bytes | None) -> list[bytes]:
        """Split a raw stream into packets; None returns the last ones."""
        return [bytes(packet) for packet in self._parse(data)]

    def flush(self) -> list[AudioFrame]:
        """Return the frames that the decoder still holds."""
        try:
            return self._decode(None)
        except FFmpegError:
            return []


def _cut(frame: AudioFrame, start: int, end: int) -> AudioFrame:
    """Return samples `start` to `end` of a frame as a new frame."""
    part = AudioFrame(frame.format.name, frame.layout.name, end - start)
    part.sample_rate = frame.sample_rate
    size = frame.format.bytes * (1 if frame.format.is_planar else frame.layout.nb_channels)
    for new, old in zip(part.planes, frame.planes, strict=True):
        new.update(bytes(memoryview(old)[start * size : end * size]))
    return part
