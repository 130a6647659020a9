"""Buffer of audio for the service, kept until the service has processed it."""

from __future__ import annotations

from collections import deque
from threading import Condition

from azstt._audio_format import AudioFormat

#: Seconds of audio that may wait to be sent; a writer that gets further ahead blocks.
MAX_UNREAD = 5.0
#: Seconds that the SDK may read beyond its own buffer before it notices the overflow.
_OVERRUN = 5.0
#: The minimum number of seconds per read, except at the end. The SDK asks for 0.1 s, and sends at
#: once what it gets. If it always got that much, as from its own push stream, chunks of 20 ms
#: would leave 45 ms late (median), and chunks of 250 ms 130 ms. Less than this costs more CPU than
#: it saves latency.
_MIN_READ = 0.025


class AudioBuffer:
    """A bounded window of the audio, addressed by position in the whole audio. Thread-safe.

    One thread writes; one reader at a time follows. Audio that was read is kept until it is
    settled, so that a new reader can begin where results end. Audio older than ``hold`` seconds,
    plus a few for the SDK's overrun, is dropped regardless: the SDK never has more than that
    without a response, so the service has reported it as silence.

    The audio is divided into stretches: a reader ends where its stretch does, at the next `cut`,
    and the next reader begins there.

    Args:
        audio: the format of the PCM.
        hold: seconds to keep behind the reader.
    """

    def __init__(self, audio: AudioFormat, hold: float) -> None:
        self._audio: AudioFormat = audio
        self._hold: int = audio.size(hold + _OVERRUN)
        self._max_unread: int = audio.size(MAX_UNREAD)
        self._min_read: int = audio.size(_MIN_READ)
        self._changed: Condition = Condition()
        self._bytes: bytearray = bytearray()
        self._origin: int = 0  # position of the first byte that is kept
        self._cursor: int = 0
        self._settled: int = 0
        self._cuts: deque[int] = deque()  # ends of stretches, beginning with the current one's
        self._last_cut: int = 0
        self._stop: int | None = None  # where the reader ends, if before its stretch does
        self._ended: bool = False
        self._closed: bool = False
        self._reader: Reader | None = None

    @property
    def written(self) -> float:
        """Seconds of audio written."""
        with self._changed:
            return self._audio.seconds(self._end)

    @property
    def read(self) -> float:
        """Seconds up to which the audio was read."""
        with self._changed:
            return self._audio.seconds(self._cursor)

    @property
    def settled(self) -> float:
        """Seconds up to which the service has processed the audio."""
        with self._changed:
            return self._audio.seconds(self._settled)

    @property
    def drained(self) -> bool:
        """Whether the reader is at the end of its stretch, and gets no more."""
        with self._changed:
            return self._bounded and self._cursor == self._limit

    @property
    def complete(self) -> bool:
        """Whether the audio has ended, and the service has processed all of it."""
        with self._changed:
            return self._ended and self._settled == self._end

    def write(self, pcm: bytes) -> None:
        """Append audio; blocks while 5 s are unread, until `close`."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            if not self._closed:
                self._bytes += pcm
                self._changed.notify_all()

    def end(self) -> None:
        """Mark the end of the audio."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def cut(self, *, force: bool = False) -> bool:
        """End a stretch after the last `write`; return whether there was anything to end.

        Args:
            force: end it even if nothing was written since the last cut.
        """
        with self._changed:
            if self._end == self._last_cut and not force:
                return False
            self._cuts.append(self._end)
            self._last_cut = self._end
            self._changed.notify_all()
            return True

    def pass_cut(self) -> bool:
        """Advance to the next stretch, if the service has processed the current one."""
        with self._changed:
            if not self._cuts or self._settled < self._cuts[0]:
                return False
            self._cuts.popleft()
            return True

    def stop(self) -> None:
        """End the reader at its current position, within its stretch."""
        with self._changed:
            self._stop = self._cursor
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Record up to where the service has processed the stretch; never moves back."""
        with self._changed:
            self._settled = max(self._settled, min(self._audio.size(seconds), self._limit))

    def settle_all(self) -> None:
        """Record that the service has processed everything up to the end of the reader."""
        with self._changed:
            self._settled = max(self._settled, self._limit)

    def close(self) -> None:
        """Release a blocked writer and reader, and drop the audio."""
        with self._changed:
            self._closed = True
            self._bytes.clear()
            self._changed.notify_all()

    def reader(self) -> Reader:
        """Return a reader that begins where the settled audio ends; the previous one ends."""
        with self._changed:
            self._cursor = max(self._settled, self._origin)
            self._stop = None
            self._reader = Reader(self, self._audio.seconds(self._cursor))
            self._changed.notify_all()
            return self._reader

    def detach(self) -> None:
        """End the current reader: it gets no more audio."""
        with self._changed:
            self._reader = None
            self._changed.notify_all()

    def fill(self, reader: Reader, view: memoryview) -> int:
        """Copy the next audio for a reader into ``view``; return its size, 0 at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._can_fill(reader, len(view)))
            if self._closed or reader is not self._reader:
                return 0
            start = self._cursor - self._origin
            size = min(len(view), self._limit - self._cursor)
            view[:size] = self._bytes[start : start + size]
            self._cursor += size
            self._discard()
            if self._has_room():  # waking the writer every time would cost more than the read
                self._changed.notify_all()
            return size

    @property
    def _end(self) -> int:
        return self._origin + len(self._bytes)

    @property
    def _bounded(self) -> bool:
        """Whether the end of the reader is known."""
        return self._ended or bool(self._cuts) or self._stop is not None

    @property
    def _limit(self) -> int:
        """Where the reader ends, as far as known."""
        if self._stop is not None:
            return self._stop
        return self._cuts[0] if self._cuts else self._end

    def _has_room(self) -> bool:
        return self._closed or self._end - self._cursor < self._max_unread

    def _can_fill(self, reader: Reader, size: int) -> bool:
        return (
            self._closed
            or self._bounded
            or reader is not self._reader
            or self._end - self._cursor >= min(size, self._min_read)
        )

    def _discard(self) -> None:
        """Drop the audio that no reader will need again."""
        keep_from = max(min(self._settled, self._cursor), self._cursor - self._hold)
        if keep_from > self._origin:
            del self._bytes[: keep_from - self._origin]
            self._origin = keep_from


class Reader:
    """Reads the buffer for one recognizer.

    Attributes:
        base: position in the whole audio, in seconds, at which this recognizer's time begins.
    """

    def __init__(self, buffer: AudioBuffer, base: float) -> None:
        self.base: float = base
        self._buffer: AudioBuffer = buffer

    def read(self, view: memoryview) -> int:
        """Read available audio into ``view``; blocks until there is some; returns 0 at the end."""
        return self._buffer.fill(self, view)
