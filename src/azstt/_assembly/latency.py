"""How long results take after their audio was sent. Pure: the caller supplies the clock."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from operator import itemgetter
from statistics import median

#: Chunks to remember: more than a minute of even the smallest.
_REMEMBERED = 4096


class Latency:
    """Measures how long after its audio was sent an event arrives. Times are in seconds."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._finals: list[float] = []
        self.first_partial: float | None = None

    def sent(self, position: float, now: float) -> None:
        """Note that audio up to ``position`` has been sent at time ``now``."""
        self._sent.append((position, now))

    def partial(self, end: float, now: float) -> None:
        """Note that a partial result for audio up to ``end`` has arrived."""
        if self.first_partial is None:
            self.first_partial = self._latency(end, now)

    def final(self, end: float, now: float) -> None:
        """Note that a final result for audio up to ``end`` has arrived."""
        latency = self._latency(end, now)
        if latency is not None:
            self._finals.append(latency)

    @property
    def of_finals(self) -> float | None:
        """The median latency of final results; None if there were none."""
        return median(self._finals) if self._finals else None

    def _latency(self, end: float, now: float) -> float | None:
        """Return the time since that audio was sent; None if it is too long ago to know."""
        sent = self._sent
        if not sent or (len(sent) == _REMEMBERED and end < sent[0][0]):
            return None
        index = bisect_left(sent, end, key=itemgetter(0))
        return now - sent[min(index, len(sent) - 1)][1]
