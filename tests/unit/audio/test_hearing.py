from __future__ import annotations

import array
import math
import struct
from pathlib import Path
from threading import Event

import av
import pytest

from azstt._audio import open_audio, to_wav
from azstt._audio.streams.decoder import LiveDecoder
from azstt._audio_format import AudioFormat
from azstt._errors import NoAudioStreamError

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
TONE = [round(8_000 * math.sin(at * 0.2)) for at in range(16_000)]


def encode(path: Path, codec: str, container: str, *, rate: int = 16_000, late: int = 0) -> Path:
    """Encode a second of a tone with PyAV, after so many seconds of pictures."""
    with av.open(path, "w", format=container) as file:
        video = file.add_stream("mpeg1video", rate=25, width=64, height=64) if late else None
        track = file.add_stream(codec, rate=rate, layout="mono")
        for _ in range(25 * late + 25 if video else 0):
            file.mux(video.encode(av.VideoFrame(64, 64, "yuv420p")))
        source = av.AudioFrame("s16", "mono", len(TONE))
        source.sample_rate, source.pts = 16_000, 0
        source.planes[0].update(array.array("h", TONE).tobytes())
        sample_format = track.codec_context.codec.audio_formats[0]
        resampler = av.AudioResampler(sample_format, "mono", rate, frame_size=track.frame_size or 0)
        for frame in resampler.resample(source) + resampler.resample(None):
            frame.pts = (frame.pts or 0) + late * rate
            file.mux(track.encode(frame))
        file.mux(track.encode(None))
    return path


def loudest(source) -> int:
    """Return the largest sample of the middle of what is decoded."""
    with open_audio(source) as reader:
        samples = array.array("h", b"".join(reader))
    assert 0.9 < len(samples) / 16_000 < 1.2
    return max(samples)


@pytest.mark.parametrize(
    ("codec", "container", "rate"),
    [
        ("g722", "wav", 16_000),
        ("aac", "avi", 16_000),
        ("flac", "avi", 16_000),
        ("ac3", "mpegts", 48_000),
    ],
)
def test_codec_tags_that_are_no_text(codec, container, rate, tmp_path):
    """A codec tag with a byte over 0x7F does not keep the audio from being heard."""
    path = encode(tmp_path / "tone", codec, container, rate=rate)
    assert loudest(path) == pytest.approx(8_000, rel=0.15)
    assert loudest([path.read_bytes()]) == pytest.approx(8_000, rel=0.15)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"<!DOCTYPE html><html><body>" + b"<p>Not found.</p>" * 999, "an HTML page"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 99, "a PDF document"),
        (b'{"error": "' + b"not found " * 999 + b'"}', "JSON text"),
        (b"line\n" * 999, "text"),
        ("Schöne Grüße aus München\n".encode("latin-1") * 999, "text"),
    ],
)
@pytest.mark.parametrize("extension", ["gsm", "g722", "mp3", "aac", "ac3", "flac", "wav"])
def test_content_decides_what_a_file_is(head, name, extension, tmp_path):
    """A page, a document or text that is named like audio is not heard as noise."""
    path = tmp_path / f"recording.{extension}"
    path.write_bytes(head)
    with pytest.raises(NoAudioStreamError, match=f"is {name}"):
        to_wav(path)


def test_raw_formats_go_by_their_names(tmp_path):
    """A G.722 file without a header is known by its name, and heard."""
    path = encode(tmp_path / "tone.g722", "g722", "g722")
    assert loudest(path) == pytest.approx(8_000, rel=0.15)


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_big_endian_wav_files_are_read(bits):
    """RIFX files have the samples that they say, in files and in live streams."""
    block = bits // 8
    if bits == 8:
        samples = bytes((sample >> 8) + 128 for sample in TONE)
    else:
        wide = [sample << bits - 16 for sample in TONE]
        samples = b"".join(sample.to_bytes(block, "big", signed=True) for sample in wide)
    fmt = struct.pack(">HHIIHH", 1, 1, 16_000, 16_000 * block, block, bits)
    head = struct.pack(">4sI4s4sI", b"RIFX", 36 + len(samples), b"WAVE", b"fmt ", 16)
    data = head + fmt + struct.pack(">4sI", b"data", len(samples)) + samples
    expected = [sample >> 8 << 8 for sample in TONE] if bits == 8 else TONE
    assert array.array("h", to_wav(data)[44:]).tolist() == expected
    assert array.array("h", live(data)).tolist() == expected


def live(data: bytes) -> bytes:
    """Decode a live stream in pieces."""
    pcm: list[bytes] = []
    failures: list[Exception | None] = []
    over = Event()

    def done(error: Exception | None) -> None:
        failures.append(error)
        over.set()

    decoder = LiveDecoder("auto", AudioFormat(), sink=pcm.append, done=done)
    for at in range(0, len(data), 4_000):
        decoder.feed(data[at : at + 4_000])
    decoder.finish()
    assert over.wait(20)
    decoder.close()
    assert failures == [None]
    return b"".join(pcm)


@pytest.mark.parametrize(
    ("codec", "container", "late"),
    [("alac", "caf", 0), ("pcm_s16be", "caf", 0), ("mp2", "mpeg", 7), ("mp2", "mpeg", 0)],
)
def test_streams_of_formats_that_are_known_late(codec, container, late, tmp_path):
    """CAF, and program streams whose audio begins late, are heard from streams as from files."""
    path = encode(tmp_path / "tone", codec, container, late=late)
    data = path.read_bytes()
    whole = to_wav(path)[44:]
    assert max(array.array("h", whole)) == pytest.approx(8_000, rel=0.15)
    assert to_wav(data[at : at + 700] for at in range(0, len(data), 700))[44:] == whole
    assert live(data)[-len(whole) :] == whole
