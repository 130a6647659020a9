"""Fragmented MP4, FLV and AVI after damage: what follows is heard, and what is lost is named."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import av
import pytest

from azstt._audio import open_audio
from azstt._audio.formats.structures import repair_of

AUDIO = Path(__file__).parents[2] / "audio"
FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "500000"}
#: The muxer, the codec, and options; ``placed`` counts offsets from the beginning of the file.
MADE = {
    "fragments": ("mp4", "aac", FRAGMENTS),
    "placed": ("mp4", "aac", {**FRAGMENTS, "movflags": "empty_moov"}),
    "flv": ("flv", "aac", {}),
    "avi": ("avi", "libmp3lame", {}),
}
KINDS = ("zeros", "noise", "deleted")


@cache
def recording(name: str) -> bytes:
    """Encode ten seconds of speech."""
    muxer, codec, options = MADE[name]
    file = io.BytesIO()
    with (
        av.open(file, "w", format=muxer, options=dict(options)) as output,
        av.open(AUDIO / "jfk.wav") as speech,
    ):
        stream = output.add_stream(codec, rate=22_050, layout="mono")
        resampler = av.AudioResampler(stream.codec_context.format, "mono", 22_050)
        fifo = av.AudioFifo()
        for frame in speech.decode(audio=0):
            for part in resampler.resample(frame):
                fifo.write(part)
        left = 220_500
        while left and (part := fifo.read(min(left, stream.codec_context.frame_size))):
            left -= part.samples
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def damaged(name: str, kind: str) -> bytes:
    """Damage a twentieth of a recording, near its middle."""
    data = recording(name)
    at, size = 2 * len(data) // 5, len(data) // 20
    noise = bytes((7 * place * place + 3 * place) % 251 for place in range(size))
    return data[:at] + {"zeros": bytes(size), "noise": noise}.get(kind, b"") + data[at + size :]


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Split data."""
    return (data[at : at + size] for at in range(0, len(data), size))


def hear(source: bytes | Iterator[bytes]) -> tuple[float, float]:
    """Return how many seconds are heard, and how many are said to be lost."""
    with open_audio(source) as reader:
        heard = sum(map(len, reader)) / 32_000
        return heard, sum(gap.seconds or 0.0 for gap in reader.report.missing)


@pytest.mark.parametrize("size", [0, 333, 4_000])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", MADE)
def test_damage_costs_only_what_it_hits(name, kind, size):
    """What follows damage is heard, as a file and in pieces, and the rest is named."""
    data = damaged(name, kind)
    heard, lost = hear(pieces(data, size) if size else data)
    whole = hear(recording(name))[0]
    assert whole - 1.8 < heard < whole
    if name != "avi" or kind != "deleted":
        assert lost == pytest.approx(whole - heard, abs=0.25)


@pytest.mark.parametrize("size", [1, 333, 1 << 20])
@pytest.mark.parametrize("name", MADE)
def test_a_sound_recording_is_left_as_it_is(name, size):
    """Nothing is changed in a recording without damage, however it arrives."""
    data = recording(name)
    repair = repair_of(data[:16])
    assert repair is not None
    passed = b"".join(map(repair.feed, pieces(data, size))) + repair.finish()
    assert passed == data
    assert (repair.cuts, repair.ends_inside) == ([], False)


@pytest.mark.parametrize("name", ["fragments", "placed", "flv"])
def test_a_recording_that_ends_inside_something_is_cut_off(name):
    """A stream that breaks off says so, though nothing states how long it should be."""
    data = recording(name)
    with open_audio(pieces(data[: len(data) * 3 // 5], 333)) as reader:
        assert sum(map(len, reader)) > 5 * 32_000
        assert [gap.reason for gap in reader.report.missing] == ["truncated"]


@pytest.mark.parametrize("size", [0, 4_000])
@pytest.mark.parametrize("tail", [bytes(5_000), b"\r\n"])
@pytest.mark.parametrize("name", ["fragments", "flv"])
def test_nothing_at_the_end_is_no_damage(name, tail, size):
    """Padding or a line's end behind a whole recording is not called missing."""
    data = recording(name) + tail
    with open_audio(pieces(data, size) if size else data) as reader:
        heard = sum(map(len, reader)) / 32_000
        assert heard == pytest.approx(hear(recording(name))[0], abs=0.05)
        assert reader.report.missing == ()
