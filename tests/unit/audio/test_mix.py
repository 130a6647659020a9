from __future__ import annotations

import array
import math
import random
import struct
from collections.abc import Callable

import av
import pytest

from azstt._audio import ByteFeed, open_audio, to_wav
from azstt._audio.formats.riff import FMT, riff_header
from azstt._audio.mix import Mix
from azstt._audio.streams.decoder import LiveDecoder
from azstt._audio_format import AudioFormat

RATE = 16_000
#: What a channel has at a sample.
Voice = Callable[[int], float]
#: Something like a second of a voice: a harmonic tone that swells four times.
SECOND = [
    (0.18 + 0.12 * math.sin(math.tau * 4 * at / RATE))
    * (math.sin(math.tau * 130 * at / RATE) + 0.5 * math.sin(math.tau * 390 * at / RATE + 1))
    for at in range(RATE)
]


def voice(at: int) -> float:
    """Return a sample of the voice."""
    return SECOND[at % RATE]


def silent(_: int) -> float:
    """Return a sample of silence."""
    return 0.0


def inverted(at: int) -> float:
    """Return the voice with its sign changed."""
    return -voice(at)


def wav(*channels: Voice, seconds: float = 1.5, mask: int = 0) -> bytes:
    """Build a WAV file of 16 bits, which names its layout only with a mask."""
    frames = [
        round(32_767 * channel(at)) for at in range(round(seconds * RATE)) for channel in channels
    ]
    samples = array.array("h", frames).tobytes()
    block = 2 * len(channels)
    if not mask:
        return (
            riff_header(FMT.pack(1, len(channels), RATE, RATE * block, block, 16), len(samples))
            + samples
        )
    guid = bytes.fromhex("000000001000800000aa00389b71")
    fmt = FMT.pack(0xFFFE, len(channels), RATE, RATE * block, block, 16)
    fmt += struct.pack("<HHIH", 22, 16, mask, 1) + guid
    head = struct.pack("<4sI4s4sI", b"RIFF", 52 + len(samples), b"WAVE", b"fmt ", len(fmt))
    return head + fmt + struct.pack("<4sI", b"data", len(samples)) + samples


def encoded(pcm: bytes, codec: str, container: str, tmp_path) -> bytes:
    """Encode a WAV file with PyAV."""
    path = tmp_path / f"encoded.{container}"
    (tmp_path / "source.wav").write_bytes(pcm)
    with av.open(tmp_path / "source.wav") as source, av.open(path, "w") as file:
        rate, sample_format = (48_000, "s16") if codec == "libopus" else (RATE, "fltp")
        stream = file.add_stream(codec, rate=rate, layout="stereo", format=sample_format)
        resampler = av.AudioResampler(sample_format, "stereo", rate)
        for frame in source.decode(audio=0):
            for part in resampler.resample(frame):
                file.mux(stream.encode(part))
        for part in resampler.resample(None):
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return path.read_bytes()


def from_file(data: bytes) -> tuple[bytes, float]:
    """Decode a file; return its PCM, and for how long its channels canceled each other."""
    with open_audio(data) as reader:
        return b"".join(reader), reader.report.canceled


def from_feed(data: bytes) -> tuple[bytes, float]:
    """Decode a stream by packets; return the same."""
    feed = ByteFeed(max_buffered=None)
    feed.push(data)
    feed.close()
    with open_audio(feed) as reader:
        return b"".join(reader), reader.report.canceled


def live(data: bytes) -> tuple[bytes, float]:
    """Decode a live stream in pieces; return the same."""
    pcm: list[bytes] = []
    decoder = LiveDecoder("auto", AudioFormat(), sink=pcm.append, done=lambda _: None)
    for at in range(0, len(data), 2_000):
        decoder.feed(data[at : at + 2_000])
    decoder.finish()
    report = decoder.report
    assert report is not None
    return b"".join(pcm), report.canceled


def level(pcm: bytes) -> float:
    """Return the root mean square of PCM, of full scale."""
    samples = array.array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) / 32_768


LANES = pytest.mark.parametrize("decode", [from_file, from_feed, live])
VOICE = level(to_wav(wav(voice))[44:])


@LANES
@pytest.mark.parametrize(
    ("codec", "container"),
    [("", "wav"), ("libmp3lame", "mp3"), ("libopus", "webm"), ("libopus", "ogg"), ("aac", "aac")],
)
def test_opposite_channels_are_heard(decode, codec, container, tmp_path):
    """A recording whose right channel is the negative of the left is heard, not silent."""
    data = wav(voice, inverted)
    if codec:
        data = encoded(data, codec, container, tmp_path)
    pcm, canceled = decode(data)
    assert level(pcm) == pytest.approx(VOICE, rel=0.1)
    assert canceled == pytest.approx(len(pcm) / 32_000, abs=0.15)


