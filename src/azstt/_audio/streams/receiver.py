"""The way out of a live decoder: PCM, then how it ended; nothing after it is closed."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock


class Receiver:
    """Calls back, one call at a time, from whichever thread decodes.

    Args:
        sink: takes PCM.
        done: takes the end, once: None, or what went wrong.
    """

    def __init__(
        self, sink: Callable[[bytes], None], done: Callable[[Exception | None], None]
    ) -> None:
        self._sink = sink
        self._done = done
        # Whoever is called may close, too.
        self._lock = RLock()
        self.ended: bool = False

    def deliver(self, pcm: bytes) -> None:
        """Hand on PCM, unless it is over."""
        with self._lock:
            if pcm and not self.ended:
                self._sink(pcm)

    def end(self, error: Exception | None) -> None:
        """Say that it is over; the first word counts."""
        with self._lock:
            if not self.ended:
                self.ended = True
                self._done(error)

    def close(self) -> None:
        """Say no more; when this returns nobody is being called any more, but by this thread."""
        with self._lock:
            self.ended = True
