"""Live decoding: calls that stand between bytes are made between their samples."""

from __future__ import annotations

import io
import math
import threading
from functools import cache
from pathlib import Path

import av
import pytest

from azstt._audio import LiveDecoder
from azstt._audio_format import AudioFormat

AUDIO = Path(__file__).parents[2] / "audio"
SPEECH = AudioFormat()
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}
#: Streams with the container to declare, and the seconds that the decoder may be behind: a packet,
#: and as libav needs ten headers of FLAC to be sure of one, ten frames of that.
STREAMS = {
    "mediarecorder.webm": ("webm", 0.06),
    "jfk.wav": ("wav", 0.0),
    "containers/opus.ogg": ("ogg", 0.06),
    "containers/mp3.mp3": ("mp3", 0.08),
    "containers/aac_adts.aac": ("aac", 0.08),
    "containers/flac.flac": ("flac", 0.85),
    "containers/vorbis.ogg": ("ogg", 0.1),
    "containers/alaw_8k.wav": ("wav", 0.07),
    "containers/adpcm_ima.wav": ("wav", 0.13),
    "fragments.mp4": ("mp4", 0.07),
}
PATIENCE = 30.0


@cache
def stream(name: str) -> bytes:
    """Return a recording; a fragmented MP4 as Safari makes it."""
    if name != "fragments.mp4":
        return (AUDIO / name).read_bytes()
    file = io.BytesIO()
    with (
        av.open(file, "w", format="mp4", options=FRAGMENTS) as output,
        av.open(AUDIO / "jfk.wav") as source,
    ):
        track = output.add_stream("aac", rate=16_000, layout="mono")
        for frame in source.decode(audio=0):
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return file.getvalue()


class Calls:
    """A live decoder, and where in its output calls were made."""

    def __init__(self, audio) -> None:
        self.size = 0
        self.made: list[float] = []
        self.changed = threading.Condition()
        self.over: list[Exception | None] = []
        self.decoder = LiveDecoder(audio, SPEECH, sink=self.sink, done=self.done)

    def sink(self, pcm: bytes) -> None:
        self.size += len(pcm)

    def done(self, error: Exception | None) -> None:
        with self.changed:
            self.over.append(error)
            self.changed.notify_all()

    def call(self) -> None:
        with self.changed:
            self.made.append(SPEECH.seconds(self.size))
            self.changed.notify_all()

    def feed(self, data: bytes, step: int = 1_000) -> None:
        for at in range(0, len(data), step):
            self.decoder.feed(data[at : at + step])

    def wait(self, calls: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.made) == calls, PATIENCE)

    def finish(self) -> None:
        self.decoder.finish()
        with self.changed:
            assert self.changed.wait_for(lambda: self.over, PATIENCE)
        assert self.over == [None]


def seconds_in(data: bytes) -> float:
    """Return how much audio there is in a stream that ends here."""
    run = Calls("auto")
    run.feed(data)
    run.finish()
    return SPEECH.seconds(run.size)


@pytest.mark.parametrize(
    ("share", "declared"), [(0.3, "its own"), (0.5, "auto"), (0.75, "its own"), (1.0, "auto")]
)
@pytest.mark.parametrize("name", STREAMS)
def test_a_call_stands_where_its_bytes_end(name, share, declared):
    """A call needs no further bytes, and comes after all audio in those before it."""
    data, (container, behind) = stream(name), STREAMS[name]
    cut = math.ceil(share * len(data))
    run = Calls("auto" if declared == "auto" else container)
    run.feed(data[:cut])
    run.decoder.call(run.call)
    run.wait(1)
    run.feed(data[cut:])
    run.finish()
    given = seconds_in(data[:cut])
    assert given - behind - 0.001 <= run.made[0] <= given


@pytest.mark.parametrize("paced", [True, False], ids=["paced", "at once"])
def test_each_fragment_belongs_to_its_turn(paced):
    """A call after each fragment of an MP4 comes after all of its audio, however fast it is fed."""
    data = stream("fragments.mp4")
    edges = [at - 4 for at in range(len(data)) if data[at : at + 4] == b"moof"][1:]
    run = Calls("mp4")
    for number, (start, end) in enumerate(zip([0, *edges], [*edges, len(data)], strict=True), 1):
        run.decoder.feed(data[start:end])
        run.decoder.call(run.call)
        if paced:
            run.wait(number)
    run.finish()
    assert run.made == pytest.approx([seconds_in(data[:end]) for end in (*edges, len(data))])
    assert len(run.made) > 15


def test_calls_are_in_order_across_recordings():
    """Where a recording for libav follows one that is decoded at once, calls stay in place."""
    first, second = stream("mediarecorder.webm"), stream("containers/alaw_8k.wav")
    run = Calls("auto")
    for data in (first[: len(first) // 2], first[len(first) // 2 :], second[:40_000]):
        run.feed(data)
        run.decoder.call(run.call)
    run.wait(3)
    run.feed(second[40_000:])
    run.decoder.call(run.call)
    run.finish()
    assert run.made == sorted(run.made)
    whole = seconds_in(first)
    assert run.made[0] == pytest.approx(whole / 2, rel=0.1)
    assert run.made[1] == pytest.approx(whole, abs=0.07)
    assert run.made[2] == pytest.approx(whole + seconds_in(second[:40_000]), abs=0.08)
    assert run.made[3] == pytest.approx(whole + seconds_in(second), abs=0.08)


def test_calls_come_where_nothing_is_decoded():
    """Calls are made before the first byte, and after the container's own end."""
    data = stream("containers/alaw_8k.wav")
    run = Calls("auto")
    run.decoder.call(run.call)
    run.feed(data)
    run.decoder.call(run.call)
    run.decoder.call(run.call)
    run.wait(3)
    run.decoder.call(run.call)
    run.finish()
    assert len(run.made) == 4
    assert run.made[0] == 0.0
    run.decoder.call(run.call)
    assert len(run.made) == 4


def test_no_call_is_made_once_it_is_closed():
    """Closing leaves out the calls that wait."""
    run = Calls("flac")
    run.feed(stream("containers/flac.flac")[:3])
    run.decoder.close()
    run.decoder.call(run.call)
    assert not run.made
