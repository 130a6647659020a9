"""The file decoders that need libav: for compressed audio, and for PCM that is converted."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from av.error import FFmpegError

from azstt._audio.files.amovie import HoleError, can_decode, decode_file
from azstt._audio.files.endings import Ending
from azstt._audio.files.libav import Media
from azstt._audio.files.packets import decode_packets
from azstt._audio.files.quiet import CanceledError, check_mix, hold_quiet
from azstt._audio.formats.riff import WavHeader, read_samples, wav_track_info
from azstt._audio.report import Tally, TrackInfo
from azstt._audio.resample import (
    LAYOUTS,
    MOST_CHANNELS,
    Resampler,
    Target,
    check_wave_format,
    pcm_frame,
)
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError, ConfigurationError

#: Seconds of padding that an encoder may add to fill its last frames.
_PADDING = 0.15


class LibavFileDecoder:
    """Decodes one track of a source: by the fast path if possible, otherwise by packets.

    Attributes:
        info: what the container says about the track.
        audio: the output format.
        seeks: always False: compressed audio has no sample-accurate index.
        fast: whether libav can decode the whole file by itself, see `amovie`.
    """

    seeks: bool = False

    def __init__(
        self, source: Source, audio: AudioFormat, *, keep_channels: bool, track: int | None
    ) -> None:
        self._source = source
        self._media: Media | None = Media(source, track)
        self.info: TrackInfo = self._media.info
        self._track = self.info.track
        self._origin = self._media.origin
        self._ending = Ending(source, self.info, self._origin)
        try:
            self.audio: AudioFormat = _output_format(
                audio, self.info.channels, source, keep_channels=keep_channels
            )
        except BaseException:
            self.close()
            raise
        self._target = Target(self.audio, keep_channels=keep_channels, live=not source.seekable)
        by_name = self._media.by_name
        named = by_name or source.url is None  # otherwise the name may mislead the fast path
        self.fast: bool = named and source.seekable and can_decode(self.info, self._target)
        if self.fast and by_name:
            # The fast path opens the file itself.
            self.close()

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:  # noqa: ARG002  see FileDecoder
        """Yield the track's PCM from its first sample."""
        yield from self._trim(self._decode(tally))

    def close(self) -> None:
        """Close the container."""
        if self._media is not None:
            self._media.close()
            self._media = None

    def _decode(self, tally: Tally) -> Iterator[bytes]:
        """Decode by the fast path, and where that fails, continue by packets."""
        yielded = 0
        if self.fast and (url := self._source.as_file()) is not None:
            self.close()
            try:
                chunks = decode_file(url, self.info, self._target, self._origin)
                if self._target.mono and self.info.channels > 1:
                    chunks = hold_quiet(chunks, self.audio, self._check_mix)
                for chunk in chunks:
                    yielded += len(chunk)
                    yield chunk
                at = tally.base + self.audio.seconds(yielded)
                if yielded and self._ending.is_reached(at, tally):
                    return
            except (FFmpegError, HoleError, CanceledError, UnicodeError):
                # Decode it again by packets, which handles damage and also file names that are
                # not valid text.
                pass
            self.close()  # the check of the mix left it somewhere in the middle
        yield from self._packets(yielded, tally)

    def _check_mix(self, start: int, end: int) -> None:
        """Check that channels do not cancel each other in a part of the media, in seconds.

        Raises:
            CanceledError: they do.
            FFmpegError: the part cannot be read.
        """
        self._media = self._media or Media(self._source, self._track)
        check_mix(self._media, start, end)

    def _trim(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Drop the padding that some formats have after their stated duration.

        Newer versions of libav do this themselves, older ones only for some formats.
        """
        info, size = self.info, 0
        limit = self.audio.size(info.seconds) if info.padded and info.seconds else sys.maxsize
        withheld = b""
        for chunk in chunks:
            size += len(chunk)
            if size <= limit:
                yield chunk
                continue
            kept = max(0, len(chunk) - size + limit)
            if kept and not withheld:
                yield chunk[:kept]
            withheld += chunk[kept:]
            if len(withheld) > self.audio.size(_PADDING):
                # Too long for padding: the stated duration is wrong.
                yield withheld
                withheld, limit = b"", sys.maxsize

    def _packets(self, skip: int, tally: Tally) -> Iterator[bytes]:
        """Decode by packets, dropping the first `skip` bytes, which were yielded already."""
        media = self._media = self._media or Media(self._source, self._track)
        size = 0
        for chunk in decode_packets(media, self._source, self._target, tally):
            size += len(chunk)
            if size > skip:
                yield chunk[max(0, skip - size + len(chunk)) :]
        ending = self._ending
        if media.source is not self._source:  # it was repaired
            ending = Ending(media.source, self.info, self._origin)
        ending.enter(tally.base + self.audio.seconds(size), tally)


class PcmFileDecoder:
    """Mixes and resamples a WAV file's PCM: with our own parser and libav's filters.

    libav's demuxer would delay a live stream by 64 KB, which is seconds of speech.

    Attributes:
        info: what the header says.
        audio: the output format.
        seeks: always False: a resampler started later produces different samples.
    """

    seeks: bool = False

    def __init__(
        self, source: Source, header: WavHeader, audio: AudioFormat, *, keep_channels: bool
    ) -> None:
        fmt = header.format
        self._source = source
        self._header = header
        self.info: TrackInfo = wav_track_info(header, source.size)
        self.audio: AudioFormat = _output_format(
            audio, fmt.channels, source, keep_channels=keep_channels
        )
        check_wave_format(fmt, source.label)
        self._target = Target(self.audio, keep_channels=keep_channels, live=not source.seekable)

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:  # noqa: ARG002  see FileDecoder
        """Yield the PCM from the first sample."""
        resampler = Resampler(self._target, self._source.label, tally)
        for samples in read_samples(self._source, self._header, 0, tally):
            resampler.push(pcm_frame(self._header.format, samples))
            yield from resampler.pull()
        yield from resampler.flush()

    def close(self) -> None:
        """Do nothing: this opened nothing."""


def _output_format(
    audio: AudioFormat, channels: int, source: Source, *, keep_channels: bool
) -> AudioFormat:
    """Return the output format for a source with this many channels."""
    if not keep_channels:
        if audio.channels not in LAYOUTS:
            raise ConfigurationError(
                f"cannot mix to {audio.channels!r} channels; use one of "
                f"{', '.join(map(str, LAYOUTS))}, or keep_channels=True for the source's own"
            )
        return audio
    if not 0 < channels <= MOST_CHANNELS:
        raise AudioDecodeError(
            f"cannot keep the {channels} channels of {source.label!r}; use keep_channels=False",
            source=source.label,
        )
    return audio.model_copy(update={"channels": channels})
