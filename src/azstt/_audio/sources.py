"""One view of every kind of source: bounded reads that are always `bytes`, a sticky end, seek.

libav is never handed a caller's object: it copies what `read` returns without looking at its
length, and reads on after the end.
"""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias, cast, runtime_checkable

from azstt._audio.feed import ByteFeed
from azstt._errors import AudioSourceError, AudioTooLargeError, ConfigurationError

#: Bytes of a source's beginning that are kept: enough to tell every format that sniff names.
HEAD = 4096
#: Bytes asked for when a whole stream is read.
_PIECE = 1 << 16
#: No honest codec gets more out of a byte. (Silence in FLAC: 0.04 s.)
_SECONDS_A_BYTE = 1.0
_GRACE = 60.0

BytesLike: TypeAlias = "bytes | bytearray | memoryview[int]"


@runtime_checkable
class SupportsRead(Protocol):
    """A binary file object, as far as it is needed: `seek`, `tell`, `seekable` are optional."""

    def read(self, size: int, /) -> BytesLike:
        """Give at most `size` bytes; none at the end."""
        ...


AudioSource: TypeAlias = (
    "str | os.PathLike[str] | BytesLike | SupportsRead | ByteFeed | Iterable[BytesLike]"
)


class Source:
    """Bytes to decode. Subclasses say how to fetch, move and release.

    Attributes:
        label: what messages call it.
        size: bytes from the beginning to the end, where that is known beforehand.
        seekable: whether `seek` works.
        taken: bytes fetched so far; the size, where that is known.
        beginning: the first few KB, as far as they were fetched.
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
        if size is not None:
            self._check(size)

    def read(self, size: int) -> bytes:
        """Give at most `size` bytes; none at the end, and from then on."""
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
        """Put back what was read last."""
        self._pending = data + self._pending
        self._position -= len(data)

    def tell(self) -> int:
        """Give the position from the source's beginning."""
        return self._position

    def seek(self, offset: int) -> None:
        """Go to a position from the source's beginning."""
        try:
            self._move(offset)
        except OSError as error:
            raise read_error(error, self.label) from error
        self._position = offset
        self._pending = b""
        self._ended = False

    @property
    def url(self) -> str | None:
        """What libav may open by itself, if there is such a thing."""
        return None

    def as_file(self) -> str | None:
        """Give what libav may open by itself, even if it has to be made."""
        return self.url

    @property
    def may_block(self) -> bool:
        """Whether the next read may have to wait for somebody."""
        return not self.seekable

    def close(self) -> None:
        """Let go of everything that was opened here; twice is once."""

    def _fetch(self, size: int) -> object:
        raise NotImplementedError

    def _move(self, offset: int) -> None:
        raise NotImplementedError

    def _fetch_checked(self, size: int) -> bytes:
        try:
            piece = self._fetch(size)
        except OSError as error:
            if isinstance(error, AudioSourceError):
                raise
            raise read_error(error, self.label) from error
        data = piece if isinstance(piece, bytes) else self._to_bytes(piece)
        if not data:
            self._ended = True
        at = self._position
        if at < HEAD and at <= len(self.head):
            self.head = self.head[:at] + data[: HEAD - at]
        if self.size is None:
            self.fetched = max(self.fetched, at + len(data))
            self._check(self.fetched)
        return data

    def _to_bytes(self, piece: object) -> bytes:
        if isinstance(piece, (bytearray, memoryview)):
            return bytes(cast("bytearray", piece))
        if piece is None:
            raise AudioSourceError(
                "read() gave None: the file object does not block; hand over one that does, "
                "or push into a ByteFeed",
                source=self.label,
            )
        hint = "; open the file with mode 'rb'" if isinstance(piece, str) else ""
        raise ConfigurationError(f"the source gave {type(piece).__name__!r}, not bytes{hint}")

    def _check(self, size: int) -> None:
        if self._max_bytes is not None and size > self._max_bytes:
            raise AudioTooLargeError(
                f"the source has {size} bytes or more, over max_bytes={self._max_bytes!r}; "
                "raise the limit or split the file",
                source=self.label,
            )


class PathSource(Source):
    """A file by its path; a FIFO or a device is a stream."""

    def __init__(self, path: str, *, max_bytes: int | None) -> None:
        self._file = _open(path)
        status = os.fstat(self._file.fileno())
        self.seekable = stat.S_ISREG(status.st_mode)
        try:
            super().__init__(
                path, size=status.st_size if self.seekable else None, max_bytes=max_bytes
            )
        except AudioTooLargeError:
            self._file.close()
            raise

    @property
    def url(self) -> str | None:
        """Give the absolute path behind ``file:``, which no other protocol can hide in."""
        # Path.resolve would follow links, which costs a look at every directory on the way.
        return "file:" + os.path.abspath(self.label) if self.seekable else None  # noqa: PTH100

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _fetch(self, size: int) -> bytes | None:
        return self._file.read(size)

    def _move(self, offset: int) -> None:
        self._file.seek(offset)


class BytesSource(Source):
    """Bytes in memory; on Linux libav can read them as a file."""

    seekable = True

    def __init__(self, data: BytesLike, *, label: str, max_bytes: int | None) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous else memoryview(bytes(view))
        self._offset = 0
        self._memfd = -1
        super().__init__(label, size=len(self._view), max_bytes=max_bytes)

    def as_file(self) -> str | None:
        """Give the name of an anonymous file with these bytes, made at the first call."""
        if not sys.platform.startswith("linux"):
            return None
        if self._memfd < 0:
            self._memfd = os.memfd_create("azstt")
            rest = self._view
            while rest:
                rest = rest[os.write(self._memfd, rest) :]
        return f"file:/proc/self/fd/{self._memfd}"

    def close(self) -> None:
        """Release the anonymous file and the caller's buffer."""
        if self._memfd >= 0:
            os.close(self._memfd)
            self._memfd = -1
        self._view.release()

    def _fetch(self, size: int) -> bytes:
        data = bytes(self._view[self._offset : self._offset + size])
        self._offset += len(data)
        return data

    def _move(self, offset: int) -> None:
        self._offset = offset


