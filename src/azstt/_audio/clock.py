"""Follow a track's timestamps: where the media has holes, and when not to believe it. Pure."""

from __future__ import annotations

import math
from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

#: Seconds that timestamps may differ from the samples before they are followed: they are rounded,
#: and captions may be 50 ms off.
TOLERANCE: Final = 0.03
#: The same right after damage, where a difference is expected.
_TOLERANCE_AFTER_DAMAGE: Final = 0.005
#: Seconds below which a difference may be jitter: half of the tolerance is left of it.
_SMALL: Final = 0.1
#: Seconds by which timestamps go back when another recording begins. What confirms a difference may
#: differ by so much more.
_BACK: Final = 1.0
#: Seconds by which the timestamps of a broadcast jump ahead at a splice, and those of any other
#: format by an error: the limits of the ffmpeg program.
_SPLICE, _ERROR = 10.0, 30 * 3600.0
#: Seconds that a hole may reach beyond the stated end.
_BEYOND: Final = 1.0
#: Timestamps are given up after so many large jumps with no more pieces than this between any two,
#: or if they go back by more than this share of the audio, and by over a second.
_WILD, _WILD_PIECES, _SLOWEST = 5, 3, 0.1


class Placed(NamedTuple, Generic[T]):
    """A piece of audio, and the hole before it.

    Attributes:
        hole: seconds to leave out before it; negative if it overlaps what came before.
        at: the media's time at which the hole begins, in seconds.
        item: the piece.
    """

    hole: float
    at: float
    item: T


class _Held(NamedTuple, Generic[T]):
    """A piece that waits for the next one to confirm its timestamp."""

    item: T
    seconds: float
    ahead: float
    damaged: bool


class MediaClock(Generic[T]):
    """Compares a track's timestamps with the samples that it had so far.

    A timestamp that differs is believed once the next one does not contradict it; until then its
    piece is held. Timestamps that go back by more than a second, or leave the stated duration, are
    taken relative to where they do; those that return to where they jumped from undo the jump.
    Where they jump with almost every piece, or stand still, the samples are counted instead. So
    timestamps that lie are never much worse than none.

    Args:
        origin: the timestamp of the media's start.
        end: the media's stated duration in seconds; None if it is unknown.
        spliced: whether jumps ahead are splices and not holes, as in broadcasts (MPEG-TS).

    Attributes:
        now: the media's time of the next sample, in seconds.
    """

    def __init__(
        self, origin: float = 0.0, *, end: float | None = None, spliced: bool = False
    ) -> None:
        self.now: float = 0.0
        self._offset: float | None = origin
        self._end: float | None = end
        self._spliced: bool = spliced
        self._held: _Held[T] | None = None
        self._trusted: bool = True
        self._pieces: int = 0  # since the last large jump
        self._jumps: int = 0  # large ones with few pieces between
        self._jumped: float = 0.0  # seconds of those jumps together
        self._last_jump: float = 0.0
        self._back: float = 0.0  # seconds of small steps back, beyond what is plausible
        self._back_at: float = 0.0

    def follows(self, time: float | None, seconds: float) -> bool:
        """Take a piece without a hole before it; False leaves it to `take`.

        Args:
            time: its timestamp in seconds, if it has one.
            seconds: its duration.
        """
        if self._held is not None or not -TOLERANCE <= self._ahead(time) <= TOLERANCE:
            return False
        self.now += seconds
        self._pieces += 1
        return True

    def take(
        self, time: float | None, seconds: float, item: T, *, damaged: bool = False
    ) -> list[Placed[T]]:
        """Take a piece, and return the pieces whose places are known now.

        Args:
            time: its timestamp in seconds, if it has one.
            seconds: its duration.
            item: the piece.
            damaged: whether something before it could not be read.
        """
        placed: list[Placed[T]] = []
        if (held := self._held) is not None:
            self._held = None
            after = held.ahead if time is None else self._ahead(time) - held.seconds
            farther = abs(after) - abs(held.ahead)
            agrees = after * held.ahead > 0 and -TOLERANCE <= farther <= _BACK
            placed.append(self._place(held, agrees=agrees))
        ahead = self._ahead(time)
        if abs(ahead) <= (_TOLERANCE_AFTER_DAMAGE if damaged else TOLERANCE):
            placed.append(self._place(_Held(item, seconds, 0.0, damaged), agrees=True))
        else:
            self._held = _Held(item, seconds, ahead, damaged)
        return placed

    def flush(self) -> list[Placed[T]]:
        """Return the piece that is held, if any: there is no other to confirm its time."""
        held, self._held = self._held, None
        return [] if held is None else [self._place(held, agrees=0 < held.ahead < _SPLICE)]

    def restart(self) -> None:
        """Begin another recording, which follows at once, whatever its first timestamp is."""
        self._offset = None

    def _ahead(self, time: float | None) -> float:
        """Return by how much a timestamp is ahead of the samples."""
        if time is None or not self._trusted:
            return 0.0
        if self._offset is None or (not self.now and -_BACK < time - self._offset < 0):
            # The media's start is not always stated right: nothing comes before it.
            self._offset = time - self.now
        return time - self._offset - self.now

    def _place(self, held: _Held[T], *, agrees: bool) -> Placed[T]:
        at = self.now
        hole = self._believe(held) if agrees and held.ahead else 0.0
        self.now += hole + held.seconds
        self._pieces += 1
        return Placed(hole, at, held.item)

    def _believe(self, held: _Held[T]) -> float:
        """Return the hole that a difference stands for; 0 if it is no hole."""
        ahead, hole = held.ahead, held.ahead
        if abs(ahead + self._last_jump) > TOLERANCE and self._is_elsewhere(held):
            self._offset, hole = (self._offset or 0.0) + ahead, 0.0
        if abs(ahead) <= _BACK:
            if 0 < abs(hole) < _SMALL and not held.damaged:
                hole -= math.copysign(TOLERANCE / 2, hole)
            return self._step(hole)
        if self._pieces > _WILD_PIECES:
            self._jumps, self._jumped = 0, 0.0
        self._pieces = 0
        self._jumps += 1
        if self._jumps > _WILD:
            self._trusted = False
            return -self._jumped
        self._jumped += hole
        self._last_jump = max(0.0, hole)
        return hole

    def _is_elsewhere(self, held: _Held[T]) -> bool:
        """Return whether a difference leads to another recording, or to where nothing can be."""
        time = self.now + held.ahead
        longest = _SPLICE if self._spliced and not held.damaged else _ERROR
        latest = math.inf if self._end is None else self._end + _BEYOND
        beyond = self.now <= latest < time  # a stated end that is behind already is wrong
        return held.ahead < -_BACK or held.ahead > longest or time < 0 or beyond

    def _step(self, hole: float) -> float:
        """Return a small hole or step back, unless the timestamps go back all the time."""
        plausible = _SLOWEST * (self.now - self._back_at)
        self._back, self._back_at = max(0.0, self._back - plausible - hole), self.now
        if self._back > _BACK:
            self._trusted = False
            return self._back + hole
        return hole
