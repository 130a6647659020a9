"""Tells a recogniser that hangs from one that waits for audio. Pure."""

from __future__ import annotations


class Patience:
    """A clock that runs only against the recogniser, and only while nothing moves.

    Args:
        limit: seconds.
    """

    def __init__(self, limit: float) -> None:
        self.limit: float = limit
        self._mark: object = None
        self._moved: float = 0.0

    def is_over(self, mark: object, now: float, *, waiting: bool) -> bool:
        """Take a look.

        Args:
            mark: where things stand; no change between two looks means that nothing moves.
            now: the time.
            waiting: whether it is the recogniser that is waited for.
        """
        if self._mark is None or mark != self._mark or not waiting:
            self._mark, self._moved = mark, now
        return now - self._moved > self.limit
