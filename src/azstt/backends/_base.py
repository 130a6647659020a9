"""The port: what a recognizer must implement, and what it declares it can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal, Protocol, TypeAlias, runtime_checkable

from pydantic import Field

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._events import Event, Reconnecting
from azstt._models import FrozenModel
from azstt._options import RecognitionOptions

#: Takes an event, on any thread. Returns at once and never raises.
Emit: TypeAlias = Callable[[Event], None]

#: Called on a thread of the backend's before each attempt to reconnect. It returns the seconds to
#: wait first, None to wait as long as the event says, or False to give up.
ReconnectHook: TypeAlias = Callable[[Reconnecting], float | None]

#: Options, with the capability that covers each.
_FLAGS = {
    "diarize": "diarization",
    "phrases": "phrases",
    "partials": "partials",
    "segmentation_silence": "segmentation",
}
#: Options that no capability covers: the language is checked against ``languages``, and a session
#: gets one channel in any case.
_ANY = {"language", "channels"}


class Capabilities(FrozenModel):
    """What a backend can do; anything else is rejected before any audio is read.

    Attributes:
        languages: BCP-47 tags, or bare languages (``en`` covers ``en-GB``); None is any.
        default_language: the language to recognize if the caller names none.
        language_detection: accepts several candidate languages.
        diarization: distinguishes speakers.
        phrases: accepts words and names to expect.
        partials: emits `Partial` events.
        segmentation: accepts the silence that ends a segment.
        confidence: provides word confidences.
        word_times: measured, estimated (spread by length) or none.
        offline: needs no network.
        sample_rates: the rates it accepts, in hertz, the preferred one first.
        options: further options that it accepts, by their names in `RecognitionOptions`.
        commits: its sessions are `CommittingSession`s.
        updates: options that can change during a session, which is then an `UpdatingSession`.
        reconnects: its sessions are `ReconnectingSession`s.
        stall_timeout: seconds without any activity after which a session counts as stalled. A
            backend with timeouts of its own sets this higher than those.
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
        """Reject options that the backend does not support.

        Raises:
            ConfigurationError: names the option, the value and what is supported.
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
        """Return whether a tag, or its bare language, is among the languages."""
        if self.languages is None:
            return True
        known = {language.lower() for language in self.languages}
        return tag.lower() in known or tag.lower().split("-")[0] in known


class RecognizerSession(Protocol):
    """Recognizes one stretch of audio.

    The methods may block. They are called from worker threads, one at a time, except `close`,
    which may be called at any time from any thread.
    """

    def start(self) -> None:
        """Get ready to take audio and emit `Started`; may block on the network.

        Raises:
            RecognitionError: the session can't be started.
        """
        ...

    def write(self, pcm: bytes, /) -> None:
        """Take the next audio, in whole frames; blocks to apply back-pressure.

        Has no effect once the session has failed or is closed.
        """
        ...

    def finish(self) -> None:
        """End the audio; the remaining events follow, then one `Ended` or `Failed`."""
        ...

    def close(self) -> None:
        """Release everything and unblock `write`; no event follows. Idempotent."""
        ...


@runtime_checkable
class CommittingSession(RecognizerSession, Protocol):
    """A session that can end the open segment on request."""

    def commit(self) -> None:
        """End the open segment after the last `write`; its `Final` follows, and audio continues.

        Each call is answered by one `Committed`, after the last `Final` of the audio before it and
        before any of the audio after it, also if no segment was open. Called like `write`, and in
        order with it.
        """
        ...


@runtime_checkable
class UpdatingSession(RecognizerSession, Protocol):
    """A session whose options can change for the audio that follows."""

    def update(self, options: RecognitionOptions, /) -> None:
        """Apply new options to the audio after the last `write`.

        Called like `write`, and in order with it. The options have been checked against the
        capabilities, and differ only in those that `Capabilities.updates` names.

        Raises:
            ConfigurationError: the options conflict; the session continues unchanged.
        """
        ...


@runtime_checkable
class QueuingSession(RecognizerSession, Protocol):
    """A session that may wait for its turn at something that sessions share, such as a model.

    Waiting for a turn is no stall, nor is work that goes on without an event.
    """

    @property
    def last_progress(self) -> float:
        """When its work last went on, in seconds of `time.monotonic`.

        While it waits for its turn: when the work of those who have theirs last went on. Read from
        any thread, and must not block.
        """
        ...


@runtime_checkable
class ReconnectingSession(RecognizerSession, Protocol):
    """A session that reconnects when its connection is lost."""

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        """Set the hook to call before each attempt to reconnect; called before `start`."""
        ...


@runtime_checkable
class RecognizerBackend(Protocol):
    """A recognizer, which creates sessions. Its methods may be called from any thread."""

    @property
    def name(self) -> str:
        """The name in transcripts and errors."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Create a session, without I/O; ``options`` have been checked against the capabilities.

        Raises:
            ConfigurationError: the options conflict, or the audio format is not supported.
            MissingDependencyError: an extra is not installed.
        """
        ...


@runtime_checkable
class PreloadingBackend(RecognizerBackend, Protocol):
    """A backend that can load ahead of time what its first session would; see `azstt.warm_up`."""

    def preload(self) -> None:
        """Import libraries and load models, once per process; may block. Idempotent.

        Called from any thread, without a network or an audio device at hand.

        Raises:
            ConfigurationError: what it should load is not there.
            MissingDependencyError: an extra is not installed.
            RecognitionError: a model can't be loaded.
        """
        ...
