"""Standard input as a command reads it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from queue import Empty, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Self

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, ConfigurationError

#: Seconds between two looks at whether the pipe was closed.
_TICK = 0.1
_SIZE = 1 << 15


def refuse_a_terminal(example: str) -> None:
    """See that standard input is no terminal, where the command would wait for typing.

    Raises:
        ConfigurationError: it is one, or closed; the message shows an example of a pipe.
    """
    if sys.stdin is None or sys.stdin.isatty():
        what = "closed" if sys.stdin is None else "a terminal"
        raise ConfigurationError(f"standard input is {what}; pipe audio into it: {example}")


class Pipe:
    """Standard input piece by piece; can be closed while nothing comes, as a `Microphone` can.

    Args:
        audio: what comes through it.
    """

    def __init__(self, audio: AudioFormat | Container) -> None:
        self.audio: AudioFormat | Container = audio
        self._pieces: Queue[bytes | OSError] = Queue(maxsize=4)
        self._closed: Event = Event()

    def __enter__(self) -> Self:
        """Begin to read.

        Raises:
            ConfigurationError: standard input is a terminal, or closed.
        """
        refuse_a_terminal("ffmpeg ... | azstt live -")
        # It is left alone in the end: nothing ends a read of a pipe that somebody holds open.
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
        """Have the iteration end, from any thread."""
        self._closed.set()

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces, to the end or until it is closed.

        Raises:
            AudioSourceError: it can't be read, or nothing came through it.
        """
        empty = True
        while not self._closed.is_set():
            try:
                piece = self._pieces.get(timeout=_TICK)
            except Empty:
                continue
            if isinstance(piece, OSError):
                raise AudioSourceError(
                    f"standard input can't be read: {piece.strerror}", errno=piece.errno
                ) from piece
            if not piece and empty:
                raise AudioSourceError("standard input is empty; is the other program at work?")
            if not piece:
                return
            empty = False
            yield piece

    def _read(self) -> None:
        try:
            with open(0, "rb", buffering=0, closefd=False) as stream:
                while piece := stream.read(_SIZE):
                    self._pieces.put(piece)
            self._pieces.put(b"")
        except OSError as error:
            self._pieces.put(error)
