"""Files that end early: the missing end is named, with its length where the container tells it."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from azstt import ConfigurationError, IncompleteAudioWarning
from azstt._audio import DecodeReport, open_audio, to_wav
from azstt._audio.formats.truncation import find_end

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
#: Files whose containers state their length.
STATED = (
    "pcm_s16_16k.wav",
    "mulaw_8k.wav",
    "pcm_s16be_8k.aiff",
    "mulaw_8k.au",
    "adpcm_ima.caf",
    "flac.flac",
    "mp3.mp3",
    "aac_faststart.m4a",
    "opus.webm",
    "vp8_opus.webm",
    "h264_mp3.mkv",
    "wma2.wma",
)
#: Those that only show that something is cut.
OPEN = ("opus.ogg", "vorbis.ogg", "aac_adts.aac", "ac3.ac3")


def report_of(source: object) -> DecodeReport:
    """Decode a source and return the report."""
    with open_audio(source) as reader:
        for _ in reader:
            pass
        return reader.report


def remux(name: str, container: str, **options: str) -> bytes:
    """Put the packets of a file into another container."""
    out = io.BytesIO()
    with av.open(CONTAINERS / name) as source, av.open(out, "w", container, options=options) as to:
        track = to.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = track
                to.mux(packet)
    return out.getvalue()


@pytest.mark.parametrize("name", STATED)
def test_a_missing_end_has_its_length(name):
    """Of a file cut in half, the report says how many seconds are missing."""
    data = (CONTAINERS / name).read_bytes()
    whole = report_of(data)
    assert not whole.missing
    for source in (data[: len(data) // 2 + 9], iter([data[: len(data) // 2 + 9]])):
        report = report_of(source)
        (gap,) = report.missing
        assert gap.reason == "truncated"
        assert gap.seconds == pytest.approx(whole.seconds - report.seconds, abs=0.15)


@pytest.mark.parametrize("name", OPEN)
def test_a_missing_end_of_unknown_length_is_named(name):
    """A format that does not state its length still shows that it was cut, by its last frame."""
    data = (CONTAINERS / name).read_bytes()
    assert not report_of(data).missing
    (gap,) = report_of(data[: len(data) // 2 + 9]).missing
    assert (gap.reason, gap.seconds) == ("truncated", None)


@pytest.mark.parametrize(
    ("name", "container", "known"),
    [
        ("pcm_s16_16k.wav", "w64", True),
        ("mp3.mp3", "avi", True),
        ("aac.m4a", "flv", True),
        ("mp2.mp2", "mpegts", False),
    ],
)
def test_other_containers_that_are_cut(name, container, known):
    """Wave64, AVI, FLV and MPEG-TS files that are cut are called truncated, whole ones are not."""
    data = remux(name, container)
    whole = report_of(data)
    assert not whole.missing
    report = report_of(data[: len(data) // 2 + 9])
    gap = report.missing[-1]
    assert gap.reason == "truncated"
    length = pytest.approx(whole.seconds - report.seconds, abs=0.15)
    assert gap.seconds == length if known else gap.seconds is None


def test_a_live_recording_that_ends_cleanly_is_whole():
    """A browser's recording has no length; it is called truncated only if a block is cut."""
    data = remux("opus.webm", "webm", live="1")
    assert not report_of(data).missing
    (gap,) = report_of(data[: len(data) // 2 + 9]).missing
    assert (gap.reason, gap.seconds) == ("truncated", None)


def test_a_fragment_that_is_not_there():
    """A fragmented MP4 file that ends in a fragment is truncated; how much follows is unknown."""
    data = remux("aac.m4a", "mp4", movflags="frag_every_frame+empty_moov")
    assert not report_of(data).missing
    (gap,) = report_of(data[: len(data) // 2 + 9]).missing
    assert (gap.reason, gap.seconds) == ("truncated", None)


def test_no_end_is_looked_for_in_nonsense():
    """Bytes that are no container are neither whole nor cut."""
    for container in ("ogg", "mp3", "ac3", "mpegts", "mpeg", "asf", "wv", "avi"):
        assert find_end(container, lambda at, size: bytes(900)[at : at + size], 900).cut is None


def test_a_wav_file_of_what_was_cut_off():
    """`to_wav` warns its caller of what the recording lacks."""
    whole = to_wav(CONTAINERS.parent / "jfk.wav")
    with pytest.warns(IncompleteAudioWarning, match=r"4\.8 s of audio is missing") as caught:
        assert len(to_wav(whole[:200_000])) == 200_000
    assert caught[0].filename == __file__


def test_an_unknown_timeline():
    """The message names the choices."""
    with pytest.raises(ConfigurationError, match=r"'samples', 'media' \(given: 'foo'\)"):
        open_audio(CONTAINERS.parent / "jfk.wav", timeline="foo")
