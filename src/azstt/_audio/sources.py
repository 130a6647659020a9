"""Where decoders read from: bounded reads of `bytes`, a sticky end, seeking.

libav never gets the caller's object itself, because it copies whatever `read` returns without
checking the length, and keeps reading after the end.
"""

from __future__ import annotations

from collections import deque
from os import PathLike
from typing import cast

from azstt._audio.samples import is_array
from azstt._errors import AudioSourceError, AudioTooLargeError, ConfigurationError

#: Bytes kept from the beginning of a source: enough for `sniff` to recognize every format.
HEAD = 4096
#: Bytes kept from the end of a stream: enough to find its last page.
_TAIL = 1 << 17
#: No real recording is compressed further than this. (Silence in FLAC: 0.04 s per byte.)
_MAX_SECONDS_PER_BYTE = 1.0
#: Seconds allowed on top of that, for sources of a few bytes.
_ALLOWANCE = 60.0


class Source:
    """Bytes to decode. Subclasses implement fetching, seeking and closing.

    Attributes:
        label: the name of the source in messages.
        size: total number of bytes, if known in advance.
        seekable: whether `seek` works.
        fetched: number of bytes fetched so far; `size`, if that is known.
        head: the first few KB, as far as they have been fetched.
    """

    seekable: bool = False

    def __init__(self, label: str, *, size: int | None, max_bytes: int | None) -> None:
        self.label: str = label
        self.size: int | None = size
        self.fetched: int = size or 0
        self.head: bytes = b""
        self._max_bytes = max_bytes
        self._position = 0
        self._pending = b""
        self._ended = False
        self._tail: deque[bytes] = deque()  # what was fetched last, unless it can seek
        self._kept = 0  # bytes in it
        if size is not None:
            self._check(size)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; always empty once the end is reached."""
        data = self._pending
        if data:
            self._pending = b""
        elif self._ended:
            return b""
        else:
            data = self._fetch_checked(size)
        if len(data) > size:
            data, self._pending = data[:size], data[size:]
        self._position += len(data)
        return data

    def unread(self, data: bytes) -> None:
        """Push back the bytes that were read last."""
        self._pending = data + self._pending
        self._position -= len(data)

    @property
    def pushed_back(self) -> int:
        """How many bytes that were read are going to be read again."""
        return len(self._pending)

    def tell(self) -> int:
        """Return the position, counted from the beginning of the source."""
        return self._position

    def seek(self, offset: int) -> None:
        """Move to a position counted from the beginning of the source."""
        try:
            self._move(offset)
        except OSError as error:
            raise read_error(error, self.label) from error
        self._position = offset
        self._pending = b""
        self._ended = False

    def look(self, at: int, size: int) -> bytes:
        """Return bytes at a place without moving; of a stream, only its head and its last 128 KB.

        Args:
            at: the place, counted from the beginning of the source.
            size: how many; fewer at the end, none where they are out of reach.
        """
        if not self.seekable:
            if at + size <= len(self.head) or self.fetched == len(self.head):
                return self.head[at : at + size]
            first = self.fetched - self._kept
            return b"".join(self._tail)[at - first : at - first + size] if at >= first else b""
        position, data = self._position, b""
        self.seek(at)
        while len(data) < size and (more := self.read(size - len(data))):
            data += more
        self.seek(position)
        return data

    @property
    def url(self) -> str | None:
        """A URL that libav can open by itself, if there is one."""
        return None

    def as_file(self) -> str | None:
        """Return a URL that libav can open by itself, creating a file for it if necessary."""
        return self.url

    def close(self) -> None:
        """Close what this object opened. Idempotent."""

    def _fetch(self, size: int) -> object:
        raise NotImplementedError

    def _move(self, offset: int) -> None:
        raise NotImplementedError

    def _fetch_checked(self, size: int) -> bytes:
        try:
            chunk = self._fetch(size)
        except OSError as error:
            if isinstance(error, AudioSourceError):
                raise
            raise read_error(error, self.label) from error
        except Exception as error:
            # Such as http.client.IncompleteRead: the download ended early, with these bytes.
            chunk = getattr(error, "partial", None)
            if not isinstance(chunk, bytes):
                raise
            self._ended = True
        data = chunk if isinstance(chunk, bytes) else self._to_bytes(chunk)
        if not data:
            self._ended = True
        at = self._position
        if at < HEAD and at <= len(self.head):
            self.head = self.head[:at] + data[: HEAD - at]
        if self.size is None:
            self.fetched = max(self.fetched, at + len(data))
            self._check(self.fetched)
            self._keep(data)
        return data

    def _keep(self, data: bytes) -> None:
        """Keep the last bytes of a stream."""
        self._tail.append(data)
        self._kept += len(data)
        while self._kept - len(self._tail[0]) >= _TAIL:
            self._kept -= len(self._tail.popleft())

    def _to_bytes(self, chunk: object) -> bytes:
        if isinstance(chunk, (bytearray, memoryview)):
            return bytes(cast("bytearray", chunk))
        if chunk is None:
            raise AudioSourceError(
                "read() returned None: the file object is non-blocking; pass a blocking one, or "
                "push into a ByteFeed",
                source=self.label,
            )
        hint = ""
        if isinstance(chunk, str | PathLike):
            hint = "; open a file with mode 'rb', and pass one file at a time"
        elif is_array(chunk):
            hint = "; declare an array's format with audio=AudioFormat(sample_rate=...)"
        raise ConfigurationError(f"the source returned {type(chunk).__name__}, not bytes{hint}")

    def _check(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise AudioTooLargeError(
                f"the source has at least {size} bytes, over max_bytes={self._max_bytes!r}; "
                "raise the limit or split the file",
                source=self.label,
            )


def max_plausible_seconds(source: Source) -> float:
    """Return how many seconds of audio the bytes fetched so far can plausibly contain."""
    return _ALLOWANCE + source.fetched * _MAX_SECONDS_PER_BYTE


def read_error(error: OSError, label: str) -> AudioSourceError:
    """Return the error for a source that could not be opened or read."""
    reason = error.strerror or str(error) or type(error).__name__
    return AudioSourceError(
        f"cannot read {label!r}: {reason.lower()}", source=label, errno=error.errno
    )
