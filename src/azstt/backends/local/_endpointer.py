"""Speech probabilities in, segments of speech out. Pure; counts in frames of `FRAME` samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

#: Samples a frame: what the voice activity detector judges in one piece (32 ms at 16 kHz).
FRAME = 512
RATE = 16_000

#: A run of speech: its first frame and the frame after its last.
Run: TypeAlias = tuple[int, int]


def frames(seconds: float) -> int:
    """Give the whole frames nearest to a time."""
    return round(seconds * RATE / FRAME)


def seconds(frame: int) -> float:
    """Give the time at which a frame begins."""
    return frame * FRAME / RATE


@dataclass(frozen=True, kw_only=True)
class VadParameters:
    """Where to cut, in frames.

    Attributes:
        on: the probability from which silence becomes speech.
        off: the probability below which speech may become silence (hysteresis).
        shortest: a run of speech shorter than this is a click, not speech.
        hangover: silence that ends a run of speech.
        join: runs with at most this much silence between them are one segment.
        longest: no segment is longer, padding aside.
        padding: silence kept around a segment: soft beginnings and ends lie in it.
    """

    on: float = 0.5
    off: float = 0.35
    shortest: int = frames(0.15)
    hangover: int = frames(0.35)
    join: int = frames(2.0)
    longest: int = frames(15.0)
    padding: int = frames(0.2)


@dataclass(frozen=True)
class Opened:
    """Speech began: a segment is open from ``start``, padding included."""

    start: int


@dataclass(frozen=True)
class Closed:
    """The open segment is complete.

    Attributes:
        start: its first frame, padding included.
        end: the frame after its last, padding included; may lie behind the end of the audio.
        runs: the runs of speech in it, without padding.
    """

    start: int
    end: int
    runs: tuple[Run, ...]


Mark: TypeAlias = Opened | Closed


class Segmenter:
    """Cuts a stream of speech probabilities, one a frame, into segments as they arrive.

    A segment is announced by `Opened` once its first run has lasted, and given by `Closed` once
    the silence after it is too long to bridge. The two alternate, and segments never overlap.
    """

    def __init__(self, cutting: VadParameters | None = None) -> None:
        self._cut: VadParameters = cutting or VadParameters()
        self._now: int = 0
        self._runs: list[Run] = []  # of the open segment, complete
        self._run: int | None = None  # where the run under way began
        self._voiced: int = 0  # the frame after its last that was no silence
        self._confirmed: bool = False  # it has lasted long enough to be speech
        self._faint_until: int = (
            0  # up to here faint speech goes on, though a cut has ended its run
        )
        self._levels: list[float] = []  # its probabilities, to find the best place for a split
        self._last: int | None = None  # the end of speech in the segment before
        self._start: int | None = None  # where the open segment starts, padding included

    @property
    def opened(self) -> int | None:
        """Where the open segment starts, padding included; None between segments."""
        return self._start

    @property
    def voiced(self) -> int:
        """The frame after the last that was speech."""
        return self._voiced

    @property
    def needed(self) -> int:
        """The first frame whose audio may yet become part of a segment."""
        if self._start is not None:
            return self._start
        return self._padded_start(self._now if self._run is None else self._run)

    def push(self, probability: float) -> Iterator[Mark]:
        """Take the next frame's probability of speech; iterate to the end."""
        self._now += 1
        self._track(probability)
        if self._run is None:
            if self._runs and self._now - self._runs[-1][1] > self._cut.join:
                yield self._close(self._now)
            return
        if not self._confirmed and self._voiced - self._run >= self._cut.shortest:
            self._confirmed = True
        if self._confirmed:
            yield from self._fit(self._run)

    def cut(self) -> Iterator[Mark]:
        """Close what is open, here and now; speech that goes on opens another; iterate to the end.

        A run too short to be called speech yet is left as it is: it may become the next segment.
        """
        if self._confirmed and self._run is not None:
            self._faint_until = self._voiced + self._hangover
            self._end_run()
        if self._runs:
            yield self._close(self._now if self._run is None else self._run)

    def finish(self) -> Iterator[Mark]:
        """Close what is open: the audio ends here; iterate to the end."""
        if self._run is not None:
            self._end_run()
        if self._runs:
            # nothing follows that could want half of the silence
            yield self._close(self._runs[-1][1] + 2 * self._cut.padding)

    @property
    def _hangover(self) -> int:
        return min(self._cut.hangover, self._cut.join)

    def _track(self, probability: float) -> None:
        """Follow the run under way: hysteresis and hangover."""
        if self._run is None:
            if probability < (self._cut.off if self._now <= self._faint_until else self._cut.on):
                return
            self._run, self._levels, self._confirmed = self._now - 1, [], False
        self._levels.append(probability)
        if probability >= self._cut.off:
            self._voiced = self._now
        elif self._now - self._voiced >= self._hangover:
            self._end_run()

    def _end_run(self) -> None:
        if self._confirmed and self._run is not None:
            self._runs.append((self._run, self._voiced))
        self._run = None

    def _fit(self, run: int) -> Iterator[Mark]:
        """Keep the run under way in the open segment, or open one for it."""
        if self._runs:
            first, last = self._runs[0][0], self._runs[-1][1]
            if run - last > self._cut.join or self._voiced - first > self._cut.longest:
                yield self._close(run)
        if self._start is None:
            yield self._open(run)
        if self._voiced - run >= self._cut.longest:
            yield from self._split(run)

    def _split(self, run: int) -> Iterator[Mark]:
        """End a run that lasts too long where speech was least likely, in its second half."""
        half = self._cut.longest // 2
        later = self._levels[half:]
        cut = half + later.index(min(later))
        self._levels = self._levels[cut:]
        self._runs.append((run, run + cut))
        yield self._close(run + cut)
        self._run = run + cut
        yield self._open(run + cut)

    def _open(self, run: int) -> Opened:
        self._start = self._padded_start(run)
        return Opened(self._start)

    def _close(self, following: int) -> Closed:
        """Close the open segment; at ``following`` speech goes on, or may."""
        runs, end, start = tuple(self._runs), self._runs[-1][1], self._start or 0
        self._runs, self._start, self._last = [], None, end
        return Closed(start, end + min(self._cut.padding, (following - end) // 2), runs)

    def _padded_start(self, run: int) -> int:
        """Pad a start by at most half of the silence before it, which two segments share."""
        if self._last is None:
            return max(0, run - self._cut.padding)
        return run - min(self._cut.padding, (run - self._last) // 2)
