"""A recognizer that plays a script of events as audio arrives."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Event as Flag
from threading import Lock

from pydantic import BaseModel

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, RecognitionError, ServiceError, SessionStateError
from azstt._events import (
    Committed,
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
from azstt._words.times import spread_words
from azstt.backends import Capabilities, Emit, RecognizerSession, ReconnectHook
from azstt.backends._hooks import ask_to_reconnect
from azstt.testing._script import Cue, commit_cues, cue_of, within

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
    """A test double that plays the same script in every session, and keeps the backend contract.

    A plain event is emitted as soon as the audio that it is about has been written; a `Cue` sets
    another time. Events after the end of the audio are emitted at the end, and nothing is said
    beyond it: what is too late in the script ends with the audio that was written. `Ended` follows
    automatically unless the script contains an `Ended` or a `Failed` of its own.

    A commit ends the open segment as a recognizer would: if the next `Final` has begun, the words
    that have ended are emitted at once, and the others at the original time. A reconnect hook is
    called before each `Reconnecting`, which then has the hook's delay; the session does not wait
    for it. Options do not change the script; `asked` records them.

    Args:
        script: events and cues, in any order.
        name: the backend's name in transcripts and errors.
        model: the model's name in transcripts.
        capabilities: what the backend claims to support; everything by default.
        start_error: raised by the start of every session.

    Raises:
        ConfigurationError: the script has something else in it.

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
        if isinstance(script, str | BaseModel):
            raise ConfigurationError(
                f"a script is a list of events and cues, not {type(script).__name__}"
            )
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
        """Return a backend that recognizes these sentences, one segment each, from ``start`` on.

        Times are in seconds.

        Raises:
            ConfigurationError: a sentence is no text, or a time is negative.
        """
        for sentence in sentences:
            if not isinstance(sentence, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
                raise ConfigurationError(
                    "ScriptedBackend.saying() takes each sentence as an argument of its own, not "
                    f"{type(sentence).__name__}; unpack a list: saying(*sentences)"
                )
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
        """The backend's name in transcripts and errors."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend claims to support."""
        return self._capabilities

    @property
    def asked(self) -> tuple[RecognitionOptions, ...]:
        """The options of every session opened and of every update, in order."""
        return tuple(self._asked)

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session that plays the script from the beginning."""
        self._asked.append(options)
        setup = _Setup(self._script, self._name, self._model, self._start_error, self._asked.append)
        return _ScriptedSession(setup, audio, emit)


@dataclass(frozen=True)
class _Setup:
    """What a session gets from its backend."""

    script: tuple[Cue, ...]
    name: str
    model: str | None
    start_error: RecognitionError | None
    updated: Callable[[RecognitionOptions], None]


class _ScriptedSession:
    """Plays a script as audio is written."""

    def __init__(self, setup: _Setup, audio: AudioFormat, emit: Emit) -> None:
        self._setup = setup
        self._cues = deque(setup.script)
        self._audio = audio
        self._emit = emit
        self._hook: ReconnectHook | None = None
        self._written = 0
        self._finished = False
        self._over = False
        self._closed = Flag()
        self._emitting = Lock()

    def start(self) -> None:
        if self._setup.start_error is not None:
            raise self._setup.start_error
        self._send(Started(model=self._setup.model))

    def write(self, pcm: bytes, /) -> None:
        self._check("write")
        self._written += len(pcm)
        self._play(until=self._position)

    def commit(self) -> None:
        self._check("commit")
        final, self._cues = commit_cues(self._cues, self._position)
        if final is not None:
            self._send(final)
        self._send(Committed(at=self._position))

    def update(self, options: RecognitionOptions, /) -> None:
        self._check("update")
        self._setup.updated(options)

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        self._hook = hook

    def finish(self) -> None:
        self._check("finish")
        self._finished = True
        self._play(until=math.inf)
        self._send(Ended(position=self._position))

    def close(self) -> None:
        self._closed.set()
        with self._emitting:  # wait for an event that is being emitted
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
            event = within(cue.event, self._position)
            self._send(self._ask_hook(event) if isinstance(event, Reconnecting) else event)

    def _ask_hook(self, planned: Reconnecting) -> Event:
        """Return the attempt that the hook allows, or the failure if it vetoes or raises."""
        try:
            attempt = ask_to_reconnect(self._hook, planned, backend=self._setup.name)
        except RecognitionError as error:
            return Failed(error=error)
        return attempt or Failed(error=ServiceError(planned.reason, backend=self._setup.name))

    def _send(self, event: Event) -> None:
        """Emit an event, unless the session is closed or over."""
        with self._emitting:
            if self._over or self._closed.is_set():
                return
            self._over = isinstance(event, Ended | Failed)
            self._emit(event)
