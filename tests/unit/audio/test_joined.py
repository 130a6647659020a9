"""Recordings one after the other in a file or stream: each is heard, and junk is none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from threading import Event

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azstt._audio import LiveDecoder, open_audio
from azstt._audio.files.recordings import find_following
from azstt._audio.formats.recordings import Splitter
from azstt._audio.formats.riff import FMT, wav_header
from azstt._audio.inputs import make_source
from azstt._audio_format import AudioFormat

AUDIO = Path(__file__).parents[2] / "audio"
CONTAINERS = AUDIO / "containers"
SPEECH = AudioFormat()
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}
#: Codec and muxer's options of what is encoded for these tests.
MADE = {
    "opus.ogg": ("ogg", "libopus", {}),
    "flac.ogg": ("ogg", "flac", {}),
    "opus.webm": ("webm", "libopus", {}),
    "fragments.mp4": ("mp4", "aac", FRAGMENTS),
    "whole.mp4": ("mp4", "aac", {}),
    "mp3.mp3": ("mp3", "libmp3lame", {}),
    "flac.flac": ("flac", "flac", {}),
    "pcm.aiff": ("aiff", "pcm_s16be", {}),
    "pcm.wav": ("wav", "pcm_s16le", {}),
    "mulaw.wav": ("wav", "pcm_mulaw", {}),
    "rf64.wav": ("wav", "pcm_s16le", {"rf64": "always"}),
    "pcm.au": ("au", "pcm_s16be", {}),
    "pcm.caf": ("caf", "pcm_s16le", {}),
    "pcm.w64": ("w64", "pcm_s16le", {}),
    "aac.flv": ("flv", "aac", {}),
    "wma.asf": ("asf", "wmav2", {}),
    "wavpack.wv": ("wv", "wavpack", {}),
    "tta.tta": ("tta", "tta", {}),
    "aac.aac": ("adts", "aac", {}),
    "ac3.ac3": ("ac3", "ac3", {}),
}
JOINED = [
    *((name, name, name) for name in list(MADE)[:14]),
    ("opus.ogg", "flac.ogg", "opus.ogg"),
    ("pcm.wav", "mp3.mp3", "rf64.wav"),
    ("pcm.aiff", "pcm.wav", "opus.ogg"),
    ("whole.mp4", "fragments.mp4", "pcm.wav"),
    ("wavpack.wv", "wavpack.wv", "wavpack.wv"),
]


@cache
def recording(name: str, rate: int = 16_000, layout: str = "mono") -> bytes:
    """Encode a second and a half of speech."""
    format_name, codec, options = MADE[name]
    rate = {"libopus": 48_000, "wmav2": 44_100}.get(codec, rate)
    file = io.BytesIO()
    with (
        av.open(file, "w", format=format_name, options=dict(options)) as output,
        av.open(AUDIO / "jfk.wav") as speech,
    ):
        stream = output.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            stream.bit_rate = 48_000  # it does not take the default
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        fifo, left = av.AudioFifo(), rate * 3 // 2
        for frame in speech.decode(audio=0):
            for part in resampler.resample(frame):
                fifo.write(part)
        while left and (part := fifo.read(min(left, stream.codec_context.frame_size or 1024))):
            left -= part.samples
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return file.getvalue()


def joined(names: tuple[str, ...]) -> bytes:
    """Return recordings one after the other, the second one in another rate and in stereo."""
    shapes = [(16_000, "mono"), (32_000, "stereo"), (16_000, "mono")]
    return b"".join(recording(name, *shape) for name, shape in zip(names, shapes, strict=True))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    """Split data."""
    return (data[at : at + size] for at in range(0, len(data), size))


def live(data: bytes, size: int = 997) -> tuple[bytes, LiveDecoder]:
    """Decode a live stream."""
    chunks: list[bytes] = []
    ends: list[Exception | None] = []
    ended = Event()

    def done(error: Exception | None) -> None:
        ends.append(error)
        ended.set()

    decoder = LiveDecoder("auto", SPEECH, sink=chunks.append, done=done)
    for piece in pieces(data, size):
        decoder.feed(piece)
    decoder.finish()
    assert ended.wait(30)
    assert ends == [None]
    return b"".join(chunks), decoder


@pytest.mark.parametrize("names", JOINED, ids="-".join)
def test_all_recordings_of_a_file_are_heard(names):
    """Recordings one after the other are heard to the end of the last one; nothing is missing."""
    data = joined(names)
    for source in (data, pieces(data, 4_000)):
        with open_audio(source) as reader:
            seconds = SPEECH.seconds(sum(map(len, reader)))
        assert seconds == pytest.approx(4.5, abs=0.3)
        assert reader.report.missing == ()


@pytest.mark.parametrize("names", JOINED, ids="-".join)
def test_all_recordings_of_a_live_stream_are_heard(names):
    """A live stream of recordings is heard to the end of the last one; nothing is missing."""
    if names == ("pcm.aiff", "pcm.wav", "opus.ogg"):
        names = names[::-1][1:] + names[:1]
    pcm, decoder = live(joined(names))
    assert SPEECH.seconds(len(pcm)) == pytest.approx(4.5, abs=0.3)
    assert decoder.report is not None
    assert decoder.report.missing == ()


def test_a_chain_of_other_codecs_is_heard():
    """A Vorbis recording after an Opus one in the same Ogg file is heard."""
    names = ("opus.ogg", "vorbis.ogg")
    alone = 0
    for name in names:
        with open_audio(CONTAINERS / name) as reader:
            alone += sum(map(len, reader))
    with open_audio(b"".join((CONTAINERS / name).read_bytes() for name in names)) as reader:
        assert sum(map(len, reader)) == alone
    assert reader.report.missing == ()


def test_a_second_data_chunk_is_heard():
    """A WAV file with two ``data`` chunks is heard completely, from a file and live."""
    samples = bytes(range(1, 201)) * 160
    data = wav_header(SPEECH, len(samples)) + samples
    data += b"data" + len(samples).to_bytes(4, "little") + samples
    with open_audio(data) as reader:
        assert b"".join(reader) == 2 * samples
    assert live(data)[0] == 2 * samples


def test_a_wav_of_unknown_size_is_followed():
    """WAV files whose headers do not state their size, one after the other, are all heard."""
    samples = b"\1\0\2\0" * 4_000
    head = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + FMT.pack(1, 1, 16_000, 32_000, 2, 16)
    data = 3 * (head + b"data\xff\xff\xff\xff" + samples)
    for source in (data, pieces(data, 333)):
        with open_audio(source) as reader:
            assert b"".join(reader) == 3 * samples
    assert live(data, 333)[0] == 3 * samples


def test_channels_that_are_kept_stay_those_of_the_first():
    """The first recording's channels decide the output; those of later ones are mixed to them."""
    data = recording("pcm.wav", 16_000, "stereo") + recording("pcm.wav")
    with open_audio(data, keep_channels=True) as reader:
        size = sum(map(len, reader))
    assert reader.audio.channels == 2
    assert reader.audio.seconds(size) == pytest.approx(3.0)


