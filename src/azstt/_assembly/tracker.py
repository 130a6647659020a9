"""A session's results: from the recognizer's events to those the user gets. Pure."""

from __future__ import annotations

from collections.abc import Callable

from azstt._assembly.assembler import Account, Assembler
from azstt._assembly.lag import Lag
from azstt._assembly.latency import Latency
from azstt._assembly.ledger import DROPPED
from azstt._assembly.stability import PartialStabilizer
from azstt._assembly.timeline import Timeline
from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceError
from azstt._events import AudioGap, Event, Failed, Final, Partial, Reconnecting
from azstt._result import Usage
from azstt._transcript import Transcript
from azstt._words.times import locate_words


class ResultTracker:
    """Converts event times, finds the stable text of partials, collects the transcript.

    The recognizer counts the audio that it was given. Two timelines lead from there to the media:
    one puts back the audio that was dropped, which gives a place in the decoder's output; the
    decoder's own gives the media's time of that.

    Attributes:
        last_error: the last error of a recognizer that is reconnecting; None once it has results.

    Args:
        backend: the recognizer's name.
        language: the requested language, if exactly one was requested.
        strict: whether a transcript of media that lack something is an error.
        media: returns the decoder's timeline.
    """

    def __init__(
        self,
        *,
        backend: str,
        language: str | None,
        strict: bool = False,
        media: Callable[[], Timeline] = Timeline,
    ) -> None:
        self.latency: Latency = Latency()
        self.lag: Lag = Lag()
        self.reconnects: int = 0
        self.last_error: RecognitionError | None = None
        self._backend: str = backend
        self._assembler: Assembler = Assembler(backend=backend, language=language, strict=strict)
        self._dropped: Timeline = Timeline()
        self._media: Callable[[], Timeline] = media
        self._stabilizer: PartialStabilizer = PartialStabilizer()
        self._first_result: float | None = None

    @property
    def over(self) -> bool:
        """Whether `Ended` or `Failed` has arrived."""
        return self._assembler.over

    @property
    def heard(self) -> float:
        """The media's time that the recognizer's events have reached."""
        return self._assembler.heard

    def add(self, event: Event, now: float) -> Event:
        """Take the recognizer's next event, at ``now`` seconds; return the one for the user."""
        event = self._media().place(self._dropped.place(event))
        match event:
            case Partial():
                event = self._stabilizer.partial(event)
                self.latency.partial(event.end, now)
            case Final(segment=segment):
                if (located := locate_words(segment)) is not segment:
                    event = Final(segment=located)
                self._stabilizer.settled()
                if segment.text:
                    self.latency.final(segment.end, now)
                    self._first_result = self._first_result or now
            case Reconnecting():
                self.reconnects += 1
            case _:
                pass
        self._note_error(event)
        self.lag.add(event)
        self._assembler.add(event)
        return event

    def _note_error(self, event: Event) -> None:
        """Keep the last error until there are results; a time-out says less than other errors."""
        match event:
            case Reconnecting(reason=reason, error=error):
                error = error or ServiceError(reason, backend=self._backend)
                if self.last_error is None or not isinstance(error, RecognitionTimeoutError):
                    self.last_error = error
            case Failed() | AudioGap():
                pass
            case _:
                self.last_error = None

    def drop(self, taken: float, at: float, seconds: float) -> Event:
        """Note that audio was dropped; return the `AudioGap` for the user.

        Args:
            taken: seconds of audio that the recognizer had taken before.
            at: where the dropped audio begins in the decoder's output, in seconds.
            seconds: its duration.
        """
        gap = self._media().place(AudioGap(start=at, end=at + seconds, reason=DROPPED))
        self._dropped.jump(taken, seconds)
        self._assembler.add(gap)
        return gap

    def usage(self, audio_seconds: float, now: float, *, behind: float = 0.0) -> Usage:
        """Return what the session has consumed so far."""
        return Usage(
            audio_seconds=audio_seconds,
            wall_seconds=now,
            first_result_latency=self._first_result,
            first_partial_latency=self.latency.first_partial,
            final_latency=self.latency.of_finals,
            reconnects=self.reconnects,
            behind=behind,
        )

    def so_far(self, account: Account) -> Transcript:
        """Return the transcript of what has arrived so far, complete or not."""
        return self._assembler.so_far(**account)

    def complete(self, account: Account) -> Transcript:
        """Return the complete transcript.

        Raises:
            RecognitionError: the recognizer failed.
            IncompleteTranscriptError: some audio is unaccounted for, or missing and ``strict``.
        """
        return self._assembler.complete(**account)
