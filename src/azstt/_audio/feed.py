"""`ByteFeed`: a bounded byte queue that other threads fill and one reader drains."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition

from azstt._errors import AudioSourceError, ConfigurationError, SessionStateError
from azstt._options import check_whole


class ByteFeed:
    """A stream of encoded audio that arrives in chunks, such as a browser's recording.

    Push chunks from any thread and pass the feed to `open_audio` as the source, in a thread of its
    own. It can be read once, by one reader. Chunk boundaries do not matter.

    The feed is bounded: `push` blocks while `max_buffered` bytes are waiting to be read. That is
    the back-pressure, and the reason why the reader needs a thread of its own. On an event loop,
    which must not block, pass `max_buffered=None` and watch `buffered` instead.

    Example::

        feed = ByteFeed()
        Thread(target=receive_into, args=(feed,)).start()    # push()es, then close()s
        with open_audio(feed) as reader:
            for pcm in reader: ...

    Args:
        max_buffered: how many bytes may wait to be read; None for no limit. A single chunk above
            the limit is accepted when nothing else is waiting.

    Raises:
        ConfigurationError: `max_buffered` is not positive.
    """

    def __init__(self, *, max_buffered: int | None = 1 << 20) -> None:
        check_whole("max_buffered", max_buffered)
        self._max_buffered = max_buffered
        self._chunks: deque[bytes] = deque()
        self._buffered = 0
        self._closed = False
        self._released = False
        self._error: BaseException | None = None
        self._changed = Condition()

    def push(self, data: bytes | bytearray | memoryview, /) -> None:
        """Add a chunk, blocking while the feed is full.

        Args:
            data: the next bytes of the stream, which may be empty; copied unless it is `bytes`.

        Raises:
            SessionStateError: the feed was closed or canceled, or its reader has finished.
            ConfigurationError: it is no bytes.
        """
        if not isinstance(data, bytes | bytearray | memoryview):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise ConfigurationError(f"push() takes bytes, not {type(data).__name__}")
        chunk = bytes(data)
        with self._changed:
            while chunk and self._is_open() and self._buffered and self._overflows(len(chunk)):
                self._changed.wait()
            if not self._is_open():
                raise SessionStateError(f"push() on a feed that {self._state()}")
            if chunk:
                self._chunks.append(chunk)
                self._buffered += len(chunk)
                self._changed.notify_all()

    def close(self) -> None:
        """Mark the end of the stream; the reader still gets what was pushed. Idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def cancel(self, error: BaseException | None = None) -> None:
        """Drop what is buffered and make the reader raise, immediately if it is waiting.

        Args:
            error: what the reader raises; an `AudioSourceError` by default.
        """
        with self._changed:
            self._error = self._error or error or AudioSourceError("the feed was canceled")
            self._drop()

    @property
    def buffered(self) -> int:
        """How many bytes are waiting to be read."""
        return self._buffered

    def take(self, size: int) -> bytes:
        """Wait for data and return up to `size` bytes; empty at the end. For the reader only."""
        with self._changed:
            self._changed.wait_for(self._is_ready)
            if self._error is not None:
                raise self._error
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            if len(chunk) > size:
                self._chunks.appendleft(chunk[size:])
                chunk = chunk[:size]
            self._buffered -= len(chunk)
            self._changed.notify_all()
            return chunk

    def release(self) -> None:
        """Stop reading, so that a blocked `push` raises. For the reader only."""
        with self._changed:
            self._released = True
            self._drop()

    def _is_ready(self) -> bool:
        """Return whether the reader has nothing to wait for."""
        return bool(self._chunks) or self._closed or self._error is not None

    def _drop(self) -> None:
        self._chunks.clear()
        self._buffered = 0
        self._changed.notify_all()

    def _overflows(self, size: int) -> bool:
        return self._max_buffered is not None and self._buffered + size > self._max_buffered

    def _is_open(self) -> bool:
        return not self._closed and not self._released and self._error is None

    def _state(self) -> str:
        if self._error is not None:
            return "was canceled"
        return "is closed" if self._closed else "is no longer being read"


class LiveFeed(ByteFeed):
    """A feed without a limit, filled by one thread; the reader makes calls between the bytes.

    A call is made when the reader asks for more than was pushed before the call, so a reader has to
    be done with all that it can decode before it asks.
    """

    def __init__(self) -> None:
        super().__init__(max_buffered=None)
        self._pushed = 0  # bytes
        self._calls: deque[tuple[int, Callable[[], None]]] = deque()  # after so many bytes

    def push(self, data: bytes | bytearray | memoryview, /) -> None:
        """Add a chunk; see `ByteFeed.push`."""
        super().push(data)
        self._pushed += len(data)

    def call(self, function: Callable[[], None]) -> None:
        """Have the reader call a function after what was pushed so far; not after `cancel`."""
        with self._changed:
            self._calls.append((self._pushed, function))
            self._changed.notify_all()

    def take(self, size: int) -> bytes:
        """Make the calls that are due, then return data as `ByteFeed.take` does."""
        while True:
            while (function := self._next_call()) is not None:
                function()
            # Without the lock a call may have been added, but only after the data that is there.
            data = super().take(size)
            if data or not self._is_due():
                return data

    def _next_call(self) -> Callable[[], None] | None:
        with self._changed:
            return self._calls.popleft()[1] if self._error is None and self._is_due() else None

    def _is_ready(self) -> bool:
        return super()._is_ready() or self._is_due()

    def _is_due(self) -> bool:
        """Return whether a call comes before the next byte."""
        return bool(self._calls) and self._calls[0][0] <= self._pushed - self._buffered