def test_what_cannot_be_followed_is_named():
    """A recording that follows and cannot be read is a gap of unknown length where it begins."""
    first, broken = recording("pcm.wav"), b"OggS\0\2" + bytes(8) + b"abcd" + bytes(100)
    with open_audio(first + broken) as reader:
        assert SPEECH.seconds(sum(map(len, reader))) == 1.5
    _, decoder = live(first + broken)
    for report in (reader.report, decoder.report):
        assert report is not None
        (gap,) = report.missing
        assert (gap.at, gap.seconds, gap.reason) == (1.5, None, "unreadable")


def test_much_junk_at_the_end_is_named():
    """Kilobytes behind a recording that nothing can read are a gap of unknown length."""
    data = recording("pcm.wav") + bytes(range(1, 251)) * 40
    with open_audio(data) as reader:
        assert SPEECH.seconds(sum(map(len, reader))) == 1.5
    _, decoder = live(data)
    for report in (reader.report, decoder.report):
        assert report is not None
        (gap,) = report.missing
        assert (gap.at, gap.seconds, gap.reason) == (1.5, None, "unreadable")


def test_a_part_of_joined_recordings_is_selected():
    """``start`` and ``end`` count through all recordings."""
    data = recording("pcm.wav") * 3
    with open_audio(data) as reader:
        everything = b"".join(reader)
    with open_audio(data, start=1.0, end=4.0) as reader:
        assert b"".join(reader) == everything[32_000:128_000]


