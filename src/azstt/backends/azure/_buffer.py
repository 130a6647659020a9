"""Audio on its way to the service, kept until the service has dealt with it."""

from __future__ import annotations

from collections import deque
from threading import Condition

from azstt._audio_format import AudioFormat

#: Seconds of audio that may wait to be sent: what a blocked writer is ahead.
AHEAD = 5.0
#: Seconds that the SDK may read beyond what it keeps, until it has noticed that it is too much.
_OVERRUN = 5.0
#: Seconds that a reader is given at least, but for the end. The SDK asks for 0.1 s, and sends on
#: at once what it gets. Were it given no less, as by its own push stream, pieces of 20 ms would
#: leave 45 ms late (median), and pieces of 250 ms 130 ms. Less than this costs more than it brings.
_LEAST = 0.025


class AudioBuffer:
    """A bounded window of the audio, addressed by its place in the whole.

    One thread writes; one reader at a time follows. What was read is kept until it is settled, so
    that a new reader can begin where results end. What is older than ``hold`` seconds, and a few
    for the SDK's overrun, goes even so: the SDK never has more than that unanswered, so the
    service has answered it with silence.

    The audio comes in stretches: a reader ends where its stretch does, at the next `cut`, and the
    one after it begins there.

    Args:
        audio: the shape of the PCM.
        hold: seconds to keep behind the reader.
    """

    def __init__(self, audio: AudioFormat, hold: float) -> None:
        self._audio: AudioFormat = audio
        self._hold: int = audio.size(hold + _OVERRUN)
        self._ahead: int = audio.size(AHEAD)
        self._least: int = audio.size(_LEAST)
        self._changed: Condition = Condition()
        self._bytes: bytearray = bytearray()
        self._origin: int = 0  # where the first byte that is kept stands in the whole
        self._cursor: int = 0
        self._settled: int = 0
        self._cuts: deque[int] = deque()  # ends of stretches, from the present one's on
        self._last_cut: int = 0
        self._stop: int | None = None  # where the reader ends before its stretch does
        self._ended: bool = False
        self._closed: bool = False
        self._reader: Reader | None = None

    @property
    def written(self) -> float:
        """Seconds that were written."""
        with self._changed:
            return self._audio.seconds(self._end)

    @property
    def read(self) -> float:
        """Seconds up to which the reader has come."""
        with self._changed:
            return self._audio.seconds(self._cursor)

    @property
    def settled(self) -> float:
        """Seconds that the service has dealt with."""
        with self._changed:
            return self._audio.seconds(self._settled)

    @property
    def drained(self) -> bool:
        """Whether the reader has come to the end of its stretch, and gets no more."""
        with self._changed:
            return self._bounded and self._cursor == self._limit

    @property
    def complete(self) -> bool:
        """Whether the audio is over, and the service has dealt with all of it."""
        with self._changed:
            return self._ended and self._settled == self._end

    def write(self, pcm: bytes) -> None:
        """Add audio; blocks while too much waits to be read, until `close`."""
        with self._changed:
            self._changed.wait_for(self._has_room)
            if not self._closed:
                self._bytes += pcm
                self._changed.notify_all()

    def end(self) -> None:
        """Say that no more audio comes."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def cut(self, *, anyhow: bool = False) -> bool:
        """End a stretch after what was written; tell whether there was anything to end.

        Args:
            anyhow: also where nothing was written since the last cut.
        """
        with self._changed:
            if self._end == self._last_cut and not anyhow:
                return False
            self._cuts.append(self._end)
            self._last_cut = self._end
            self._changed.notify_all()
            return True

    def pass_cut(self) -> bool:
        """Go on to the next stretch if the service has dealt with the present one."""
        with self._changed:
            if not self._cuts or self._settled < self._cuts[0]:
                return False
            self._cuts.popleft()
            return True

    def stop(self) -> None:
        """End the reader where it is, within its stretch."""
        with self._changed:
            self._stop = self._cursor
            self._changed.notify_all()

    def settle(self, seconds: float) -> None:
        """Say up to where the service has dealt with the stretch; never goes back."""
        with self._changed:
            self._settled = max(self._settled, min(self._audio.size(seconds), self._limit))

    def settle_all(self) -> None:
        """Say that the service has dealt with all that the reader was to get."""
        with self._changed:
            self._settled = max(self._settled, self._limit)

    def close(self) -> None:
        """Free a blocked writer and reader; drop everything."""
        with self._changed:
            self._closed = True
            self._bytes.clear()
            self._changed.notify_all()

    def reader(self) -> Reader:
        """Make a reader that begins where the settled audio ends; the last one ends."""
        with self._changed:
            self._cursor = max(self._settled, self._origin)
            self._stop = None
            self._reader = Reader(self, self._audio.seconds(self._cursor))
            self._changed.notify_all()
            return self._reader

    def detach(self) -> None:
        """End the reader: it gets no more audio."""
        with self._changed:
            self._reader = None
            self._changed.notify_all()

    def fill(self, reader: Reader, view: memoryview) -> int:
        """Give a reader its next audio, up to as much as it wants; 0 is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._can_fill(reader, len(view)))
            if self._closed or reader is not self._reader:
                return 0
            at = self._cursor - self._origin
            size = min(len(view), self._limit - self._cursor)
            view[:size] = self._bytes[at : at + size]
            self._cursor += size
            self._forget()
            if self._has_room():  # waking the writer each time costs more than the reading
                self._changed.notify_all()
            return size

    @property
    def _end(self) -> int:
        return self._origin + len(self._bytes)

    @property
    def _bounded(self) -> bool:
        """Whether it is known where the reader ends."""
        return self._ended or bool(self._cuts) or self._stop is not None

    @property
    def _limit(self) -> int:
        """Where the reader ends, as far as is known."""
        if self._stop is not None:
            return self._stop
        return self._cuts[0] if self._cuts else self._end

    def _has_room(self) -> bool:
        return self._closed or self._end - self._cursor < self._ahead

    def _can_fill(self, reader: Reader, size: int) -> bool:
        return (
            self._closed
            or self._bounded
            or reader is not self._reader
            or self._end - self._cursor >= min(size, self._least)
        )

    def _forget(self) -> None:
        """Drop what nobody will read again."""
        keep_from = max(min(self._settled, self._cursor), self._cursor - self._hold)
        if keep_from > self._origin:
            del self._bytes[: keep_from - self._origin]
            self._origin = keep_from


class Reader:
    """Follows the buffer for one recognizer.

    Attributes:
        base: seconds of the whole audio at which this recognizer's own time begins.
    """

    def __init__(self, buffer: AudioBuffer, base: float) -> None:
        self.base: float = base
        self._buffer: AudioBuffer = buffer

    def read(self, view: memoryview) -> int:
        """Fill ``view`` as far as there is audio; blocks until there is some; 0 is the end."""
        return self._buffer.fill(self, view)
