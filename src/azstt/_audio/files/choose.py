"""Choose the decoder for a file or a stream that is read."""

from __future__ import annotations

from functools import partial

from azstt._audio.files.recordings import (
    FileDecoder,
    FileRecording,
    JoinedDecoder,
    RecordingSource,
    StreamRecording,
    find_following,
)
from azstt._audio.files.wav import WavFileDecoder, passthrough_format
from azstt._audio.formats.recordings import Splitter
from azstt._audio.formats.riff import WavHeader, raw_header, read_wav_header
from azstt._audio.formats.sniff import can_stream
from azstt._audio.inputs import read_into_memory
from azstt._audio.raw import RawCheck
from azstt._audio.rejections import empty_source, no_such_track
from azstt._audio.repaired import repaired
from azstt._audio.sources import HEAD, Source
from azstt._audio_format import AudioFormat
from azstt._threads.imports import guarded_import

#: How many bytes of a stream are searched for its index, or its first audio.
_KNOWN_WITHIN = 1 << 20
#: What to do about a container that is declared as raw PCM.
_REMEDY = "leave out audio=, which is only for PCM without a header"
#: How many bytes of raw PCM are searched for the first sample that is not zero.
_HEARD_WITHIN = 1 << 16


def choose_decoder(
    source: Source,
    output: AudioFormat,
    *,
    raw: AudioFormat | None,
    keep_channels: bool,
    track: int | None,
) -> FileDecoder:
    """Choose the decoder by the source's first bytes, and by whether another recording follows.

    Args:
        source: the source.
        output: the output format.
        raw: the source's format if it is raw PCM; otherwise None.
        keep_channels: whether to keep the source's channels instead of mixing them.
        track: the audio track.

    Raises:
        AudioError: the source cannot be decoded.
        ConfigurationError: there is no such track, its channels cannot be mixed so, or it is no
            raw PCM.
    """
    first: RecordingSource
    if raw is not None:
        _look_at_raw(source, raw)
        return _open(source, raw_header(raw), output, keep_channels=keep_channels, track=track)
    if source.seekable:
        header = _read_header(source)
        if _is_whole(source, header) or find_following(source) is None:
            return _open(source, header, output, keep_channels=keep_channels, track=track)
        first = FileRecording(source)
    else:
        first = StreamRecording(source, Splitter())
    open_decoder = partial(_open_recording, track=track)
    return JoinedDecoder(first, open_decoder, output, keep_channels=keep_channels)


def _open_recording(
    source: Source, audio: AudioFormat, *, keep_channels: bool, track: int | None
) -> tuple[Source, FileDecoder]:
    """Open one of several recordings; see `OpenDecoder`."""
    header = _read_header(source)
    if header is None and not source.seekable and not _decodes_as_it_arrives(source):
        source = read_into_memory(source)
    elif header is None and not source.seekable:
        source = repaired(source) or source
    return source, _open(source, header, audio, keep_channels=keep_channels, track=track)


def _read_header(source: Source) -> WavHeader | None:
    """Read the header of a WAV file with plain PCM, up to its samples; of others, nothing."""
    # Where reading does not block, read the whole head at once.
    header, head = read_wav_header(source.read, source.read(HEAD) if source.seekable else b"")
    if not head:
        raise empty_source(source)
    if header is None:
        source.unread(head)
    return header


def _look_at_raw(source: Source, raw: AudioFormat) -> None:
    """Look at the first bytes of raw PCM; see `RawCheck`.

    Raises:
        AudioError: there are none.
        ConfigurationError: they are a container's.
    """
    check = RawCheck(raw, _REMEDY, source.label)
    head = b""
    while not check.done and len(head) < _HEARD_WITHIN and (chunk := source.read(HEAD)):
        head += chunk
        check.look(chunk)
    if not head:
        raise empty_source(source)
    source.unread(head)


def _is_whole(source: Source, header: WavHeader | None) -> bool:
    """Return whether a WAV file ends with its samples, all of them."""
    if header is None or header.size is None or source.size is None:
        return False
    end = header.offset + header.size
    return end <= source.size <= end + (header.size & 1)


def _open(
    source: Source,
    header: WavHeader | None,
    audio: AudioFormat,
    *,
    keep_channels: bool,
    track: int | None,
) -> FileDecoder:
    if header is not None and track:
        raise no_such_track(track, 1, source)
    if header is not None:
        unchanged = passthrough_format(header.format, audio, keep_channels=keep_channels)
        if unchanged is not None:
            return WavFileDecoder(source, header, unchanged)
        with guarded_import("av"):  # takes longer than reading a short WAV file
            from azstt._audio.files.decoders import PcmFileDecoder  # noqa: PLC0415

        return PcmFileDecoder(source, header, audio, keep_channels=keep_channels)
    with guarded_import("av"):
        from azstt._audio.files.decoders import LibavFileDecoder  # noqa: PLC0415

    return LibavFileDecoder(source, audio, keep_channels=keep_channels, track=track)


def _decodes_as_it_arrives(source: Source) -> bool:
    """Return whether a stream can be decoded before its end has arrived."""
    head = b""
    found = None
    while found is None and len(head) < _KNOWN_WITHIN and (chunk := source.read(1 << 16)):
        head += chunk
        found = can_stream(head)
    source.unread(head)
    return found is True
