"""Tell the times of Matroska's blocks, which count from their cluster's, after damage too. Pure."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

#: Seconds by which timestamps may be off.
_SLACK: Final = 0.05
#: Seconds by which a block may be later than the end of the one before: a codec's pause.
_PAUSE: Final = 1.0
#: Seconds that a hole may last.
_LONGEST_HOLE: Final = 30 * 3600.0


class _Doubt(NamedTuple):
    """A block that is not where the one before it ends.

    Attributes:
        end: where it ends by its own timestamp.
        shift: seconds by which that is too early, as its cluster's header was lost.
    """

    end: float
    shift: float

    def is_confirmed(self, time: float) -> bool:
        """Return whether the next block's time goes on from there; a pause may be between."""
        return -_SLACK <= time - self.end <= (_SLACK if self.shift else _PAUSE)


class ClusterClock:
    """Tells the times of blocks in seconds.

    A block that does not begin where the one before ends is doubted: nothing is concluded from it
    unless the next one goes on from there. If a cluster's header was lost, its blocks are at too
    early a time until the next cluster; how far, the length of the cluster before tells.

    Attributes:
        origin: the time of the first block of any track.
        timed: whether a cluster has stated its time since the last damage.
    """

    def __init__(self) -> None:
        self.origin: float | None = None
        self.timed: bool = True
        self._cluster = 0.0  # its time
        self._leapt = False  # whether that is not where the cluster before ends
        self._length = 0.0  # of the cluster before, if it is known
        self._expected = 0.0  # the time of the next block
        self._doubt: _Doubt | None = None
        self._open = True  # whether the next block may settle a doubt, or is the first one
        self._former: float | None = None  # what was expected before a hole, to return to

    @property
    def end(self) -> float:
        """Where the last block ends."""
        doubt = self._doubt
        return self._expected if doubt is None else max(self._expected, doubt.end + doubt.shift)

    @property
    def elapsed(self) -> float:
        """Seconds of the recording so far."""
        return self._expected - (self.origin or 0.0)

    def begin_cluster(self, time: float) -> None:
        """Take a cluster's time. One that goes back or absurdly far is wrong if the next is not."""
        ahead = time - self._expected
        wrong = time < self._cluster or ahead > _LONGEST_HOLE
        if wrong and self.origin is not None and not self._leapt:
            self._leapt, self.timed = True, False
            return
        self._leapt = abs(ahead) > _PAUSE
        if self.timed and not self._leapt:
            self._length = max(0.0, time - self._cluster)
        self._cluster, self.timed, self._doubt, self._former = time, True, None, None
        self._expected = min(self._expected, time + _PAUSE)  # the time before may have been wrong

    def at(self, offset: float) -> float:
        """Return the time of a block by its offset from the cluster."""
        time = self._cluster + offset
        if self.origin is None:
            self.origin = time
        return time

    def follow(self, offset: float, seconds: float) -> float | None:
        """Return the time of a block if it begins where the one before ends; else `take` it."""
        time, expected = self._cluster + offset, self._expected
        if self._open or not expected - _SLACK <= time <= expected + _SLACK:
            return None
        self._expected = time + seconds
        return time

    def take(self, offset: float, seconds: float, skipped: float) -> float:
        """Return the time of a block of the audio track.

        Args:
            offset: its offset from the cluster.
            seconds: its duration.
            skipped: about how much was skipped since the block before, by the bytes.
        """
        time = self.at(offset)
        doubt, self._doubt = self._doubt, None
        if abs(time - self._expected) > _SLACK:
            if self._former is not None and abs(time - self._former) <= _SLACK:
                self._former = None  # there was no hole
            elif doubt is not None and doubt.is_confirmed(time):
                self._cluster += doubt.shift
                time += doubt.shift
                self._former = self._expected
            else:
                shift = 0.0 if self.timed else self._missed(time, offset, skipped)
                self._doubt, self._open = _Doubt(time + seconds, shift), True
                self._expected += seconds
                return time + shift
        if self._former is not None:
            self._former += seconds
        self._expected = time + seconds
        self._open = self._former is not None
        return time

    def _missed(self, time: float, offset: float, skipped: float) -> float:
        """Return by how much a block is later than it seems, if it is of a later cluster.

        Clusters of a recording mostly have the same length. Without one to go by, the block's own
        cluster began after the last block before the damage.
        """
        begin = self._expected - _SLACK
        if not self._length:
            return 0.0 if time >= begin else self._expected + max(offset, skipped) - time
        least = math.ceil((begin - time) / self._length)
        likely = round((self._expected + skipped - time) / self._length)
        return self._length * max(0, least, likely)
