"""The push decoders for PCM, raw or in a WAV file."""

from __future__ import annotations

from azstt._audio.formats.demux import NeedsLibavError
from azstt._audio.formats.riff import WaveFormat, WavHeader, holds, read_wav_header
from azstt._audio.rejections import nothing_decoded
from azstt._audio.report import TRUNCATED, DecodeReport
from azstt._audio.resample import check_wave_format, pcm_frame
from azstt._audio.streams.base import LABEL, PushDecoder
from azstt._audio.streams.passthrough import PassthroughDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat


class PcmStreamDecoder(PushDecoder):
    """Mixes and resamples PCM.

    Args:
        container: the container's name, for the report.
        fmt: the sample format.
        audio: the output format.
        receiver: takes the output.
        allow_empty: whether the stream may end without a sample.
    """

    def __init__(
        self,
        container: str,
        fmt: WaveFormat,
        audio: AudioFormat,
        receiver: Receiver,
        *,
        allow_empty: bool,
    ) -> None:
        check_wave_format(fmt, LABEL)
        super().__init__(audio, receiver)
        self.allow_empty = allow_empty
        self._container = container
        self._fmt = fmt
        self._partial = b""

    def _decode_data(self, data: bytes) -> None:
        data = self._partial + data
        whole = len(data) - len(data) % self._fmt.frame_size
        self._partial = data[whole:]
        if whole:
            self._output.push(pcm_frame(self._fmt, data[:whole]), None)

    def _flush(self) -> None:
        """Do nothing: an incomplete last frame is dropped."""

    def _end(self) -> None:
        """Do nothing: PCM may end anywhere."""

    def _stream_info(self) -> tuple[str, str, int, int]:
        fmt = self._fmt
        return self._container, fmt.codec, fmt.sample_rate, fmt.channels


class WavStreamDecoder:
    """Reads a WAV header and passes the samples to a decoder for PCM.

    Args:
        audio: the output format.
        receiver: takes the output.
    """

    backlog: int = 0

    def __init__(self, audio: AudioFormat, receiver: Receiver) -> None:
        self._audio = audio
        self._receiver = receiver
        self._head = bytearray()
        self._least = 0  # bytes needed before parsing the header again
        self._header: WavHeader | None = None
        self._pcm_decoder: PassthroughDecoder | PcmStreamDecoder | None = None
        self._taken = 0  # bytes of samples received

    def feed(self, data: bytes) -> None:
        """Decode a chunk.

        Raises:
            NeedsLibavError: this is not plain PCM.
            AudioDecodeError: the header is not plausible.
        """
        if self._pcm_decoder is None or self._header is None:
            self._head += data
            if len(self._head) >= self._least and (header := self._read()) is not None:
                self._header = header
                self._pcm_decoder = pcm_decoder(
                    "wav", header.format, self._audio, self._receiver, allow_empty=False
                )
                rest = bytes(self._head[header.offset :])
                self._head.clear()
                self.feed(rest)
            return
        if self._header.size is not None:
            data = data[: self._header.size - self._taken]  # other chunks may follow
        self._taken += len(data)
        self._pcm_decoder.feed(data)

    def finish(self) -> None:
        """Deliver the remaining PCM and the end.

        Raises:
            NeedsLibavError: the header is incomplete.
            AudioDecodeError: there are no samples.
        """
        if self._pcm_decoder is None:
            raise NeedsLibavError(bytes(self._head))
        if self._header is None or self._taken < self._header.format.frame_size:
            raise nothing_decoded(LABEL, 0)
        header = self._header
        if header.size is not None and (short := header.size - self._taken) > 0:
            seconds = short / header.format.frame_size / header.format.sample_rate
            taken = self._taken // header.format.frame_size / header.format.sample_rate
            tally = self._receiver.tally
            tally.add(TRUNCATED, tally.base + taken, seconds)
        self._pcm_decoder.finish()

    def close(self) -> None:
        """Do nothing: this opened nothing."""

    @property
    def report(self) -> DecodeReport | None:
        """The stream's format; None until the header has arrived."""
        return None if self._pcm_decoder is None else self._pcm_decoder.report

    def _read(self) -> WavHeader | None:
        """Parse the header; None if it is incomplete."""
        missing = 0

        def more(size: int) -> bytes:
            nonlocal missing
            missing = size
            return b""

        header, head = read_wav_header(more, bytes(self._head))
        self._least = len(head) + missing
        if header is None and not missing:
            raise NeedsLibavError(head)
        return header


def pcm_decoder(
    container: str,
    fmt: WaveFormat,
    audio: AudioFormat,
    receiver: Receiver,
    *,
    allow_empty: bool,
) -> PassthroughDecoder | PcmStreamDecoder:
    """Open a decoder for PCM, raw or in a container."""
    if holds(fmt, audio) and fmt.channels == audio.channels:
        return PassthroughDecoder(container, audio, receiver)
    return PcmStreamDecoder(container, fmt, audio, receiver, allow_empty=allow_empty)