TAILS = {
    "zeros": bytes(5_000),
    "id3v1": b"TAG" + b"title".ljust(125, b"\0"),
    "ape": b"APETAGEX\xd0\7\0\0\x40\0\0\0\1\0\0\0\0\0\0\xa0" + bytes(40),
    "id3v2": b"ID3\4\0\0\0\0\0\x10" + b"TIT2\0\0\0\6\0\0\0Info\0",
    "list": b"LIST\4\0\0\0INFO",
    "boxes": b"\0\0\0\x10free" + bytes(8) + b"\0\0\0\x10mfra" + bytes(8),
    "text": b"the end, and nothing follows\r\n" * 20,
}


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in (*AUDIO.iterdir(), *CONTAINERS.iterdir())
        if p.suffix not in {".txt", ".json", ".md", ""}
    ],
    ids=lambda path: path.name,
)
def test_no_recording_follows_where_there_is_none(path):
    """Neither our recordings nor the usual tags behind them are taken for another recording."""
    data = path.read_bytes()
    for tail in (b"", *TAILS.values()):
        assert find_following(make_source(data + tail, max_bytes=None)) is None


@given(st.sampled_from(JOINED), st.lists(st.integers(1, 5_000), min_size=1, max_size=20))
@settings(max_examples=40, deadline=None)
def test_any_split_finds_the_same_recordings(names, sizes):
    """However a stream is cut into pieces, its recordings are found where they begin."""
    data = joined(names)
    whole = make_source(data, max_bytes=None)
    first = find_following(whole)
    splitter, parts, at, turn = Splitter(), [b""], 0, 0
    while at < len(data):
        size = sizes[turn % len(sizes)]
        parts[-1] += splitter.feed(data[at : at + size])
        at, turn = at + size, turn + 1
        while splitter.following is not None:
            parts.append(splitter.next())
    parts[-1] += splitter.finish()
    assert b"".join(parts) == data
    assert len(parts) == 3
    assert first is not None
    assert len(parts[0]) == first.at


FOLLOWED = [
    ("flac.flac", "pcm.wav"),
    ("opus.ogg", "pcm.wav"),
    ("opus.webm", "fragments.mp4"),
    ("aac.flv", "aac.flv"),
    ("wma.asf", "pcm.wav"),
    ("wavpack.wv", "wavpack.wv"),
    ("tta.tta", "aac.flv"),
    ("aac.aac", "wavpack.wv"),
    ("flac.flac", "aac.aac"),
    ("pcm.aiff", "tta.tta"),
]


@pytest.mark.parametrize("names", FOLLOWED, ids="-".join)
def test_another_container_is_heard_after_one_without_a_size(names):
    """What follows in another container is heard, from a file and live."""
    webm = (CONTAINERS / "opus.webm").read_bytes()
    data = webm if names[0] == "opus.webm" else recording(names[0])
    with open_audio(data) as reader:
        first = SPEECH.seconds(sum(map(len, reader)))
    data += recording(names[1])
    with open_audio(data) as reader:
        size = sum(map(len, reader))
    pcm, decoder = live(data)
    for seconds in (SPEECH.seconds(size), SPEECH.seconds(len(pcm))):
        assert seconds == pytest.approx(first + 1.5, abs=0.15)
    assert decoder.report is not None
    assert decoder.report.missing == reader.report.missing == ()


def test_a_recording_after_one_that_was_cut_off_is_heard():
    """A WAV file that ends early does not swallow the next one, and its loss is named."""
    whole = recording("pcm.wav")
    data = whole[: len(whole) - 16_000] + whole
    with open_audio(data) as reader:
        size = sum(map(len, reader))
    pcm, decoder = live(data)
    assert size == len(pcm) == 2 * 48_000 - 16_000
    for report in (reader.report, decoder.report):
        assert report is not None
        (gap,) = report.missing
        assert (gap.at, gap.seconds, gap.reason) == (1.0, 0.5, "truncated")


def test_a_later_recording_that_is_implausible_does_not_end_the_session():
    """A later WAV file with an absurd sample rate is a gap, and the one after it is heard."""
    fmt = FMT.pack(1, 1, 0xFFFF_FFF0, 32_000, 2, 16)
    absurd = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + fmt + b"data" + b"\x10\0\0\0" + bytes(16)
    pcm, decoder = live(recording("pcm.wav") + absurd + recording("pcm.wav"))
    assert SPEECH.seconds(len(pcm)) == 3.0
    assert decoder.report is not None
    (gap,) = decoder.report.missing
    assert (gap.at, gap.seconds, gap.reason) == (1.5, None, "unreadable")
