"""The push lanes for PCM: bare, to be mixed or resampled; and in a WAV file."""

from __future__ import annotations

from azstt._audio.formats.demux import NeedsLibavError
from azstt._audio.formats.riff import Wave, WaveFormat, holds, read_wave
from azstt._audio.rejections import nothing_decoded
from azstt._audio.report import DecodeReport
from azstt._audio.resample import check_wave, pcm_frame
from azstt._audio.streams.base import LABEL, PushDecoder
from azstt._audio.streams.passthrough import PassthroughDecoder
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat


class PcmStreamDecoder(PushDecoder):
    """Mixes and resamples PCM.

    Args:
        container: what holds it, for the report.
        form: what it is.
        audio: what comes out.
        receiver: who takes it.
        empty_is_fine: whether it may end without a sample.
    """

    def __init__(
        self,
        container: str,
        form: WaveFormat,
        audio: AudioFormat,
        receiver: Receiver,
        *,
        empty_is_fine: bool,
    ) -> None:
        check_wave(form, LABEL)
        super().__init__(audio, receiver)
        self.empty_is_fine = empty_is_fine
        self._container = container
        self._form = form
        self._odd = b""

    def _accept(self, data: bytes) -> None:
        data = self._odd + data
        whole = len(data) - len(data) % self._form.frame_size
        self._odd = data[whole:]
        if whole:
            self._mixer.push(pcm_frame(self._form, data[:whole]))

    def _flush(self) -> None:
        """Nothing waits but an incomplete frame, which is dropped."""

    def _end(self) -> None:
        """It may end anywhere."""

    def _facts(self) -> tuple[str, str, int, int]:
        form = self._form
        return self._container, form.codec, form.sample_rate, form.channels


class WavStreamDecoder:
    """Reads a WAV header, and gives what follows to a lane for PCM.

    Args:
        audio: what comes out.
        receiver: who takes it.
    """

    backlog: int = 0

    def __init__(self, audio: AudioFormat, receiver: Receiver) -> None:
        self._audio = audio
        self._receiver = receiver
        self._head = bytearray()
        self._least = 0  # bytes of header without which it is no use to look again
        self._wave: Wave | None = None
        self._lane: PassthroughDecoder | PcmStreamDecoder | None = None
        self._taken = 0  # bytes of samples

    def feed(self, data: bytes) -> None:
        """Take a piece.

        Raises:
            NeedsLibavError: this is not plain PCM.
            AudioDecodeError: the header makes no sense.
        """
        if self._lane is None or self._wave is None:
            self._head += data
            if len(self._head) >= self._least and (wave := self._read()) is not None:
                self._wave = wave
                self._lane = pcm_lane(
                    "wav", wave.format, self._audio, self._receiver, empty_is_fine=False
                )
                rest = bytes(self._head[wave.offset :])
                self._head.clear()
                self.feed(rest)
            return
        if self._wave.size is not None:
            data = data[: self._wave.size - self._taken]  # other chunks may follow
        self._taken += len(data)
        self._lane.feed(data)

    def finish(self) -> None:
        """Give the rest.

        Raises:
            NeedsLibavError: the header is not whole.
            AudioDecodeError: there are no samples.
        """
        if self._lane is None:
            raise NeedsLibavError(bytes(self._head))
        if self._wave is None or self._taken < self._wave.format.frame_size:
            raise nothing_decoded(LABEL, 0)
        self._lane.finish()

    def close(self) -> None:
        """Nothing was opened here."""

    @property
    def report(self) -> DecodeReport | None:
        """What the stream is, once the header has come."""
        report = None if self._lane is None else self._lane.report
        if report is None or self._wave is None:
            return None
        short = self._wave.size is not None and self._taken < self._wave.size
        return report.model_copy(update={"truncated": short})

    def _read(self) -> Wave | None:
        """Read the header; None if not all of it is there."""
        missing = 0

        def more(size: int) -> bytes:
            nonlocal missing
            missing = size
            return b""

        wave, head = read_wave(more, bytes(self._head))
        self._least = len(head) + missing
        if wave is None and not missing:
            raise NeedsLibavError(head)
        return wave


def pcm_lane(
    container: str,
    form: WaveFormat,
    audio: AudioFormat,
    receiver: Receiver,
    *,
    empty_is_fine: bool,
) -> PassthroughDecoder | PcmStreamDecoder:
    """Open a lane for PCM, in a container or bare."""
    if holds(form, audio) and form.channels == audio.channels:
        return PassthroughDecoder(container, audio, receiver)
    return PcmStreamDecoder(container, form, audio, receiver, empty_is_fine=empty_is_fine)
