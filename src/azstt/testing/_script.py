"""A script of events, and how a commit splits its open segment. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from azstt._errors import ConfigurationError
from azstt._events import (
    AudioGap,
    Committed,
    Ended,
    Event,
    Failed,
    Final,
    Partial,
    Reconnecting,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt._models import FrozenModel
from azstt._result import Seconds, Segment, Word
from azstt._words.times import spread_words


class Cue(FrozenModel):
    """An event, and when a scripted session emits it.

    Attributes:
        event: the event to emit.
        at: seconds of audio that must have been written before.
        delay: seconds of wall time to wait after that; ``math.inf`` hangs until the session is
            closed.
    """

    event: Event
    at: Seconds
    delay: Annotated[float, Field(ge=0.0)] = 0.0


def cue_of(event: Event) -> Cue:
    """Make a cue of an event, timed by the audio that it is about.

    Raises:
        ConfigurationError: it is no event.
    """
    match event:
        case SpeechStarted(at=at) | SpeechEnded(at=at) | Committed(at=at):
            return Cue(event=event, at=at)
        case Partial(end=end) | AudioGap(end=end):
            return Cue(event=event, at=end)
        case Final(segment=segment):
            return Cue(event=event, at=segment.end)
        case Ended(position=position):
            return Cue(event=event, at=position)
        case Started() | Reconnecting() | Failed():
            return Cue(event=event, at=0.0)
        case _:
            kind = type(event).__name__
            raise ConfigurationError(
                f"a script takes events such as Final(segment=...), and cues, not {kind}"
            )


def within(event: Event, end: float) -> Event:
    """Return an event about speech with its times moved into the audio, which lasts ``end`` s."""
    match event:
        case Final(segment=segment) if segment.end > end:
            words = tuple(word.model_copy(update=_times(word, end)) for word in segment.words)
            update = {**_times(segment, end), "words": words}
            return Final(segment=segment.model_copy(update=update))
        case Partial() if event.end > end:
            return event.model_copy(update=_times(event, end))
        case SpeechStarted(at=at) | SpeechEnded(at=at) if at > end:
            return event.model_copy(update={"at": end})
        case _:
            return event


def _times(timed: Segment | Word | Partial, end: float) -> dict[str, float]:
    return {"start": min(timed.start, end), "end": min(timed.end, end)}


def commit_cues(cues: Iterable[Cue], at: float) -> tuple[Final | None, deque[Cue]]:
    """End the open segment at ``at`` seconds: split the next final if it has begun.

    Returns:
        A final of the words that have ended by then, if there are any, and the remaining cues:
        the final keeps its time and the other words, and partials lose the words in the first.
    """
    left = deque(cues)
    whole = next((c.event.segment for c in left if isinstance(c.event, Final)), None)
    if whole is None or whole.start >= at:
        return None, left
    before, after = _split(whole, at)
    if before is None:
        return None, left
    following = [(cue, _after(cue.event, whole, before, after)) for cue in left]
    return Final(segment=before), deque(
        cue.model_copy(update={"event": event}) for cue, event in following if event is not None
    )


def _after(event: Event, whole: Segment, before: Segment, after: Segment | None) -> Event | None:
    """Return what is left of an event once ``before`` is final; None if nothing is."""
    match event:
        case Final(segment=segment) if segment is whole:
            return None if after is None else Final(segment=after)
        case Partial(start=start, end=end, text=text) if whole.start <= start < whole.end:
            words = text.split()[len(before.text.split()) :]
            if after is None or not words:
                return None
            return Partial(
                start=after.start,
                end=max(after.start, end),
                text=" ".join(words),
                speaker=event.speaker,
                language=event.language,
            )
        case _:
            return event


def _split(segment: Segment, at: float) -> tuple[Segment | None, Segment | None]:
    """Split a segment into the words that have ended by then, and the others."""
    words = segment.words or spread_words(segment.text.split(), segment.start, segment.end)
    count = sum(word.end <= at for word in words)
    if segment.end <= at:
        return segment, None
    if count in {0, len(words)}:
        return None, segment
    seam = _end_of(words[:count], segment.text)
    first, rest = segment.text[:seam].rstrip(), segment.text[seam:].lstrip()
    return (
        _half(segment, first, words[:count], end=words[count - 1].end),
        _half(segment, rest, words[count:], start=words[count].start),
    )


def _half(segment: Segment, text: str, words: Sequence[Word], **edge: float) -> Segment:
    """Return one half, without anything that is only known of the whole."""
    return segment.model_copy(
        update={
            "text": text,
            "words": tuple(word.model_copy(update={"text_offset": None}) for word in words),
            **edge,
            "alternatives": (),
            "translations": {},
            "pronunciation": None,
        }
    )


def _end_of(words: Sequence[Word], text: str) -> int:
    """Return the offset in a text at which its first words end."""
    end = 0
    for word in words:
        at = text.find(word.text, end)
        end = end if at < 0 else at + len(word.text)
    return end
