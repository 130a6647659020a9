"""Opens a source, picks the lane, cuts the range, keeps the limits and the account."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from azstt._audio.formats.riff import (
    Wave,
    WaveFormat,
    holds,
    read_samples,
    read_wave,
    wav_header,
    wave_facts,
)
from azstt._audio.formats.sniff import is_iso, moov_first
from azstt._audio.rejections import empty, no_such_track, nothing_decoded
from azstt._audio.report import DecodeReport, Facts, Tally
from azstt._audio.sources import HEAD, AudioSource, Source, credible, in_memory, make_source
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError, AudioTooLargeError, ConfigurationError
from azstt._threads.imports import guarded_import

#: What recognizers take; immutable, so one will do for all.
_SPEECH = AudioFormat()
#: How far an ISO file's beginning is searched for its index.
_INDEX_WITHIN = 1 << 20
#: What an `AudioFormat` can hold.
_MOST_CHANNELS = 64
#: A RIFF file counts its bytes in 32 bits; 36 of them are its header's.
_RIFF_LIMIT = 0xFFFF_FFFF - 36


class FileDecoder(Protocol):
    """One way to get at the PCM."""

    facts: Facts
    audio: AudioFormat

    @property
    def seeks(self) -> bool:
        """Whether `chunks` begins at `start` rather than at the first frame."""
        ...

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:
        """Give the PCM."""
        ...

    def close(self) -> None:
        """Release what was opened; twice is once."""
        ...


class WavFileDecoder:
    """A WAV file that holds what is asked for: nothing to decode."""

    def __init__(self, source: Source, wave: Wave, audio: AudioFormat) -> None:
        self.facts: Facts = wave_facts(wave, source.size)
        self.audio: AudioFormat = audio
        self._source = source
        self._wave = wave
        self.seeks: bool = source.seekable

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:
        """Give the samples; a source that cannot seek gives them from the first."""
        return read_samples(self._source, self._wave, start if self.seeks else 0, tally)

    def close(self) -> None:
        """Nothing was opened here."""


@dataclass(frozen=True, slots=True)
class _Limits:
    """Which part is wanted, in seconds, and how much at most."""

    start: float
    end: float | None
    max_seconds: float | None

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ConfigurationError: a bound is negative, not a number, or the end precedes the start.
        """
        if not (math.isfinite(self.start) and self.start >= 0):
            raise ConfigurationError(f"start must be 0 or more seconds (given: {self.start!r})")
        if self.end is not None and not self.end > self.start:
            raise ConfigurationError(
                f"end must lie after start={self.start!r}, in seconds (given: {self.end!r})"
            )
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ConfigurationError(f"max_seconds must be positive (given: {self.max_seconds!r})")

    def clip(self, seconds: float | None) -> float | None:
        """Give how much comes out of a source of so many seconds."""
        if seconds is None:
            return None
        end = seconds if self.end is None else min(self.end, seconds)
        return max(0.0, end - self.start)


