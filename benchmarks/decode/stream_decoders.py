"""The ways to decode a stream that arrives in pieces which benchmarks/live_decode.py compares."""

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
from azstt._audio.streams.receiver import Receiver
from azstt._audio.streams.worker import WorkerStreamDecoder
from azstt._audio_format import AudioFormat

SPEECH: Final = AudioFormat()
#: Seconds of waiting for the end of a stream.
_PATIENCE: Final = 60.0


class Way(Protocol):
    """A decoder at work."""

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        ...

    def is_idle(self) -> bool:
        """Tell whether all that was fed has been read."""
        ...

    def finish(self) -> None:
        """Wait for the end."""
        ...


class Push:
    """azstt's live decoder."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._decoder = LiveDecoder(kind, SPEECH, sink=sink, done=_check)  # type: ignore[arg-type]
        self.feed = self._decoder.feed

    def is_idle(self) -> bool:
        """Tell that it is, always."""
        return True

    def finish(self) -> None:
        """End it."""
        self._decoder.finish()
        self._decoder.close()


class Worker:
    """azstt's lane for what it cannot push."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._over = Event()
        self._lane = WorkerStreamDecoder(SPEECH, Receiver(sink, lambda _: self._over.set()))
        self.feed = self._lane.feed
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def is_idle(self) -> bool:
        """Tell whether its feed is empty."""
        return not self._lane.backlog

    def finish(self) -> None:
        """Wait for its thread's last word."""
        self._lane.finish()
        self._over.wait(_PATIENCE)


class Pipe:
    """PyAV on a pipe, in a thread, as its documentation has it."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._read, self._write = os.pipe()
        self._thread = Thread(target=self._decode, args=(sink,), daemon=True)
        self._thread.start()
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def feed(self, piece: bytes) -> None:
        """Write to the pipe."""
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._write, rest) :]

    def is_idle(self) -> bool:
        """Tell whether the pipe is empty."""
        waiting = array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return not waiting[0]

    def finish(self) -> None:
        """Close the pipe and wait for the thread."""
        os.close(self._write)
        self._thread.join(_PATIENCE)
        os.close(self._read)

    def _decode(self, sink: Callable[[bytes], None]) -> None:
        resampler = AudioResampler("s16", "mono", SPEECH.sample_rate)
        # A stream that is cut short ends in an error.
        with suppress(FFmpegError), av.open(f"pipe:{self._read}") as container:
            for frame in container.decode(audio=0):
                for made in resampler.resample(frame):
                    sink(bytes(made.planes[0])[: made.samples * 2])


def _check(error: Exception | None) -> None:
    if error is not None:
        raise error


WAYS: Final[dict[str, Callable[[AudioFormat | str, Callable[[bytes], None]], Way]]] = {
    "push": Push,
    "thread": Worker,
    "pipe": Pipe,
}
