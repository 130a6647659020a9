"""Bounded PCM queue from the loop to the feeder thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Condition
from typing import NamedTuple, TypeAlias

from azstt._audio_format import AudioFormat

#: A call that is due between two chunks of audio.
Call: TypeAlias = Callable[[], None]

#: Seconds of audio that are taken at once, at most: between two chunks the feeder can be stopped.
_MAX_CHUNK = 1.0


class Dropped(NamedTuple):
    """Audio that was dropped; all in seconds.

    Attributes:
        taken: how much audio had been taken before it.
        at: its position in all the audio that was put in.
        seconds: its duration.
    """

    taken: float
    at: float
    seconds: float


class PcmQueue:
    """Bounded queue of PCM, and of calls in between, from any thread to one that takes them.

    Args:
        audio: the format of the PCM.
        limit: seconds of audio that may wait. `put` never blocks: `full` says when to hold back.
        on_take: called on the taking thread each time that it has taken something.
    """

    def __init__(self, audio: AudioFormat, limit: float, on_take: Callable[[], None]) -> None:
        self._audio: AudioFormat = audio
        self._limit: int = max(audio.size(limit), audio.frame_size)
        self._on_take: Callable[[], None] = on_take
        self._changed: Condition = Condition()
        self._items: deque[bytes | Call] = deque()
        self._all: int = 0  # bytes put in, of which:
        self._waiting: int = 0
        self._taken: int = 0
        self._dropped: int = 0
        self._ended: bool = False  # nothing more is put in

    @property
    def full(self) -> bool:
        """Whether as much audio waits as may."""
        return self._waiting >= self._limit

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
        """Add audio, in whole frames; return the position that it reaches, in seconds."""
        return self._put(pcm, len(pcm))

    def call(self, function: Call) -> None:
        """Add a call, after the audio before it and before the audio after it."""
        self._put(function, 0)

    def trim(self, on_drop: Callable[[Dropped], object]) -> None:
        """Drop the oldest audio that exceeds the limit.

        Args:
            on_drop: called with what was dropped, before anything that follows it is taken.
        """
        with self._changed:
            over = self._waiting - self._limit
            if over <= 0:
                return
            seconds = self._audio.seconds
            taken, at = seconds(self._taken), seconds(self._taken + self._dropped)
            kept: deque[bytes | Call] = deque()
            left = over
            while left > 0:
                item = self._items.popleft()
                if not isinstance(item, bytes):
                    kept.append(item)  # calls are never dropped
                    continue
                if len(item) > left:
                    self._items.appendleft(item[left:])
                left -= min(left, len(item))
            self._items.extendleft(reversed(kept))
            self._waiting -= over
            self._dropped += over
            on_drop(Dropped(taken, at, seconds(over)))

    def end(self) -> None:
        """Mark the end: what waits is still taken."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop everything that waits, and mark the end. Idempotent."""
        with self._changed:
            self._ended = True
            self._items.clear()
            self._waiting = 0
            self._changed.notify_all()

    def take(self) -> bytes | Call | None:
        """Wait for the next audio or call; None is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            item = self._next()
        self._on_take()
        return item

    def _put(self, item: bytes | Call, size: int) -> float:
        with self._changed:
            if not self._ended:
                self._items.append(item)
                self._all += size
                self._waiting += size
                self._changed.notify_all()
            return self._audio.seconds(self._all)

    def _next(self) -> bytes | Call | None:
        """Return the next call, or the audio up to it as one chunk of at most a second."""
        if not self._items:
            return None
        first = self._items.popleft()
        if not isinstance(first, bytes):
            return first
        chunks, size, most = [first], len(first), self._audio.size(_MAX_CHUNK)
        while self._items and isinstance(chunk := self._items[0], bytes):
            if size + len(chunk) > most:
                break
            chunks.append(chunk)
            size += len(chunk)
            self._items.popleft()
        self._waiting -= size
        self._taken += size
        return first if len(chunks) == 1 else b"".join(chunks)
