"""Audio on its way to the service, kept until the service has dealt with it."""

from __future__ import annotations

from threading import Condition

from azstt._audio_format import AudioFormat

#: Seconds of audio that may wait to be sent: what a blocked writer is ahead.
AHEAD = 5.0
#: Seconds that the SDK may read beyond what it keeps, until it has noticed that it is too much.
_OVERRUN = 5.0


class AudioBuffer:
    """A bounded window of the audio, addressed by its place in the whole.

    One thread writes; one reader at a time follows. What was read is kept until it is settled, so
    that a new reader can begin where results end. What is older than ``hold`` seconds, and a few
    for the SDK's overrun, goes even so: the SDK never has more than that unanswered, so the
    service has answered it with silence.

    Args:
        audio: the shape of the PCM.
        hold: seconds to keep behind the reader.
    """

    def __init__(self, audio: AudioFormat, hold: float) -> None:
        self._audio: AudioFormat = audio
        self._hold: int = audio.size(hold + _OVERRUN)
        self._ahead: int = audio.size(AHEAD)
        self._changed: Condition = Condition()
        self._bytes: bytearray = bytearray()
        self._origin: int = 0  # where the first byte that is kept stands in the whole
        self._cursor: int = 0
        self._settled: int = 0
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
        """Whether the audio is over and the reader has come to its end."""
        with self._changed:
            return self._ended and self._cursor == self._end

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

    def settle(self, seconds: float) -> None:
        """Say up to where the service has dealt with the audio; never goes back."""
        with self._changed:
            self._settled = min(max(self._settled, self._audio.size(seconds)), self._end)

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
            self._reader = Reader(self, self._audio.seconds(self._cursor))
            self._changed.notify_all()
            return self._reader

    def detach(self) -> None:
        """End the reader: it gets no more audio."""
        with self._changed:
            self._reader = None
            self._changed.notify_all()

    def fill(self, reader: Reader, view: memoryview) -> int:
        """Give a reader its next audio, as much as it wants; 0 is the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._can_fill(reader, len(view)))
            if self._closed or reader is not self._reader:
                return 0
            at = self._cursor - self._origin
            size = min(len(view), self._end - self._cursor)
            view[:size] = self._bytes[at : at + size]
            self._cursor += size
            self._forget()
            if self._has_room():  # waking the writer each time costs more than the reading
                self._changed.notify_all()
            return size

    @property
    def _end(self) -> int:
        return self._origin + len(self._bytes)

    def _has_room(self) -> bool:
        return self._closed or self._end - self._cursor < self._ahead

    def _can_fill(self, reader: Reader, size: int) -> bool:
        return (
            self._closed
            or self._ended
            or reader is not self._reader
            or self._end - self._cursor >= size
        )

    def _forget(self) -> None:
        """Drop what nobody will read again."""
        keep_from = max(min(self._settled, self._cursor), self._cursor - self._hold)
        if keep_from > self._origin:
            del self._bytes[: keep_from - self._origin]
            self._origin = keep_from


class Reader:
    """Follows the buffer for one recogniser.

    Attributes:
        base: seconds of the whole audio at which this recogniser's own time begins.
    """

    def __init__(self, buffer: AudioBuffer, base: float) -> None:
        self.base: float = base
        self._buffer: AudioBuffer = buffer

    def read(self, view: memoryview) -> int:
        """Fill ``view``; blocks until there is as much; 0 is the end."""
        return self._buffer.fill(self, view)
