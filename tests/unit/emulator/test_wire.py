from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat
from azstt.emulator._service.wire import (
    StreamFormat,
    WireError,
    channel_of,
    decode_binary,
    decode_riff,
    decode_text,
    encode_binary,
    encode_riff,
    encode_text,
)

names = st.from_regex(r"[A-Za-z][A-Za-z0-9.]{0,20}", fullmatch=True)
values = st.text(st.characters(exclude_categories=["C", "Z"]), max_size=30)
FORMAT = StreamFormat.pcm(AudioFormat())


@given(path=names, body=st.text(), ident=values)
def test_text_frames_read_back(path, body, ident):
    """A text frame is read back as it was written."""
    message = decode_text(encode_text(path, body.replace("\ud800", ""), X_RequestId=ident))
    assert (message.path, message.body.decode()) == (path.lower(), body)
    assert message.request_id == ident
    assert not message.binary


@given(path=names, body=st.binary(), ident=values)
def test_binary_frames_read_back(path, body, ident):
    """A binary frame is read back as it was written."""
    message = decode_binary(encode_binary(path, body, X_RequestId=ident))
    assert (message.path, message.body, message.binary) == (path.lower(), body, True)
    assert message.request_id == ident


@given(st.binary())
def test_any_bytes_are_a_frame_or_rejected(data):
    """Any bytes result in a message or a WireError."""
    for decode in (decode_binary, decode_riff):
        with contextlib.suppress(WireError):
            decode(data)


@given(st.text())
def test_any_text_is_a_frame_or_rejected(text):
    """Any text results in a message or a WireError."""
    with contextlib.suppress(WireError):
        decode_text(text)


def test_headers_are_spelled_as_clients_need_them():
    """The native SDK looks for `Path` and `X-RequestId` in exactly this spelling."""
    frame = encode_text("turn.start", "{}", X_RequestId="ab")
    assert frame == "Path:turn.start\r\nX-RequestId:ab\r\n\r\n{}"


def test_spaces_around_headers_are_ignored():
    """A header's value is trimmed, and its name is read in any case."""
    message = decode_text("PATH: Speech.Config \r\nx-requestid:  12 \r\n\r\n")
    assert (message.path, message.request_id) == ("speech.config", "12")


@pytest.mark.parametrize("frame", ["Path:a", "no colon\r\n\r\n", "X:1\r\n\r\nbody"])
def test_bad_text_frames(frame):
    """A text frame without an empty line, a colon or a path is rejected."""
    with pytest.raises(WireError):
        decode_text(frame)


@pytest.mark.parametrize("frame", [b"", b"\0\x09Path:a", b"\0\x01\xff"])
def test_bad_binary_frames(frame):
    """A binary frame that is too short, or whose headers are not text, is rejected."""
    with pytest.raises(WireError):
        decode_binary(frame)


def test_headers_cannot_be_forged():
    """A value with a line break would add a header, so it is rejected."""
    with pytest.raises(WireError, match="line break"):
        encode_text("a", "", X="1\r\nPath:b")


def test_too_many_headers():
    """Headers that are too long for their length field are rejected."""
    with pytest.raises(WireError, match="65535"):
        encode_binary("a", b"", X="x" * 70_000)


@given(
    rate=st.integers(8_000, 48_000),
    channels=st.integers(1, 4),
    width=st.sampled_from([1, 2, 4]),
    rest=st.binary(max_size=9),
)
def test_riff_headers_read_back(rate, channels, width, rest):
    """Reading a stream's header returns its format and the audio behind it."""
    form = StreamFormat(1, channels, rate, rate * channels * width, width * 8)
    assert decode_riff(encode_riff(form) + rest) == (form, rest)


def test_riff_headers_may_hold_more():
    """Other chunks than the format are skipped, odd ones with their padding."""
    head = encode_riff(FORMAT)
    more = head[:12] + b"LIST\x03\0\0\0abc\0" + head[12:] + b"12"
    assert decode_riff(more) == (FORMAT, b"12")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\0\0\0\0WAVX",
        encode_riff(FORMAT)[:36],
        encode_riff(StreamFormat(1, 0, 16_000, 32_000, 16)),
        encode_riff(FORMAT)[:12] + b"data\0\0\0\0",
    ],
)
def test_bad_riff_headers(data):
    """A header that is missing, truncated, or has no usable format is rejected."""
    with pytest.raises(WireError):
        decode_riff(data)


def test_seconds_and_sizes():
    """Seconds convert to bytes in whole frames, and back."""
    assert FORMAT.seconds(16_000) == 0.5
    assert FORMAT.size(0.50001) == 16_000
    assert StreamFormat(7, 1, 8_000, 8_000, 8).seconds(4_000) == 0.5


@given(st.integers(1, 3), st.sampled_from([8, 16, 32]), st.integers(0, 20), st.data())
def test_channels_are_picked(channels, bits, frames, data):
    """Each channel of interleaved audio is extracted as it was."""
    size = frames * bits // 8
    parts = [data.draw(st.binary(min_size=size, max_size=size)) for _ in range(channels)]
    width = bits // 8
    mixed = b"".join(p[at : at + width] for at in range(0, size, width) for p in parts)
    form = StreamFormat(1, channels, 8_000, 8_000 * width * channels, bits)
    assert [channel_of(mixed, form, number) for number in range(channels)] == parts
