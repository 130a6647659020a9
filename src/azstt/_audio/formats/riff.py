"""WAV files without libav: their header, and their samples as they stand.

Starting libav costs seventy times what reading a short clip does, and its demuxer holds a live
stream back by seconds.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from azstt._audio.report import Facts, Tally
from azstt._audio.sources import Source
from azstt._audio_format import AudioFormat

#: A chunk's name and size.
_CHUNK = struct.Struct("<4sI")
#: A ``fmt`` chunk: tag, channels, sample rate, byte rate, frame size, bits per sample.
FMT = struct.Struct("<HHIIHH")
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
class Wave:
    """A header, read up to the first sample.

    Attributes:
        format: what the samples are.
        offset: bytes before the first sample.
        size: bytes of samples that the header announces; None when it leaves that open.
    """

    format: WaveFormat
    offset: int
    size: int | None


class WaveChunks(NamedTuple):
    """A header like `Wave`, with the body of its ``fmt`` chunk, which is empty if there is none."""

    fmt: bytes
    offset: int
    size: int | None


def read_chunks(read: Callable[[int], bytes], head: bytes = b"") -> tuple[WaveChunks | None, bytes]:
    """Read the chunks of a RIFF file up to its samples, whatever their format.

    Args:
        read: returns up to so many bytes; is asked for none beyond the header, which a live stream
            may not have yet.
        head: bytes that were read before; `read` is not called if they hold the header.

    Returns:
        the chunks, or None if this is not a WAV file; and all bytes that were read.
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
    fmt = b""
    at = 12
    while reach(at + 8):
        name, size = _CHUNK.unpack_from(taken, at)
        at += 8
        if name == b"data":
            known = size if 0 < size < _UNKNOWN_SIZE else None
            return WaveChunks(fmt=fmt, offset=at, size=known), bytes(taken)
        body, at = at, at + size + (size & 1)
        if at > _MAX_HEADER or not reach(at):
            break
        if name == b"fmt ":
            fmt = bytes(taken[body:at])
    return None, bytes(taken)


def read_wave(read: Callable[[int], bytes], head: bytes = b"") -> tuple[Wave | None, bytes]:
    """Read the header of a WAV file of plain PCM; see `read_chunks`.

    Returns:
        the header, or None if the file is not one of plain PCM; and all bytes that were read.
    """
    chunks, taken = read_chunks(read, head)
    form = None if chunks is None else parse_format(chunks.fmt)
    if chunks is None or form is None:
        return None, taken
    return Wave(format=form, offset=chunks.offset, size=chunks.size), taken


def holds(form: WaveFormat, audio: AudioFormat) -> bool:
    """Tell whether samples are those of an integer format, however many channels there are."""
    same = form.codec == f"pcm_s{8 * audio.sample_width}le" and not audio.floating
    return same and form.sample_rate == audio.sample_rate


def parse_format(body: bytes) -> WaveFormat | None:
    """Read a ``fmt`` chunk; None if the samples need a decoder, or the fields contradict."""
    if len(body) < FMT.size:
        return None
    tag, channels, rate, _, block, bits = FMT.unpack_from(body)
    mask = 0
    if tag == _EXTENSIBLE and body[26:40] == _GUID_TAIL:
        mask, tag = struct.unpack_from("<IH", body, 20)
    codec = _CODECS.get((tag, bits))
    if codec is None or not channels or not rate or block != channels * bits // 8:
        return None
    return WaveFormat(codec=codec, sample_rate=rate, channels=channels, mask=mask, frame_size=block)


def read_samples(source: Source, wave: Wave, start: int, tally: Tally) -> Iterator[bytes]:
    """Give the samples from frame `start` on, in chunks of at most a second, and of 96 KB.

    Args:
        source: stands at the first sample, if it cannot seek.
        wave: its header.
        start: the first frame to give; not 0 only where the source can seek.
        tally: is told if the file ends before its header says.
    """
    frame = wave.format.frame_size
    most = min(wave.format.sample_rate, _MOST // frame) * frame
    at, end = start * frame, sys.maxsize if wave.size is None else wave.size
    if source.seekable:
        source.seek(wave.offset + at)
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
    tally.truncated = wave.size is not None and at < end


def wave_facts(wave: Wave, size: int | None) -> Facts:
    """Say what a header says, in a source of so many bytes, if that is known."""
    form = wave.format
    there = None if size is None else max(0, size - wave.offset)
    ends = [end for end in (there, wave.size) if end is not None]
    return Facts(
        container="wav",
        codec=form.codec,
        index=0,
        sample_rate=form.sample_rate,
        channels=form.channels,
        seconds=min(ends) // form.frame_size / form.sample_rate if ends else None,
        exact=True,
    )


def wav_header(audio: AudioFormat, size: int) -> bytes:
    """Give the 44 bytes before so many bytes of PCM."""
    rate, block = audio.sample_rate, audio.frame_size
    fmt = FMT.pack(1, audio.channels, rate, rate * block, block, 8 * audio.sample_width)
    return riff_header(fmt, size)


def riff_header(fmt: bytes, size: int) -> bytes:
    """Return the header before `size` bytes of samples in the format of a ``fmt`` chunk."""
    return struct.pack(
        "<4sI4s4sI16s4sI",
        *(b"RIFF", min(36 + size + (size & 1), 0xFFFF_FFFF), b"WAVE"),
        *(b"fmt ", FMT.size, fmt, b"data", size),
    )
