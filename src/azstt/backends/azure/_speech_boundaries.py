"""Track where speech starts and ends, from the service's announcements. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from azstt._events import Event, Final, SpeechEnded, SpeechStarted
from azstt._result import Segment

#: Seconds within which two starts are the same speech, announced again after a reconnection.
_SAME_START = 0.5


class SpeechBoundaries:
    """Pairs speech starts with speech ends.

    The service announces every start, but often only one end, after the last speech. So a result
    ends the speech that it covers, and a new start ends earlier speech that got no result: speech
    that was announced and lost stays visible to the ledger.
    """

    def __init__(self) -> None:
        self._open: float | None = None

    def speech_started(self, at: float) -> Iterator[Event]:
        """Yield the events for an announced start."""
        if self._open is not None:
            if abs(at - self._open) < _SAME_START:
                return
            yield SpeechEnded(at=max(at, self._open))
        self._open = at
        yield SpeechStarted(at=at)

    def speech_ended(self, at: float) -> Iterator[Event]:
        """Yield the events for an announced end."""
        if self._open is not None:
            yield SpeechEnded(at=max(at, self._open))
            self._open = None

    def final(self, segment: Segment) -> Iterator[Event]:
        """Yield the events for a final result."""
        yield Final(segment=segment)
        if self._open is not None and segment.end > self._open:
            yield SpeechEnded(at=segment.end)
            self._open = None
