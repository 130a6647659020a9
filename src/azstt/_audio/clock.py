"""Follow a track's timestamps: where the media has holes, and when not to believe it. Pure."""

from __future__ import annotations

import math
from collections import deque
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
#: Seconds of audio that confirm a jump which damage may have made, and how many pieces are held for
#: it at most: one damaged timestamp serves a whole cluster of Matroska, which lasts 5 s.
_PATIENCE, _MOST_HELD = 5.5, 500
#: Seconds for which live timestamps are doubted after damage.
_DOUBTED: Final = 10.0
#: Seconds of another hole soon after one, up to which it is plausible.
_ANOTHER: Final = 4.0
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


class _Piece(NamedTuple, Generic[T]):
    """A piece, its duration and timestamp, and seconds that could not be read before it."""

    item: T
    seconds: float
    time: float | None
    lost: float | None


class MediaClock(Generic[T]):
    """Compares a track's timestamps with the samples that it had so far.

    A timestamp that differs is believed once the next one does not contradict it; until then its
    piece is held. Where damage may be the reason, it takes some seconds of audio to confirm a jump:
    timestamps that return meanwhile to where they jumped from were wrong. Those that go back by
    more than a second, or leave the stated duration, are taken relative to where they do; those
    that return later undo the jump. Where they jump with almost every piece, or stand still, the
    samples are counted instead. So timestamps that lie are never much worse than none.

    Args:
        origin: the timestamp of the media's start.
        end: the media's stated duration in seconds; None if it is unknown.
        spliced: whether jumps ahead are splices and not holes, as in broadcasts (MPEG-TS).
        live: whether nothing is to be held for long unless something near could not be read.

    Attributes:
        now: the media's time of the next sample, in seconds.
    """

    def __init__(
        self,
        origin: float = 0.0,
        *,
        end: float | None = None,
        spliced: bool = False,
        live: bool = True,
    ) -> None:
        self.now: float = 0.0
        self._offset: float = origin
        self._end: float | None = end
        self._spliced: bool = spliced
        self._live: bool = live
        self._held: list[_Piece[T]] = []
        self._length: float = 0.0  # seconds of audio held
        self._lost: float = 0.0  # seconds that could not be read between the pieces of it
        self._jump: float = 0.0  # by how much the first piece of it is ahead
        self._odd: int | None = None  # which piece of it contradicts those before
        self._damaged: float = -math.inf  # where something could not be read
        self._trusted: bool = True
        self._pieces: int = 0  # since the last large jump
        self._jumps: int = 0  # large ones with few pieces between
        self._jumped: float = 0.0  # seconds of those jumps together
        self._last_jump: float = 0.0  # the last large one, by the timestamps
        self._shift: float = 0.0  # what of it was not taken for a hole
        self._jumped_at: float = 0.0
        self._back: float = 0.0  # seconds of small steps back, beyond what is plausible
        self._back_at: float = 0.0

    def follows(self, time: float | None, seconds: float) -> bool:
        """Take a piece without a hole before it; False leaves it to `take`.

        Args:
            time: its timestamp in seconds, if it has one.
            seconds: its duration.
        """
        if self._held or not -TOLERANCE <= self._ahead(time) <= TOLERANCE:
            return False
        self.now += seconds
        self._pieces += 1
        return True

    def take(
        self, time: float | None, seconds: float, item: T, *, lost: float | None = None
    ) -> list[Placed[T]]:
        """Take a piece, and return the pieces whose places are known now.

        Args:
            time: its timestamp in seconds, if it has one.
            seconds: its duration.
            item: the piece.
            lost: how many seconds before it could not be read, as far as is known; None if there
                was no damage.
        """
        if lost is not None:
            self._damaged = self.now
        placed: list[Placed[T]] = []
        pieces = deque([_Piece(item, seconds, time, lost)])
        while pieces:
            piece = pieces.popleft()
            ahead, lost = self._ahead(piece.time), piece.lost
            if not self._held:
                if abs(ahead) <= (TOLERANCE if lost is None else _TOLERANCE_AFTER_DAMAGE):
                    ahead = 0.0
                if not ahead or _explains(lost, ahead):
                    placed.append(self._place(piece, ahead))
                    continue
                self._jump, self._length, self._lost = ahead, 0.0, -(lost or 0.0)
            elif (hole := self._verdict(piece, ahead)) is not None:
                first, *rest = self._settle(hole)
                placed.append(self._place(first, hole))
                pieces.extendleft(reversed([*rest, piece]))
                continue
            self._held.append(piece)
            self._length += piece.seconds
            self._lost += lost or 0.0
        return placed

    def flush(self) -> list[Placed[T]]:
        """Return the pieces that are held, if any: there is no other to confirm their times."""
        placed: list[Placed[T]] = []
        while self._held:
            alone, damaged = len(self._held) == 1, self._held[0].lost is not None
            doubtful = alone or (damaged and self._length < _BACK)
            hole = 0.0 if doubtful and not 0 < self._jump < _SPLICE else self._jump
            first, *rest = self._settle(hole)
            placed.append(self._place(first, hole))
            for piece in rest:
                placed += self.take(piece.time, piece.seconds, piece.item, lost=piece.lost)
        return placed

    def _ahead(self, time: float | None) -> float:
        """Return by how much a timestamp is ahead of the samples."""
        if time is None or not self._trusted:
            return 0.0
        if not self.now and -_BACK < time - self._offset < 0:
            # The media's start is not always stated right: nothing comes before it.
            self._offset = time - self.now
        return time - self._offset - self.now

    def _verdict(self, piece: _Piece[T], ahead: float) -> float | None:
        """Return the hole before what is held, as the next piece shows it; None if it is open.

        Args:
            piece: the next piece.
            ahead: by how much its timestamp is ahead of the samples before what is held.
        """
        jump, odd = self._jump, self._odd
        if odd is not None and piece.time is None:
            return None
        after = jump if piece.time is None else ahead - self._length
        farther = abs(after) - abs(jump)
        alone, near = len(self._held) == 1, min(_BACK, abs(jump)) / 2
        least, most = (-TOLERANCE, _BACK) if alone else (-near, near)
        if after * jump > 0 and least <= farther <= most + self._lost + (piece.lost or 0.0):
            if odd is not None:
                self._held[odd], self._odd = self._held[odd]._replace(time=None), None
            enough = self._length >= self._patience or len(self._held) >= _MOST_HELD
            return jump if enough else None
        if alone:
            return 0.0
        if odd is None:
            self._odd = len(self._held)
            return None
        if -TOLERANCE <= after <= (jump if jump > 0 else _SPLICE):  # it returns
            return after if self._held[0].lost is not None and after <= _BACK else 0.0
        on = abs(jump) <= _SPLICE and 0 < after - jump <= _ANOTHER
        return jump if on or self._length >= _BACK else 0.0

    @property
    def _patience(self) -> float:
        """Seconds of audio that confirm the jump of what is held."""
        jump = self._jump
        large = abs(jump) > (_BACK if self._live else _SMALL)
        if not large or (self._live and not self.now) or self._returns(jump):
            return 0.0
        doubtful = not self._live or self.now - self._damaged < _DOUBTED
        return _PATIENCE if doubtful else _SMALL

    def _settle(self, hole: float) -> list[_Piece[T]]:
        """Return what was held, with timestamps for this hole; without one they are wrong."""
        held, self._held = self._held, []
        odd, self._odd = len(held) if self._odd is None else self._odd, None
        if hole == self._jump:
            return held
        wrong = self._jump - hole
        right = [
            piece._replace(time=piece.time - wrong if hole and piece.time is not None else None)
            for piece in held[:odd]
        ]
        return right + held[odd:]

    def _place(self, piece: _Piece[T], ahead: float) -> Placed[T]:
        at = self.now
        hole = self._believe(ahead, piece.lost) if ahead else 0.0
        self.now += hole + piece.seconds
        self._pieces += 1
        return Placed(hole, at, piece.item)

    def _believe(self, ahead: float, lost: float | None) -> float:
        """Return the hole that a difference stands for; 0 if it is no hole."""
        hole = ahead
        if self._returns(ahead):
            self._offset -= self._shift
            hole += self._shift
        elif self._is_elsewhere(ahead, damaged=lost is not None):
            self._offset, hole = self._offset + ahead, 0.0
        if abs(ahead) <= _BACK:
            if 0 < abs(hole) < _SMALL and lost is None:
                hole -= math.copysign(TOLERANCE / 2, hole)
            return self._step(hole)
        if _explains(lost, hole):
            return hole
        if self._pieces > _WILD_PIECES:
            self._jumps, self._jumped = 0, 0.0
        self._pieces = 0
        self._jumps += 1
        if self._jumps > _WILD:
            self._trusted = False
            return -self._jumped
        self._jumped += hole
        self._last_jump, self._shift, self._jumped_at = ahead, ahead - hole, self.now + hole
        return hole

    def _returns(self, ahead: float) -> bool:
        """Return whether a difference leads back to where the timestamps jumped from lately."""
        soon = self.now - self._jumped_at <= _DOUBTED
        return soon and abs(ahead) > _BACK and -TOLERANCE <= ahead + self._last_jump <= _BACK

    def _is_elsewhere(self, ahead: float, *, damaged: bool) -> bool:
        """Return whether a difference leads to another recording, or to where nothing can be."""
        time = self.now + ahead
        longest = _SPLICE if self._spliced and not damaged else _ERROR
        latest = math.inf if self._end is None else self._end + _BEYOND
        beyond = self.now <= latest < time  # a stated end that is behind already is wrong
        return ahead < -_BACK or ahead > longest or time < 0 or beyond

    def _step(self, hole: float) -> float:
        """Return a small hole or step back, unless the timestamps go back all the time."""
        plausible = _SLOWEST * (self.now - self._back_at)
        self._back, self._back_at = max(0.0, self._back - plausible - hole), self.now
        if self._back > _BACK:
            self._trusted = False
            return self._back + hole
        return hole


def _explains(lost: float | None, ahead: float) -> bool:
    """Return whether the packets that could not be read last as long as a hole after them."""
    return bool(lost) and abs(ahead - (lost or 0.0)) <= _SMALL
