"""Convert any audio or video to a WAV file."""

from __future__ import annotations

from azstt._assembly.missing import are_missing, warn_of
from azstt._audio.files.reader import SPEECH, MediaTimeline, open_audio
from azstt._audio.formats.riff import wav_header
from azstt._audio.inputs import AudioSource
from azstt._audio_format import AudioFormat


def to_wav(  # noqa: PLR0913  see open_audio
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
) -> bytes:
    """Return the sound of any audio or video as a complete WAV file.

    Gives an `IncompleteAudioWarning` if the media lacks something; `open_audio` reports it.

    Args:
        source: see `open_audio`.
        audio: see `open_audio`.
        output: see `open_audio`.
        keep_channels: see `open_audio`.
        start: see `open_audio`.
        end: see `open_audio`.
        track: see `open_audio`.
        timeline: see `open_audio`.
        max_seconds: see `open_audio`.
        max_bytes: see `open_audio`.

    Raises:
        AudioError: see `open_audio`; an `AudioTooLargeError` also if the WAV file would exceed its
            limit of 4 GiB.
        ConfigurationError: see `open_audio`.
    """
    with open_audio(
        source,
        audio=audio,
        output=output,
        keep_channels=keep_channels,
        start=start,
        end=end,
        track=track,
        timeline=timeline,
        max_seconds=max_seconds,
        max_bytes=max_bytes,
    ) as reader:
        pcm = b"".join(reader)
        header = wav_header(reader.audio, len(pcm), source=reader.source)
        if are_missing(reader.report.missing):
            warn_of(reader.report.missing, reader.source)
        return header + pcm + b"\0" * (len(pcm) & 1)
