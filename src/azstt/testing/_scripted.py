"""A recognizer that says what a script tells it, when the audio has come that far."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock

from azstt._assembly.words import spread_words
from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, ServiceError, SessionStateError
from azstt._events import (
    Ended,
    Event,
    Failed,
    Final,
    Reconnecting,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt._options import RecognitionOptions
from azstt._result import Segment
from azstt.backends import Capabilities, Emit, RecognizerSession, ReconnectHook
from azstt.backends._hooks import ask_to_reconnect
from azstt.testing._script import Cue, cue_of, cut

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
    commits=True,
    updates=frozenset(RecognitionOptions.model_fields) - {"channels"},
    reconnects=True,
)


class ScriptedBackend:
    """A recognizer with a script for each session; keeps the same contract as every backend.

    An event alone comes as soon as the audio that it speaks of has been written; a `Cue` says when
    otherwise. What the audio is too short for comes at the end. `Ended` follows by itself unless
    the script ends the session with an `Ended` or a `Failed` of its own.

    A commit ends the open segment as a recognizer would: the next `Final`, if it has begun, comes
    at once with the words that have ended, and when its time has come with the others. A hook is
    asked before a `Reconnecting`, which then names the delay that the hook wants; nobody waits for
    it. Options change nothing of the script; `asked` tells what they were.

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
        cues = (item if isinstance(item, Cue) else cue_of(item) for item in script)
        self._script: tuple[Cue, ...] = tuple(sorted(cues, key=lambda cue: cue.at))
        self._name: str = name
        self._model: str | None = model
        self._capabilities: Capabilities = capabilities
        self._start_error: RecognitionError | None = start_error
        self._asked: list[RecognitionOptions] = []

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

    @property
    def asked(self) -> tuple[RecognitionOptions, ...]:
        """The options of every session that was opened, and of every update, in order."""
        return tuple(self._asked)

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Make a session that plays the script from its beginning."""
        self._asked.append(options)
        part = _Part(self._script, self._name, self._model, self._start_error, self._asked.append)
        return _ScriptedSession(part, audio, emit)


@dataclass(frozen=True)
class _Part:
    """What a session has of its backend."""

    script: tuple[Cue, ...]
    name: str
    model: str | None
    start_error: RecognitionError | None
    updated: Callable[[RecognitionOptions], None]


class _ScriptedSession:
    """Plays a script against the audio that is written."""

    def __init__(self, part: _Part, audio: AudioFormat, emit: Emit) -> None:
        self._part = part
        self._cues = deque(part.script)
        self._audio = audio
        self._emit = emit
        self._hook: ReconnectHook | None = None
        self._written = 0
        self._finished = False
        self._over = False
        self._closed = Flag()
        self._emitting = Lock()

    def start(self) -> None:
        if self._part.start_error is not None:
            raise self._part.start_error
        self._say(Started(model=self._part.model))

    def write(self, pcm: bytes, /) -> None:
        self._check("write")
        self._written += len(pcm)
        self._play(until=self._position)

    def commit(self) -> None:
        self._check("commit")
        final, self._cues = cut(self._cues, self._position)
        if final is not None:
            self._say(final)

    def update(self, options: RecognitionOptions, /) -> None:
        self._check("update")
        self._part.updated(options)

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        self._hook = hook

    def finish(self) -> None:
        self._check("finish")
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

    def _check(self, call: str) -> None:
        if self._finished and not self._closed.is_set():
            raise SessionStateError(f"{call}() after finish(); open another session")

    def _play(self, *, until: float) -> None:
        while self._cues and self._cues[0].at <= until:
            cue = self._cues.popleft()
            if cue.delay:
                self._closed.wait(None if math.isinf(cue.delay) else cue.delay)
            event = cue.event
            self._say(self._asked(event) if isinstance(event, Reconnecting) else event)

    def _asked(self, planned: Reconnecting) -> Event:
        """Let the hook have its say."""
        try:
            attempt = ask_to_reconnect(self._hook, planned, backend=self._part.name)
        except RecognitionError as error:
            return Failed(error=error)
        return attempt or Failed(error=ServiceError(planned.reason, backend=self._part.name))

    def _say(self, event: Event) -> None:
        """Emit, unless the session is closed or has said its last word."""
        with self._emitting:
            if self._over or self._closed.is_set():
                return
            self._over = isinstance(event, Ended | Failed)
            self._emit(event)
