"""A session's events to a transcript or an error. Pure: no clock, no thread, no socket."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import TypedDict, Unpack

from azstt._assembly.ledger import LedgerBook, Rest
from azstt._assembly.missing import describe, where
from azstt._errors import IncompleteTranscriptError, RecognitionError
from azstt._events import Ended, Event, Failed, Final, Started
from azstt._result import TOLERANCE, AudioTrack, Gap, Segment, Usage
from azstt._transcript import Transcript

_START = attrgetter("start")


class Account(TypedDict):
    """What a transcript needs to know and the session's events don't tell.

    Attributes:
        begin: the media's time at which the selected part begins, in seconds.
        decoded: seconds of media from there to where the decoder has come.
        sent: seconds of media from there to where the recognizer accepted audio.
        missing: what the media lacks.
        track: the audio track that is decoded; None until it is known.
        usage: what the transcription consumed.
        rest: the reason of gaps where there is no result: one of those in the ledger's module.
    """

    begin: float
    decoded: float
    sent: float
    missing: tuple[Gap, ...]
    track: AudioTrack | None
    usage: Usage
    rest: Rest


class Assembler:
    """Builds a transcript from one session's events.

    Args:
        backend: the recognizer's name.
        language: the requested language, if exactly one was requested.
        strict: whether a transcript of media that lack something is an error.
    """

    def __init__(self, *, backend: str, language: str | None = None, strict: bool = False) -> None:
        self._strict: bool = strict
        self._backend: str = backend
        self._language: str | None = language
        self._model: str | None = None
        self._segments: list[Segment] = []  # in order of time
        self._spoken: Segment | None = None  # the first one with a language
        self._book: LedgerBook = LedgerBook()
        self._ended: bool = False
        self._failure: RecognitionError | None = None

    @property
    def over(self) -> bool:
        """Whether `Ended` or `Failed` has arrived."""
        return self._ended or self._failure is not None

    @property
    def heard(self) -> float:
        """The media's time that the recognizer's events have reached."""
        return self._book.heard

    def add(self, event: Event) -> None:
        """Add the next event."""
        self._book.add(event)
        match event:
            case Started(model=model):
                self._model = model
            case Final(segment=segment) if segment.text:
                insort(self._segments, segment, key=_START)
                spoken = self._spoken
                if segment.language and (spoken is None or segment.start < spoken.start):
                    self._spoken = segment
            case Ended():
                self._ended = True
            case Failed(error=error):
                self._failure = error
            case _:
                pass

    def so_far(self, **account: Unpack[Account]) -> Transcript:
        """Return the transcript of what has arrived so far, complete or not."""
        transcript = Transcript(
            duration=account["sent"],
            language=self._spoken.language if self._spoken else self._language,
            backend=self._backend,
            model=self._model,
            track=account["track"],
            ledger=self._book.close(
                account["decoded"],
                account["sent"],
                account["missing"],
                begin=account["begin"],
                rest=account["rest"],
            ),
            usage=account["usage"],
        )
        # They were validated when they came; that of thousands would take too long each time.
        return transcript.model_copy(update={"segments": tuple(self._segments)})

    def complete(self, **account: Unpack[Account]) -> Transcript:
        """Return the complete transcript.

        Raises:
            RecognitionError: the recognizer failed (`Failed`).
            IncompleteTranscriptError: some audio is unaccounted for, or missing and ``strict``.
                Like the error above it carries the transcript so far as ``.partial``.
        """
        transcript = self.so_far(**account)
        if self._failure is not None:
            self._failure.partial = transcript
            raise self._failure
        if (complaint := self._complaint(transcript)) is not None:
            error = IncompleteTranscriptError(
                f"incomplete transcript: {complaint}", backend=self._backend
            )
            error.partial = transcript
            raise error
        return transcript

    def _complaint(self, transcript: Transcript) -> str | None:
        """Return why a transcript is an error, if it is one."""
        gaps = transcript.ledger.gaps
        if (lost := transcript.ledger.unaccounted) > TOLERANCE:
            return (
                f"{lost:.1f} of {transcript.duration:.1f} s of audio have no result and no "
                f"reported silence, {where([gap for gap in gaps if gap.reason == 'unaccounted'])}"
            )
        if self._strict and not transcript.complete:
            return "; ".join(describe(gaps))
        return None
