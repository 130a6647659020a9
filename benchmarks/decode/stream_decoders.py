"""The ways to decode a stream that arrives in chunks, which `streams.py` compares."""

from __future__ import annotations

import fcntl
import os
import termios
from array import array
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final, Protocol

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from azstt._audio import LiveDecoder
from azstt._audio.formats.riff import wav_header
from azstt._audio.report import LONGEST_SILENCE, Tally
from azstt._audio.streams.receiver import Receiver
from azstt._audio.streams.worker import WorkerStreamDecoder
from azstt._audio_format import AudioFormat

SPEECH: Final = AudioFormat()
#: Seconds to wait for the end of a stream.
_TIMEOUT: Final = 60.0


class Way(Protocol):
    """A running decoder."""

    @property
    def feed(self) -> Callable[[bytes], object]:
        """Accepts a chunk."""
        ...

    def is_idle(self) -> bool:
        """Return whether everything that was fed has been read."""
        ...

    def finish(self) -> None:
        """End the stream and wait for the decoder."""
        ...


class Push:
    """azstt's live decoder."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._decoder = LiveDecoder(kind, SPEECH, sink=sink, done=_check)  # type: ignore[arg-type]
        self.feed = self._decoder.feed

    def is_idle(self) -> bool:
        """Return True: it decodes within `feed`."""
        return True

    def finish(self) -> None:
        """Finish and release the decoder."""
        self._decoder.finish()
        self._decoder.close()


class Worker:
    """azstt's decoder for formats that it cannot decode as they are pushed."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._ended = Event()
        self._decoder = WorkerStreamDecoder(
            SPEECH, Receiver(sink, lambda _: self._ended.set(), Tally(LONGEST_SILENCE))
        )
        self.feed = self._decoder.feed
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def is_idle(self) -> bool:
        """Return whether its feed is empty."""
        return not self._decoder.backlog

    def finish(self) -> None:
        """Wait for its thread to end."""
        self._decoder.finish()
        self._ended.wait(_TIMEOUT)


class Pipe:
    """PyAV reading a pipe in a thread, as its documentation shows."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._read, self._write = os.pipe()
        self._thread = Thread(target=self._decode, args=(sink,), daemon=True)
        self._thread.start()
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def feed(self, chunk: bytes) -> None:
        """Write to the pipe."""
        rest = memoryview(chunk)
        while rest:
            rest = rest[os.write(self._write, rest) :]

    def is_idle(self) -> bool:
        """Return whether the pipe is empty."""
        waiting = array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return not waiting[0]

    def finish(self) -> None:
        """Close the pipe and wait for the thread."""
        os.close(self._write)
        self._thread.join(_TIMEOUT)
        os.close(self._read)

    def _decode(self, sink: Callable[[bytes], None]) -> None:
        resampler = AudioResampler("s16", "mono", SPEECH.sample_rate)
        # A truncated stream ends in an error.
        with suppress(FFmpegError), av.open(f"pipe:{self._read}") as container:
            for frame in container.decode(audio=0):
                for resampled in resampler.resample(frame):
                    sink(bytes(resampled.planes[0])[: resampled.samples * 2])


def _check(error: Exception | None) -> None:
    if error is not None:
        raise error


WAYS: Final[dict[str, Callable[[AudioFormat | str, Callable[[bytes], None]], Way]]] = {
    "push": Push,
    "thread": Worker,
    "pipe": Pipe,
}
