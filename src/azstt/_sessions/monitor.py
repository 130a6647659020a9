"""Follows a transcription on the event loop: results, account, stalls and the end."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from time import monotonic
from typing import NamedTuple, Protocol

import anyio

from azstt._assembly.assembler import Account
from azstt._assembly.channels import merge
from azstt._assembly.ledger import Rest
from azstt._assembly.timeline import Timeline
from azstt._assembly.tracker import ResultTracker
from azstt._audio import DecodeReport
from azstt._errors import (
    RecognitionError,
    RecognitionTimeoutError,
    ServiceError,
    keep_partial,
    tell_last_error,
)
from azstt._events import AudioGap, Ended, Event, Failed
from azstt._options import RecognitionOptions
from azstt._result import AudioTrack, Gap, Usage
from azstt._sessions.pcm_queue import Call, Dropped
from azstt._sessions.watchdog import StallDetector
from azstt._transcript import Transcript
from azstt.backends import QueuingSession, RecognizerBackend, RecognizerSession


class AudioAccount(NamedTuple):
    """What became of the decoder's output so far, in seconds of one channel.

    Attributes:
        decoded: how much there was.
        taken: how much the recognizer took.
        dropped: how much was dropped.
        undecoded: whether more had been sent when the session was closed, of unknown length.
    """

    decoded: float
    taken: float
    dropped: float
    undecoded: bool = False


class PcmSource(Protocol):
    """The audio of a transcription: opened and iterated over by the feeder's thread."""

    def open(self) -> AbstractContextManager[tuple[int, Iterable[bytes | Call]]]:
        """Open it: the number of channels, then interleaved PCM and calls; may block."""
        ...

    def cancel(self) -> None:
        """End the iteration if that is possible; called on any thread. Idempotent."""
        ...

    def account(self) -> AudioAccount:
        """Return what became of the audio so far."""
        ...

    def timeline(self) -> Timeline:
        """Return the map from the decoder's output to the media."""
        ...

    def report(self) -> DecodeReport | None:
        """Return what the decoder found, once it knows."""
        ...


