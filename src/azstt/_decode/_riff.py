"""WAV files that hold the very PCM that is asked for are passed on as they are, without libav.

Starting libav costs seventy times what reading such a clip does, and its demuxer holds a live
stream back by seconds.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from azstt._audio_format import AudioFormat
from azstt._decode._report import Tally
from azstt._decode._sources import Source

#: Chunks before the samples may hold pictures; past this it is libav's business.
_MAX_HEADER = 1 << 20
#: Writers to a pipe, who cannot know the length, put one of these, or more, or 0.
_UNKNOWN_SIZE = 0x7FFF_F000
_PCM, _EXTENSIBLE = 0x0001, 0xFFFE
#: The GUID of PCM in a WAVE_FORMAT_EXTENSIBLE header.
_PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


@dataclass(frozen=True, slots=True)
class Wave:
    """A header, read up to the first sample.

    Attributes:
        audio: what the samples are.
        offset: bytes before the first sample.
        size: bytes of samples that the header announces; None when it leaves that open.
    """

    audio: AudioFormat
    offset: int
    size: int | None


def read_wave(read: Callable[[int], bytes]) -> tuple[Wave | None, bytes]:
    """Read a RIFF header through `read`, which may give less than it is asked for.

    Returns:
        the header, or None if this is not plain little-endian PCM; and all bytes that were read.
    """
    taken = bytearray()

    def exactly(size: int) -> bytes | None:
        start = len(taken)
        while (missing := start + size - len(taken)) > 0:
            piece = read(missing)
            if not piece:
                return None
            taken.extend(piece)
        return bytes(taken[start:])

    head = exactly(12)
    if head is None or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None, bytes(taken)
    audio: AudioFormat | None = None
    while (chunk := exactly(8)) is not None:
        name, size = chunk[:4], int.from_bytes(chunk[4:], "little")
        if name == b"data":
            known = size if 0 < size < _UNKNOWN_SIZE else None
            wave = None if audio is None else Wave(audio=audio, offset=len(taken), size=known)
            return wave, bytes(taken)
        padded = size + (size & 1)
        if len(taken) + padded > _MAX_HEADER or (body := exactly(padded)) is None:
            break
        if name == b"fmt ":
            audio = parse_format(body)
    return None, bytes(taken)


def parse_format(body: bytes) -> AudioFormat | None:
    """Read a ``fmt`` chunk; None if it is not PCM that an `AudioFormat` can express."""
    if len(body) < 16:  # noqa: PLR2004  the fixed part of the chunk
        return None
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE:
        tag = _PCM if body[24:40] == _PCM_GUID else _EXTENSIBLE
    width = bits // 8
    if tag != _PCM or bits not in {16, 24, 32} or block != channels * width:
        return None
    try:
        return AudioFormat.model_validate(
            {"sample_rate": rate, "channels": channels, "sample_width": width}
        )
    except ValueError:
        return None


def read_samples(source: Source, wave: Wave, start: int, tally: Tally) -> Iterator[bytes]:
    """Give the samples from frame `start` on, in chunks of at most a second.

    Args:
        source: stands at the first sample.
        wave: its header.
        start: the first frame to give; not 0 only where the source can seek.
        tally: is told if the file ends before its header says.
    """
    frame = wave.audio.frame_size
    second = wave.audio.sample_rate * frame
    at, end = start * frame, sys.maxsize if wave.size is None else wave.size
    if start:
        source.seek(wave.offset + at)
    rest = b""
    while at < end and (data := source.read(min(second - len(rest), end - at))):
        at += len(data)
        data = rest + data
        whole = len(data) - len(data) % frame
        rest = data[whole:]
        if whole:
            yield data[:whole]
    tally.truncated = wave.size is not None and at < end
