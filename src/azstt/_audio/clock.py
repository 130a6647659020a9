"""Follow a track's timestamps: where the media has holes, and when not to believe it. Pure."""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

#: Seconds that timestamps may differ from the samples before they are followed: they are rounded,
#: and captions may be 50 ms off.
TOLERANCE: Final = 0.03
#: The same right after damage, where a difference is expected.
_TOLERANCE_AFTER_DAMAGE: Final = 0.005
#: Seconds by which timestamps go back when another recording begins.
_BACK: Final = 1.0
#: Seconds by which the timestamps of a broadcast jump ahead at a splice, as in FFmpeg.
_SPLICE: Final = 10.0
#: Seconds that a hole may reach beyond the stated end.
_BEYOND: Final = 1.0
#: Timestamps are given up after so many holes of over a second with less audio than this between.
_WILD, _WILD_HOLE, _WILD_AUDIO = 5, 1.0, 0.1


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


class MediaClock(Generic[T]):
    """Compares a track's timestamps with the samples that it had so far.

    A timestamp that differs is believed once the next one does not contradict it; until then its
    piece is held. Timestamps that go back by more than a second, or leave the stated duration, are
    taken relative to where they do. So wrong timestamps never do worse than counting samples, save
    for some seconds.

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
        self._wild: list[float] = []  # recent holes of doubtful truth
        self._since_hole: float = 0.0  # seconds of audio

    def follows(self, time: float | None, seconds: float) -> bool:
        """Take a piece without a hole before it; False leaves it to `take`.

        Args:
            time: its timestamp in seconds, if it has one.
            seconds: its duration.
        """
        if self._held is not None or not -TOLERANCE <= self._ahead(time) <= TOLERANCE:
            return False
        self.now += seconds
        self._since_hole += seconds
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
            agrees = after * held.ahead > 0 and abs(after) >= abs(held.ahead) - TOLERANCE
            placed.append(self._place(held, agrees=agrees))
        ahead = self._ahead(time)
        if abs(ahead) <= (_TOLERANCE_AFTER_DAMAGE if damaged else TOLERANCE):
            placed.append(self._place(_Held(item, seconds, 0.0), agrees=True))
        else:
            self._held = _Held(item, seconds, ahead)
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
        if self._offset is None:
            self._offset = time - self.now
        return time - self._offset - self.now

    def _place(self, held: _Held[T], *, agrees: bool) -> Placed[T]:
        at = self.now
        hole = self._believe(held.ahead) if agrees and held.ahead else 0.0
        self.now += hole + held.seconds
        self._since_hole += held.seconds
        return Placed(hole, at, held.item)

    def _believe(self, ahead: float) -> float:
        """Return the hole that a difference stands for; 0 if it is no hole."""
        splice = self._spliced and ahead > _SPLICE
        beyond = self._end is not None and self.now + ahead > self._end + _BEYOND
        if ahead < -_BACK or self.now + ahead < 0 or splice or beyond:
            self._offset = (self._offset or 0.0) + ahead
            return 0.0
        if ahead > _WILD_HOLE:
            self._wild = [*(self._wild if self._since_hole < _WILD_AUDIO else ()), ahead]
            self._since_hole = 0.0
            if len(self._wild) > _WILD:
                self._trusted = False
                return -sum(self._wild[:-1])
        return ahead
