"""The events of a recognizer session. All times are in seconds from the first sample.

A session emits `Started` once, then any number of other events, then exactly one `Ended` or
`Failed`. Only `Reconnecting` may precede `Started`, if the first attempt to connect failed.

``print(event)`` shows what was said, and when; the repr never shows text, so log that.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import ConfigDict, Field, field_serializer
from pydantic.json_schema import SkipJsonSchema

from azstt._errors import RecognitionError
from azstt._models import FrozenModel
from azstt._result import Seconds, Segment, Text, TimedText, TimeSpan


class Started(FrozenModel):
    """The session is ready for audio.

    Attributes:
        model: the name of the recognizer's model, if it has one.
        session_id: the service's id of the session, if there is one.
    """

    kind: Literal["started"] = "started"
    model: str | None = None
    session_id: str | None = None


class SpeechStarted(FrozenModel):
    """Speech begins at ``at``."""

    kind: Literal["speech_started"] = "speech_started"
    at: Seconds


class Partial(TimedText):
    """The hypothesis for the open segment so far; a later `Partial` or the `Final` replaces it.

    A `LiveSession` separates the text that is stable from the text that may still change, so that
    a display of ``stable + tail`` does not flicker. A backend leaves ``stable``, ``tail`` and
    ``delta`` empty.

    Attributes:
        text: the recognizer's words, as it sent them.
        stable: the text that will not change before the final; within a segment it only grows.
        tail: the text that follows it for now. ``stable + tail`` is ``text``, unless the
            recognizer took back words that had been stable.
        delta: what was appended to ``stable`` since the previous partial.
        speaker: the recognizer's label for the speaker, if it reports one this early.
        language: a BCP-47 tag, if the recognizer reports one this early.
    """

    kind: Literal["partial"] = "partial"
    stable: Text = ""
    tail: Text = ""
    delta: Text = ""
    speaker: str | None = None
    language: str | None = None


class Final(FrozenModel):
    """A segment that will not change. Its text is empty if the speech contained no words."""

    kind: Literal["final"] = "final"
    segment: Segment

    def __str__(self) -> str:
        """Return the segment's times, speaker and text."""
        return str(self.segment)


class SpeechEnded(FrozenModel):
    """Speech ends at ``at``."""

    kind: Literal["speech_ended"] = "speech_ended"
    at: Seconds


class Committed(FrozenModel):
    """Answers one `commit`: every `Final` of the audio up to ``at``, if there is any, has come."""

    kind: Literal["committed"] = "committed"
    at: Seconds


class Reconnecting(FrozenModel):
    """The connection is down; another attempt follows, and audio without a result is sent again.

    Attributes:
        attempt: the number of the attempt; counts from 1 again once a connection has made
            progress.
        delay: seconds until the attempt.
        reason: what went wrong.
        error: the same as an error, if the backend has one; not part of the JSON.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["reconnecting"] = "reconnecting"
    attempt: int
    delay: Seconds
    reason: str
    error: SkipJsonSchema[RecognitionError | None] = Field(default=None, exclude=True, repr=False)


class AudioGap(TimeSpan):
    """Audio that is missing in the media, or was sent and will not be recognized.

    Attributes:
        reason: why not; see `Gap`.
        seconds: how much is missing; None if nobody can know. Equal to the span's length unless
            stated: it differs where the gap takes up no time in the media.
    """

    kind: Literal["audio_gap"] = "audio_gap"
    reason: str
    seconds: Seconds | None = Field(default_factory=lambda fields: fields["end"] - fields["start"])


class Ended(FrozenModel):
    """The session is over; all audio up to ``position`` was recognized or is silence."""

    kind: Literal["ended"] = "ended"
    position: Seconds


class ErrorInfo(FrozenModel):
    """An error as JSON.

    Attributes:
        type: the name of the error's class.
        message: what failed, and the remedy.
        code: the service's own error code, if it sent one.
        retryable: whether the same call may succeed later.
    """

    type: str
    message: str
    code: str | None = None
    retryable: bool = False


class Failed(FrozenModel):
    """The session is over because the recognizer failed. The error is JSON as `ErrorInfo`."""

    model_config: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["failed"] = "failed"
    error: RecognitionError

    @field_serializer("error")
    def _error_as_data(self, error: RecognitionError) -> ErrorInfo:
        return ErrorInfo(
            type=type(error).__name__,
            message=str(error),
            code=error.code,
            retryable=error.retryable,
        )


Event: TypeAlias = Annotated[
    Started
    | SpeechStarted
    | Partial
    | Final
    | SpeechEnded
    | Committed
    | Reconnecting
    | AudioGap
    | Ended
    | Failed,
    Field(discriminator="kind"),
]

#: Any one event class.
E = TypeVar(
    "E",
    Started,
    SpeechStarted,
    Partial,
    Final,
    SpeechEnded,
    Committed,
    Reconnecting,
    AudioGap,
    Ended,
    Failed,
)
