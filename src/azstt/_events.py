"""What a recognizer session says while it works; all times are seconds from the first sample.

A session emits `Started` once, then any number of the others, then exactly one of `Ended` and
`Failed`. Only `Reconnecting` may come before `Started`, where no connection could be had at once.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias, TypeVar

from pydantic import ConfigDict, Field, field_serializer

from azstt._errors import RecognitionError
from azstt._models import FrozenModel
from azstt._result import Seconds, Segment, Text, TimeSpan


class Started(FrozenModel):
    """The session stands and takes audio.

    Attributes:
        model: the recognizer's model, where it has a name.
        session_id: what the service calls the session.
    """

    kind: Literal["started"] = "started"
    model: str | None = None
    session_id: str | None = None


class SpeechStarted(FrozenModel):
    """Speech begins at ``at``."""

    kind: Literal["speech_started"] = "speech_started"
    at: Seconds


class Partial(TimeSpan):
    """What the open segment sounds like so far; a later `Partial` or the `Final` replaces it.

    A `LiveSession` tells the part that stays from the part that may change, so that whoever shows
    ``stable + tail`` has nothing flicker. A backend leaves these three alone.

    Attributes:
        text: the recognizer's words as they came.
        stable: what will not change until the final: it grows, and does nothing else, within a
            segment.
        tail: what follows it for now. ``stable + tail`` is ``text``, unless the recognizer took
            back words that had been stable.
        delta: what ``stable`` has grown by since the partial before.
    """

    kind: Literal["partial"] = "partial"
    text: Text
    stable: Text = ""
    tail: Text = ""
    delta: Text = ""
    speaker: str | None = None
    language: str | None = None


class Final(FrozenModel):
    """A segment that will not change. Its text is empty where speech held no words."""

    kind: Literal["final"] = "final"
    segment: Segment


class SpeechEnded(FrozenModel):
    """Speech ends at ``at``."""

    kind: Literal["speech_ended"] = "speech_ended"
    at: Seconds


class Reconnecting(FrozenModel):
    """There is no connection; another attempt follows, from the last second that is settled.

    Attributes:
        attempt: 1 for the first since the service was there and got further; whoever makes it.
        delay: seconds until it is made.
        reason: what went wrong.
    """

    kind: Literal["reconnecting"] = "reconnecting"
    attempt: int
    delay: Seconds
    reason: str


class AudioGap(TimeSpan):
    """Audio that was sent and will not be recognized, and why."""

    kind: Literal["audio_gap"] = "audio_gap"
    reason: str


class Ended(FrozenModel):
    """The session is over and everything up to ``position`` was recognized or is silence."""

    kind: Literal["ended"] = "ended"
    position: Seconds


class ErrorInfo(FrozenModel):
    """An error as data.

    Attributes:
        type: the name of its class.
        message: what failed and the remedy.
        code: the service's own code for it, where it gave one.
        retryable: whether the same may succeed later.
    """

    type: str
    message: str
    code: str | None = None
    retryable: bool = False


class Failed(FrozenModel):
    """The session is over because the recognizer failed."""

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
    | Reconnecting
    | AudioGap
    | Ended
    | Failed,
    Field(discriminator="kind"),
]

#: Any one kind of them.
E = TypeVar(
    "E",
    Started,
    SpeechStarted,
    Partial,
    Final,
    SpeechEnded,
    Reconnecting,
    AudioGap,
    Ended,
    Failed,
)
