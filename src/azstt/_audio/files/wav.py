"""Read WAV files that already contain the requested PCM: nothing to decode, no libav."""

from __future__ import annotations

from collections.abc import Iterator

from azstt._audio.formats.riff import WaveFormat, WavHeader, holds, read_samples, wav_track_info
from azstt._audio.report import Tally, TrackInfo
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat

#: The limit of `AudioFormat`.
_MAX_CHANNELS = 64


class WavFileDecoder:
    """Passes a WAV file's samples through unchanged.

    Attributes:
        info: what the header says.
        audio: the output format, which is that of the file.
        seeks: whether the source is seekable.
    """

    def __init__(self, source: Source, header: WavHeader, audio: AudioFormat) -> None:
        self.info: TrackInfo = wav_track_info(header, source.size)
        self.audio: AudioFormat = audio
        self._source = source
        self._header = header
        self.seeks: bool = source.seekable

    def chunks(self, start: int, tally: Tally) -> Iterator[bytes]:
        """Yield the samples from frame `start`; from the first if the source cannot seek."""
        return read_samples(self._source, self._header, start if self.seeks else 0, tally)

    def close(self) -> None:
        """Do nothing: this opened nothing."""


def passthrough_format(
    fmt: WaveFormat, wanted: AudioFormat, *, keep_channels: bool
) -> AudioFormat | None:
    """Return the output format if the samples need no conversion, otherwise None."""
    if not holds(fmt, wanted):
        return None
    if fmt.channels == wanted.channels:
        return wanted
    kept = keep_channels and fmt.channels <= _MAX_CHANNELS
    return wanted.model_copy(update={"channels": fmt.channels}) if kept else None
