from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.mpeg import find_frame, frame_kind, frame_size, id3_size

MP3, AAC = bytes.fromhex("fff348c40000"), bytes.fromhex("fff160400c7f")


@pytest.mark.parametrize(
    ("head", "stream"),
    [
        ("fffb90640000", "mp3"),  # MPEG-1
        ("fff348c40000", "mp3"),  # MPEG-2
        ("ffe318c40000", "mp3"),  # MPEG-2.5
        ("fffd90040000", "other"),  # layer II
        ("ffff90040000", "other"),  # layer I
        ("fff150800000", "aac"),  # MPEG-4
        ("fff950800000", "aac"),  # MPEG-2
        ("fff17c800000", None),  # an unknown rate
        ("ffe150800000", None),  # half a sync word
        ("ffeb90640000", None),  # a forbidden version
        ("fffbf0640000", None),  # a forbidden bit rate
        ("fffb9c640000", None),  # a forbidden sample rate
        ("fffb906400", None),
        ("494433040000", None),
        ("", None),
    ],
)
def test_what_a_header_says(head, stream):
    """MP3 and AAC are distinguished from related codecs and from other bytes."""
    assert frame_kind(bytes.fromhex(head)) == stream


@pytest.mark.parametrize(
    ("head", "size"),
    [
        (b"ID3\x04\0\0\0\0\0\x23", 45),
        (b"ID3\x04\0\0\0\0\x02\x01", 267),
        (b"ID3\x04\0\x10\0\0\0\x23", 55),  # with a footer
        (b"ID3\x04\0\0\0\0\0\xff", 0),  # eight bits per byte: not a tag
        (b"ID3\x04\0\0\0\0\0", 0),
        (b"TAG" + bytes(7), 0),
    ],
)
def test_the_size_of_a_tag(head, size):
    """The size of an ID3 tag is read, with seven bits per byte."""
    assert id3_size(head) == size


@pytest.mark.parametrize(
    "name",
    [
        "containers/mp3.mp3",
        "common_voice_firefox.mp3",
        "ja_common_voice.mp3",
        "containers/aac_adts.aac",
    ],
)
def test_sizes_are_those_of_libav(audio, name):
    """Frame sizes are those that libav's demuxer finds."""
    with av.open(str(audio / name)) as container:
        frames = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    assert len(frames) > 90
    assert [frame_size(frame) for frame in frames] == [len(frame) for frame in frames]


@pytest.mark.parametrize(
    ("head", "size"),
    [
        ("fffb92640000", 418),  # MPEG-1, padded
        ("ffe318c40000", 72),  # MPEG-2.5
        ("fffb00640000", 0),  # free bit rate
        ("fffd90040000", 0),
        ("000000000000", 0),
    ],
)
def test_sizes_that_no_recording_here_has(head, size):
    """Rarer kinds of headers have a frame size, or none."""
    assert frame_size(bytes.fromhex(head)) == size


def test_a_frame_among_junk():
    """A frame counts if another follows it; all bytes before it are junk."""
    two = MP3 + bytes(138) + MP3
    assert find_frame(two, "mp3") == (0, True)
    for junk in (
        b"junk",
        b"\xff\xff\xff" + MP3 + b"\xff" * 5,
        AAC + bytes(50),
        b"\xff\xfd\x90\x04\0\0",
    ):
        data = junk + two
        assert find_frame(data, "mp3") == (len(junk), True)
        for size in range(len(data)):
            at, certain = find_frame(data[:size], "mp3")
            assert at <= len(junk)
            assert not certain
    assert find_frame(two, "aac") == (len(two), False)
    assert find_frame(b"nothing", "aac") == (7, False)


@given(st.binary(max_size=60))
def test_any_bytes_have_an_answer(data):
    """These functions work for any bytes."""
    assert frame_kind(data) in {None, "mp3", "aac", "other"}
    assert id3_size(data) >= 0
    assert frame_size(data) >= 0
    for stream in ("mp3", "aac"):
        at, certain = find_frame(data, stream)
        assert 0 <= at <= len(data)
        assert not certain or frame_kind(data[at:]) == stream
