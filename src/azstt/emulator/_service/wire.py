"""The frames of the speech protocol: headers and a body, as text or binary. Pure.

A text frame holds header lines, an empty line and a body. A binary frame holds the length of its
headers in two bytes, big-endian, then the header lines and a payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from azstt._audio.formats.riff import FMT, read_chunks, riff_header
from azstt._audio_format import AudioFormat

_LINE_END = "\r\n"
_BLANK = "\r\n\r\n"
#: Bytes of the length before a binary frame's headers.
_LENGTH = 2
_MAX_HEADERS = 0xFFFF
_PCM = 1
#: The size that a RIFF header gives for a stream of unknown length.
_UNKNOWN_SIZE = 0xFFFF_FFFF


class WireError(ValueError):
    """A frame or message that violates the protocol; the error's text says how."""


@dataclass(frozen=True)
class SpeechMessage:
    """The message in one frame.

    Attributes:
        path: the kind of message.
        headers: the other headers, by lower-case name.
        body: UTF-8 text, or the payload of a binary frame.
        binary: whether it came in a binary frame.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    binary: bool = False

    @property
    def request_id(self) -> str:
        """The turn it belongs to; empty for messages of the connection."""
        return self.headers.get("x-requestid", "")


def encode_text(path: str, body: str, **headers: str) -> str:
    """Write a text frame; underscores in header names become hyphens."""
    return _encode_headers(path, headers) + _LINE_END + body


def encode_binary(path: str, payload: bytes, **headers: str) -> bytes:
    """Write a binary frame; underscores in header names become hyphens.

    Raises:
        WireError: the headers are too long for their length field.
    """
    head = _encode_headers(path, headers).encode()
    if len(head) > _MAX_HEADERS:
        raise WireError(f"headers of {len(head)} bytes, more than the maximum of {_MAX_HEADERS}")
    return len(head).to_bytes(_LENGTH, "big") + head + payload


def _encode_headers(path: str, headers: Mapping[str, str]) -> str:
    """Write the header lines.

    Clients look names up in exactly this spelling, `Path` and `X-RequestId` above all.

    Raises:
        WireError: a value contains a line break, which would forge another header.
    """
    named = {"Path": path, **{name.replace("_", "-"): text for name, text in headers.items()}}
    for name, text in named.items():
        if "\r" in text or "\n" in text:
            raise WireError(f"the value of header {name!r} contains a line break")
    return "".join(f"{name}:{text}{_LINE_END}" for name, text in named.items())


def decode_text(frame: str) -> SpeechMessage:
    """Read a text frame.

    Raises:
        WireError: there is no empty line, a header without a colon, or no path.
    """
    head, blank, body = frame.partition(_BLANK)
    if not blank:
        raise WireError("a text frame without an empty line after its headers")
    return _decode(head, body.encode(), binary=False)


def decode_binary(frame: bytes) -> SpeechMessage:
    """Read a binary frame.

    Raises:
        WireError: it is shorter than announced, its headers are not text, or there is no path.
    """
    size = int.from_bytes(frame[:_LENGTH], "big")
    if len(frame) < _LENGTH + size:
        raise WireError(
            f"a binary frame of {len(frame)} bytes that announces {size} bytes of headers"
        )
    try:
        head = frame[_LENGTH : _LENGTH + size].decode()
    except UnicodeDecodeError as error:
        raise WireError("the headers of a binary frame are not UTF-8") from error
    return _decode(head, frame[_LENGTH + size :], binary=True)


def _decode(head: str, body: bytes, *, binary: bool) -> SpeechMessage:
    headers: dict[str, str] = {}
    for line in head.split(_LINE_END):
        if not line:
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise WireError(f"a header line of {len(line)} characters without a colon")
        headers[name.strip().lower()] = text.strip()
    path = headers.pop("path", "")
    if not path:
        raise WireError("a frame without the header 'Path'")
    return SpeechMessage(path.lower(), headers, body, binary)


@dataclass(frozen=True)
class StreamFormat:
    """The audio format that the RIFF header at a turn's start announces.

    Attributes:
        tag: the format tag: 1 is PCM, 7 mu-law.
        channels: samples per frame.
        sample_rate: frames per second.
        byte_rate: bytes per second.
        sample_bits: bits per sample.
    """

    tag: int
    channels: int
    sample_rate: int
    byte_rate: int
    sample_bits: int

    @classmethod
    def pcm(cls, audio: AudioFormat) -> Self:
        """Return the format of integer PCM."""
        rate, bits = audio.sample_rate, 8 * audio.sample_width
        return cls(_PCM, audio.channels, rate, rate * audio.frame_size, bits)

    @property
    def frame_size(self) -> int:
        """Bytes per frame, at least one."""
        return max(1, self.channels * self.sample_bits // 8)

    def seconds(self, size: int) -> float:
        """Return the duration of ``size`` bytes, in seconds."""
        return size / self.byte_rate

    def size(self, seconds: float) -> int:
        """Return how many bytes last ``seconds``, in whole frames."""
        size = round(seconds * self.byte_rate)
        return size - size % self.frame_size


def decode_riff(data: bytes) -> tuple[StreamFormat, bytes]:
    """Read the RIFF header before a turn's audio; return the format and what follows the header.

    The sizes of the file and of the samples are ignored: in a stream they are 0.

    Raises:
        WireError: there is no complete RIFF header, or its format makes no sense.
    """
    chunks, _ = read_chunks(lambda _: b"", data)
    if chunks is None:
        raise WireError("a turn's first audio without a RIFF header")
    if len(chunks.fmt) < FMT.size:
        raise WireError("a RIFF header without a format")
    tag, channels, rate, byte_rate, _, bits = FMT.unpack_from(chunks.fmt)
    if not (channels and rate and byte_rate):
        raise WireError(
            f"a RIFF header with {channels} channels, {rate} Hz and {byte_rate} bytes per second"
        )
    return StreamFormat(tag, channels, rate, byte_rate, bits), data[chunks.offset :]


def encode_riff(audio: StreamFormat) -> bytes:
    """Write the RIFF header of a stream of unknown length."""
    fmt = FMT.pack(
        audio.tag,
        audio.channels,
        audio.sample_rate,
        audio.byte_rate,
        audio.frame_size,
        audio.sample_bits,
    )
    return riff_header(fmt, _UNKNOWN_SIZE)


def channel_of(audio: bytes, form: StreamFormat, channel: int) -> bytes:
    """Extract one channel of interleaved audio."""
    width = form.sample_bits // 8
    picked = bytearray(len(audio) // form.channels)
    for byte in range(width):
        picked[byte::width] = audio[channel * width + byte :: form.frame_size]
    return bytes(picked)
