from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio import open_audio
from azstt._audio.formats.riff import WaveFormat, parse_format, read_samples, read_wav_header
from azstt._audio.inputs import make_source
from azstt._audio.report import Tally

GUID = bytes.fromhex("0100000000001000800000aa00389b71")
SPEECH = WaveFormat(codec="pcm_s16le", sample_rate=16_000, channels=1, mask=0, frame_size=2)


def fmt(tag=1, channels=1, rate=16_000, bits=16, *, block=None, more=b""):
    """Build a format chunk's content."""
    block = channels * bits // 8 if block is None else block
    return struct.pack("<HHIIHH", tag, channels, rate, rate * block, block, bits) + more


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """Build a chunk, possibly with a wrong size."""
    declared = len(body) if size is None else size
    return name + struct.pack("<I", declared) + body + b"\0" * (len(body) & 1)


def riff(*chunks: bytes) -> bytes:
    """Build a file from chunks."""
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def read(data: bytes, sizes=None, ahead=0):
    """Read a header in chunks of these sizes, after reading ahead."""
    file = io.BytesIO(data)
    left = iter(sizes or ())
    return read_wav_header(lambda size: file.read(min(size, next(left, size))), file.read(ahead))


NAMES = st.binary(min_size=4, max_size=4).filter(lambda name: name not in {b"fmt ", b"data"})
JUNK = st.lists(st.builds(chunk, NAMES, st.binary(max_size=50)), max_size=3).map(b"".join)


@given(
    before=JUNK,
    between=JUNK,
    sizes=st.lists(st.integers(1, 30)),
    ahead=st.integers(0, 200),
    samples=st.binary(),
)
def test_any_layout_cut_anywhere(before, between, sizes, ahead, samples):
    """Whatever chunks surround them, and however the bytes arrive, the samples are found."""
    data = riff(before, chunk(b"fmt ", fmt()), between, chunk(b"data", samples))
    wave, taken = read(data, sizes, ahead)
    assert wave is not None
    assert wave.format == SPEECH
    assert len(taken) == max(wave.offset, min(ahead, len(data)))
    assert wave.size == (len(samples) or None)
    assert data[wave.offset : wave.offset + len(samples)] == samples


@given(data=st.binary(max_size=200), head=st.sampled_from([b"", b"RIFF\0\0\0\0WAVE"]))
def test_any_bytes_are_survived(data, head):
    """No bytes make the parser fail, and it returns all that it read."""
    wave, taken = read(head + data)
    assert (head + data).startswith(taken)
    assert wave is None or wave.offset == len(taken)


@given(cut=st.integers(0, 43))
def test_a_header_that_ends_early_is_none(cut):
    """A file that ends within its header is not a WAV file."""
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", b"ab"))
    assert read(data[:cut]) == (None, data[:cut])


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
def test_sizes_that_mean_unknown(size):
    """A size that is written when the real one is unknown means: to the end."""
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", b"abcd", size))
    wave, _ = read(data)
    assert wave is not None
    assert wave.size is None
    with open_audio(data) as reader:
        assert b"".join(reader) == b"abcd"
        assert reader.total_seconds == 2 / 16_000
        assert not reader.report.truncated


@pytest.mark.parametrize(
    ("body", "codec"),
    [
        (fmt(bits=8), "pcm_u8"),
        (fmt(bits=24, channels=2), "pcm_s24le"),
        (fmt(bits=32), "pcm_s32le"),
        (fmt(tag=3, bits=32), "pcm_f32le"),
        (fmt(tag=3, bits=64), "pcm_f64le"),
        (fmt(tag=0xFFFE, more=struct.pack("<HHI", 22, 16, 4) + GUID), "pcm_s16le"),
    ],
)
def test_plain_formats_are_known(body, codec):
    """Integer and float PCM is recognized, also in an extensible header."""
    form = parse_format(body)
    assert form is not None
    assert form.codec == codec


@pytest.mark.parametrize(
    "body",
    [
        b"",
        fmt()[:15],
        fmt(tag=0x11, bits=4),
        fmt(tag=7, bits=8),
        fmt(bits=12),
        fmt(channels=0),
        fmt(rate=0),
        fmt(block=3),
        fmt(tag=0xFFFE),
        fmt(tag=0xFFFE, more=bytes(24)),
    ],
)
def test_other_formats_are_left_to_libav(body):
    """Compressed, inconsistent or short format chunks are left to libav."""
    assert parse_format(body) is None


def test_the_channel_mask_is_read():
    """The speaker positions of an extensible header are kept."""
    form = parse_format(fmt(tag=0xFFFE, channels=2, more=struct.pack("<HHI", 22, 16, 0x600) + GUID))
    assert form is not None
    assert form.mask == 0x600


def test_a_picture_before_the_samples_is_skipped():
    """Large chunks are skipped; a file with an even larger one is left to libav."""
    parts = chunk(b"fmt ", fmt()), chunk(b"data", b"ab")
    wave, _ = read(riff(chunk(b"LIST", bytes(500_000)), *parts))
    assert wave is not None
    wave, taken = read(riff(chunk(b"LIST", bytes(3_000_000)), *parts))
    assert wave is None
    assert len(taken) < 100


def test_samples_without_a_format_are_none():
    """A file whose samples come before their format is left to libav."""
    assert read(riff(chunk(b"data", b"ab"), chunk(b"fmt ", fmt())))[0] is None


@given(
    samples=st.binary(max_size=300),
    declared=st.integers(0, 400),
    sizes=st.lists(st.integers(1, 9), min_size=1),
)
def test_samples_come_in_whole_frames(samples, declared, sizes):
    """However samples arrive, whole frames come out, up to the stated size; what lacks is told."""
    data = riff(chunk(b"fmt ", fmt(channels=3)), b"data" + struct.pack("<I", declared) + samples)
    wave, _ = read(data)
    assert wave is not None
    rest, pieces, at = data[wave.offset :], [], 0
    while at < len(rest):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(rest[at : at + size])
        at += size
    tally = Tally(0.0)
    got = list(read_samples(make_source(pieces, max_bytes=None), wave, 0, tally))
    wanted = rest[: declared or None]
    assert b"".join(got) == wanted[: len(wanted) - len(wanted) % 6]
    assert all(part and len(part) % 6 == 0 for part in got)
    missing = sum(gap.seconds or 0.0 for gap in tally.missing)
    short = max(0, declared - len(rest)) if declared else -len(rest) % 6
    assert missing == pytest.approx(short / 6 / wave.format.sample_rate)


def test_a_cut_file_is_reported():
    """A WAV file that is shorter than its header says is read to its end, and reported."""
    data = riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(64_000)))
    for form in (
        data,
        riff(chunk(b"fmt ", fmt(rate=8_000, bits=24)), chunk(b"data", bytes(99_000))),
    ):
        with open_audio(form[:40_001]) as reader:
            got = sum(map(len, reader))
            assert reader.audio.seconds(got) == pytest.approx(reader.total_seconds, abs=0.001)
            assert reader.report.truncated
    with open_audio(data[:40_001], start=0.5) as reader:
        assert sum(map(len, reader)) == (40_001 - 44) // 2 * 2 - 16_000


def test_the_expected_duration_is_limited_by_the_file_size():
    """The expected duration is not longer than the file."""
    with open_audio(
        riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(3_200), 10_000_000))
    ) as reader:
        assert reader.total_seconds == 0.1
    pieces = iter([riff(chunk(b"fmt ", fmt()), chunk(b"data", bytes(3_200), 320_000))])
    with open_audio(pieces) as reader:
        assert reader.total_seconds == 10.0
