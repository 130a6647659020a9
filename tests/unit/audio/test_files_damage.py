"""Damaged files: we recover what the ffmpeg program recovers, and report what is lost.

``pytest -m campaign`` runs the whole campaign, of two thousand files; otherwise it is a sample.
"""

from __future__ import annotations

import io
import random
import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest

from azstt._audio import DecodeReport, open_audio
from azstt._errors import AudioDecodeError, NoAudioStreamError

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
FORMATS = sorted(path.name for path in CONTAINERS.iterdir() if path.suffix != ".txt")
KINDS = ("flips", "zeros", "noise", "cut", "hole", "head")
#: Formats without a duration or a checksum: nothing in them shows that something is missing.
MUTE = {"ac3", "mp2", "amr", "aac", "ogg"}


def damage(data: bytes, kind: str, dice: random.Random) -> bytes:
    """Damage a file, in one of the ways that files are damaged."""
    broken, size = bytearray(data), len(data)
    if kind == "flips":
        for _ in range(max(1, size // 2_000)):
            broken[dice.randrange(size // 10, size)] ^= 1 << dice.randrange(8)
    elif kind == "head":
        for _ in range(3):
            broken[dice.randrange(min(size, 600))] ^= 1 << dice.randrange(8)
    else:
        length = size // {"zeros": 20, "noise": 50, "cut": 1, "hole": 30}[kind]
        at = dice.randrange(size // 10, size - length if kind != "cut" else size)
        filler = {"zeros": bytes(length), "noise": dice.randbytes(length)}.get(kind, b"")
        broken[at : at + length] = filler
    return bytes(broken)


def recovered_by_ffmpeg(path: Path) -> float:
    """Return how many seconds the ffmpeg program recovers from a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "quiet", "-nostdin", "-i", str(path)]
    shape = ["-map", "0:a:0", "-ac", "1", "-ar", "16000", "-f", "s16le", "-"]
    run = subprocess.run([*command, *shape], stdout=subprocess.PIPE, check=False, timeout=60)
    return len(run.stdout) / 32_000


class FileObject(io.BytesIO):
    """A file object that libav cannot open by itself, so that it is decoded by packets."""


def recover(source: Path | FileObject) -> tuple[float, DecodeReport | None]:
    """Return how many seconds we recover from a source, and the report."""
    try:
        with open_audio(source) as reader:
            return sum(map(len, reader)) / 32_000, reader.report
    except (AudioDecodeError, NoAudioStreamError):
        return 0.0, None


@pytest.mark.campaign("seeds", whole=[12], sample=[1])
@pytest.mark.parametrize("name", FORMATS)
def test_damage_costs_no_more_than_it_must(tmp_path, seeds, name):
    """We recover 99 % of what the ffmpeg program does, with and without the fast path."""
    data = (CONTAINERS / name).read_bytes()
    path = tmp_path / name
    whole, suffix = recover(CONTAINERS / name)[0], name.rsplit(".", maxsplit=1)[-1]
    ours = theirs = 0.0
    for kind in KINDS:
        for seed in range(seeds):
            dice = random.Random(f"{name} {kind} {seed}")  # noqa: S311  a seed makes it repeatable
            path.write_bytes(damage(data, kind, dice))
            seconds, report = recover(path)
            assert recover(FileObject(path.read_bytes())) == (seconds, report), (kind, seed)
            expected = recovered_by_ffmpeg(path)
            # More than that does not make up for less elsewhere.
            ours += min(seconds, expected)
            theirs += expected
            if report and expected < whole - 0.5 and (suffix not in MUTE and kind != "head"):
                assert report.missing, (kind, seed)
    assert ours >= 0.99 * theirs


def test_a_lost_packet_is_reported():
    """A damaged packet is skipped, and the report says where and how much."""
    data = bytearray((CONTAINERS / "aac_faststart.m4a").read_bytes())
    at = data.index(b"mdat") + len(data) // 2
    data[at : at + 2_000] = b"\xff" * 2_000
    with open_audio(data) as reader:
        seconds = sum(map(len, reader)) / 32_000
    report = reader.report
    lost = sum(gap.seconds for gap in report.missing)
    assert 0 < lost < 2
    assert seconds == report.seconds == pytest.approx(7.1 - lost, abs=0.02)
    assert all(2 < gap.at < 6 and gap.reason == "damaged" for gap in report.missing)


def test_damage_is_reported_in_media_time():
    """Damage is reported at the media's time, and only inside the selected part."""
    data = bytearray((CONTAINERS / "aac_faststart.m4a").read_bytes())
    at = data.index(b"mdat") + len(data) // 2
    data[at : at + 2_000] = b"\xff" * 2_000

    def damaged(**part):
        with open_audio(data, **part) as reader:
            for _ in reader:
                pass
        return reader.report.missing

    whole = damaged()
    later = damaged(start=1.0)
    assert later == whole
    assert damaged(end=1.0) == ()
    assert damaged(start=whole[-1].at + whole[-1].span + 0.1) == ()


def test_a_lost_page_is_reported():
    """A damaged page of an Ogg file, which libav drops silently, is reported."""
    data = bytearray((CONTAINERS / "opus.ogg").read_bytes())
    pages = [at for at in range(len(data)) if data[at : at + 4] == b"OggS"]
    data[pages[4] + 100] ^= 1
    with open_audio(data) as reader:
        seconds = sum(map(len, reader)) / 32_000
    (lost,) = reader.report.missing
    assert lost.reason == "damaged"
    assert lost.seconds == pytest.approx(7.1 - seconds, abs=0.02)
    assert not reader.report.truncated


@pytest.mark.parametrize("name", ["pcm_s16_16k.wav", "flac.flac", "mp3.mp3", "aac_faststart.m4a"])
def test_a_cut_file_is_truncated(name):
    """A file that ends earlier than its header says is decoded up to there, and reported."""
    data = (CONTAINERS / name).read_bytes()
    for source in (data[: len(data) // 2], iter([data[: len(data) // 2]])):
        with open_audio(source) as reader:
            assert 2 * 32_000 < sum(map(len, reader)) < 6 * 32_000
        assert reader.report.truncated
    with open_audio(data, end=1) as reader:
        assert sum(map(len, reader)) == 32_000
    assert not reader.report.truncated


def test_a_damaged_header_raises_only_our_errors():
    """Whatever a header contains, only our own errors are raised."""
    for name in ("adpcm_ima.caf", "pcm_s16be_8k.aiff", "mulaw_8k.au", "wma2.wma"):
        data = (CONTAINERS / name).read_bytes()
        for seed in range(40):
            dice = random.Random(seed)  # noqa: S311  a seed makes it repeatable
            try:
                for _ in open_audio(damage(data, "head", dice), max_seconds=100):
                    pass
            except (AudioDecodeError, NoAudioStreamError) as error:
                assert str(error)  # noqa: PT017  most of them decode
