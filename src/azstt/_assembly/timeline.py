"""From a clock that counts samples to the times of the media. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import TypeVar

from azstt._events import (
    AudioGap,
    Committed,
    Ended,
    Event,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
)
from azstt._result import PronouncedWord, Segment, Sound, TimeSpan

S = TypeVar("S", bound=TimeSpan)


class Timeline:
    """Converts times: samples do not count what the media has, and has not, between them.

    A decoder's output lacks the holes in the timestamps that are too long to fill with silence; a
    recognizer does not count the audio that was dropped before it. One thread may add jumps while
    others convert.
    """

    def __init__(self) -> None:
        self._at: list[float] = []  # the jumps, by the clock that counts samples
        self._shift: list[float] = [0.0]  # seconds of all jumps: before the first, after it...

    @property
    def total(self) -> float:
        """Seconds of all jumps so far."""
        return self._shift[-1]

    @property
    def straight(self) -> bool:
        """Whether there was no jump so far."""
        return not self._at

    def jump(self, at: float, seconds: float) -> None:
        """Note that the media is ``seconds`` further from ``at`` on; negative for a step back."""
        if self._at and self._at[-1] >= at:
            self._shift[-1] += seconds
        else:
            # In this order, since another thread may be converting.
            self._shift.append(self._shift[-1] + seconds)
            self._at.append(at)

    def start(self, at: float) -> float:
        """Convert the time of a start: after a jump there."""
        return at + self._shift[bisect_right(self._at, at)]

    def end(self, at: float) -> float:
        """Convert the time of an end: before a jump there."""
        return at + self._shift[bisect_left(self._at, at)]

    def pieces(self, start: float, end: float) -> Iterator[tuple[float, float, float]]:
        """Yield the parts of a span between jumps: start, end and shift to the media's time."""
        first, last = bisect_right(self._at, start), bisect_left(self._at, end)
        for index in range(first, last + 1):
            until = self._at[index] if index < last else end
            yield start, until, self._shift[index]
            start = until

    def place(self, event: Event) -> Event:
        """Return an event with the times of the media."""
        return event.model_copy(update=self._moved(event)) if self._at else event

    def _moved(self, event: Event) -> dict[str, object]:
        """Return the fields that change."""
        match event:
            case SpeechStarted(at=at):
                return {"at": self.start(at)}
            case SpeechEnded(at=at) | Committed(at=at):
                return {"at": self.end(at)}
            case Partial() | AudioGap():
                return {**self._span(event)}
            case Final(segment=segment):
                return {"segment": self._segment(segment)}
            case Ended(position=position):
                return {"position": self.start(position)}
            case _:
                return {}

    def _segment(self, segment: Segment) -> Segment:
        pronunciation = segment.pronunciation
        if pronunciation is not None:
            words = tuple(self._pronounced(word) for word in pronunciation.words)
            pronunciation = pronunciation.model_copy(update={"words": words})
        more = {"words": self._each(segment.words), "pronunciation": pronunciation}
        return segment.model_copy(update={**self._span(segment), **more})

    def _pronounced(self, word: PronouncedWord) -> PronouncedWord:
        sounds: dict[str, tuple[Sound, ...]] = {
            "phonemes": self._each(word.phonemes),
            "syllables": self._each(word.syllables),
        }
        return word.model_copy(update={**self._span(word), **sounds})

    def _each(self, spans: Iterable[S]) -> tuple[S, ...]:
        return tuple(span.model_copy(update=self._span(span)) for span in spans)

    def _span(self, span: TimeSpan) -> dict[str, float]:
        start = self.start(span.start)
        return {"start": start, "end": max(start, self.end(span.end))}
