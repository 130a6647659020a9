"""Audio from standard input, and the format of audio without a header."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, ConfigurationError

#: RATE, RATExCHANNELS, and the type of the samples.
_RAW = re.compile(r"(?P<rate>\d+)(x(?P<channels>\d+))?(:(?P<type>[a-z]\w*))?")
_TYPES: Final = {
    "s16": AudioFormat(),
    "s24": AudioFormat(sample_width=3),
    "s32": AudioFormat(sample_width=4),
    "f32": AudioFormat(sample_width=4, floating=True),
}
#: Seconds between checks whether the pipe was closed.
_TICK = 0.1
_CHUNK = 1 << 15  # bytes


def raw_format(text: str) -> AudioFormat:
    """Parse the value of ``--raw``.

    Raises:
        ConfigurationError: it is not a format.
    """
    found = _RAW.fullmatch(text)
    samples = found and _TYPES.get(found["type"] or "s16")
    if not found or not samples:
        raise ConfigurationError(
            f"--raw must be RATE or RATExCHANNELS, such as 16000 or 48000x2, not {text!r}; samples "
            "other than signed 16-bit integers are 16000x1:s24, 16000x1:s32 or 16000x1:f32"
        )
    try:
        return AudioFormat(
            sample_rate=int(found["rate"]),
            channels=int(found["channels"] or 1),
            sample_width=samples.sample_width,
            floating=samples.floating,
        )
    except ValueError:
        raise ConfigurationError(
            f"--raw {text!r}: the rate is 4000 to 384000 samples per second, in 1 to 64 channels"
        ) from None


def require_piped_stdin(example: str) -> None:
    """Check that standard input is open and not a terminal, where the command would wait for keys.

    Raises:
        ConfigurationError: it is a terminal, or closed. The message shows the example.
    """
    if sys.stdin is None or sys.stdin.isatty():
        problem = "closed" if sys.stdin is None else "a terminal"
        raise ConfigurationError(f"standard input is {problem}; pipe audio into it: {example}")


class StdinPipe:
    """Standard input in chunks. Like a `Microphone`, it can be closed while waiting for data.

    Args:
        audio: the audio it carries.
    """

    def __init__(self, audio: AudioFormat | Container) -> None:
        self.audio: AudioFormat | Container = audio
        self._chunks: Queue[bytes | OSError] = Queue(maxsize=4)
        self._closed: Event = Event()

    def __enter__(self) -> Self:
        """Start to read.

        Raises:
            ConfigurationError: standard input is a terminal, or closed.
        """
        require_piped_stdin("ffmpeg ... | azstt live -")
        # Never joined: nothing interrupts a read from a pipe that its writer keeps open.
        Thread(target=self._read, name="azstt stdin", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self.close()

    def close(self) -> None:
        """End the iteration. Thread-safe."""
        self._closed.set()

    def __iter__(self) -> Iterator[bytes]:
        """Yield the chunks up to the end, or those that were read before it was closed.

        Raises:
            AudioSourceError: it can't be read, or is empty.
        """
        empty = True
        while (chunk := self._next()) is not None:
            if isinstance(chunk, OSError):
                raise AudioSourceError(
                    f"can't read standard input: {chunk.strerror}", errno=chunk.errno
                ) from chunk
            if not chunk and empty and not self._closed.is_set():
                raise AudioSourceError("standard input is empty; is the other program running?")
            if not chunk:
                return
            empty = False
            yield chunk

    def _next(self) -> bytes | OSError | None:
        """Wait for the next chunk; None if it is closed and there is none."""
        while True:
            closed = self._closed.is_set()
            try:
                return self._chunks.get(timeout=_TICK)
            except Empty:
                if closed:
                    return None

    def _read(self) -> None:
        try:
            with open(0, "rb", buffering=0, closefd=False) as stream:
                while not self._closed.is_set() and (chunk := stream.read(_CHUNK)):
                    self._chunks.put(chunk)
            self._chunks.put(b"")
        except OSError as error:
            self._chunks.put(error)
