"""Limits on simultaneous work, for one browser and for all of them."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class LimitReachedError(Exception):
    """No slot is free: either this browser or the whole server is at its limit."""


class Slots:
    """Counts work in progress. Thread-safe.

    Args:
        per_client: the most for one client.
        total: the most for all of them together.
        what: what is counted, in the plural, for messages.
    """

    def __init__(self, per_client: int, total: int, what: str = "recordings") -> None:
        self._per_client = per_client
        self._total = total
        self._what = what
        self._taken: Counter[str] = Counter()
        self._lock = Lock()

    def acquire(self, client: str) -> None:
        """Take a slot.

        Raises:
            LimitReachedError: none is free.
        """
        with self._lock:
            if self._taken[client] >= self._per_client:
                raise LimitReachedError(
                    f"this browser has {self._per_client} {self._what} in progress, the maximum; "
                    "wait for one of them to finish"
                )
            if self._taken.total() >= self._total:
                raise LimitReachedError(
                    f"the server has {self._total} {self._what} in progress, the maximum; "
                    "try again in a minute"
                )
            self._taken[client] += 1

    def release(self, client: str) -> None:
        """Free a slot."""
        with self._lock:
            self._taken[client] -= 1
            self._taken += Counter()  # drops clients that have none left
