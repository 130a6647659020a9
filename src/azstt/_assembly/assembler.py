"""Events in, a transcript or an error out. Pure: no clock, no thread, no socket."""

from __future__ import annotations

from typing import TypedDict, Unpack

from azstt._assembly.ledger import TOLERANCE, LedgerBook
from azstt._errors import IncompleteTranscriptError, RecognitionError
from azstt._events import Ended, Event, Failed, Final, Started
from azstt._result import Gap, Segment, Usage
from azstt._transcript import Transcript


class Account(TypedDict):
    """What the session's events can't tell.

    Attributes:
        decoded: seconds that came out of the decoder.
        sent: seconds that the recognizer took.
        damage: what was lost in decoding.
        usage: what it took.
        over: whether the session is, so that what has no answer yet will have none.
    """

    decoded: float
    sent: float
    damage: tuple[Gap, ...]
    usage: Usage
    over: bool


class Assembler:
    """Collects one session's events.

    Args:
        backend: the recognizer's name.
        language: what was asked for, if one language was.
    """

    def __init__(self, *, backend: str, language: str | None = None) -> None:
        self._backend: str = backend
        self._language: str | None = language
        self._model: str | None = None
        self._segments: list[Segment] = []
        self._book: LedgerBook = LedgerBook()
        self._ended: bool = False
        self._failure: RecognitionError | None = None

    @property
    def over(self) -> bool:
        """Whether `Ended` or `Failed` has come."""
        return self._ended or self._failure is not None

    @property
    def heard(self) -> float:
        """How far into the audio the recognizer has said anything, in seconds."""
        return self._book.heard

    def add(self, event: Event) -> None:
        """Take the next event."""
        self._book.add(event)
        match event:
            case Started(model=model):
                self._model = model
            case Final(segment=segment) if segment.text:
                self._segments.append(segment)
            case Ended():
                self._ended = True
            case Failed(error=error):
                self._failure = error
            case _:
                pass

    def so_far(self, **account: Unpack[Account]) -> Transcript:
        """Give what there is now, complete or not."""
        segments = tuple(sorted(self._segments, key=lambda segment: segment.start))
        spoken = next((segment.language for segment in segments if segment.language), None)
        return Transcript(
            segments=segments,
            duration=account["sent"],
            language=spoken or self._language,
            backend=self._backend,
            model=self._model,
            ledger=self._book.close(
                account["decoded"], account["sent"], account["damage"], over=account["over"]
            ),
            usage=account["usage"],
        )

    def complete(self, **account: Unpack[Account]) -> Transcript:
        """Give the whole transcript.

        Raises:
            RecognitionError: the recognizer failed (`Failed`).
            IncompleteTranscriptError: seconds of audio are unaccounted for. Both carry what
                there is as ``.partial``.
        """
        transcript = self.so_far(**account)
        if self._failure is not None:
            self._failure.partial = transcript
            raise self._failure
        missing = transcript.ledger.unaccounted
        if missing > TOLERANCE:
            error = IncompleteTranscriptError(
                f"{missing:.1f} of {transcript.duration:.1f} s of audio have no result, no "
                "reported silence and no named gap",
                backend=self._backend,
                hint="the ledger of the partial transcript says where",
            )
            error.partial = transcript
            raise error
        return transcript
