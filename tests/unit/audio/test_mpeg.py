from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.mpeg import (
    Mp3Info,
    after_tags,
    find_frame,
    frame_kind,
    frame_samples,
    frame_size,
    mp3_info,
    tag_size,
)

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
        (b"ID3\x04\0\0\0\0\0", None),
        (b"APETAGEX\xd0\x07\0\0\x40\1\0\0", 320 + 32),
        (b"APETAGEX\xd0\x07\0\0\x40\1\0", None),
        (b"TAG" + bytes(7), 128),
        (b"TA", None),
        (b"", None),
        (b"\xff\xfb", 0),
    ],
)
def test_the_size_of_a_tag(head, size):
    """The size of a tag is read, as soon as there are enough bytes to tell."""
    assert tag_size(head) == size


def test_the_audio_begins_after_all_tags():
    """Tags that follow one another are skipped by their length, even beyond the bytes at hand."""
    tag = b"ID3\x04\0\0\0\0\0\x05Title"
    assert after_tags(tag + tag + MP3) == 30
    assert after_tags(tag[:-1]) == 15
    assert after_tags(MP3) == after_tags(b"") == 0


def _frame(head: str, at: int, header: bytes) -> bytes:
    return bytes.fromhex(head).ljust(4 + at, b"\0") + header


@pytest.mark.parametrize(
    ("head", "at", "samples"),
    [
        ("fffb9064", 32, 1_152),  # MPEG-1, joint stereo
        ("fffb90c4", 17, 1_152),  # mono
        ("fff34804", 17, 576),  # MPEG-2, stereo
        ("fff348c4", 9, 576),
        ("ffe318c4", 9, 576),  # MPEG-2.5
    ],
)
def test_the_header_of_a_file_is_where_it_belongs(head, at, samples):
    """An MP3 file's own header is found after the side information, and nowhere else."""
    count = (100).to_bytes(4, "big")
    for name in (b"Xing", b"Info"):
        header = name + bytes([0, 0, 0, 1]) + count
        assert mp3_info(_frame(head, at, header + bytes(99))) == Mp3Info(0, 100 * samples)
        for wrong in (at - 1, at + 1, at + 40):
            assert mp3_info(_frame(head, wrong, header + bytes(99))) is None
    assert mp3_info(_frame(head, at, b"Info\0\0\0\0")) == Mp3Info(0, None)
    assert mp3_info(_frame(head, at, b"Info")) is None
    vbri = b"VBRI" + bytes(10) + count + bytes(20)
    assert mp3_info(_frame(head, 32, vbri)) == Mp3Info(0, 100 * samples)


@pytest.mark.parametrize(("flags", "fields"), [(1, 0), (3, 4), (5, 100), (15, 108)])
def test_the_header_has_delay_and_padding(flags, fields):
    """The samples of an MP3 file are told without the padding that known encoders name."""
    for name, delay, padding in ((b"LAME3.100", 576, 1_000), (b"Lavc60.31", 1_105, 47)):
        lame = name.ljust(21, b"\0") + (delay << 12 | padding).to_bytes(3, "big")
        header = b"Xing\0\0\0" + bytes([flags]) + (100).to_bytes(4, "big") + bytes(fields)
        info = mp3_info(_frame("fffb9064", 32, header + lame))
        assert info == Mp3Info(delay + 529, 100 * 1_152 - delay - padding)
        assert mp3_info(_frame("fffb9064", 32, header + b"Gogo" + lame[4:])) == Mp3Info(0, 115_200)


def test_how_many_samples_a_frame_has():
    """Frames tell their duration."""
    assert frame_samples(MP3) == 576
    assert frame_samples(bytes.fromhex("fffb90640000")) == 1_152
    assert frame_samples(AAC) == 1_024
    assert frame_samples(AAC + b"\xfd") == 2_048
    assert frame_samples(b"anything") == 0


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
    assert tag_size(data) is None or tag_size(data) >= 0
    assert after_tags(data) >= 0
    mp3_info(MP3[:4] + bytes(9) + b"Info" + data)
    assert frame_size(data) >= 0
    for stream in ("mp3", "aac"):
        at, certain = find_frame(data, stream)
        assert 0 <= at <= len(data)
        assert not certain or frame_kind(data[at:]) == stream
