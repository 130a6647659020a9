"""Where speech is, by what the service announces of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from azstt._events import Event, Final, SpeechEnded, SpeechStarted
from azstt._result import Segment

#: Seconds within which two announcements are of the same speech, told again after a reconnection.
_SAME = 0.5


class SpeechBoundaries:
    """Pairs the starts and ends of speech.

    The service announces each start, and often only one end, when all is over. So a result ends
    the speech that it answers, and a start ends speech before it that got no answer: what was
    announced and lost stays visible to the ledger.
    """

    def __init__(self) -> None:
        self._open: float | None = None

    def starts(self, at: float) -> Iterator[Event]:
        """Speech starts."""
        if self._open is not None:
            if abs(at - self._open) < _SAME:
                return
            yield SpeechEnded(at=max(at, self._open))
        self._open = at
        yield SpeechStarted(at=at)

    def ends(self, at: float) -> Iterator[Event]:
        """Speech ends, so the service says."""
        if self._open is not None:
            yield SpeechEnded(at=max(at, self._open))
            self._open = None

    def settles(self, segment: Segment) -> Iterator[Event]:
        """A result is there."""
        yield Final(segment=segment)
        if self._open is not None and segment.end > self._open:
            yield SpeechEnded(at=segment.end)
            self._open = None
