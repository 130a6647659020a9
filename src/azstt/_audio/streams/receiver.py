"""The output of a live decoder: PCM, then the end, and nothing once it is closed."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock

from azstt._audio.report import DecodeReport, Tally
from azstt._audio_format import AudioFormat


class Receiver:
    """Calls the callbacks, one call at a time, from whichever thread decodes.

    Args:
        audio: the format of the PCM.
        sink: receives PCM.
        done: called once at the end, with None or the error.
        tally: where decoders record what is missing.

    Attributes:
        tally: the same.
        ended: whether the end was delivered or `close` was called.
    """

    def __init__(
        self,
        audio: AudioFormat,
        sink: Callable[[bytes], None],
        done: Callable[[Exception | None], None],
        tally: Tally,
    ) -> None:
        self.tally: Tally = tally
        self._audio = audio
        self._size = 0  # bytes of PCM so far
        self._sink = sink
        self._done = done
        # Reentrant, because a callback may call close().
        self._lock = RLock()
        self.ended: bool = False

    @property
    def seconds(self) -> float:
        """How much PCM there was so far, in all recordings of the stream."""
        return self._audio.seconds(self._size)

    def start_recording(self) -> None:
        """Let another recording follow what was delivered so far."""
        self.tally.base = self.seconds

    def report(self, container: str, codec: str, rate: int, channels: int) -> DecodeReport:
        """Return the report for a recording of this format."""
        return DecodeReport(
            container=container,
            codec=codec,
            sample_rate=rate,
            channels=channels,
            seconds=self.seconds,
            missing=tuple(self.tally.missing),
            canceled=self.tally.canceled,
        )

    def deliver(self, pcm: bytes) -> None:
        """Pass PCM to the sink, unless this has ended."""
        with self._lock:
            if pcm and not self.ended:
                self._size += len(pcm)
                self._sink(pcm)

    def end(self, error: Exception | None) -> None:
        """Call `done`, unless this has ended already."""
        with self._lock:
            if not self.ended:
                self.ended = True
                self._done(error)

    def close(self) -> None:
        """Stop calling back; once this returns, no other thread is inside a callback."""
        with self._lock:
            self.ended = True
