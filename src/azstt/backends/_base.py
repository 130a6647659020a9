"""The port: what a recognizer must be, and what it says it can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import Field

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._events import Event, Reconnecting
from azstt._models import FrozenModel
from azstt._options import RecognitionOptions

#: Takes an event on any thread; returns at once; never raises.
Emit: TypeAlias = Callable[[Event], None]

#: Is asked, on a thread of the backend's, before each attempt to connect again. It answers with
#: the seconds to wait first, with None for those that the event names, with False for none at all.
ReconnectHook: TypeAlias = Callable[[Reconnecting], float | None]

#: Options that a capability of another name stands for.
_FLAGS = {
    "diarize": "diarization",
    "phrases": "phrases",
    "partials": "partials",
    "segmentation_silence": "segmentation",
}
#: Options that are none of the backend's: it is held against its languages elsewhere, and
#: a session hears one channel in any case.
_ANY = {"language", "channels"}


class Capabilities(FrozenModel):
    """What a backend can do. What it can't is refused before any audio is read.

    Attributes:
        languages: BCP-47 tags, or bare languages (``en`` stands for ``en-GB`` too); None is any.
        default_language: what is recognized when the caller names no language.
        language_detection: takes several candidate languages.
        diarization: tells speakers apart.
        phrases: takes words and names to expect.
        partials: emits `Partial` events.
        segmentation: takes a silence that ends a segment.
        confidence: gives word confidences.
        word_times: measured, estimated (spread by length) or none.
        offline: needs no network.
        sample_rates: the rates it takes, in hertz, the preferred one first.
        options: further options that it takes, by their names in `RecognitionOptions`.
        commits: its sessions are `CommittingSession`s.
        updates: options that can change within a session, which is an `UpdatingSession` then.
        reconnects: its sessions are `ReconnectingSession`s.
        stall_timeout: seconds without a sign of life after which it is given up. Whoever keeps
            limits of its own asks for more than those.
    """

    languages: frozenset[str] | None = None
    default_language: str | None = None
    language_detection: bool = False
    diarization: bool = False
    phrases: bool = False
    partials: bool = False
    segmentation: bool = False
    confidence: bool = False
    word_times: Literal["measured", "estimated", "none"] = "none"
    offline: bool = False
    sample_rates: Annotated[tuple[int, ...], Field(min_length=1)] = (16_000,)
    options: frozenset[str] = frozenset()
    commits: bool = False
    updates: frozenset[str] = frozenset()
    reconnects: bool = False
    stall_timeout: Annotated[float, Field(gt=0.0)] = 60.0

    def check(self, options: RecognitionOptions, *, backend: str) -> None:
        """Refuse what the backend can't do.

        Raises:
            ConfigurationError: names the option, the value and what is possible.
        """
        if len(options.language) > 1 and not self.language_detection:
            raise ConfigurationError(
                f"the {backend!r} backend takes one language, not {len(options.language)} to "
                f"detect: {', '.join(options.language)}"
            )
        for tag in options.language:
            if not self._speaks(tag):
                known = ", ".join(sorted(self.languages or ()))
                raise ConfigurationError(
                    f"the {backend!r} backend does not recognize language {tag!r}; it knows {known}"
                )
        able = {name for name, flag in _FLAGS.items() if getattr(self, flag)} | self.options
        for name in sorted(options.asked - able - _ANY):
            raise ConfigurationError(
                f"the {backend!r} backend does not support option {name!r}; leave it out or "
                "choose another backend (`azstt backends` compares them)"
            )

    def _speaks(self, tag: str) -> bool:
        """Whether a tag, or the bare language it begins with, is among the languages."""
        if self.languages is None:
            return True
        known = {language.lower() for language in self.languages}
        return tag.lower() in known or tag.lower().split("-")[0] in known


class RecognizerSession(Protocol):
    """One stretch of audio.

    The calls may block and come from worker threads, one at a time, except `close`, which may
    come at any time from any thread.
    """

    def start(self) -> None:
        """Get ready to take audio; may block on the network; emits `Started`.

        Raises:
            RecognitionError: the session can't be had.
        """
        ...

    def write(self, pcm: bytes, /) -> None:
        """Take the next audio, in whole frames; blocking is the back-pressure.

        Returns without effect once the session has failed or is closed.
        """
        ...

    def finish(self) -> None:
        """Take no more audio; what is left to say follows, then one `Ended` or `Failed`."""
        ...

    def close(self) -> None:
        """Let go of everything; twice is once; frees a blocked `write`; no event follows."""
        ...


@runtime_checkable
class CommittingSession(RecognizerSession, Protocol):
    """One that can be made to say what it has heard."""

    def commit(self) -> None:
        """End the open segment after the last `write`: its `Final` follows, and audio goes on.

        Called as `write` is, and in order with it.
        """
        ...


@runtime_checkable
class UpdatingSession(RecognizerSession, Protocol):
    """One that takes other options for the audio that follows."""

    def update(self, options: RecognitionOptions, /) -> None:
        """Use these from the audio after the last `write` on.

        Called as `write` is, and in order with it. They have been held against the capabilities,
        and differ in nothing but what `Capabilities.updates` names.

        Raises:
            ConfigurationError: they do not go together; the session goes on as it was.
        """
        ...


@runtime_checkable
class ReconnectingSession(RecognizerSession, Protocol):
    """One that connects, and again when the connection is lost."""

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        """Ask ``hook`` before each further attempt; called before `start`."""
        ...


@runtime_checkable
class RecognizerBackend(Protocol):
    """A recognizer: makes sessions. Its methods may be called from any thread."""

    @property
    def name(self) -> str:
        """What transcripts and errors call it."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Make a session; no I/O yet. ``options`` have been held against the capabilities.

        Raises:
            ConfigurationError: the options or the audio format do not fit.
            MissingDependencyError: an extra is not installed.
        """
        ...
