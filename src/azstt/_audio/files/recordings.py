"""Follow the recordings in a file or stream: decode one after the other, to one output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from azstt._audio.formats.recordings import Splitter, scan
from azstt._audio.formats.searches import Following
from azstt._audio.report import UNREADABLE, Tally, TrackInfo
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError, ConfigurationError, NoAudioStreamError

#: Bytes per read of what a decoder left of a stream's recording.
_READ_SIZE = 1 << 16


class FileDecoder(Protocol):
    """Decodes one track of a source to PCM."""

    info: TrackInfo
    audio: AudioFormat

    @property
    def seeks(self) -> bool:
        """Whether `chunks` begins at frame `start` instead of the first one."""
        ...

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:
        """Yield the PCM, and record losses in `tally`."""
        ...

    def close(self) -> None:
        """Release what was opened. Idempotent."""
        ...


class RecordingSource(Source):
    """One of the recordings in a source."""

    def following(self) -> RecordingSource | None:
        """Return the next recording, if there is one, and stop reading this one."""
        raise NotImplementedError


class FileRecording(RecordingSource):
    """A recording in a source that can seek.

    Args:
        whole: the source.
        start: where the recording begins in it.
        prefix: bytes that belong before it.
    """

    seekable = True

    def __init__(self, whole: Source, start: int = 0, prefix: bytes = b"") -> None:
        self._whole = whole
        self._shift = start - len(prefix)
        self._prefix = prefix
        super().__init__(whole.label, size=(whole.size or 0) - self._shift, max_bytes=None)
        self._following = find_following(self)
        if self._following is not None:
            self.size = self.fetched = self._following.at
        self.seek(0)

    def following(self) -> FileRecording | None:
        """Return the next recording, if there is one."""
        found = self._following
        return found and FileRecording(self._whole, self._shift + found.at, found.prefix)

    def _fetch(self, size: int) -> bytes:
        at = self._position
        if at < len(self._prefix):
            return self._prefix[at : at + size]
        size = min(size, (self.size or 0) - at)
        if size <= 0:
            return b""
        if self._whole.tell() != self._shift + at:
            self._whole.seek(self._shift + at)
        return self._whole.read(size)

    def _move(self, offset: int) -> None:
        """Do nothing: reading seeks."""


class StreamRecording(RecordingSource):
    """A recording in a source that cannot seek.

    Args:
        whole: the source, at the recording's beginning.
        splitter: finds its end.
        data: its first bytes, if they have been read.
    """

    def __init__(self, whole: Source, splitter: Splitter, data: bytes = b"") -> None:
        self._whole = whole
        self._splitter = splitter
        super().__init__(whole.label, size=None, max_bytes=None)
        self._first = data

    def following(self) -> StreamRecording | None:
        """Return the next recording, if there is one, after reading this one to its end."""
        while self.read(_READ_SIZE):
            pass
        if self._splitter.following is None:
            return None
        return StreamRecording(self._whole, self._splitter, self._splitter.next())

    def _fetch(self, size: int) -> bytes:
        data, self._first = self._first, b""
        while not data and self._splitter.following is None:
            read = self._whole.read(size)
            data = self._splitter.feed(read) if read else self._splitter.finish()
            if not read:
                break
        return data


class OpenDecoder(Protocol):
    """Opens a decoder for a recording; returns it with the source to close after it."""

    def __call__(
        self, source: Source, audio: AudioFormat, *, keep_channels: bool
    ) -> tuple[Source, FileDecoder]:
        """Open the decoder.

        Raises:
            AudioError: this cannot be decoded.
            ConfigurationError: there is no such track, or its channels cannot be mixed so.
        """
        ...


class JoinedDecoder:
    """Decodes the recordings in a source, each to the output format of the first one.

    Attributes:
        info: what the container says about the track in the first recording.
        audio: the output format.
        seeks: always False.

    Args:
        first: the first recording.
        open_decoder: opens a decoder for each of them.
        audio: the output format wanted.
        keep_channels: whether to keep the channels of the first recording.
    """

    seeks: bool = False

    def __init__(
        self,
        first: RecordingSource,
        open_decoder: OpenDecoder,
        audio: AudioFormat,
        *,
        keep_channels: bool,
    ) -> None:
        self._recording = first
        self._open_decoder = open_decoder
        self._keep_channels = keep_channels
        self._source, self._decoder = open_decoder(first, audio, keep_channels=keep_channels)
        self.audio: AudioFormat = self._decoder.audio
        self.info: TrackInfo = self._decoder.info
        if first.seekable:
            self.info = replace(self.info, seconds=None, exact=False)

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:  # noqa: ARG002  see FileDecoder
        """Yield the PCM of all recordings; what cannot be read of them is entered as missing."""
        size = 0
        for chunk in self._decoder.chunks(0, tally):
            size += len(chunk)
            yield chunk
        while (following := self._recording.following()) is not None:
            self._recording = following
            tally.begin(self.audio.seconds(size))
            try:
                self._open()
                for chunk in self._decoder.chunks(0, tally):
                    size += len(chunk)
                    yield chunk
            except (AudioDecodeError, NoAudioStreamError, ConfigurationError):
                tally.add(UNREADABLE, self.audio.seconds(size), None)

    def close(self) -> None:
        """Release what was opened for the current recording. Idempotent."""
        self._decoder.close()
        self._source.close()

    def _open(self) -> None:
        """Open the current recording.

        Raises:
            AudioError: it cannot be decoded.
            ConfigurationError: it has no such track, or other channels than the first one that
                cannot be mixed to these.
        """
        self.close()
        # One or two channels can be made of any; more are kept.
        keep = self._keep_channels and self.audio.channels > 2  # noqa: PLR2004
        self._source, self._decoder = self._open_decoder(
            self._recording, self.audio, keep_channels=keep
        )
        if self._decoder.audio != self.audio:
            raise ConfigurationError(
                f"cannot make {self.audio.channels} channels of {self._decoder.audio.channels}"
            )


def find_following(source: Source) -> Following | None:
    """Find the recording that follows the one at the beginning of a source that can seek."""
    walk = scan(source.size)
    ask = next(walk)
    try:
        while True:
            ask = walk.send(_read(source, ask.at, ask.least, max(ask.least, ask.most)))
    except StopIteration as end:
        found: Following | None = end.value
        return found


def _read(source: Source, at: int, least: int, most: int) -> bytes:
    """Return bytes from a place: `least` to `most`, fewer at the end."""
    if at + least <= len(source.head):
        return source.head[at : at + most]
    if source.size is not None and at >= source.size:
        return b""  # a damaged length leads to where no file system can seek
    source.seek(at)
    data = b""
    while len(data) < least and (chunk := source.read(most - len(data))):
        data += chunk
    return data