class AudioReader:
    """PCM of any audio, chunk by chunk: a context manager and an iterator of `bytes`.

    Made by `open_audio`. Chunks hold whole frames and last a second at most; memory does not grow
    with the audio. Not thread-safe: one thread at a time, but not always the same.

    Attributes:
        audio: the format of what comes out.
        source: what messages call the source: its path, ``"<bytes>"`` or ``"<stream>"``.
        total_seconds: how much will come out, as far as the container says; None if unknown, as
            for a live recording. For an MP3 file without a header it is worked out from its size.
    """

    def __init__(self, source: Source, lane: FileDecoder, limits: _Limits) -> None:
        self.audio: AudioFormat = lane.audio
        self.source: str = source.label
        self.total_seconds: float | None = limits.clip(lane.facts.seconds)
        self._source = source
        self._lane = lane
        self._limits = limits
        self._tally = Tally()
        self._size = 0
        self._chunks = self._run()
        if lane.facts.exact and self.total_seconds is not None:
            self._check_seconds(self.total_seconds)

    def __iter__(self) -> Self:
        """Give itself: it can be read once."""
        return self

    def __next__(self) -> bytes:
        """Give the next chunk of PCM.

        Raises:
            StopIteration: no more, or the reader is closed.
            AudioDecodeError: nothing in the source can be decoded.
            AudioSourceError: the source could not be read on.
            AudioTooLargeError: the source passes a limit.
        """
        return next(self._chunks)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    @property
    def report(self) -> DecodeReport:
        """What the source is and what was lost, as of now; final once there are no more chunks."""
        facts = self._lane.facts
        return DecodeReport(
            container=facts.container,
            codec=facts.codec,
            sample_rate=facts.sample_rate,
            channels=facts.channels,
            seconds=self.audio.seconds(self._size),
            damaged=self._tally.ranges(self._limits.start, self._limits.end),
            truncated=self._tally.truncated,
        )

    def close(self) -> None:
        """Release what was opened; twice is once. A caller's file object stays open."""
        self._chunks.close()
        self._release()

    def _release(self) -> None:
        self._lane.close()
        self._source.close()

    def _run(self) -> Generator[bytes, None, None]:
        """Give the wanted part in chunks of a second at most; then let go of the source."""
        second = self.audio.sample_rate * self.audio.frame_size
        limit = self._limits.max_seconds
        try:
            for chunk in self._cut():
                size = len(chunk)
                if limit is not None:
                    self._check_seconds(self.audio.seconds(self._size + size))
                if size <= second:
                    self._size += size
                    yield chunk
                    continue
                for at in range(0, size, second):
                    piece = chunk[at : at + second]
                    self._size += len(piece)
                    yield piece
        finally:
            self._release()

    def _cut(self) -> Iterator[bytes]:
        """Give the wanted part of what the lane gives."""
        rate, frame, limits = self.audio.sample_rate, self.audio.frame_size, self._limits
        first = round(limits.start * rate)
        skip = 0 if self._lane.seeks else first * frame
        left = sys.maxsize if limits.end is None else (round(limits.end * rate) - first) * frame
        decoded, grace = 0, self.audio.size(credible(self._source))
        for chunk in self._lane.chunks(first, self._tally):
            size = len(chunk)
            decoded += size
            if decoded > grace:
                self._check_growth(decoded)
            if skip >= size:
                skip -= size
                continue
            if skip or left < size:
                chunk = chunk[skip : skip + left]  # noqa: PLW2901  what is wanted of it
                skip, size = 0, len(chunk)
            left -= size
            yield chunk
            if not left:
                return
        if not decoded and not first:
            raise nothing_decoded(self.source, self._tally.packets)

    def _check_growth(self, decoded: int) -> None:
        seconds = self.audio.seconds(decoded)
        if seconds > credible(self._source):
            raise AudioDecodeError(
                f"{self._source.taken} bytes of {self.source!r} swell to {seconds:.0f} s, "
                "so they are taken for damaged",
                source=self.source,
            )

    def _check_seconds(self, seconds: float) -> None:
        limit = self._limits.max_seconds
        if limit is not None and seconds > limit:
            raise AudioTooLargeError(
                f"{self.source!r} lasts {seconds:.1f} s or more, over max_seconds={limit!r}; raise "
                "the limit, or choose a part with start and end",
                source=self.source,
            )


def open_audio(
    source: AudioSource,
    *,
    audio: AudioFormat = _SPEECH,
    keep_channels: bool = False,
    start: float = 0.0,
    end: float | None = None,
    track: int = 0,
    max_seconds: float | None = None,
    max_bytes: int | None = None,
) -> AudioReader:
    """Open any audio or video and give its sound as PCM, decoded while it is read.

    What comes out has the samples that the ffmpeg program gives. Damage is skipped and reported,
    never fatal while anything can be decoded. Nothing but the source itself is ever opened: no
    file or host that a playlist in it names.

    Args:
        source: a path, bytes, a binary file object (read from where it stands; it need not seek),
            a `ByteFeed`, or an iterable of pieces. An mp4 stream whose index comes last is read
            into memory whole before the first sample.
        audio: what to give out: rate, channels and sample width.
        keep_channels: give the source's channels as they are, instead of mixing them to
            ``audio.channels``.
        start: seconds to leave out at the beginning.
        end: where to stop, in seconds from the source's beginning; None is its end. Past the
            end there is nothing, as in a slice.
        track: which audio track, counted from 0 among those that can be decoded.
        max_seconds: how long what comes out may be.
        max_bytes: how many bytes the source may have.

    Returns:
        a reader, to be used in a ``with`` statement.

    Raises:
        ConfigurationError: an argument is wrong, or there is no such track.
        AudioSourceError: the source is missing, a directory or cannot be read.
        AudioDecodeError: it is empty, truncated before any sound, encrypted or of an unknown kind.
        NoAudioStreamError: it holds no sound; the message says what it is.
        AudioTooLargeError: it passes `max_seconds` or `max_bytes`.
    """
    limits = _Limits(start=start, end=end, max_seconds=max_seconds)
    limits.check()
    if audio.floating:
        raise ConfigurationError(f"open_audio gives integers, not floats (given: {audio!r})")
    opened = make_source(source, max_bytes=max_bytes)
    try:
        opened, lane = _pick(opened, audio, keep=keep_channels, track=track, max_bytes=max_bytes)
        try:
            return AudioReader(opened, lane, limits)
        except BaseException:
            lane.close()
            raise
    except BaseException:
        opened.close()
        raise


