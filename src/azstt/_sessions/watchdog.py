"""Tells a recognizer that hangs from one that waits for audio. Pure."""

from __future__ import annotations


class StallDetector:
    """A clock that runs only against the recognizer, and only while nothing moves.

    Args:
        limit: seconds.
    """

    def __init__(self, limit: float) -> None:
        self.limit: float = limit
        self._seen: tuple[object, bool] | None = None
        self._moved: float = 0.0

    def is_over(self, mark: object, now: float, *, waiting: bool) -> bool:
        """Take a look.

        Args:
            mark: where things stand; no change between two looks means that nothing moves.
            now: the time.
            waiting: whether it is the recognizer that is waited for.
        """
        # Where it was not waited for at the last look, nobody knows since when it is.
        seen = (mark, waiting)
        if seen != self._seen or not waiting:
            self._seen, self._moved = seen, now
        return now - self._moved > self.limit
