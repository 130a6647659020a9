"""Live containers: audio at the times that a player shows, and what is missing in them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from threading import Event

import av
import pytest

from azstt._audio import LiveDecoder, open_audio
from azstt._audio_format import AudioFormat
from azstt._result import Gap

AUDIO = Path(__file__).parents[2] / "audio"
#: Seconds of the recordings in the folder of containers.
WHOLE = 7.1
SPEECH = AudioFormat()
PATIENCE = 30.0


class Live:
    """A stream that was decoded live, in pieces of a size.

    Attributes:
        pcm: its output.
        ends: for each piece of output, where on the media's timeline it ended when it came.
    """

    def __init__(self, data: bytes, size: int = 997) -> None:
        self.pcm = b""
        self.ends: list[float] = []
        ended = Event()
        self.errors: list[Exception | None] = []

        def done(error: Exception | None) -> None:
            self.errors.append(error)
            ended.set()

        self.decoder = LiveDecoder("auto", SPEECH, sink=self._sink, done=done)
        for at in range(0, len(data), size):
            self.decoder.feed(data[at : at + size])
        self.decoder.finish()
        assert ended.wait(PATIENCE)
        assert self.errors == [None]

    def _sink(self, pcm: bytes) -> None:
        self.pcm += pcm
        self.ends.append(self.decoder.timeline.end(len(self.pcm) / 32_000))

    @property
    def seconds(self) -> float:
        """The media's time of the end."""
        return self.ends[-1]

    @property
    def missing(self) -> tuple[Gap, ...]:
        """What is missing."""
        report = self.decoder.report
        assert report is not None
        return report.missing

    def loud(self, start: float, end: float) -> bool:
        """Whether there is sound between two places in the output."""
        return any(self.pcm[round(start * 16_000) * 2 : round(end * 16_000) * 2])


def read(name: str) -> bytes:
    """Return a recording."""
    return (AUDIO / name).read_bytes()


def remux(name: str, container: str, time: Callable[[float], float | None]) -> bytes:
    """Write a recording's packets with other times; None leaves the packet out.

    Pictures keep their times.
    """
    file = io.BytesIO()
    with av.open(AUDIO / name) as source, av.open(file, "w", format=container) as output:
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size or packet.pts is None:
                continue
            if packet.stream.type == "audio":
                new = time(float(packet.pts * packet.time_base))
                if new is None:
                    continue
                packet.pts = packet.dts = round(new / packet.time_base)
            packet.stream = streams[packet.stream.index]
            output.mux(packet)
    return file.getvalue()


def gap(start: float, seconds: float) -> Callable[[float], float | None]:
    """Leave out the packets in a hole; what follows keeps its time."""
    return lambda time: None if start <= time < start + seconds else time


@pytest.mark.parametrize("size", [100, 5_000])
def test_sound_that_begins_after_the_pictures(size):
    """A track that begins 2 s late comes after 2 s of silence, and nothing is missing."""
    live = Live(remux("containers/vp8_opus.webm", "webm", lambda time: time + 2), size)
    assert live.seconds == pytest.approx(WHOLE + 2, abs=0.05)
    assert not live.loud(0, 1.95)
    assert live.loud(1.99, 2.3)
    assert live.missing == ()


@pytest.mark.parametrize(
    ("name", "container"), [("containers/opus.webm", "webm"), ("containers/opus.ogg", "ogg")]
)
def test_a_hole_becomes_silence(name, container):
    """Packets that were never stored are silence in the output, and absent in the report."""
    live = Live(remux(name, container, gap(2.0, 1.5)))
    assert live.seconds == pytest.approx(WHOLE, abs=0.05)
    assert len(live.pcm) / 32_000 == pytest.approx(WHOLE, abs=0.05)
    (hole,) = live.missing
    assert (hole.reason, hole.seconds) == ("absent", pytest.approx(1.5, abs=0.03))
    # Ogg tells positions by the page, which here is a second.
    assert hole.at == pytest.approx(2.0, abs=1.0 if container == "ogg" else 0.03)
    assert not live.loud(hole.at + 0.02, hole.at + 1.48)


def test_a_long_hole_is_not_paid_for():
    """Of a hole of an hour, a few seconds become silence, and the timeline jumps in them."""
    live = Live(remux("containers/opus.webm", "webm", lambda time: time + 3_600 * (time >= 3.0)))
    assert len(live.pcm) / 32_000 == pytest.approx(WHOLE + 5.0, abs=0.05)
    assert live.seconds == pytest.approx(WHOLE + 3_600, abs=0.05)
    timeline = live.decoder.timeline
    assert (timeline.start(2.9), timeline.start(8.1)) == (2.9, pytest.approx(3_603.1, abs=0.05))
    (hole,) = live.missing
    assert hole.seconds == pytest.approx(3_600, abs=0.05)


@pytest.mark.parametrize(
    ("name", "container"), [("containers/opus.webm", "webm"), ("containers/opus.ogg", "ogg")]
)
def test_pauses_of_the_encoder_are_not_missing(name, container):
    """Silent packets that an encoder leaves out, but for one every 0.4 s, are no loss."""
    pausing = remux(name, container, lambda t: None if 2 < t < 5 and t % 0.4 > 0.03 else t)
    live = Live(pausing)
    assert live.seconds == pytest.approx(WHOLE, abs=0.05)
    assert live.missing == ()


