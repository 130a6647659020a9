"""Distinguishes a recognizer that hangs, and an idle sender, from a mere pause. Pure."""

from __future__ import annotations

#: Seconds between two checks while somebody waits.
CHECK_EVERY = 0.5
#: Seconds between two checks that show that nobody waited in between.
_NO_WAIT = 2 * CHECK_EVERY


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


class IdleClock:
    """A clock that runs only while somebody waits: from one check to the next, for so long at most.

    Args:
        limit: seconds without a change that are too many; None for any number.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit: float | None = limit
        self._seen: object = None
        self._checked: float = 0.0
        self._waited: float = 0.0

    def is_over(self, mark: object, now: float) -> bool:
        """Return whether the limit is exceeded; call it at regular intervals during a wait.

        Args:
            mark: what happened so far; no change between two calls means that nothing did.
            now: the time.
        """
        if mark != self._seen:
            self._waited = 0.0
        else:
            self._waited += min(now - self._checked, _NO_WAIT)
        self._seen, self._checked = mark, now
        return self.limit is not None and self._waited > self.limit
