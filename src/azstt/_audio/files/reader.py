"""Open a source, select a time range, and enforce limits."""

from __future__ import annotations

import math
import sys
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias, Unpack

from azstt._assembly.timeline import Timeline
from azstt._audio.files.choose import choose_decoder
from azstt._audio.files.recordings import FileDecoder
from azstt._audio.inputs import AudioSource, make_source
from azstt._audio.rejections import beyond_the_end, nothing_decoded
from azstt._audio.report import DecodeReport, Tally
from azstt._audio.sources import Source, max_plausible_seconds
from azstt._audio_format import AudioFormat
from azstt._errors import (
    AudioDecodeError,
    AudioTooLargeError,
    ConfigurationError,
    SessionStateError,
)
from azstt._options import AudioFields, check_audio
from azstt._result import Gap

#: The default output; immutable, so it can be shared.
SPEECH: Final = AudioFormat()
#: What becomes of holes in the timestamps: nothing, or silence.
MediaTimeline: TypeAlias = Literal["samples", "media"]
#: Seconds of silence for a hole: none, or up to an hour.
_FILLS: Final[dict[MediaTimeline, float]] = {"samples": 0.0, "media": 3600.0}


@dataclass(frozen=True, slots=True)
class _Selection:
    """The part to decode, in seconds of the media, and its maximum duration."""

    start: float
    end: float | None
    max_seconds: float | None

    def of(self, gaps: Iterable[Gap]) -> tuple[Gap, ...]:
        """Return the gaps in the selected part, in order."""
        start, end = self.start, math.inf if self.end is None else self.end
        inside = (g for g in gaps if g.at < end and (g.at >= start or g.at + g.span > start))
        return tuple(sorted((self._cut(gap, end) for gap in inside), key=lambda gap: gap.at))

    def _cut(self, gap: Gap, end: float) -> Gap:
        """Return the selected part of a gap."""
        at = max(gap.at, self.start)
        span = min(gap.at + gap.span, end) - at
        if not gap.span or span == gap.span:
            return gap
        return gap.model_copy(update={"at": at, "seconds": span, "span": span})

    def clip(self, seconds: float | None) -> float | None:
        """Return how many seconds are selected from a source of this duration."""
        if seconds is None:
            return None
        end = seconds if self.end is None else min(self.end, seconds)
        return max(0.0, end - self.start)


