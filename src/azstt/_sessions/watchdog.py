"""Distinguishes who hangs from who has nothing to do. Pure."""

from __future__ import annotations

#: The share of the limit that counts at most between two checks: what happened in a longer pause,
#: in which the process may have been stopped, is not known.
_MOST = 0.25


class StallDetector:
    """A clock that runs only while somebody is awaited and makes no progress.

    Args:
        limit: seconds without progress that count as a stall; None is any number.

    Attributes:
        limit: the same.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit: float | None = limit
        self._checked: float = 0.0
        self._stood: float = 0.0

    def is_over(self, progress: float, now: float, *, waiting: bool) -> bool:
        """Return whether there is a stall; call it again and again. All times are in seconds.

        Args:
            progress: when they last made progress.
            now: the time.
            waiting: whether they are awaited.
        """
        if self.limit is None:
            return False
        if not waiting or progress > self._checked:
            self._stood = 0.0
        if waiting:
            self._stood += min(now - max(progress, self._checked), self.limit * _MOST)
        self._checked = now
        return self._stood > self.limit
