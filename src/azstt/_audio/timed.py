"""Decoded frames to PCM on the media's timeline: silence and jumps where the media has holes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from av.audio.frame import AudioFrame

from azstt._audio.clock import MediaClock, Placed
from azstt._audio.report import ABSENT, DAMAGED, Tally
from azstt._audio.resample import Resampler

#: Seconds of audio before a hole that make no difference to a late start: in an AVI, libav gives
#: the first frame the time of the empty chunk at the beginning.
_LATE_START: Final = 0.15


class TimedResampler:
    """Puts frames on the media's timeline and converts them to PCM.

    Args:
        resampler: converts the frames of one recording.
        clock: knows where they belong.
        tally: records holes and losses.
        pause: seconds up to which a hole is a pause of the codec (discontinuous transmission)
            and nothing is missing.
    """

    def __init__(
        self,
        resampler: Resampler,
        clock: MediaClock[AudioFrame],
        tally: Tally,
        *,
        pause: float = 0.0,
    ) -> None:
        self._resampler = resampler
        self._clock = clock
        self._tally = tally
        self._pause = pause
        self._timed = False  # whether there was a timestamp
        self._lost: float | None = None  # seconds lost since the last frame; None is no damage
        self._losses: list[float | None] = []  # the same before each frame that the clock holds

    @property
    def position(self) -> float:
        """Seconds of output so far, including what the resampler still holds."""
        return self._tally.base + self._resampler.seconds

    def push(self, frame: AudioFrame, time: float | None) -> None:
        """Add a frame, with its timestamp in seconds if it has one.

        Raises:
            FFmpegError: the frame is inconsistent; it is skipped.
        """
        seconds = frame.samples / frame.sample_rate
        if self._lost is None and self._clock.follows(time, seconds):
            self._timed = self._timed or time is not None
            self._resampler.push(frame)
            return
        lost = None
        if time is not None or not self._timed:  # otherwise a later timestamp tells where it is
            lost, self._lost = self._lost, None
        self._timed = self._timed or time is not None
        self._losses.append(lost)
        for placed in self._clock.take(time, seconds, frame, lost=lost):
            self._place(placed)

    def lose(self, seconds: float, packets: int = 1) -> None:
        """Note that something could not be read before the next frame.

        Args:
            seconds: how much, as far as the packets tell; the timestamps of the next frame tell
                better if they leave a hole.
            packets: how many packets.
        """
        self._lost = (self._lost or 0.0) + seconds
        self._tally.packets += packets

    def pull(self) -> Iterator[bytes]:
        """Yield the PCM that is ready."""
        return self._resampler.pull()

    def flush(self) -> Iterator[bytes]:
        """Yield the remaining PCM."""
        for placed in self._clock.flush():
            self._place(placed)
        self._enter_loss(self._lost or 0.0)
        self._lost = None
        yield from self._resampler.flush()

    def _place(self, placed: Placed[AudioFrame]) -> None:
        hole, at, frame = placed
        lost = self._losses.pop(0)
        if hole:
            self._enter_hole(hole, at, frame, damaged=lost is not None)
        self._enter_loss((lost or 0.0) - max(0.0, hole))
        self._resampler.push(frame)

    def _enter_hole(self, hole: float, at: float, frame: AudioFrame, *, damaged: bool) -> None:
        """Put silence before a frame, as the hole before it demands, and say what is missing."""
        reason: str | None = DAMAGED
        if not damaged:
            late_start = at <= _LATE_START
            reason = None if late_start or hole <= self._pause else ABSENT
        fill = self._tally.hole(self.position, hole, reason)
        self._resampler.push_silence(fill, frame)

    def _enter_loss(self, lost: float) -> None:
        """Enter a loss, or the rest of one, that left no hole in the timestamps: it is skipped."""
        if lost > 0:
            self._tally.add(DAMAGED, self.position, lost)
