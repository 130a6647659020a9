from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.stream import Disposition

from azstt._audio import open_audio
from azstt._audio.files.tracks import default_track

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
#: Files with tracks that are told apart by their length: 7.1 s and 3.1 s.
LONG = CONTAINERS / "opus.webm"
SHORT = Path(__file__).parents[2] / "audio" / "two_tracks.mkv"


def two_tracks(
    path: Path, first: Path, second: Path, *, default: int = 0, empty: bool = False
) -> Path:
    """Mux the first audio tracks of two files; leave out the packets of the first if asked."""
    with av.open(first) as one, av.open(second) as two, av.open(path, "w") as file:
        packets = []
        for number, source in enumerate((one, two)):
            stream = file.add_stream_from_template(source.streams.audio[0])
            stream.disposition = Disposition.default if number == default else Disposition(0)
            packets.extend(
                (float(packet.dts * packet.time_base), packet, stream)
                for packet in source.demux(audio=0)
                if packet.size and not (empty and number == 0)
            )
        for _, packet, stream in sorted(packets, key=lambda entry: entry[0]):
            packet.stream = stream
            file.mux(packet)
    return path


def chosen(source, **options) -> tuple[int, int, float]:
    """Return the number of the track that is decoded, of how many, and its seconds."""
    with open_audio(source, **options) as reader:
        seconds = sum(map(len, reader)) / 32_000
        return reader.report.track, reader.report.tracks, round(seconds, 1)


def lanes(path: Path):
    """Return a file as a path, bytes, and a stream that cannot seek."""
    return path, path.read_bytes(), iter([path.read_bytes()])


@pytest.mark.parametrize("lane", range(3))
def test_the_track_that_is_marked_as_the_default_is_taken(lane, tmp_path):
    """Of two tracks the one is heard that players take, and the report says which and how many."""
    path = two_tracks(tmp_path / "a.mkv", SHORT, LONG, default=1)
    assert chosen(lanes(path)[lane]) == (1, 2, 7.1)


@pytest.mark.parametrize("lane", range(3))
def test_a_track_without_packets_is_passed_over(lane, tmp_path):
    """A first track that was never recorded does not hide the second one."""
    path = two_tracks(tmp_path / "a.mkv", SHORT, LONG, empty=True)
    assert chosen(lanes(path)[lane]) == (1, 2, 7.1)


def test_a_number_selects_any_track(tmp_path):
    """Numbers count the tracks in the container's order, whichever is the default."""
    path = two_tracks(tmp_path / "a.mkv", SHORT, LONG, default=1)
    assert chosen(path, track=0) == (0, 2, 3.1)
    assert chosen(path, track=1) == (1, 2, 7.1)


def test_without_a_mark_the_first_track_is_taken(audio):
    """Two tracks of the same rank: the first one is heard."""
    assert chosen(audio / "two_tracks.mkv")[:2] == (0, 2)
    with av.open(audio / "two_tracks.mkv") as container:
        tracks = list(container.streams.audio)
        for track in tracks:
            track.disposition = Disposition(0)
        assert default_track(tracks) is tracks[0]
