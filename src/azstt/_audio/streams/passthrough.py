"""The lane for PCM that is already what is wanted; it needs no libav."""

from __future__ import annotations

from azstt._audio.report import DecodeReport
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat


class PassthroughDecoder:
    """Hands PCM on, in whole frames.

    Args:
        container: what holds it, for the report.
        audio: what it is.
        receiver: who takes it.
    """

    backlog: int = 0

    def __init__(self, container: str, audio: AudioFormat, receiver: Receiver) -> None:
        self._container = container
        self._audio = audio
        self._receiver = receiver
        self._frame = audio.frame_size
        self._partial = b""
        self._size = 0

    def feed(self, data: bytes) -> None:
        """Hand a piece on; an incomplete frame waits for the next one."""
        if self._partial or len(data) % self._frame:
            data = self._partial + data
            whole = len(data) - len(data) % self._frame
            data, self._partial = data[:whole], data[whole:]
        self._size += len(data)
        self._receiver.deliver(data)

    def finish(self) -> None:
        """End; an incomplete last frame is dropped."""
        self._receiver.end(None)

    def close(self) -> None:
        """Nothing was opened here."""

    @property
    def report(self) -> DecodeReport:
        """What the stream is."""
        return DecodeReport(
            container=self._container,
            codec=f"pcm_s{8 * self._audio.sample_width}le",
            sample_rate=self._audio.sample_rate,
            channels=self._audio.channels,
            seconds=self._audio.seconds(self._size),
        )
