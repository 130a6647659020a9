"""The way of the audio out of the event loop: to a thread that may block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import NamedTuple, TypeAlias

from azstt._audio_format import AudioFormat

#: Something to do between two pieces of audio.
Call: TypeAlias = Callable[[], None]

#: Seconds of audio that are taken at once: a recognizer that is behind is told to stop in between.
_MOST = 1.0


class Dropped(NamedTuple):
    """Audio that nobody will take; all in seconds.

    Attributes:
        taken: what had been taken before it.
        at: where it stood in all that was put in.
        seconds: how much it is.
    """

    taken: float
    at: float
    seconds: float


class PcmQueue:
    """PCM, and calls among it, from any thread to one that takes them in order.

    Args:
        audio: the shape of the PCM.
        limit: seconds that may wait. `put` does not wait: `full` says when to.
        moved: is called by the taking thread after it has taken something.
    """

    def __init__(self, audio: AudioFormat, limit: float, moved: Callable[[], None]) -> None:
        self._audio: AudioFormat = audio
        self._limit: int = max(audio.size(limit), audio.frame_size)
        self._moved: Callable[[], None] = moved
        self._changed: Condition = Condition()
        self._items: deque[bytes | Call] = deque()
        self._all: int = 0  # bytes that were put in, and what became of them:
        self._waiting: int = 0
        self._taken: int = 0
        self._dropped: int = 0
        self._ended: bool = False
        self._closed: bool = False

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        return self._waiting >= self._limit and not self._closed

    @property
    def idle(self) -> bool:
        """Whether nothing waits, and more may come."""
        return not self._items and not self._ended

    @property
    def put_seconds(self) -> float:
        """Seconds of audio that were put in."""
        return self._audio.seconds(self._all)

    @property
    def taken_seconds(self) -> float:
        """Seconds of audio that were taken out."""
        return self._audio.seconds(self._taken)

    @property
    def dropped_seconds(self) -> float:
        """Seconds of audio that were dropped."""
        return self._audio.seconds(self._dropped)

    def put(self, pcm: bytes) -> float:
        """Add audio, in whole frames; give the second that it comes up to."""
        return self._put(pcm, len(pcm))

    def call(self, function: Call) -> None:
        """Have a function called between what was put before it and what is put after."""
        self._put(function, 0)

    def trim(self, tell: Callable[[Dropped], object]) -> None:
        """Drop the oldest audio until no more waits than may.

        Args:
            tell: is called with what was dropped, before anything that follows it is taken.
        """
        with self._changed:
            over = self._waiting - self._limit
            if over <= 0 or self._closed:
                return
            seconds = self._audio.seconds
            taken, at = seconds(self._taken), seconds(self._taken + self._dropped)
            kept: deque[bytes | Call] = deque()
            left = over
            while left > 0:
                item = self._items.popleft()
                if not isinstance(item, bytes):
                    kept.append(item)  # what was asked for still is
                    continue
                if len(item) > left:
                    self._items.appendleft(item[left:])
                left -= min(left, len(item))
            self._items.extendleft(reversed(kept))
            self._waiting -= over
            self._dropped += over
            tell(Dropped(taken, at, seconds(over)))

    def end(self) -> None:
        """Say that no more comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop everything; whoever takes gets no more."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._waiting = 0
            self._changed.notify_all()

    def take(self) -> bytes | Call | None:
        """Wait for the next audio, or call; None is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended or self._closed)
            item = self._next()
        self._moved()
        return item

    @property
    def closed(self) -> bool:
        """Whether it was closed, rather than ended."""
        return self._closed

    def _put(self, item: bytes | Call, size: int) -> float:
        with self._changed:
            if not (self._closed or self._ended):
                self._items.append(item)
                self._all += size
                self._waiting += size
                self._changed.notify_all()
            return self._audio.seconds(self._all)

    def _next(self) -> bytes | Call | None:
        """Take the next call, or all audio before it that may be taken at once."""
        if not self._items:
            return None
        first = self._items.popleft()
        if not isinstance(first, bytes):
            return first
        pieces, size, most = [first], len(first), self._audio.size(_MOST)
        while self._items and isinstance(piece := self._items[0], bytes):
            if size + len(piece) > most:
                break
            pieces.append(piece)
            size += len(piece)
            self._items.popleft()
        self._waiting -= size
        self._taken += size
        return first if len(pieces) == 1 else b"".join(pieces)
