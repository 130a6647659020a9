"""Damaged streams: live decoding recovers what `open_audio` recovers from the whole file, or more.

``pytest -m campaign`` runs the whole campaign; otherwise it is a sample.
"""

from __future__ import annotations

import random
import tracemalloc
from pathlib import Path
from threading import Event

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azstt._audio import DecodeReport, LiveDecoder, open_audio
from azstt._audio_format import AudioFormat
from azstt._errors import AudioError

AUDIO = Path(__file__).parents[2] / "audio"
NAMES = [
    "chromium.webm",
    "containers/opus.webm",
    "containers/vp8_opus.webm",
    "containers/opus.ogg",
    "containers/mp3.mp3",
    "containers/aac_adts.aac",
    "containers/pcm_s16_16k.wav",
    "containers/pcm_f32_8k.wav",
]
KINDS = ("flips", "zeros", "noise", "cut", "hole", "head", "insert", "prefix", "pieces")
SPEECH = AudioFormat()
PIECE = 997


def damage(data: bytes, kind: str, dice: random.Random) -> bytes:
    """Damage a stream, in one of the ways that streams are damaged."""
    size = len(data)
    at = dice.randrange(size // 10, size)
    if kind in {"flips", "head"}:
        broken = bytearray(data)
        first, last = (0, min(size, 600)) if kind == "head" else (size // 10, size)
        for _ in range(3 if kind == "head" else max(1, size // 2_000)):
            broken[dice.randrange(first, last)] ^= 1 << dice.randrange(8)
        return bytes(broken)
    if kind == "pieces":
        pieces = cut(data)
        lost = dice.randrange(1, len(pieces))
        return b"".join(pieces[:lost] + pieces[lost + 1 :])
    length = {"zeros": size // 20, "noise": size // 50, "hole": size // 30}.get(kind, 0)
    filler = {
        "zeros": bytes(length),
        "noise": dice.randbytes(length),
        "insert": dice.randbytes(dice.randrange(1, 4_000)),
        "prefix": dice.randbytes(dice.randrange(1, 3_000)),
    }.get(kind, b"")
    if kind == "prefix":
        return filler + data
    return data[:at] + filler + (b"" if kind == "cut" else data[at + length :])


def cut(data: bytes, size: int = PIECE) -> list[bytes]:
    """Cut bytes into pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def live(
    pieces: list[bytes], audio: AudioFormat | str = "auto"
) -> tuple[bytes, DecodeReport | None, Exception | None]:
    """Decode a stream; return its PCM, the report and how it ended."""
    chunks: list[bytes] = []
    ends: list[Exception | None] = []
    over = Event()
    decoder = LiveDecoder(
        audio, SPEECH, sink=chunks.append, done=lambda error: (ends.append(error), over.set())
    )
    for piece in pieces:
        decoder.feed(piece)
    decoder.finish()
    assert over.wait(30)
    report = decoder.report
    decoder.close()
    (end,) = ends
    assert end is None or isinstance(end, AudioError)
    assert all(chunk and len(chunk) % 2 == 0 for chunk in chunks)
    return b"".join(chunks), report, end


def recovered(data: bytes) -> float:
    """Return how many seconds `open_audio` recovers from bytes."""
    try:
        with open_audio(data) as reader:
            return sum(map(len, reader)) / 32_000
    except AudioError:
        return 0.0


@pytest.mark.campaign("seeds", whole=[40], sample=[1])
def test_damage_costs_no_more_than_in_a_file(seeds):
    """From damaged streams we recover at least 99 % of what `open_audio` does from files."""
    ours = theirs = 0.0
    for name in NAMES:
        data = (AUDIO / name).read_bytes()
        for kind in KINDS:
            for seed in range(seeds):
                dice = random.Random(f"{name} {kind} {seed}")  # noqa: S311  repeatable by its seed
                broken = damage(data, kind, dice)
                expected = recovered(broken)
                pcm, _, end = live(cut(broken))
                assert bool(pcm) is (end is None), (name, kind, seed)
                # More than that does not make up for less elsewhere.
                ours += min(len(pcm) / 32_000, expected)
                theirs += expected
    assert ours >= 0.99 * theirs


@pytest.mark.parametrize("name", ["chromium.webm", "containers/opus.webm", "containers/opus.ogg"])
@pytest.mark.parametrize("lost", [5, 9, 14])
def test_a_lost_chunk_costs_little_and_is_reported(name, lost):
    """After a lost chunk the next packet, in Ogg the next page, is decoded; the gap is reported."""
    data = (AUDIO / name).read_bytes()
    pieces = cut(data)
    whole, _, _ = live(pieces)
    pcm, report, end = live(pieces[:lost] + pieces[lost + 1 :])
    seconds = len(whole) / 32_000
    worst = 1.3 if name.endswith("ogg") else PIECE / len(data) * seconds + 0.13
    assert end is None
    assert report is not None
    assert {gap.reason for gap in report.missing} == {"damaged"}
    missing = sum(gap.seconds or 0.0 for gap in report.missing)
    assert 0 < missing < worst
    # The hole is filled with silence, or skipped by the timeline if it is short.
    assert len(pcm) / 32_000 == pytest.approx(seconds, abs=0.15)
    assert report.missing[0].at == pytest.approx(lost / len(pieces) * seconds, abs=0.3)


@pytest.mark.parametrize("name", ["containers/mp3.mp3", "containers/aac_adts.aac"])
@pytest.mark.parametrize("share", [0.06, 0.3])
def test_damaged_bytes_are_told_in_seconds(name, share):
    """Formats without timestamps: damaged bytes count at the average rate, and take no time."""
    data = bytearray((AUDIO / name).read_bytes())
    whole, _, _ = live([bytes(data)])
    at, size = len(data) // 3, round(len(data) * share)
    data[at : at + size] = bytes(size)
    pcm, report, end = live(cut(bytes(data)))
    assert end is None
    assert report is not None
    lost = (len(whole) - len(pcm)) / 32_000
    assert lost == pytest.approx(7.1 * share, abs=0.3)
    assert sum(gap.seconds or 0.0 for gap in report.missing) == pytest.approx(lost, abs=0.15)
    assert {(gap.reason, gap.span) for gap in report.missing} == {("damaged", 0.0)}


def test_a_packet_that_does_not_decode_is_reported():
    """An invalid packet is skipped, and the report says where and how long it was."""
    data = bytearray((AUDIO / "containers" / "opus.ogg").read_bytes())
    page = data.rindex(b"OggS", 0, 12_000)
    first = page + 27 + data[page + 26]
    data[first : first + 2] = b"\xff\x3c"  # 60 frames of 20 ms
    pcm, report, _ = live(cut(bytes(data)))
    assert len(pcm) == round((7.1 - 0.02) * 32_000)
    assert report is not None
    (gap,) = report.missing
    assert (gap.reason, gap.seconds) == ("damaged", pytest.approx(0.02))


def corrupted(data: bytes, after: int = 0) -> st.SearchStrategy[bytes]:
    """Choose bytes to overwrite, insert and remove, often inside of headers."""
    places = st.one_of(st.integers(after, len(data) - 1), st.integers(after, after + 400))
    change = st.tuples(places, st.integers(0, 40), st.one_of(st.binary(max_size=12), EXTREMES))

    def apply(changes):
        broken = data
        for at, length, new in changes:
            broken = broken[:at] + new + broken[at + length :]
        return broken

    return st.lists(change, min_size=1, max_size=5).map(apply)


EXTREMES = st.sampled_from(
    [
        b"\xff" * 8,
        bytes(8),
        b"\x7f" * 9,
        b"\x01" + b"\xff" * 7,
        bytes.fromhex("1f43b675 08ffffff"),
        bytes.fromhex("1a45dfa3 88"),
        bytes.fromhex("a3 1fffffff 81"),
        bytes.fromhex("ec 01ffffffffffff00"),
        b"OggS\0\2" + bytes(20) + b"\xff",
        b"ID3\4\0\0\x7f\x7f\x7f\x7f",
    ]
)
SMALL = {name: (AUDIO / name).read_bytes()[:9_000] for name in NAMES}
FUZZ = settings(max_examples=12)


@pytest.mark.parametrize("name", NAMES)
@FUZZ
@given(choice=st.data())
def test_corruption_does_no_harm(name, choice):
    """A corrupted stream is decoded or refused; its output never grows out of proportion."""
    data = choice.draw(corrupted(SMALL[name]))
    pcm, _, end = live(cut(data, choice.draw(st.sampled_from([3, 100, 5_000]))))
    assert pcm or end is not None
    assert len(pcm) < 32_000 * (60 + len(data))


@pytest.mark.parametrize("name", [n for n in NAMES if n != "containers/pcm_f32_8k.wav"])
@FUZZ
@given(choice=st.data())
def test_how_a_damaged_stream_is_cut_does_not_matter(name, choice):
    """How much is recovered, and what is reported, does not depend on how a stream is cut.

    (Not the samples: libav decodes damaged Opus to different noise each time.)
    """
    data = choice.draw(corrupted(SMALL[name], after=700))
    pcm, report, end = live([data])
    again = live(cut(data, choice.draw(st.sampled_from([3, 100, 2_000]))))
    assert (len(again[0]), again[1], type(again[2])) == (len(pcm), report, type(end))


@pytest.mark.parametrize("size", [1, 3, 263])
def test_a_tag_amid_damage_counts_alike_however_the_stream_is_cut(size):
    """The seconds that damage to an MP3 stream costs don't depend on which chunk a tag begins."""
    data = SMALL["containers/mp3.mp3"]
    data = data[:1_498] + data[1_514:1_777] + b"ID3\4" + bytes(6) + data[1_777:]
    _, report, _ = live([data])
    assert report is not None
    assert [gap.reason for gap in report.missing] == ["damaged", "truncated"]
    assert live(cut(data, size))[1] == report


ENDLESS = {
    "webm with an endless element": SMALL["chromium.webm"][:2_033]
    + bytes.fromhex("ec01fffffffffffe00"),
    "webm with an endless block": SMALL["chromium.webm"][:2_033]
    + bytes.fromhex("a301fffffffffffe0081"),
    "webm in which nothing is found": SMALL["chromium.webm"][:2_033],
    "webm with a huge group": SMALL["chromium.webm"][:2_033] + bytes.fromhex("a01fffffff"),
    "ogg in which nothing is found": SMALL["containers/opus.ogg"],
    "mp3 behind an endless tag": b"ID3\4\0\0\x7f\x7f\x7f\x7f",
    "mp3 in which nothing is found": SMALL["containers/mp3.mp3"],
    "aac in which nothing is found": SMALL["containers/aac_adts.aac"],
    "wav with an endless chunk after its samples": SMALL["containers/pcm_s16_16k.wav"][:40]
    + (8).to_bytes(4, "little")
    + bytes(8)
    + b"LIST\xff\xff\xff\xff",
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
def test_memory_is_bounded(data):
    """However much junk follows a header, hardly any of it is kept."""
    decoder = LiveDecoder("auto", SPEECH, sink=lambda _: None, done=lambda _: None)
    junk = b"\xa3\x40OggS\xff\xfb\xff\xf1" * 6_000 + bytes(5_536)
    decoder.feed(data)
    tracemalloc.start()
    try:
        for _ in range(90):
            decoder.feed(junk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        decoder.close()
    assert decoder.backlog == 0
    assert peak < 4 << 20  # of 6 MB; up to 1 MB is kept of a tag, whose size may be wrong
