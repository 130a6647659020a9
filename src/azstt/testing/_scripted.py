"""A recogniser that says what a script tells it, when the audio has come that far."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from threading import Event as Flag
from threading import Lock
from typing import Annotated

from pydantic import Field

from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, SessionStateError
from azstt._events import (
    AudioGap,
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
from azstt._options import RecognitionOptions
from azstt._result import Seconds, Segment
from azstt._words import spread_words
from azstt.backends import Capabilities, Emit, RecognizerSession

EVERYTHING = Capabilities(
    default_language="en-US",
    language_detection=True,
    diarization=True,
    phrases=True,
    partials=True,
    segmentation=True,
    confidence=True,
    word_times="measured",
    offline=True,
    options=frozenset(RecognitionOptions.model_fields),
)


class Cue(FrozenModel):
    """An event and its time.

    Attributes:
        event: what the session says.
        at: seconds of audio that must have been written first.
        delay: seconds of wall time to wait then; ``math.inf`` hangs until the session is closed.
    """

    event: Event
    at: Seconds
    delay: Annotated[float, Field(ge=0.0)] = 0.0


class ScriptedBackend:
    """A recogniser with a script for each session; keeps the same contract as every backend.

    An event alone comes as soon as the audio that it speaks of has been written; a `Cue` says when
    otherwise. What the audio is too short for comes at the end. `Ended` follows by itself unless
    the script ends the session with an `Ended` or a `Failed` of its own.

    Args:
        script: events and cues.
        name: what transcripts and errors call it.
        model: the model's name in the transcript.
        capabilities: what it claims to be able to do; everything unless told otherwise.
        start_error: raised by every session's start.

    Example:
        >>> from azstt import transcribe_bytes
        >>> backend = ScriptedBackend.saying("Hello, world.")
        >>> transcribe_bytes(wav, backend=backend).text  # doctest: +SKIP
        'Hello, world.'
    """

    def __init__(
        self,
        script: Iterable[Event | Cue] = (),
        *,
        name: str = "scripted",
        model: str | None = None,
        capabilities: Capabilities = EVERYTHING,
        start_error: RecognitionError | None = None,
    ) -> None:
        cues = (item if isinstance(item, Cue) else _cue(item) for item in script)
        self._script: tuple[Cue, ...] = tuple(sorted(cues, key=lambda cue: cue.at))
        self._name: str = name
        self._model: str | None = model
        self._capabilities: Capabilities = capabilities
        self._start_error: RecognitionError | None = start_error

    @classmethod
    def saying(
        cls, *sentences: str, start: float = 0.0, seconds_a_word: float = 0.3
    ) -> ScriptedBackend:
        """Make a backend that hears these sentences, one segment each, from ``start`` on."""
        events: list[Event] = []
        for sentence in sentences:
            words = sentence.split()
            end = start + seconds_a_word * len(words)
            segment = Segment(
                text=sentence, start=start, end=end, words=spread_words(words, start, end)
            )
            events += [SpeechStarted(at=start), Final(segment=segment), SpeechEnded(at=end)]
            start = end
        return cls(events)

    @property
    def name(self) -> str:
        """What transcripts and errors call it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What it claims to be able to do."""
        return self._capabilities

    def open(
        self,
        options: RecognitionOptions,  # noqa: ARG002 - a script says the same whatever is asked
        audio: AudioFormat,
        emit: Emit,
    ) -> RecognizerSession:
        """Make a session that plays the script from its beginning."""
        return _ScriptedSession(self._script, audio, emit, self._model, self._start_error)


class _ScriptedSession:
    """Plays a script against the audio that is written."""

    def __init__(
        self,
        script: Iterable[Cue],
        audio: AudioFormat,
        emit: Emit,
        model: str | None,
        start_error: RecognitionError | None,
    ) -> None:
        self._cues = deque(script)
        self._audio = audio
        self._emit = emit
        self._model = model
        self._start_error = start_error
        self._written = 0
        self._finished = False
        self._over = False
        self._closed = Flag()
        self._emitting = Lock()

    def start(self) -> None:
        if self._start_error is not None:
            raise self._start_error
        self._say(Started(model=self._model))

    def write(self, pcm: bytes, /) -> None:
        if self._finished:
            raise SessionStateError("write after finish: this session takes no more audio")
        self._written += len(pcm)
        self._play(until=self._position)

    def finish(self) -> None:
        self._finished = True
        self._play(until=math.inf)
        self._say(Ended(position=self._position))

    def close(self) -> None:
        self._closed.set()
        with self._emitting:  # an event that is on its way is out when this returns
            pass

    @property
    def _position(self) -> float:
        return self._audio.seconds(self._written)

    def _play(self, *, until: float) -> None:
        while self._cues and self._cues[0].at <= until:
            cue = self._cues.popleft()
            if cue.delay:
                self._closed.wait(None if math.isinf(cue.delay) else cue.delay)
            self._say(cue.event)

    def _say(self, event: Event) -> None:
        """Emit, unless the session is closed or has said its last word."""
        with self._emitting:
            if self._over or self._closed.is_set():
                return
            self._over = isinstance(event, Ended | Failed)
            self._emit(event)


def _cue(event: Event) -> Cue:
    """Time an event by the audio that it speaks of."""
    match event:
        case SpeechStarted(at=at) | SpeechEnded(at=at):
            return Cue(event=event, at=at)
        case Partial(end=end) | AudioGap(end=end):
            return Cue(event=event, at=end)
        case Final(segment=segment):
            return Cue(event=event, at=segment.end)
        case Ended(position=position):
            return Cue(event=event, at=position)
        case Started() | Reconnecting() | Failed():
            return Cue(event=event, at=0.0)