class FileObjectSource(Source):
    """A caller's file object, from where it stands; never closed here."""

    def __init__(self, file: SupportsRead, *, max_bytes: int | None) -> None:
        self._file = file
        extent = _extent(file)
        self.seekable = extent is not None
        self._start, size = extent or (0, None)
        super().__init__("<stream>", size=size, max_bytes=max_bytes)

    @property
    def url(self) -> str | None:
        """Give the name of the descriptor when this is a plain file, read from its beginning."""
        file = self._file
        if not self.seekable or self._start or not sys.platform.startswith("linux"):
            return None
        # Not what a subclass, or another kind of file below, may make of the descriptor's bytes.
        if not (type(file) is io.BufferedReader and type(cast("object", file.raw)) is io.FileIO):
            return None
        descriptor = file.fileno()
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return f"file:/proc/self/fd/{descriptor}" if regular else None

    def _fetch(self, size: int) -> object:
        return self._file.read(size)

    def _move(self, offset: int) -> None:
        cast("io.BufferedIOBase", self._file).seek(self._start + offset)


class FeedSource(Source):
    """A feed that others push into."""

    def __init__(self, feed: ByteFeed, *, max_bytes: int | None) -> None:
        self._feed = feed
        super().__init__("<stream>", size=None, max_bytes=max_bytes)

    @property
    def may_block(self) -> bool:
        """Whether nothing waits in the feed."""
        return not self._feed.buffered

    def close(self) -> None:
        """Free who pushes."""
        self._feed.release()

    def _fetch(self, size: int) -> bytes:
        return self._feed.take(size)


class IterableSource(Source):
    """An iterable of pieces."""

    def __init__(self, pieces: Iterable[BytesLike], *, max_bytes: int | None) -> None:
        self._pieces: Iterator[BytesLike] = iter(pieces)
        super().__init__("<stream>", size=None, max_bytes=max_bytes)

    def _fetch(self, size: int) -> object:  # noqa: ARG002  the pieces are as long as they are
        # An empty piece is no end of the stream.
        return next((piece for piece in self._pieces if len(piece)), b"")


def make_source(source: AudioSource, *, max_bytes: int | None) -> Source:
    """Wrap whatever the caller gave.

    Raises:
        ConfigurationError: it is none of the kinds that can be read.
        AudioSourceError: a path that cannot be opened.
        AudioTooLargeError: it is known to be over `max_bytes`.
    """
    if isinstance(source, (str, os.PathLike)):
        return PathSource(os.fspath(source), max_bytes=max_bytes)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return BytesSource(cast("BytesLike", source), label="<bytes>", max_bytes=max_bytes)
    if isinstance(source, ByteFeed):
        return FeedSource(source, max_bytes=max_bytes)
    if type(source) is io.BytesIO:
        return BytesSource(
            memoryview(source.getvalue())[source.tell() :], label="<stream>", max_bytes=max_bytes
        )
    if isinstance(source, SupportsRead):
        return FileObjectSource(source, max_bytes=max_bytes)
    try:
        return IterableSource(source, max_bytes=max_bytes)
    except TypeError as error:
        raise ConfigurationError(
            f"cannot read audio from {type(source).__name__!r}; give a path, bytes, a binary file "
            "object, a ByteFeed or an iterable of bytes"
        ) from error


def read_into_memory(source: Source, *, max_bytes: int | None) -> Source:
    """Read a stream to its end, for a format that cannot be decoded without seeking."""
    data = b"".join(iter(lambda: source.read(_PIECE), b""))
    source.close()
    return BytesSource(data, label=source.label, max_bytes=max_bytes)


def max_plausible_seconds(source: Source) -> float:
    """Give how many seconds the source's bytes, as far as they are known, can hold at most."""
    return _GRACE + source.fetched * _SECONDS_A_BYTE


def read_error(error: OSError, label: str) -> AudioSourceError:
    """Say why a source could not be opened or read."""
    reason = error.strerror or str(error) or type(error).__name__
    return AudioSourceError(
        f"cannot read {label!r}: {reason.lower()}", source=label, errno=error.errno
    )


def _open(path: str) -> io.FileIO:
    try:
        return io.FileIO(path)
    except ValueError as error:
        raise ConfigurationError(f"not a path: {path!r} ({error})") from error
    except FileNotFoundError as error:
        remote = "; fetch it first and give its bytes" if "://" in path else ""
        raise AudioSourceError(
            f"no such file: {path!r}{remote}", source=path, errno=error.errno
        ) from error
    except IsADirectoryError as error:
        raise AudioSourceError(
            f"{path!r} is a directory, not a file", source=path, errno=error.errno
        ) from error
    except OSError as error:
        raise read_error(error, path) from error


def _extent(file: SupportsRead) -> tuple[int, int] | None:
    """Give where a file object stands and what follows, or None when it cannot really seek."""
    able = cast("io.BufferedIOBase", file)
    try:
        if not getattr(file, "seekable", lambda: True)():
            return None
        start = able.tell()
        able.seek(start)
        able.seek(0, os.SEEK_END)
        end = able.tell()  # some objects' seek gives None
    except (AttributeError, OSError):
        return None
    try:
        able.seek(start)
    except OSError as error:
        raise read_error(error, "<stream>") from error
    return start, max(0, end - start)
