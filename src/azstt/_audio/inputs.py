"""Sources of what callers pass: paths, bytes, file objects, feeds and iterables."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeAlias, cast, runtime_checkable

from azstt._audio.feed import ByteFeed
from azstt._audio.samples import AudioChunk, is_array, to_bytes
from azstt._audio.sources import Source, read_error
from azstt._audio_format import AudioFormat
from azstt._errors import AudioSourceError, AudioTooLargeError, ConfigurationError

#: Bytes per read when a whole stream is read into memory.
_READ_SIZE = 1 << 16

BytesLike: TypeAlias = bytes | bytearray | memoryview


@runtime_checkable
class SupportsRead(Protocol):
    """A binary file object; `seek`, `tell` and `seekable` are optional."""

    def read(self, size: int, /) -> BytesLike:
        """Return up to `size` bytes; empty at the end."""
        ...


AudioSource: TypeAlias = (
    str | os.PathLike[str] | AudioChunk | SupportsRead | ByteFeed | Iterable[AudioChunk]
)


class PathSource(Source):
    """A file given by its path; a FIFO or a device is read as a stream."""

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
        """The absolute path after ``file:``, so that it cannot select another protocol."""
        # Path.resolve would follow links, which means a system call for every directory in it.
        return "file:" + os.path.abspath(self.label) if self.seekable else None  # noqa: PTH100

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _fetch(self, size: int) -> bytes | None:
        return self._file.read(size)

    def _move(self, offset: int) -> None:
        self._file.seek(offset)


class BytesSource(Source):
    """Bytes in memory; on Linux libav can open them as a file."""

    seekable = True

    def __init__(self, data: BytesLike, *, label: str, max_bytes: int | None) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous else memoryview(bytes(view))
        self._offset = 0
        self._memfd = -1
        super().__init__(label, size=len(self._view), max_bytes=max_bytes)

    def as_file(self) -> str | None:
        """Return the URL of an anonymous file with these bytes, created by the first call."""
        if not sys.platform.startswith("linux"):
            return None
        if self._memfd < 0:
            self._memfd = os.memfd_create("azstt")
            rest = self._view
            while rest:
                rest = rest[os.write(self._memfd, rest) :]
        return f"file:/proc/self/fd/{self._memfd}"

    def close(self) -> None:
        """Close the anonymous file and release the caller's buffer."""
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
    """A caller's file object, read from its current position and never closed here."""

    def __init__(self, file: SupportsRead, *, max_bytes: int | None) -> None:
        self._file = file
        extent = _extent(file)
        self.seekable = extent is not None
        self._start, size = extent or (0, None)
        super().__init__("<stream>", size=size, max_bytes=max_bytes)

    @property
    def url(self) -> str | None:
        """The descriptor's URL, if this is a regular file read from its beginning (Linux)."""
        file = self._file
        if not self.seekable or self._start or not sys.platform.startswith("linux"):
            return None
        # A subclass, or another raw file, may not return the descriptor's own bytes.
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
    """A `ByteFeed` that other threads push into."""

    def __init__(self, feed: ByteFeed, *, max_bytes: int | None) -> None:
        self._feed = feed
        super().__init__("<stream>", size=None, max_bytes=max_bytes)

    def close(self) -> None:
        """Release the feed, so that a blocked `push` raises."""
        self._feed.release()

    def _fetch(self, size: int) -> bytes:
        return self._feed.take(size)


class IterableSource(Source):
    """An iterable of chunks; those of raw PCM may be arrays."""

    def __init__(
        self, chunks: Iterable[AudioChunk], *, raw: AudioFormat | None, max_bytes: int | None
    ) -> None:
        given = iter(chunks)
        self._chunks: Iterator[AudioChunk] = (
            given if raw is None else (to_bytes(chunk, raw) for chunk in given)
        )
        super().__init__("<stream>", size=None, max_bytes=max_bytes)

    def _fetch(self, size: int) -> object:  # noqa: ARG002  the caller chose the chunks' sizes
        # An empty chunk does not end the stream.
        return next((chunk for chunk in self._chunks if not _is_empty(chunk)), b"")


def _is_empty(chunk: object) -> bool:
    return isinstance(chunk, BytesLike) and not len(chunk)


def make_source(
    source: AudioSource, *, raw: AudioFormat | None = None, max_bytes: int | None
) -> Source:
    """Wrap the caller's source.

    Args:
        source: what the caller has.
        raw: the format of raw PCM; None for a container.
        max_bytes: the most bytes that it may have.

    Raises:
        ConfigurationError: the type is not supported, or an array does not fit its format.
        AudioSourceError: the path cannot be opened.
        AudioTooLargeError: it is known to be larger than `max_bytes`.
    """
    if is_array(source):
        source = to_bytes(source, raw)
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
        chunks = cast("Iterable[AudioChunk]", source)
        return IterableSource(chunks, raw=raw, max_bytes=max_bytes)
    except TypeError as error:
        raise ConfigurationError(
            f"cannot read audio from {type(source).__name__!r}; pass a path, bytes, a binary file "
            "object, a ByteFeed, an array of samples or an iterable of bytes"
        ) from error


def read_into_memory(source: Source) -> Source:
    """Read a stream to its end, for a format that cannot be decoded without seeking."""
    data = b"".join(iter(lambda: source.read(_READ_SIZE), b""))
    return BytesSource(data, label=source.label, max_bytes=None)


def _open(path: str) -> io.FileIO:
    try:
        return io.FileIO(path)
    except ValueError as error:
        raise ConfigurationError(f"not a path: {path!r} ({error})") from error
    except FileNotFoundError as error:
        remote = "; download it first and pass the bytes" if "://" in path else ""
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
    """Return a file object's position and remaining size; None if it cannot really seek."""
    seekable = cast("io.BufferedIOBase", file)
    try:
        if not getattr(file, "seekable", lambda: True)():
            return None
        start = seekable.tell()
        seekable.seek(start)
        seekable.seek(0, os.SEEK_END)
        end = seekable.tell()  # the seek() of some objects returns None
    except (AttributeError, OSError):
        return None
    try:
        seekable.seek(start)
    except OSError as error:
        raise read_error(error, "<stream>") from error
    return start, max(0, end - start)
