"""Distinguishes a recognizer that hangs from one that waits for audio. Pure."""

from __future__ import annotations


class StallDetector:
    """A clock that runs only while the recognizer is awaited and makes no progress.

    Args:
        limit: seconds without progress that count as a stall.
    """

    def __init__(self, limit: float) -> None:
        self.limit: float = limit
        self._seen: tuple[object, bool] | None = None
        self._moved: float = 0.0

    def is_over(self, mark: object, now: float, *, waiting: bool) -> bool:
        """Return whether the recognizer has stalled; call it at regular intervals.

        Args:
            mark: the progress so far; no change between two calls means no progress.
            now: the time.
            waiting: whether it is the recognizer, rather than the source, that is awaited.
        """
        # If it was not awaited at the last call, it is unknown since when it is.
        seen = (mark, waiting)
        if seen != self._seen or not waiting:
            self._seen, self._moved = seen, now
        return now - self._moved > self.limit
