"""The frames of the speech protocol: headers and a body, in text and in binary. Pure.

A text frame holds header lines, an empty line and a body; a binary frame holds the length of its
headers in two bytes, big-endian, the header lines and a payload.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_LINE_END = "\r\n"
_BLANK = "\r\n\r\n"
#: Bytes of the length before a binary frame's headers.
_LENGTH = 2
_LONGEST_HEADERS = 0xFFFF
#: RIFF, its size, WAVE; then a name and a size before each chunk.
_RIFF = 12
_CHUNK = 8
_FMT = struct.Struct("<HHIIHH")


class WireError(ValueError):
    """A frame that is none; the message says what is wrong with it."""


@dataclass(frozen=True)
class Message:
    """What one frame says.

    Attributes:
        path: what kind of message it is.
        headers: the others, by name in lower case.
        body: text as UTF-8, or the payload of a binary frame.
        binary: it came in a binary frame.
    """

    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    binary: bool = False

    @property
    def request_id(self) -> str:
        """Whose turn it belongs to; empty for messages of the connection."""
        return self.headers.get("x-requestid", "")


def encode_text(path: str, body: str, **headers: str) -> str:
    """Write a text frame; an underscore in a header's name stands for a hyphen."""
    return _head(path, headers) + _LINE_END + body


def encode_binary(path: str, payload: bytes, **headers: str) -> bytes:
    """Write a binary frame; an underscore in a header's name stands for a hyphen.

    Raises:
        WireError: the headers are too long for their length field.
    """
    head = _head(path, headers).encode()
    if len(head) > _LONGEST_HEADERS:
        raise WireError(f"{len(head)} bytes of headers; at most {_LONGEST_HEADERS} fit")
    return len(head).to_bytes(_LENGTH, "big") + head + payload


def _head(path: str, headers: Mapping[str, str]) -> str:
    """Write header lines.

    Clients look names up by exactly this spelling, `Path` and `X-RequestId` above all.

    Raises:
        WireError: a value holds a line end, and would forge another header.
    """
    named = {"Path": path, **{name.replace("_", "-"): text for name, text in headers.items()}}
    for name, text in named.items():
        if "\r" in text or "\n" in text:
            raise WireError(f"header {name!r} holds a line end")
    return "".join(f"{name}:{text}{_LINE_END}" for name, text in named.items())


def decode_text(frame: str) -> Message:
    """Read a text frame.

    Raises:
        WireError: no empty line, a header without a colon, or no path.
    """
    head, blank, body = frame.partition(_BLANK)
    if not blank:
        raise WireError("a text frame without an empty line after its headers")
    return _message(head, body.encode(), binary=False)


def decode_binary(frame: bytes) -> Message:
    """Read a binary frame.

    Raises:
        WireError: shorter than it says, headers that are no text, or no path.
    """
    size = int.from_bytes(frame[:_LENGTH], "big")
    if len(frame) < _LENGTH + size:
        raise WireError(
            f"a binary frame of {len(frame)} bytes that announces {size} bytes of headers"
        )
    try:
        head = frame[_LENGTH : _LENGTH + size].decode()
    except UnicodeDecodeError as error:
        raise WireError("headers that are not UTF-8") from error
    return _message(head, frame[_LENGTH + size :], binary=True)


def _message(head: str, body: bytes, *, binary: bool) -> Message:
    headers: dict[str, str] = {}
    for line in head.split(_LINE_END):
        if not line:
            continue
        name, colon, text = line.partition(":")
        if not colon:
            raise WireError(f"a header line without a colon, {len(line)} characters long")
        headers[name.strip().lower()] = text.strip()
    path = headers.pop("path", "")
    if not path:
        raise WireError("a frame without the header 'Path'")
    return Message(path.lower(), headers, body, binary)


@dataclass(frozen=True)
class WaveFormat:
    """What a turn's first audio says of the rest.

    Attributes:
        tag: 1 is PCM, 7 mu-law.
        channels: samples a frame.
        sample_rate: frames a second.
        byte_rate: bytes a second.
        sample_bits: bits a sample.
    """

    tag: int
    channels: int
    sample_rate: int
    byte_rate: int
    sample_bits: int

    @property
    def frame_size(self) -> int:
        """Bytes a frame, at least one."""
        return max(1, self.channels * self.sample_bits // 8)

    def seconds(self, size: int) -> float:
        """Give how long so many bytes last."""
        return size / self.byte_rate

    def size(self, seconds: float) -> int:
        """Give how many bytes last so long, in whole frames."""
        size = round(seconds * self.byte_rate)
        return size - size % self.frame_size


def decode_riff(data: bytes) -> tuple[WaveFormat, bytes]:
    """Read the RIFF header before a turn's audio; give the format and what follows the header.

    The sizes in it are not trusted: for a stream they are 0.

    Raises:
        WireError: it is no RIFF header, or its format makes no sense.
    """
    if data[:4] != b"RIFF" or data[8:_RIFF] != b"WAVE":
        raise WireError("a turn's first audio without a RIFF header")
    at, form = _RIFF, None
    while at + _CHUNK <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + _CHUNK], "little")
        at += _CHUNK
        if name == b"data":
            break
        if name == b"fmt " and at + _FMT.size <= len(data):
            tag, channels, rate, byte_rate, _, bits = _FMT.unpack_from(data, at)
            form = WaveFormat(tag, channels, rate, byte_rate, bits)
        at += size + size % 2
    else:
        raise WireError("a RIFF header without a data chunk")
    if form is None or not (form.channels and form.sample_rate and form.byte_rate):
        raise WireError("a RIFF header without a usable format")
    return form, data[at:]


def encode_riff(form: WaveFormat) -> bytes:
    """Write the RIFF header of a stream whose length is unknown."""
    fmt = _FMT.pack(
        form.tag,
        form.channels,
        form.sample_rate,
        form.byte_rate,
        form.frame_size,
        form.sample_bits,
    )
    endless = b"\xff" * 4
    size = _FMT.size.to_bytes(4, "little")
    return b"RIFF" + endless + b"WAVE" + b"fmt " + size + fmt + b"data" + endless


def channel_of(audio: bytes, form: WaveFormat, channel: int) -> bytes:
    """Give one channel of interleaved audio."""
    width = form.sample_bits // 8
    picked = bytearray(len(audio) // form.channels)
    for byte in range(width):
        picked[byte::width] = audio[channel * width + byte :: form.frame_size]
    return bytes(picked)
