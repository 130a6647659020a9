"""Read and write WAV headers and read uncompressed samples, without libav.

Importing libav takes seventy times as long as reading a short clip, and its demuxer delays a live
stream by seconds.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from azstt._audio.report import TRUNCATED, Tally, TrackInfo
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat
from azstt._errors import AudioTooLargeError

#: A file's first bytes; those of one with big-endian numbers; and a chunk's name and size.
_RIFF, _RIFX, _CHUNK = b"RIFF", b"RIFX", "4sI"
#: A ``fmt`` chunk: tag, channels, sample rate, byte rate, frame size, bits per sample.
_FMT = "HHIIHH"
FMT = struct.Struct("<" + _FMT)
#: Chunks before the samples may contain pictures; a longer header is left to libav.
_MAX_HEADER = 1 << 20
#: The largest file size that a RIFF header can express.
_MAX_RIFF_SIZE = 0xFFFF_FFFF
#: Programs that write to a pipe do not know the length: they write this or more, or 0.
_UNKNOWN_SIZE = 0x7FFF_F000
_EXTENSIBLE = 0xFFFE
#: Bytes per read. glibc returns blocks of 128 KB and more to the system, and the next one faults in
#: page by page again: resampling whole seconds of 48 kHz took 1.5 times as long. This is a quarter
#: below that, because 24 bits are widened to 32. A frame has at most 64 KB.
_READ_SIZE = 96 << 10
#: What follows the format tag in the GUID of a WAVE_FORMAT_EXTENSIBLE header.
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
#: Format tag and bits per sample, to libav's name for the codec: what needs no decoder.
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
    """The sample format of a WAV file.

    Attributes:
        codec: libav's name for the codec, such as ``"pcm_s16le"``.
        sample_rate: in hertz.
        channels: samples per frame.
        mask: which speaker each channel is for, one bit per speaker; 0 if not stated.
        frame_size: bytes per frame.
        big_endian: whether the file has big-endian numbers; samples are turned as they are read.
    """

    codec: str
    sample_rate: int
    channels: int
    mask: int
    frame_size: int
    big_endian: bool = False


@dataclass(frozen=True, slots=True)
class WavHeader:
    """A WAV header, up to the first sample; or what stands for one before raw PCM.

    Attributes:
        format: the sample format.
        offset: number of bytes before the first sample.
        size: number of bytes of samples; None if the header does not state it.
        container: libav's name for the file format.
    """

    format: WaveFormat
    offset: int
    size: int | None
    container: str = "wav"


class WaveChunks(NamedTuple):
    """A WAV header with the raw body of its ``fmt`` chunk, which is empty if there is none."""

    fmt: bytes
    offset: int
    size: int | None
    big_endian: bool


def read_chunks(read: Callable[[int], bytes], head: bytes = b"") -> tuple[WaveChunks | None, bytes]:
    """Read the chunks of a RIFF file up to its samples, whatever their format.

    Args:
        read: returns at most that many bytes; never asked for bytes beyond the header, which a live
            stream may not have yet.
        head: bytes that were read before; `read` is not called if they hold the header.

    Returns:
        the chunks, or None if this is not a WAV file; and all bytes that were read.
    """
    taken = bytearray(head)

    def reach(end: int) -> bool:
        while (missing := end - len(taken)) > 0:
            chunk = read(missing)
            if not chunk:
                return False
            taken.extend(chunk)
        return True

    if not (reach(12) and taken.startswith((_RIFF, _RIFX)) and taken.startswith(b"WAVE", 8)):
        return None, bytes(taken)
    big_endian, fmt = taken.startswith(_RIFX), b""
    order = ">" if big_endian else "<"
    at = 12
    while reach(at + 8):
        name, size = struct.unpack_from(order + _CHUNK, taken, at)
        at += 8
        if name == b"data":
            known = size if 0 < size < _UNKNOWN_SIZE else None
            chunks = WaveChunks(fmt=fmt, offset=at, size=known, big_endian=big_endian)
            return chunks, bytes(taken)
        body, at = at, at + size + (size & 1)
        if at > _MAX_HEADER or not reach(at):
            break
        if name == b"fmt ":
            fmt = bytes(taken[body:at])
    return None, bytes(taken)


def read_wav_header(
    read: Callable[[int], bytes], head: bytes = b""
) -> tuple[WavHeader | None, bytes]:
    """Read the header of a WAV file with plain PCM; see `read_chunks`.

    Returns:
        the header, or None if this is not a WAV file with plain PCM; and all bytes read.
    """
    chunks, taken = read_chunks(read, head)
    fmt = chunks and parse_format(chunks.fmt, big_endian=chunks.big_endian)
    if chunks is None or fmt is None:
        return None, taken
    return WavHeader(format=fmt, offset=chunks.offset, size=chunks.size), taken


def raw_header(audio: AudioFormat) -> WavHeader:
    """Return what stands for the header of raw PCM, which has none."""
    name = f"{'f' if audio.floating else 's'}{8 * audio.sample_width}le"
    fmt = WaveFormat(
        codec=f"pcm_{name}",
        sample_rate=audio.sample_rate,
        channels=audio.channels,
        mask=0,
        frame_size=audio.frame_size,
    )
    return WavHeader(format=fmt, offset=0, size=None, container=name)


def holds(fmt: WaveFormat, audio: AudioFormat) -> bool:
    """Return whether these are integer samples of `audio`'s width and rate, in any channels."""
    same = fmt.codec == f"pcm_s{8 * audio.sample_width}le" and not audio.floating
    return same and fmt.sample_rate == audio.sample_rate


