"""How much may be at work at once: for one browser, and for all of them."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class FullError(Exception):
    """There is no place left; the message says whose fault it is."""


class Places:
    """Counts what is at work.

    Args:
        each: for one client.
        all_: for all of them together.
        what: what is counted, in the plural.
    """

    def __init__(self, each: int, all_: int, what: str = "recordings") -> None:
        self._each = each
        self._all = all_
        self._what = what
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def take(self, client: str) -> None:
        """Take a place.

        Raises:
            FullError: there is none.
        """
        with self._lock:
            if self._taken[client] >= self._each:
                raise FullError(
                    f"this browser has {self._each} {self._what} at work, which is the most; "
                    "wait for one of them to end"
                )
            if self._taken.total() >= self._all:
                raise FullError(
                    f"the server has {self._all} {self._what} at work, which is the most; "
                    "try again in a minute"
                )
            self._taken[client] += 1

    def leave(self, client: str) -> None:
        """Give a place back."""
        with self._lock:
            self._taken[client] -= 1
            self._taken += Counter()  # drops those that have none left
