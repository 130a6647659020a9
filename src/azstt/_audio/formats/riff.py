"""WAV files without libav: their header, and their samples as they stand.

Starting libav costs seventy times what reading a short clip does, and its demuxer holds a live
stream back by seconds.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from azstt._audio.report import Tally, TrackInfo
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat

#: A chunk's name and size.
_CHUNK = struct.Struct("<4sI")
#: Chunks before the samples may hold pictures; past this it is libav's business.
_MAX_HEADER = 1 << 20
#: Writers to a pipe, who cannot know the length, put one of these, or more, or 0.
_UNKNOWN_SIZE = 0x7FFF_F000
_EXTENSIBLE = 0xFFFE
#: Bytes read at once. glibc gives blocks of 128 KB and more back to the system, so that the next
#: one comes page by page again: resampling whole seconds of 48 kHz took half as long again. It is
#: less than that by a quarter, as 24 bits are widened to 32; a frame is 64 KB at most.
_MOST = 96 << 10
#: What follows the format tag in the GUID of a WAVE_FORMAT_EXTENSIBLE header.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
#: Format tag and bits to libav's name of the codec: what needs no decoder.
_CODECS = {
    (1, 8): "pcm_u8",
    (1, 16): "pcm_s16le",
    (1, 24): "pcm_s24le",
    (1, 32): "pcm_s32le",
    (3, 32): "pcm_f32le",
    (3, 64): "pcm_f64le",
}


@dataclass(frozen=True, slots=True)
class WaveFormat:
    """What the samples are.

    Attributes:
        codec: libav's name of the codec, such as ``"pcm_s16le"``.
        sample_rate: in hertz.
        channels: samples a frame.
        mask: which loudspeakers the channels are for, a bit each; 0 if it is not said.
        frame_size: bytes a frame.
    """

    codec: str
    sample_rate: int
    channels: int
    mask: int
    frame_size: int


@dataclass(frozen=True, slots=True)
class WavHeader:
    """A header, read up to the first sample.

    Attributes:
        format: what the samples are.
        offset: bytes before the first sample.
        size: bytes of samples that the header announces; None when it leaves that open.
    """

    format: WaveFormat
    offset: int
    size: int | None


def read_wav_header(
    read: Callable[[int], bytes], head: bytes = b""
) -> tuple[WavHeader | None, bytes]:
    """Read a RIFF header through `read`, which may give less than it is asked for.

    Args:
        read: is asked for no byte that is not the header's, which a live stream may not have yet.
        head: what was read before; where it holds the header, `read` is not called.

    Returns:
        the header, or None if this is not a WAV file of plain PCM; and all bytes that were read.
    """
    taken = bytearray(head)

    def reach(end: int) -> bool:
        while (missing := end - len(taken)) > 0:
            piece = read(missing)
            if not piece:
                return False
            taken.extend(piece)
        return True

    if not (reach(12) and taken.startswith(b"RIFF") and taken.startswith(b"WAVE", 8)):
        return None, bytes(taken)
    fmt: WaveFormat | None = None
    at = 12
    while reach(at + 8):
        name, size = _CHUNK.unpack_from(taken, at)
        at += 8
        if name == b"data":
            known = size if 0 < size < _UNKNOWN_SIZE else None
            header = None if fmt is None else WavHeader(format=fmt, offset=at, size=known)
            return header, bytes(taken)
        body, at = at, at + size + (size & 1)
        if at > _MAX_HEADER or not reach(at):
            break
        if name == b"fmt ":
            fmt = parse_format(bytes(taken[body:at]))
    return None, bytes(taken)


def holds(fmt: WaveFormat, audio: AudioFormat) -> bool:
    """Tell whether samples are those of an integer format, however many channels there are."""
    same = fmt.codec == f"pcm_s{8 * audio.sample_width}le" and not audio.floating
    return same and fmt.sample_rate == audio.sample_rate


def parse_format(body: bytes) -> WaveFormat | None:
    """Read a ``fmt`` chunk; None if the samples need a decoder, or the fields contradict."""
    if len(body) < 16:  # noqa: PLR2004  the fixed part of the chunk
        return None
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    mask = 0
    if tag == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
        mask, tag = struct.unpack_from("<IH", body, 20)
    codec = _CODECS.get((tag, bits))
    if codec is None or not channels or not rate or block != channels * bits // 8:
        return None
    return WaveFormat(codec=codec, sample_rate=rate, channels=channels, mask=mask, frame_size=block)


def read_samples(source: Source, header: WavHeader, start: int, tally: Tally) -> Iterator[bytes]:
    """Give the samples from frame `start` on, in chunks of at most a second, and of 96 KB.

    Args:
        source: stands at the first sample, if it cannot seek.
        header: its header.
        start: the first frame to give; not 0 only where the source can seek.
        tally: is told if the file ends before its header says.
    """
    frame = header.format.frame_size
    most = min(header.format.sample_rate, _MOST // frame) * frame
    at, end = start * frame, sys.maxsize if header.size is None else header.size
    if source.seekable:
        source.seek(header.offset + at)
    rest = b""
    while at < end and (data := source.read(min(most - len(rest), end - at))):
        at += len(data)
        if rest:
            data = rest + data
        if odd := len(data) % frame:
            data, rest = data[:-odd], data[-odd:]
        else:
            rest = b""
        if data:
            yield data
    tally.truncated = header.size is not None and at < end


def wav_track_info(header: WavHeader, size: int | None) -> TrackInfo:
    """Say what a header says, in a source of so many bytes, if that is known."""
    fmt = header.format
    there = None if size is None else max(0, size - header.offset)
    ends = [end for end in (there, header.size) if end is not None]
    return TrackInfo(
        container="wav",
        codec=fmt.codec,
        index=0,
        sample_rate=fmt.sample_rate,
        channels=fmt.channels,
        seconds=min(ends) // fmt.frame_size / fmt.sample_rate if ends else None,
        exact=True,
    )


def wav_header(audio: AudioFormat, size: int) -> bytes:
    """Give the 44 bytes before so many bytes of PCM."""
    block = audio.frame_size
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size + (size & 1), b"WAVE", b"fmt ", 16, 1, audio.channels),
        *(audio.sample_rate, audio.sample_rate * block, block, 8 * audio.sample_width),
        *(b"data", size),
    )
