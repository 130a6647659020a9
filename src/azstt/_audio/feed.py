"""Bytes pushed as they arrive: what a reader in one thread takes and others fill."""

from __future__ import annotations

from collections import deque
from threading import Condition

from azstt._errors import AudioSourceError, ConfigurationError, SessionStateError


class ByteFeed:
    """A stream of encoded audio that arrives in pieces, such as a browser's recording.

    Push the pieces from any thread; hand the feed to `open_audio`, in a thread of its own, as
    the source. One reader reads it, once. How the pieces are cut does not matter.

    The feed is bounded: `push` waits while `max_buffered` bytes wait to be read, which is the
    back-pressure on who pushes. So the reader must run in another thread. An event loop must not
    wait: without a bound `push` never does, and who pushes looks at `buffered`.

    Example::

        feed = ByteFeed()
        Thread(target=receive_into, args=(feed,)).start()    # push()es, then close()s
        with open_audio(feed) as reader:
            for pcm in reader: ...

    Args:
        max_buffered: how many bytes may wait to be read; one longer piece is still let in when
            nothing waits. None is any number.

    Raises:
        ConfigurationError: `max_buffered` is not positive.
    """

    def __init__(self, *, max_buffered: int | None = 1 << 20) -> None:
        if max_buffered is not None and max_buffered <= 0:
            raise ConfigurationError(f"max_buffered must be positive (given: {max_buffered!r})")
        self._max_buffered = max_buffered
        self._pieces: deque[bytes] = deque()
        self._buffered = 0
        self._closed = False
        self._released = False
        self._error: BaseException | None = None
        self._changed = Condition()

    def push(self, data: bytes | bytearray | memoryview, /) -> None:
        """Add a piece; wait while too much waits to be read.

        Args:
            data: the next bytes of the stream; copied unless it is `bytes`. None at all is fine.

        Raises:
            SessionStateError: the feed was closed or canceled, or its reader is finished.
        """
        piece = bytes(data)
        with self._changed:
            while piece and self._is_open() and self._buffered and self._over(len(piece)):
                self._changed.wait()
            if not self._is_open():
                raise SessionStateError(f"push() on a feed that {self._state()}")
            if piece:
                self._pieces.append(piece)
                self._buffered += len(piece)
                self._changed.notify_all()

    def close(self) -> None:
        """Say that there is no more; what was pushed is still read. Twice is once."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self, error: BaseException | None = None) -> None:
        """Make the reader raise at its next read, at once where it waits; drop what waits.

        Args:
            error: what the reader raises; an `AudioSourceError` if not given.
        """
        with self._changed:
            self._error = self._error or error or AudioSourceError("the feed was canceled")
            self._drop()

    @property
    def buffered(self) -> int:
        """How many bytes wait to be read."""
        return self._buffered

    def take(self, size: int) -> bytes:
        """Wait for bytes and give at most `size` of them; none means the end. For the reader."""
        with self._changed:
            while not self._pieces and not self._closed and self._error is None:
                self._changed.wait()
            if self._error is not None:
                raise self._error
            if not self._pieces:
                return b""
            piece = self._pieces.popleft()
            if len(piece) > size:
                self._pieces.appendleft(piece[size:])
                piece = piece[:size]
            self._buffered -= len(piece)
            self._changed.notify_all()
            return piece

    def release(self) -> None:
        """Say that nobody reads any more, which frees who waits in `push`. For the reader."""
        with self._changed:
            self._released = True
            self._drop()

    def _drop(self) -> None:
        self._pieces.clear()
        self._buffered = 0
        self._changed.notify_all()

    def _over(self, size: int) -> bool:
        return self._max_buffered is not None and self._buffered + size > self._max_buffered

    def _is_open(self) -> bool:
        return not self._closed and not self._released and self._error is None

    def _state(self) -> str:
        if self._error is not None:
            return "was canceled"
        return "is closed" if self._closed else "nobody reads any more"
