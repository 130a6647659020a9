"""How long after it was said a thing is heard. Pure: the clock is the caller's."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from operator import itemgetter
from statistics import median

#: Pieces to remember: over a minute, even of the smallest.
_REMEMBERED = 4096


class Latency:
    """Knows when audio was sent, and so how late an event comes."""

    def __init__(self) -> None:
        self._sent: deque[tuple[float, float]] = deque(maxlen=_REMEMBERED)
        self._finals: list[float] = []
        self.first_partial: float | None = None

    def sent(self, position: float, now: float) -> None:
        """Audio up to ``position`` seconds has been sent."""
        self._sent.append((position, now))

    def partial(self, end: float, now: float) -> None:
        """An interim result of audio up to ``end`` has come."""
        if self.first_partial is None:
            self.first_partial = self._late(end, now)

    def final(self, end: float, now: float) -> None:
        """A final of audio up to ``end`` has come."""
        late = self._late(end, now)
        if late is not None:
            self._finals.append(late)

    @property
    def of_finals(self) -> float | None:
        """The median, in seconds."""
        return median(self._finals) if self._finals else None

    def _late(self, end: float, now: float) -> float | None:
        """Give the seconds since that audio was sent; None where that is forgotten."""
        sent = self._sent
        if not sent or (len(sent) == _REMEMBERED and end < sent[0][0]):
            return None
        index = bisect_left(sent, end, key=itemgetter(0))
        return now - sent[min(index, len(sent) - 1)][1]