def parse_format(body: bytes, *, big_endian: bool = False) -> WaveFormat | None:
    """Parse a ``fmt`` chunk; None if the samples need a decoder or the fields are inconsistent."""
    if len(body) < FMT.size:
        return None
    order = ">" if big_endian else "<"
    tag, channels, rate, _, block, bits = struct.unpack_from(order + _FMT, body)
    mask = 0
    if tag == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
        mask, tag = struct.unpack_from(order + "IH", body, 20)
    codec = _CODECS.get((tag, bits))
    if codec is None or not channels or not rate or block != channels * bits // 8:
        return None
    return WaveFormat(
        codec=codec,
        sample_rate=rate,
        channels=channels,
        mask=mask,
        frame_size=block,
        big_endian=big_endian,
    )


def read_samples(source: Source, header: WavHeader, start: int, tally: Tally) -> Iterator[bytes]:
    """Yield the samples from frame `start` on, in chunks of up to one second and 96 KB.

    Args:
        source: the source; positioned at the first sample, unless it is seekable.
        header: the WAV header.
        start: the first frame; must be 0 unless the source is seekable.
        tally: records whether the file ends earlier than its header says.
    """
    frame = header.format.frame_size
    most = min(header.format.sample_rate, _READ_SIZE // frame) * frame
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
            yield _turn(data, frame // header.format.channels) if header.format.big_endian else data
    if header.size is None:
        end = at + (frame - len(rest) if rest else 0)  # an unfinished frame
    if at < end:
        seconds = (end - at) / frame / header.format.sample_rate
        position = tally.base + (at // frame - start) / header.format.sample_rate
        tally.add(TRUNCATED, position, seconds)


def _turn(samples: bytes, width: int) -> bytes:
    """Reverse the bytes of each sample."""
    turned = bytearray(len(samples))
    for byte in range(width):
        turned[byte::width] = samples[width - 1 - byte :: width]
    return bytes(turned)


def wav_track_info(header: WavHeader, size: int | None) -> TrackInfo:
    """Return what a header says about a source of `size` bytes; None if that is unknown."""
    fmt = header.format
    available = None if size is None else max(0, size - header.offset)
    sizes = [bound for bound in (available, header.size) if bound is not None]
    return TrackInfo(
        container=header.container,
        codec=fmt.codec.replace("le", "be") if fmt.big_endian else fmt.codec,
        index=0,
        sample_rate=fmt.sample_rate,
        channels=fmt.channels,
        seconds=min(sizes) // fmt.frame_size / fmt.sample_rate if sizes else None,
        exact=True,
    )


def wav_header(audio: AudioFormat, size: int, *, source: str = "") -> bytes:
    """Return the 44-byte header for `size` bytes of PCM.

    Args:
        audio: the PCM format.
        size: number of bytes of PCM; an odd number must be followed by one byte of padding.
        source: the name of the source in the error.

    Raises:
        AudioTooLargeError: a WAV file cannot contain that much.
    """
    if _riff_size(size) > _MAX_RIFF_SIZE:
        raise AudioTooLargeError(
            f"{size} bytes of PCM do not fit into a WAV file, which is limited to 4 GiB; "
            "use open_audio to process the audio in chunks",
            source=source,
        )
    rate, block = audio.sample_rate, audio.frame_size
    fmt = FMT.pack(1, audio.channels, rate, rate * block, block, 8 * audio.sample_width)
    return riff_header(fmt, size)


def riff_header(fmt: bytes, size: int) -> bytes:
    """Return the header before `size` bytes of samples in the format of a ``fmt`` chunk."""
    return struct.pack(
        "<4sI4s4sI16s4sI",
        *(b"RIFF", min(_riff_size(size), _MAX_RIFF_SIZE), b"WAVE"),
        *(b"fmt ", FMT.size, fmt, b"data", size),
    )


def _riff_size(size: int) -> int:
    """Return the size that a RIFF header states for so many bytes of samples."""
    return 36 + size + (size & 1)