class AudioReader:
    """The PCM of any audio, as a context manager and an iterator of `bytes`.

    Created by `open_audio`. Chunks contain whole frames, up to one second of them; memory use does
    not grow with the duration. Not thread-safe, but it may move from one thread to another.

    Attributes:
        audio: the output format.
        source: the name of the source: its path, ``"<bytes>"`` or ``"<stream>"``.
        total_seconds: the expected length of the media that is selected, according to the
            container; None if unknown, as in a live recording. For an MP3 file without a header it
            is estimated from the file size.
        timeline: converts seconds of output to seconds of the media.
        tally: what is known of the media so far; `report` is made from it.
    """

    def __init__(
        self, source: Source, decoder: FileDecoder, selection: _Selection, fill: float
    ) -> None:
        self.audio: AudioFormat = decoder.audio
        self.source: str = source.label
        self.total_seconds: float | None = selection.clip(decoder.info.seconds)
        self._source = source
        self._decoder = decoder
        self._selection = selection
        self.tally: Tally = Tally(fill)
        self.timeline: Timeline = Timeline()
        self._size = 0
        self._closed = False
        self._chunks = self._read_chunks()
        if decoder.info.exact and self.total_seconds is not None:
            self._check_seconds(self.total_seconds)

    def __iter__(self) -> Self:
        """Return itself; it can be iterated once."""
        return self

    def __next__(self) -> bytes:
        """Return the next chunk of PCM.

        Raises:
            StopIteration: there is no more.
            SessionStateError: the reader is closed.
            AudioDecodeError: nothing in the source can be decoded.
            AudioSourceError: reading the source failed.
            AudioTooLargeError: the source exceeds a limit.
        """
        if self._closed:
            raise SessionStateError(
                f"the reader of {self.source!r} is closed; read it inside its block"
            )
        return next(self._chunks)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the reader."""
        self.close()

    @property
    def report(self) -> DecodeReport:
        """The source's format and losses so far; final once the iteration has ended."""
        info = self._decoder.info
        return DecodeReport(
            container=info.container,
            codec=info.codec,
            sample_rate=info.sample_rate,
            channels=info.channels,
            seconds=self.audio.seconds(self._size),
            missing=self._selection.of(self.tally.missing),
            canceled=self.tally.canceled,
            track=info.track,
            tracks=info.tracks,
        )

    def media_time(self, seconds: float) -> float:
        """Return the media's time, as a player shows it, of a place in the output.

        Args:
            seconds: the place: seconds of output before it.
        """
        return self.timeline.start(seconds)

    def close(self) -> None:
        """Release what was opened; the caller's file object stays open. Idempotent."""
        self._closed = True
        self._chunks.close()
        self._release()

    def _release(self) -> None:
        self._decoder.close()
        self._source.close()

    def _read_chunks(self) -> Generator[bytes, None, None]:
        """Yield the selected part in chunks of up to one second, then release the source."""
        second = self.audio.sample_rate * self.audio.frame_size
        limit = self._selection.max_seconds
        try:
            for chunk in self._select():
                size = len(chunk)
                if limit is not None:
                    self._check_seconds(self.audio.seconds(self._size + size))
                if size <= second:
                    self._size += size
                    yield chunk
                    continue
                for at in range(0, size, second):
                    part = chunk[at : at + second]
                    self._size += len(part)
                    yield part
        finally:
            self._release()

    def _select(self) -> Iterator[bytes]:
        """Yield the selected part of the decoder's output."""
        size, tally, selection = self.audio.size, self.tally, self._selection
        first = size(selection.start)
        last = sys.maxsize if selection.end is None else size(selection.end)
        if self._decoder.seeks and first:
            tally.timeline.jump(0.0, selection.start)
        decoded = kept = media = 0
        plausible = size(max_plausible_seconds(self._source))
        for chunk in self._decoder.chunks(first // self.audio.frame_size, tally):
            after = decoded + len(chunk)
            if after > plausible:
                self._check_growth(after)
            if not first and after < last and tally.timeline.straight:
                decoded = kept = media = after
                yield chunk
                continue
            for begin, piece in self._pieces(chunk, decoded):
                part = piece[max(0, first - begin) : max(0, last - begin)]
                if part:
                    self._place(kept, max(begin, first))
                    kept += len(part)
                    yield part
                media = begin + len(piece)
                if media >= last:
                    return
            decoded = after
        if not decoded and not first:
            raise nothing_decoded(self.source, tally.packets)
        if media <= first and first:
            stated = self._decoder.info.seconds if self._decoder.seeks else None
            seconds = stated or self.audio.seconds(media)
            raise beyond_the_end(selection.start, seconds, self.source)

    def _pieces(self, chunk: bytes, begin: int) -> Iterator[tuple[int, bytes]]:
        """Yield the parts of a chunk between jumps of the timeline, after their places.

        Args:
            chunk: the chunk.
            begin: the decoder's output before it, in bytes.

        Yields:
            bytes of the media before the part, and the part.
        """
        seconds, size = self.audio.seconds, self.audio.size
        for start, end, shift in self.tally.timeline.pieces(
            seconds(begin), seconds(begin + len(chunk))
        ):
            yield max(0, size(start + shift)), chunk[size(start) - begin : size(end) - begin]

    def _place(self, output: int, media: int) -> None:
        """Note where on the media's timeline the next output is; both in bytes."""
        jump = self.audio.seconds(media - output) - self.timeline.total
        if abs(jump) >= 1 / self.audio.sample_rate:
            self.timeline.jump(self.audio.seconds(output), jump)

    def _check_growth(self, decoded: int) -> None:
        seconds = self.audio.seconds(decoded) - self.tally.filled
        if seconds > max_plausible_seconds(self._source):
            raise AudioDecodeError(
                f"{self._source.fetched} bytes of {self.source!r} expand to {seconds:.0f} s of "
                "audio, which no recording does; the file is probably damaged",
                source=self.source,
            )

    def _check_seconds(self, seconds: float) -> None:
        limit = self._selection.max_seconds
        if limit is not None and seconds > limit:
            raise AudioTooLargeError(
                f"{self.source!r} lasts at least {seconds:.1f} s, over max_seconds={limit!r}; "
                "raise the limit, or select a part with start and end",
                source=self.source,
            )


def open_audio(  # noqa: PLR0913  options, all with defaults
    source: AudioSource,
    *,
    audio: AudioFormat | None = None,
    output: AudioFormat = SPEECH,
    keep_channels: bool = False,
    start: float = 0.0,
    end: float | None = None,
    track: int | None = None,
    timeline: MediaTimeline = "samples",
    max_seconds: float | None = None,
    max_bytes: int | None = None,
) -> AudioReader:
    """Open any audio or video and decode its sound to PCM while reading it.

    The output has the same samples as the ffmpeg program's. Damage is skipped and reported, and
    only fatal if nothing can be decoded. `AudioReader.media_time` tells at what time a player plays
    each sample. Nothing but the source itself is ever opened, such as a
    file or host that a playlist refers to.

    Args:
        source: a path, bytes, a binary file object (read from its current position; it need not
            be seekable), a `ByteFeed`, or an iterable of chunks. A stream that decodes only from
            its end, such as mp4 with its index there or CAF with AAC or ALAC, is read into memory
            completely before the first sample. With ``audio`` also a NumPy array of int16 or
            float32 samples, with a row for each frame if there are several channels, or an
            iterable of them.
        audio: the format of a source that is raw PCM, which has no header. None, for anything
            that says itself what it is. Nothing in PCM tells whether its rate and its channels are
            right.
        output: the format to produce: rate, channels and sample width.
        keep_channels: keep the source's channels instead of mixing them to ``output.channels``.
        start: where to begin, in seconds of the media, as a player shows them.
        end: where to stop, in seconds of the media; None for its end. As in a slice, a value beyond
            the end is allowed.
        track: which audio track, counted from 0 among those that can be decoded. None, for the one
            that the container marks as its default, as players take it, or the first one; a track
            without any audio is passed over.
        timeline: ``"samples"`` yields the samples that are stored and no others, as converting with
            the ffmpeg program does. ``"media"`` fills holes in the timestamps with silence, a late
            start included, so that the output has the media's times; of a hole of over an hour,
            one hour.
        max_seconds: maximum duration of the output.
        max_bytes: maximum size of the source.

    Returns:
        a reader, for use in a ``with`` statement.

    Raises:
        ConfigurationError: an argument is invalid, there is no such track, ``audio`` is given for
            a source that is a container, or (while reading) the media ends before `start`.
        AudioSourceError: the source is missing, a directory or cannot be read.
        AudioDecodeError: it is empty, truncated before any audio, encrypted or of unknown format.
        NoAudioStreamError: it contains no sound; the message says what it is.
        AudioTooLargeError: it exceeds `max_seconds` or `max_bytes`.

    Warns:
        AudioFormatWarning: raw PCM does not look like samples of the type that ``audio`` states.
    """
    return open_reader(
        source,
        output=output,
        audio=audio,
        keep_channels=keep_channels,
        fill=_fill(timeline),
        start=start,
        end=end,
        track=track,
        max_seconds=max_seconds,
        max_bytes=max_bytes,
    )


def _fill(timeline: MediaTimeline) -> float:
    """Return how many seconds of silence a hole becomes at most."""
    seconds = _FILLS.get(timeline)
    if seconds is None:
        raise ConfigurationError(
            f"timeline must be one of {', '.join(map(repr, _FILLS))} (given: {timeline!r})"
        )
    return seconds


def open_reader(
    source: AudioSource,
    *,
    output: AudioFormat,
    keep_channels: bool = False,
    fill: float,
    **fields: Unpack[AudioFields],
) -> AudioReader:
    """Open audio like `open_audio`; up to ``fill`` seconds of each hole become silence."""
    check_audio(fields)
    track, max_bytes = fields.get("track"), fields.get("max_bytes")
    start, end, limit = fields.get("start", 0.0), fields.get("end"), fields.get("max_seconds")
    selection = _Selection(start=start, end=end, max_seconds=limit)
    raw = fields.get("audio")
    if getattr(output, "floating", True):
        raise ConfigurationError(
            f"output={output!r} must be an AudioFormat of integer samples; to encode audio, pass "
            "the PCM to another library"
        )
    opened = make_source(source, raw=raw, max_bytes=max_bytes)
    try:
        decoder = choose_decoder(opened, output, raw=raw, keep_channels=keep_channels, track=track)
        try:
            return AudioReader(opened, decoder, selection, fill)
        except BaseException:
            decoder.close()
            raise
    except BaseException:
        opened.close()
        raise