def _pick(
    source: Source, audio: AudioFormat, *, keep: bool, track: int, max_bytes: int | None
) -> tuple[Source, FileDecoder]:
    """Choose the lane by the source's first bytes."""
    # One look instead of many, where it waits for nothing.
    wave, head = read_wave(source.read, source.read(HEAD) if source.seekable else b"")
    if not head:
        raise empty(source)
    if wave is not None and track != 0:
        raise no_such_track(track, 1, source)
    if wave is not None and (passed := _passed(wave.format, audio, keep=keep)) is not None:
        return source, WavFileDecoder(source, wave, passed)
    if wave is not None:
        with guarded_import("av"):  # takes longer than reading a short WAV file does
            from azstt._audio.files.decoders import PcmFileDecoder  # noqa: PLC0415

        return source, PcmFileDecoder(source, wave, audio, keep=keep)
    source.unread(head)
    if not source.seekable and is_iso(head) and not _streams(source):
        source = in_memory(source, max_bytes=max_bytes)
    with guarded_import("av"):
        from azstt._audio.files.decoders import LibavFileDecoder  # noqa: PLC0415

    return source, LibavFileDecoder(source, audio, keep=keep, track=track)


def _passed(form: WaveFormat, wanted: AudioFormat, *, keep: bool) -> AudioFormat | None:
    """Give the PCM that is there, if it is the PCM that is wanted."""
    if not holds(form, wanted):
        return None
    if form.channels == wanted.channels:
        return wanted
    kept = keep and form.channels <= _MOST_CHANNELS
    return wanted.model_copy(update={"channels": form.channels}) if kept else None


def _streams(source: Source) -> bool:
    """Tell whether an ISO file's index comes first, so that it decodes without seeking."""
    head = b""
    first = None
    while first is None and len(head) < _INDEX_WITHIN and (piece := source.read(1 << 16)):
        head += piece
        first = moov_first(head)
    source.unread(head)
    return first is True


def to_wav(
    source: AudioSource,
    *,
    audio: AudioFormat = _SPEECH,
    keep_channels: bool = False,
    start: float = 0.0,
    end: float | None = None,
    track: int = 0,
    max_seconds: float | None = None,
    max_bytes: int | None = None,
) -> bytes:
    """Give the sound of any audio or video as a whole WAV file.

    Args:
        source: as for `open_audio`.
        audio: as for `open_audio`.
        keep_channels: as for `open_audio`.
        start: as for `open_audio`.
        end: as for `open_audio`.
        track: as for `open_audio`.
        max_seconds: as for `open_audio`.
        max_bytes: as for `open_audio`.

    Raises:
        AudioError: as `open_audio`; `AudioTooLargeError` also when 4 GiB of WAV do not hold it.
        ConfigurationError: as `open_audio`.
    """
    with open_audio(
        source,
        audio=audio,
        keep_channels=keep_channels,
        start=start,
        end=end,
        track=track,
        max_seconds=max_seconds,
        max_bytes=max_bytes,
    ) as reader:
        pcm = b"".join(reader)
        if len(pcm) > _RIFF_LIMIT:
            raise AudioTooLargeError(
                f"{len(pcm)} bytes of PCM do not fit into a WAV file; use open_audio",
                source=reader.source,
            )
        return wav_header(reader.audio, len(pcm)) + pcm + b"\0" * (len(pcm) & 1)