def test_jitter_moves_nothing():
    """Timestamps by the clock on the wall neither insert silence nor drop a sample."""
    dice = iter([0.0, 0.009, -0.009, 0.005, -0.004, 0.008] * 100)
    live = Live(remux("containers/opus.webm", "webm", lambda time: max(0.0, time + next(dice))))
    assert live.pcm == Live(read("containers/opus.webm")).pcm
    assert live.seconds == pytest.approx(WHOLE, abs=0.05)
    assert live.missing == ()


@pytest.mark.parametrize("size", [1, 100, 1 << 20])
def test_tags_between_segments(size):
    """AAC segments of HLS begin with a tag each, which is no damage."""
    segment, tag = read("containers/aac_adts.aac")[:20_000], b"ID3\4\0\0\0\0\x02\1" + b"PRIV" * 64
    frames = segment[: segment.rindex(b"\xff\xf1")] if b"\xff\xf1" in segment else segment
    tag += b"\xff"
    live = Live(tag + frames + tag + frames + tag, size)
    assert live.missing == ()
    assert live.pcm == Live(frames + frames).pcm


def test_a_tag_at_the_end():
    """What tags a player writes at the end of an MP3 is no damage."""
    data = read("containers/mp3.mp3")
    ape = b"APETAGEX\xd0\7\0\0\x40\0\0\0\1\0\0\0\0\0\0\xa0" + bytes(8)
    ape += bytes(32) + b"APETAGEX" + bytes(24)
    for end in (b"TAG" + bytes(125), ape, ape + b"TAG" + bytes(125), bytes(200)):
        live = Live(data + end)
        assert live.missing == ()
        assert live.seconds == pytest.approx(WHOLE, abs=0.001)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("containers/mp3.mp3", True),
        ("containers/opus.webm", True),
        ("containers/vp8_opus.webm", True),
        ("containers/pcm_s16_16k.wav", True),
        ("containers/pcm_s16_48k_stereo.wav", True),
        ("containers/flac.flac", True),
        ("mediarecorder.webm", False),
        ("containers/opus.ogg", False),
    ],
)
def test_a_stream_that_was_cut_off(name, told):
    """The missing end is named, and how long it is where the container tells."""
    data = read(name)
    whole, live = Live(data), Live(data[: len(data) // 2])
    assert whole.missing == ()
    assert {part.reason for part in live.missing} <= {"truncated", "damaged"}
    end = live.missing[-1]
    assert (end.reason, end.at) == ("truncated", pytest.approx(live.seconds, abs=0.03))
    if told:
        missing = sum(part.seconds or 0.0 for part in live.missing)
        assert missing == pytest.approx(whole.seconds - live.seconds, abs=0.12)
    else:
        assert end.seconds is None


def test_holes_in_a_format_that_a_thread_decodes():
    """The timeline jumps before the audio after it comes, and the report tells the hole."""
    mkv = remux("containers/h264_mp3.mkv", "matroska", lambda t: t + 100 * (t >= 3.0))
    live = Live(mkv)
    assert len(live.pcm) / 32_000 == pytest.approx(WHOLE + 5.0, abs=0.1)
    assert live.seconds == pytest.approx(WHOLE + 100, abs=0.1)
    assert all(end < 9 or end > 100 for end in live.ends)
    (hole,) = live.missing
    assert (hole.reason, hole.at) == ("absent", pytest.approx(3.0, abs=0.05))
    assert hole.seconds == pytest.approx(100, abs=0.05)


@pytest.mark.parametrize("second", ["containers/opus.webm", "containers/h264_mp3.mkv"])
def test_a_recording_follows_at_the_end_of_the_one_before(second):
    """A second recording stands after the first on the timeline, and so does what it lacks."""
    first = remux("containers/opus.webm", "webm", lambda time: time + 60 * (time >= 3.0))
    container = "webm" if second.endswith("webm") else "matroska"
    other = remux(second, container, lambda time: time + 20 * (time >= 4.0))
    live = Live(first + other)
    assert live.seconds == pytest.approx(WHOLE + 60 + WHOLE + 20, abs=0.2)
    one, two = live.missing
    assert (one.at, one.seconds) == (pytest.approx(3.0, abs=0.05), pytest.approx(60, abs=0.05))
    at = WHOLE + 60 + 4.0
    assert (two.at, two.seconds) == (pytest.approx(at, abs=0.1), pytest.approx(20, abs=0.05))
    report = live.decoder.report
    assert report is not None
    assert report.seconds == len(live.pcm) / 32_000


@pytest.mark.parametrize("name", ["containers/vorbis.ogg", "containers/flac.flac"])
def test_the_last_page_tells_what_was_lost_before_it(name):
    """Audio at the end that is lost is named with its length, live as in a file."""
    data = bytearray(remux(name, "ogg", lambda time: time))
    before = data.rfind(b"OggS", 0, data.rfind(b"OggS"))
    data[before + 22] ^= 0xFF  # the checksum
    live = Live(bytes(data))
    with open_audio(bytes(data)) as reader:
        for _ in reader:
            pass
    assert live.missing == reader.report.missing
    (lost,) = live.missing
    assert lost.reason == "damaged"
    assert lost.at + (lost.seconds or 0.0) == pytest.approx(WHOLE, abs=0.1)
