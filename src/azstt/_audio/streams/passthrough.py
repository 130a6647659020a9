"""The push decoder for PCM that is already in the output format; it needs no libav."""

from __future__ import annotations

from azstt._audio.report import DecodeReport
from azstt._audio.streams.receiver import Receiver
from azstt._audio_format import AudioFormat


class PassthroughDecoder:
    """Passes PCM through in whole frames.

    Args:
        container: the container's name, for the report.
        audio: the PCM format.
        receiver: takes the output.
    """

    backlog: int = 0

    def __init__(self, container: str, audio: AudioFormat, receiver: Receiver) -> None:
        self._container = container
        self._audio = audio
        self._receiver = receiver
        self._frame = audio.frame_size
        self._partial = b""
        receiver.start_recording()

    def feed(self, data: bytes) -> None:
        """Pass a chunk on; an incomplete frame waits for the next chunk."""
        if self._partial or len(data) % self._frame:
            data = self._partial + data
            whole = len(data) - len(data) % self._frame
            data, self._partial = data[:whole], data[whole:]
        self._receiver.deliver(data)

    def finish(self) -> None:
        """Deliver the end; an incomplete last frame is dropped."""
        self._receiver.end(None)

    def close(self) -> None:
        """Do nothing: this opened nothing."""

    @property
    def report(self) -> DecodeReport:
        """The stream's format."""
        audio = self._audio
        codec = f"pcm_s{8 * audio.sample_width}le"
        return self._receiver.report(self._container, codec, audio.sample_rate, audio.channels)
