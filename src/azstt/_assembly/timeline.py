"""The recognizer's time to the time of the audio that was sent. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from azstt._events import AudioGap, Ended, Event, Final, Partial, SpeechEnded, SpeechStarted
from azstt._result import Segment


class Timeline:
    """Converts event times: a recognizer does not count the audio that was dropped before it."""

    def __init__(self) -> None:
        self._at: list[float] = []  # the drops, in the recognizer's time
        self._shift: list[float] = [0.0]  # seconds dropped in all: before the first, after it...

    def drop(self, at: float, seconds: float) -> None:
        """Note that ``seconds`` of audio were dropped after the recognizer had taken ``at``."""
        if self._at and self._at[-1] == at:
            self._shift[-1] += seconds
        else:
            self._at.append(at)
            self._shift.append(self._shift[-1] + seconds)

    def place(self, event: Event) -> Event:
        """Return an event with the times of the audio that was sent."""
        return event.model_copy(update=self._moved(event)) if self._at else event

    def _moved(self, event: Event) -> dict[str, object]:
        """Return the fields that change."""
        match event:
            case SpeechStarted(at=at):
                return {"at": self._start(at)}
            case SpeechEnded(at=at):
                return {"at": self._end(at)}
            case Partial(start=start, end=end) | AudioGap(start=start, end=end):
                return {**self._span(start, end)}
            case Final(segment=segment):
                return {"segment": self._segment(segment)}
            case Ended(position=position):
                return {"position": position + self._shift[-1]}
            case _:
                return {}

    def _segment(self, segment: Segment) -> Segment:
        words = tuple(
            word.model_copy(update=self._span(word.start, word.end)) for word in segment.words
        )
        span = self._span(segment.start, segment.end)
        return segment.model_copy(update={**span, "words": words})

    def _span(self, start: float, end: float) -> dict[str, float]:
        placed = self._start(start)
        return {"start": placed, "end": max(placed, self._end(end))}

    def _start(self, at: float) -> float:
        """Convert the time of a start: after anything dropped there."""
        return at + self._shift[bisect_right(self._at, at)]

    def _end(self, at: float) -> float:
        """Convert the time of an end: before anything dropped there."""
        return at + self._shift[bisect_left(self._at, at)]
