"""Speech probabilities in, segments of speech out. Pure; counts in frames of `FRAME` samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

#: Samples per frame: what the voice activity detector scores at a time (32 ms at 16 kHz).
FRAME = 512
RATE = 16_000

#: A run of speech: its first frame and the frame after its last.
Run: TypeAlias = tuple[int, int]


def frames(seconds: float) -> int:
    """Return the number of whole frames nearest to a duration."""
    return round(seconds * RATE / FRAME)


def seconds(frame: int) -> float:
    """Return the time at which a frame begins."""
    return frame * FRAME / RATE


@dataclass(frozen=True, kw_only=True)
class VadParameters:
    """Where to cut, in Silero's terms; durations are in frames.

    Silero ends a run of speech and a segment after the same silence, ``min_silence``. Here a
    segment may hold several runs: ``hangover`` ends a run, ``min_silence`` the segment.

    Attributes:
        threshold: the probability at which speech begins.
        neg_threshold: the probability below which speech may end (hysteresis).
        min_speech: a run shorter than this is a click, not speech.
        hangover: the silence that ends a run of speech, or ``min_silence`` if that is shorter.
        min_silence: a segment ends after more silence than this.
        max_speech: the longest segment, not counting the padding.
        speech_pad: silence kept on either side of a segment, for soft onsets and endings.
    """

    threshold: float = 0.5
    neg_threshold: float = 0.35
    min_speech: int = frames(0.15)
    hangover: int = frames(0.35)
    min_silence: int = frames(2.0)
    max_speech: int = frames(15.0)
    speech_pad: int = frames(0.2)


@dataclass(frozen=True)
class SegmentOpened:
    """Speech began: a segment is open from ``start``, padding included."""

    start: int


@dataclass(frozen=True)
class SegmentClosed:
    """The open segment is complete.

    Attributes:
        start: its first frame, padding included.
        end: the frame after its last, padding included; may be past the end of the audio.
        runs: the runs of speech in it, without padding.
    """

    start: int
    end: int
    runs: tuple[Run, ...]


SegmentBoundary: TypeAlias = SegmentOpened | SegmentClosed


class Endpointer:
    """Cuts a stream of speech probabilities, one per frame, into segments as they arrive.

    `SegmentOpened` comes once the first run of a segment has lasted ``min_speech``,
    `SegmentClosed` once the silence after it exceeds ``min_silence``. The two alternate, and
    segments never overlap. The iterators must be exhausted.
    """

    def __init__(self, vad: VadParameters | None = None) -> None:
        self._vad: VadParameters = vad or VadParameters()
        self._now: int = 0
        self._runs: list[Run] = []  # completed runs of the open segment
        self._run: int | None = None  # where the current run began
        self._speech_end: int = 0  # the frame after the last that was speech
        self._confirmed: bool = False  # the current run has lasted long enough to be speech
        # Until this frame, faint speech continues although a cut has ended its run.
        self._faint_until: int = 0
        self._probabilities: list[float] = []  # of the current run, to find where to split it
        self._previous_end: int | None = None  # where speech ended in the previous segment
        self._start: int | None = None  # where the open segment starts, padding included

    @property
    def opened(self) -> int | None:
        """Where the open segment starts, padding included; None between segments."""
        return self._start

    @property
    def speech_end(self) -> int:
        """The frame after the last that was speech."""
        return self._speech_end

    @property
    def needed(self) -> int:
        """The first frame whose audio may still become part of a segment."""
        if self._start is not None:
            return self._start
        return self._padded_start(self._now if self._run is None else self._run)

    def push(self, probability: float) -> Iterator[SegmentBoundary]:
        """Take the next frame's probability of speech."""
        self._now += 1
        self._track(probability)
        if self._run is None:
            if self._runs and self._now - self._runs[-1][1] > self._vad.min_silence:
                yield self._close(self._now)
            return
        if not self._confirmed and self._speech_end - self._run >= self._vad.min_speech:
            self._confirmed = True
        if self._confirmed:
            yield from self._extend(self._run)

    def cut(self) -> Iterator[SegmentBoundary]:
        """Close the open segment here and now; speech that continues opens another.

        A run that is still too short to be speech is left alone: it may open the next segment.
        """
        if self._confirmed and self._run is not None:
            self._faint_until = self._speech_end + self._hangover
            self._end_run()
        if self._runs:
            yield self._close(self._now if self._run is None else self._run)

    def finish(self) -> Iterator[SegmentBoundary]:
        """Close the open segment at the end of the audio."""
        if self._run is not None:
            self._end_run()
        if self._runs:
            # No segment follows that could share the silence, so the padding is whole.
            yield self._close(self._runs[-1][1] + 2 * self._vad.speech_pad)

    @property
    def _hangover(self) -> int:
        return min(self._vad.hangover, self._vad.min_silence)

    def _track(self, probability: float) -> None:
        """Update the current run: hysteresis and hangover."""
        if self._run is None:
            faint = self._now <= self._faint_until
            if probability < (self._vad.neg_threshold if faint else self._vad.threshold):
                return
            self._run, self._probabilities, self._confirmed = self._now - 1, [], False
        self._probabilities.append(probability)
        if probability >= self._vad.neg_threshold:
            self._speech_end = self._now
        elif self._now - self._speech_end >= self._hangover:
            self._end_run()

    def _end_run(self) -> None:
        if self._confirmed and self._run is not None:
            self._runs.append((self._run, self._speech_end))
        self._run = None

    def _extend(self, run: int) -> Iterator[SegmentBoundary]:
        """Keep the current run in the open segment, or open one for it."""
        if self._runs:
            first, last = self._runs[0][0], self._runs[-1][1]
            too_late = run - last > self._vad.min_silence
            if too_late or self._speech_end - first > self._vad.max_speech:
                yield self._close(run)
        if self._start is None:
            yield self._open(run)
        if self._speech_end - run >= self._vad.max_speech:
            yield from self._split(run)

    def _split(self, run: int) -> Iterator[SegmentBoundary]:
        """Split a run that lasts too long where speech is least likely, in its second half."""
        half = self._vad.max_speech // 2
        later = self._probabilities[half:]
        at = half + later.index(min(later))
        self._probabilities = self._probabilities[at:]
        self._runs.append((run, run + at))
        yield self._close(run + at)
        self._run = run + at
        yield self._open(run + at)

    def _open(self, run: int) -> SegmentOpened:
        self._start = self._padded_start(run)
        return SegmentOpened(self._start)

    def _close(self, following: int) -> SegmentClosed:
        """Close the open segment; speech continues, or may continue, at ``following``."""
        runs, end, start = tuple(self._runs), self._runs[-1][1], self._start or 0
        self._runs, self._start, self._previous_end = [], None, end
        return SegmentClosed(start, end + min(self._vad.speech_pad, (following - end) // 2), runs)

    def _padded_start(self, run: int) -> int:
        """Return a start with padding: at most half of the silence that two segments share."""
        if self._previous_end is None:
            return max(0, run - self._vad.speech_pad)
        return run - min(self._vad.speech_pad, (run - self._previous_end) // 2)
