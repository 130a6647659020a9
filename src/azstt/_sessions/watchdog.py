"""Distinguishes a recognizer that hangs from one that waits for audio. Pure."""

from __future__ import annotations

#: The share of the limit that counts at most between two checks: what happened in a longer pause,
#: in which the process may have been stopped, is not known.
_MOST = 0.25


class StallDetector:
    """A clock that runs only while the recognizer is awaited and makes no progress.

    Args:
        limit: seconds without progress that count as a stall.
        now: the time; this and all other times are in seconds.
    """

    def __init__(self, limit: float, now: float) -> None:
        self.limit: float = limit
        self._checked: float = now
        self._stood: float = 0.0

    def is_over(self, progress: float, now: float, *, waiting: bool) -> bool:
        """Return whether the recognizer has stalled; call it again and again.

        Args:
            progress: when the recognizer last made progress.
            now: the time.
            waiting: whether it is the recognizer, rather than the source, that is awaited.
        """
        if not waiting or progress > self._checked:
            self._stood = 0.0
        if waiting:
            since = max(progress, self._checked)
            self._stood += min(now - since, self.limit * _MOST)
        self._checked = now
        return self._stood > self.limit