class Monitor:
    """Follows the sessions that transcribe a source; a subclass takes the events.

    Attributes:
        source: the audio.
        started: whether all sessions take audio.
        over: whether this is the end: after the last `Ended`, a failure or `stop`.
        failure: what ended it, if that was an error.
        sessions: the sessions, one for each channel; appended to by the feeder's thread.
        in_call: whether a session has a call to return from; written by the feeder's thread.
        source_is_over: whether sessions may end; written by the feeder's thread.
        progress: when a call last began or returned, or an event came, in seconds of `monotonic`;
            written on the threads where that happens.

    Args:
        backend: the recognizer.
        options: its options.
        source: the audio.
        strict: whether a transcript of media that lack something is an error.
        begin: the media's time at which the selected part begins, in seconds.
    """

    def __init__(
        self,
        backend: RecognizerBackend,
        options: RecognitionOptions,
        source: PcmSource,
        *,
        strict: bool,
        begin: float = 0.0,
    ) -> None:
        self.source: PcmSource = source
        self.started: bool = False
        self.over: bool = False
        self.failure: BaseException | None = None
        self.sessions: list[RecognizerSession] = []
        self.in_call: bool = False
        self.source_is_over: bool = False
        self.progress: float = monotonic()
        self._backend: RecognizerBackend = backend
        self._options: RecognitionOptions = options
        self._strict: bool = strict
        self._begin: float = begin
        self._trackers: list[ResultTracker] = []
        self._changed: anyio.Event = anyio.Event()
        self._began: float = monotonic()
        self._stall: StallDetector = StallDetector(backend.capabilities.stall_timeout)
        self.track(1)

    def deliver(self, event: Event) -> None:
        """Take an event as the user is to see it."""
        raise NotImplementedError

    def stop(self) -> None:
        """Mark the end; nothing is delivered afterwards."""
        self.over = True
        self.notify()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return monotonic() - self._began

    def reached(self, output: float) -> float:
        """Return how many seconds of the selected media precede a place in the decoder's output.

        Once the source is over, a hole that the selected part ends in is behind it, too.
        """
        ends = [self.source.timeline().end(output)]
        if self.source_is_over and (report := self.source.report()):
            ends += [gap.at + gap.span for gap in report.missing if gap.span]
        return max(0.0, max(ends) - self._begin)

    @property
    def last_error(self) -> RecognitionError | None:
        """The last error of a session that is reconnecting, if one is."""
        return next((tracker.last_error for tracker in self._trackers if tracker.last_error), None)

    def transcript(self) -> Transcript:
        """Return what has been recognized so far."""
        transcripts = [tracker.so_far(self._account(tracker)) for tracker in self._trackers]
        return merge(transcripts) if self._options.channels == "separate" else transcripts[0]

    def raise_failure(self) -> None:
        """Raise what ended it, if that was an error."""
        if self.failure is not None:
            raise self.failure

    def notify(self) -> None:
        """Wake everyone in `wait`: something has changed."""
        self._changed.set()
        self._changed = anyio.Event()

    async def wait(self, seconds: float) -> None:
        """`check`, then wait for `notify` for so many seconds at most.

        Callers repeat this; the check comes first because a caller may cancel every wait.
        """
        self.check()
        if not self.over:
            with anyio.move_on_after(seconds):
                await self._changed.wait()

    def check(self) -> None:
        """Give up on a recognizer that has stalled, or that has ended before the audio."""
        if self.over:
            return
        queuing = (session for session in self.sessions if isinstance(session, QueuingSession))
        progress = max([self.progress, *(session.last_progress for session in queuing)])
        waiting = self.in_call or self.source_is_over
        try:
            if self._stall.is_over(progress, monotonic(), waiting=waiting):
                raise RecognitionTimeoutError(
                    f"stalled: no audio accepted and no result for {self._stall.limit:g} s",
                    backend=self._backend.name,
                    hint="try again",
                )
            if not self.source_is_over and any(tracker.over for tracker in self._trackers):
                self._check_end()
        except RecognitionError as error:
            self.on_failure(error)

    def track(self, channels: int) -> None:
        """Track one session for each channel."""
        backend = self._backend
        language = self._options.language or (backend.capabilities.default_language,)
        one = language[0] if len(language) == 1 else None
        while len(self._trackers) < channels:
            tracker = ResultTracker(
                backend=backend.name,
                language=one,
                strict=self._strict,
                media=self.source.timeline,
            )
            self._trackers.append(tracker)

    def on_started(self) -> None:
        """All sessions take audio."""
        self.started = True
        self.notify()

    def on_audio(self, position: float) -> None:
        """Remember when audio up to here came, for the latency of its words; on any thread."""
        self._trackers[0].latency.sent(self.source.timeline().end(position), self.elapsed)

    def on_gap(self, gap: AudioGap) -> None:
        """Deliver that the media lack something."""
        if not self.over:
            self.deliver(gap)

    def on_drop(self, dropped: Dropped) -> None:
        """Deliver that audio was dropped."""
        if not self.over:
            self.deliver(self._trackers[0].drop(*dropped))

    def on_event(self, channel: int, event: Event) -> None:
        """Track and deliver an event; after the last one, check that nothing is missing."""
        if self.over:
            return
        try:
            event = self._trackers[channel].add(event, self.elapsed)
            match event:
                case Failed(error=error):
                    self.on_failure(error)
                case Ended() if all(tracker.over for tracker in self._trackers):
                    self._check_end()
                    self.deliver(event)
                    self.stop()
                case _:
                    self.deliver(event)
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits
            self.on_failure(error)

    def on_failure(self, error: BaseException) -> None:
        """End with an error, which gets what was recognized; see `partial_of`."""
        if not self.over:
            if isinstance(error, RecognitionTimeoutError):
                tell_last_error(error, self.last_error)
            self.failure = error
            self.stop()
            keep_partial(error, self.transcript())

    def _check_end(self) -> None:
        """Raise if audio is missing where a session has ended, or will never be recognized."""
        for tracker in self._trackers:
            if tracker.over:
                tracker.complete({**self._account(tracker), "rest": "unaccounted"})
        if not self.source_is_over:
            _, taken, dropped, _ = self.source.account()
            at = self._begin + self.reached(taken + dropped)
            raise ServiceError(
                f"the recognizer ended the session at {at:.1f} s, before the audio was over",
                backend=self._backend.name,
            )

    def _account(self, tracker: ResultTracker) -> Account:
        decoded, taken, dropped, undecoded = self.source.account()
        report, rest = self.source.report(), self._rest(tracker)
        missing = report.missing if report else ()
        if rest == "closed" and undecoded:
            missing += (Gap(at=self._begin + self.reached(decoded), seconds=None, reason=rest),)
        return {
            "begin": self._begin,
            "decoded": self.reached(decoded),
            # What still waits when a session is closed is dropped.
            "sent": self.reached(decoded if rest == "closed" else taken + dropped),
            "missing": missing,
            "track": _track(report) if report else None,
            "usage": self._usage(tracker),
            "rest": rest,
        }

    def _usage(self, tracker: ResultTracker) -> Usage:
        decoded, taken, dropped, _ = self.source.account()
        end = self.source.timeline().end
        behind = 0.0 if self.over else tracker.lag.behind(end(decoded), end(taken + dropped))
        return tracker.usage(taken, self.elapsed, behind=behind)

    def _rest(self, tracker: ResultTracker) -> Rest:
        """Return why audio has no result, if some has none."""
        if not self.over:
            return "pending"
        return "unaccounted" if tracker.over or self.failure else "closed"


def _track(report: DecodeReport) -> AudioTrack:
    return AudioTrack(number=report.track, count=report.tracks, canceled=report.canceled)