@LANES
@pytest.mark.parametrize(("channels", "loud"), [(3, 2), (4, 3), (6, 3), (8, 3), (8, 7)])
def test_no_layout_is_guessed(decode, channels, loud):
    """One microphone of several is heard whatever its number is, as no channel is a subwoofer."""
    pcm, canceled = decode(wav(*(voice if n == loud else silent for n in range(channels))))
    assert level(pcm) == pytest.approx(VOICE / channels, rel=0.01)
    assert canceled == 0


@LANES
def test_what_a_named_layout_leaves_out_is_heard_if_nothing_else_is(decode):
    """A voice on the subwoofer's channel of a 5.1 file is heard, though libav leaves it out."""
    pcm, canceled = decode(wav(silent, silent, silent, voice, silent, silent, mask=0x3F))
    assert level(pcm) == pytest.approx(VOICE, rel=0.05)
    assert canceled > 1.4


@LANES
@pytest.mark.parametrize("right", [voice, silent, lambda at: 0.3 * voice(at + 5)])
def test_other_pairs_are_mixed(decode, right):
    """Channels that do not cancel each other are averaged, and nothing is called canceled."""
    data = wav(voice, right)
    pcm, canceled = decode(data)
    half = array.array("h", to_wav(wav(lambda at: (voice(at) + right(at)) / 2))[44:])
    mixed = array.array("h", pcm)
    assert canceled == 0
    assert max(abs(a - b) for a, b in zip(mixed, half, strict=True)) <= 2


@LANES
def test_a_microphone_that_is_connected_the_wrong_way_round_later(decode):
    """A second that cancels between others is heard, and a later one that does not is mixed."""

    def right(at: int) -> float:
        return inverted(at) if RATE <= at < 3 * RATE else voice(at)

    pcm, canceled = decode(wav(voice, right, seconds=5))
    parts = [pcm[2 * RATE * second : 2 * RATE * (second + 1)] for second in range(5)]
    assert min(map(level, parts)) > 0.6 * VOICE
    assert canceled == pytest.approx(2.0, abs=0.6)


@LANES
def test_noise_before_the_voice_does_not_hide_that_it_is_canceled(decode):
    """Both channels' own noise before and between words does not delay hearing the words."""
    noise = random.Random(4)  # noqa: S311  reproducible

    def speech(at: int, sign: int) -> float:
        return noise.gauss(0, 0.003) + sign * voice(at) * (at % RATE > RATE // 2)

    pcm, _ = decode(wav(lambda at: speech(at, 1), lambda at: speech(at, -1), seconds=3))
    words = [pcm[2 * at : 2 * (at + RATE // 2)] for at in range(RATE // 2, 3 * RATE, RATE)]
    assert all(level(word) > 0.7 * VOICE for word in words)


def test_a_long_canceled_part_in_the_middle_is_heard_by_the_fast_path(tmp_path):
    """Twelve canceled seconds of an MP3 file, after a loud mix, are heard to the end."""
    data = wav(voice, lambda at: inverted(at) if at > 2 * RATE else voice(at), seconds=14)
    pcm, canceled = from_file(encoded(data, "libmp3lame", "mp3", tmp_path))
    assert level(pcm[32_000 * 3 :]) == pytest.approx(VOICE, rel=0.1)
    assert canceled == pytest.approx(12.0, abs=0.7)


@pytest.mark.parametrize(
    "sample_format", ["u8", "s16", "s16p", "s32", "s32p", "flt", "fltp", "dbl", "dblp"]
)
def test_every_sample_format_is_looked_at(sample_format):
    """Opposite channels are noticed in every sample format that libav's decoders produce."""
    source = av.AudioFrame("flt", "stereo", 1_000)
    source.sample_rate = RATE
    source.planes[0].update(
        array.array("f", [f(at) for at in range(1_000) for f in (voice, inverted)]).tobytes()
    )
    (frame,) = av.AudioResampler(sample_format, "stereo", RATE).resample(source)
    mix = Mix(frame.layout, sample_format, named=True)
    assert mix.changes(frame)
    assert mix.pan == "mono|c0=0.5*c0-0.5*c1"


def test_separate_channels_stay_as_they_are():
    """Whoever keeps the channels gets them unchanged, opposite or not."""
    data = wav(voice, inverted)
    with open_audio(data, keep_channels=True) as reader:
        assert b"".join(reader) == data[44:]
        assert reader.report.canceled == 0
