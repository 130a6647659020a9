"""Files at the times that a player shows: late, gapped, jumping, and parts of them."""

from __future__ import annotations

import io
from pathlib import Path

import av
import pytest

from azstt import ConfigurationError, open_audio
from tests.beeps import RATE, beeping, mkv

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
#: Seconds of a recording with a beep each second, and its hole: where, how long.
LENGTH, HOLE, LONG = 10.0, 4.0, 3.0
GAPPED = mkv(beeping(LENGTH, range(10)), holes=[(HOLE, LONG)])


def decode(data, **options):
    """Return the PCM's length in seconds, the reader, and the PCM."""
    with open_audio(data, **options) as reader:
        pcm = b"".join(reader)
    return len(pcm) / 32_000, reader, pcm


def remux(name, container, time, **options):
    """Write a recording with its sound at other times; None leaves the packet out."""
    file = io.BytesIO()
    with (
        av.open(CONTAINERS / name) as source,
        av.open(file, "w", format=container, options=options) as output,
    ):
        streams = {s.index: output.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if not packet.size or packet.pts is None:
                continue
            if packet.stream.type == "audio":
                if (new := time(float(packet.pts * packet.time_base))) is None:
                    continue
                packet.pts = packet.dts = round(new / packet.time_base)
            packet.stream = streams[packet.stream.index]
            output.mux(packet)
    return file.getvalue()


def silence_before(pcm):
    """Return how many seconds of silence come first."""
    return next(at for at in range(0, len(pcm), 2) if any(pcm[at : at + 2])) / 32_000


def gap(time):
    """Leave out what is between 2 and 3.5 s."""
    return None if 2 <= time < 3.5 else time


FORMATS = [
    ("opus.webm", "matroska"),
    ("opus.webm", "webm"),
    ("aac.m4a", "mp4"),
    ("aac.m4a", "mpegts"),
]


@pytest.mark.parametrize(("name", "container"), FORMATS)
def test_packets_that_were_never_stored(name, container):
    """A hole of 1.5 s is silence on the media's timeline, and absent in the report."""
    whole = decode(remux(name, container, lambda time: time), timeline="media")[0]
    seconds, reader, _ = decode(remux(name, container, gap), timeline="media")
    assert seconds == pytest.approx(whole, abs=0.05)
    (missing,) = reader.report.missing
    assert (missing.reason, missing.seconds) == ("absent", pytest.approx(1.5, abs=0.05))
    # MPEG-TS has a timestamp for several packets, and those may lie on both sides of the hole.
    assert missing.at == pytest.approx(2.0, abs=0.15 if container == "mpegts" else 0.05)


@pytest.mark.parametrize(("name", "container"), FORMATS)
def test_stored_samples_alone(name, container):
    """By default a hole adds no sample, and `media_time` tells where a player plays each."""
    data = remux(name, container, gap)
    filled = decode(data, timeline="media")[0]
    seconds, reader, _ = decode(data)
    assert seconds == pytest.approx(filled - 1.5, abs=0.05)
    assert reader.media_time(1.5) == pytest.approx(1.5, abs=0.05)
    assert reader.media_time(3.0) == pytest.approx(4.5, abs=0.05)


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("h264_aac.mp4", "mp4"),
        ("h264_aac.mp4", "mov"),
        ("h264_aac.mp4", "matroska"),
        ("h264_aac.mp4", "flv"),
        ("h264_aac.mp4", "mpegts"),
        ("vp8_opus.webm", "webm"),
    ],
)
def test_sound_that_begins_after_the_pictures(name, container):
    """A track that begins 2 s after the pictures comes after 2 s of silence; nothing is missing."""
    seconds, reader, pcm = decode(remux(name, container, lambda time: time + 2), timeline="media")
    assert (seconds, silence_before(pcm)) == (
        pytest.approx(9.1, abs=0.05),
        pytest.approx(2, abs=0.03),
    )
    assert reader.report.missing == ()


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_late_sound_in_a_recording_that_follows_another(container):
    """The sound of a second recording is as late after its pictures as that of the first."""
    late = remux("h264_aac.mp4", container, lambda time: time + 2)
    once = decode(late, timeline="media")[0]
    seconds, reader, pcm = decode(late + late, timeline="media")
    assert seconds == pytest.approx(2 * once, abs=0.05)
    second = pcm[round(once * RATE) * 2 :]
    assert silence_before(second) == pytest.approx(2, abs=0.05)
    assert reader.report.missing == ()


def test_pictures_that_go_on_after_the_sound():
    """Where the sound of fragments ends before the pictures, nothing is missing."""
    short = remux(
        "h264_aac.mp4",
        "mp4",
        lambda time: time if time < 3 else None,
        movflags="frag_keyframe+empty_moov+default_base_moof",
    )
    seconds, reader, _ = decode(short)
    assert (seconds, reader.report.missing) == (pytest.approx(3, abs=0.1), ())


@pytest.mark.parametrize("container", ["mp4", "mov"])
@pytest.mark.parametrize("name", ["h264_aac.mp4", "aac.m4a"])
def test_an_edit_list_that_leaves_the_beginning_out(name, container):
    """Sound before the time zero, which an edit list hides from players, is left out as well."""
    whole = decode(CONTAINERS / name)[2]
    seconds, reader, pcm = decode(remux(name, container, lambda time: time - 0.5), timeline="media")
    assert seconds == pytest.approx(6.6, abs=0.01)
    assert pcm[32_000:64_000] == whole[48_000:80_000]
    assert reader.report.missing == ()


def test_a_media_that_begins_before_zero():
    """Where the first timestamps are negative, the first of them is the media's start."""
    data = mkv(beeping(2.0, [0.5]), start=-3.0)
    seconds, reader, pcm = decode(data, timeline="media")
    assert (seconds, silence_before(pcm)) == (2.0, pytest.approx(0.5, abs=0.01))
    assert reader.report.missing == ()


#: Seconds after which the timestamps of MPEG-TS begin at zero again.
WRAP = 2**33 / 90_000


@pytest.mark.parametrize(
    "time",
    [lambda time: time + WRAP - 3, lambda time: time + 100 * (time >= 3)],
    ids=["wraps", "jumps"],
)
def test_timestamps_of_a_broadcast_that_start_again(time):
    """At a splice, and where the counter is full, players go on at once, and so do the times."""
    plain = decode(remux("aac.m4a", "mpegts", lambda time: time), timeline="media")
    seconds, reader, pcm = decode(remux("aac.m4a", "mpegts", time), timeline="media")
    assert (seconds, pcm) == (plain[0], plain[2])
    assert reader.media_time(5.0) == pytest.approx(5.0, abs=0.05)
    assert reader.report.missing == ()


def test_timestamps_of_a_broadcast_that_jump_back():
    """A second program whose clock is behind the first one's begins where that ends."""
    first, second = (
        remux("aac.m4a", "mpegts", lambda time, at=at: time + at) for at in (50.0, 10.0)
    )
    seconds, reader, _ = decode(first + second, timeline="media")
    assert seconds == pytest.approx(2 * decode(first)[0], abs=0.05)
    assert reader.media_time(10.0) == pytest.approx(10.0, abs=0.05)
    assert reader.report.missing == ()


def test_a_recorder_whose_clock_drifts():
    """Timestamps that run 1 % faster than the samples are followed within 50 ms."""
    data = remux("opus.webm", "matroska", lambda time: time * 1.01)
    whole = decode((CONTAINERS / "opus.webm").read_bytes())[0]
    seconds, reader, _ = decode(data)
    assert reader.media_time(seconds) == pytest.approx(whole * 1.01, abs=0.05)
    assert reader.report.missing == ()


@pytest.mark.parametrize(
    ("start", "end", "length", "missing"),
    [
        (0.0, 3.0, 3.0, []),
        (2.0, 5.0, 3.0, [(4.0, 1.0)]),
        (5.0, 9.0, 4.0, [(5.0, 2.0)]),
        (5.0, 6.0, 1.0, [(5.0, 1.0)]),
        (8.0, 9.0, 1.0, []),
        (12.0, 99.0, 1.0, []),
    ],
)
def test_a_part_of_the_media(start, end, length, missing):
    """Start and end are the player's times, and only what is missing in between is told."""
    seconds, reader, _ = decode(GAPPED, timeline="media", start=start, end=end)
    assert seconds == pytest.approx(length, abs=0.01)
    assert reader.media_time(0.0) == pytest.approx(start, abs=0.01)
    found = [(gap.at, gap.seconds) for gap in reader.report.missing]
    assert found == [pytest.approx(gap, abs=0.01) for gap in missing]


def test_a_part_that_begins_in_a_hole():
    """Without silence the first sample is the one after the hole, at its own time."""
    seconds, reader, pcm = decode(GAPPED, start=5.0, end=9.0)
    assert seconds == pytest.approx(2.0, abs=0.01)
    assert reader.media_time(0.0) == pytest.approx(7.0, abs=0.01)
    assert pcm == decode(GAPPED)[2][128_000 : 128_000 + len(pcm)]


def test_a_gap_that_ends_where_the_part_begins():
    """A hole right before the part is not missing in it."""
    assert decode(GAPPED, timeline="media", start=HOLE + LONG)[1].report.missing == ()


def test_beyond_the_end():
    """A start after the end of the media is an error that says how long it is."""
    with pytest.raises(ConfigurationError, match=r"13\.0"):
        decode(GAPPED, start=14.0)


def encode(codec, container, seconds=6.0, *, rate=16_000, keep=lambda _: True):
    """Return beeps that PyAV has encoded, without the packets that are not to be kept."""
    file = io.BytesIO()
    resampler = av.AudioResampler(rate=rate)
    # With this delay, several frames of a transport stream share a timestamp, as usual.
    with av.open(file, "w", format=container, options={"max_delay": "700000"}) as output:
        stream = output.add_stream(codec, rate=rate, layout="mono", bit_rate=48_000)
        frame = av.AudioFrame("s16", "mono", round(16_000 * seconds))
        frame.sample_rate, frame.pts = 16_000, 0
        frame.planes[0].update(beeping(seconds, range(int(seconds))))
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        for part in [*frames, None]:
            for packet in stream.encode(part):
                if keep(float(packet.pts * packet.time_base)):
                    output.mux(packet)
    return file.getvalue()


@pytest.mark.parametrize("bit", [23, 19])
def test_a_damaged_timestamp_of_a_transport_stream(bit):
    """One wrong bit in a timestamp, of 93 s or 6 s, moves nothing, though many frames share it."""
    data = bytearray(encode("mp2", "mpegts", 10.0))
    heads = [at for at in range(0, len(data), 188) if b"\0\0\1\xc0" in data[at : at + 188]]
    place = data.index(b"\0\0\1\xc0", heads[len(heads) // 2]) + 9
    number = int.from_bytes(data[place + 1 : place + 3]) ^ 1 << (bit - 15 + 1)
    data[place + 1 : place + 3] = number.to_bytes(2)
    whole = decode(encode("mp2", "mpegts", 10.0), timeline="media")
    seconds, reader, pcm = decode(bytes(data), timeline="media")
    assert (seconds, reader.report.missing) == (whole[0], ())
    assert pcm == whole[2]


def test_a_hole_in_wma():
    """Packets that a recorder left out of a WMA file are absent, not damaged."""
    data = encode("wmav2", "asf", 10.0, rate=22_050, keep=lambda time: not 4.2 <= time < 5.5)
    (gap,) = decode(data, timeline="media")[1].report.missing
    assert (gap.reason, gap.seconds) == ("absent", pytest.approx(1.3, abs=0.1))


@pytest.mark.parametrize("size", [500, 70_000])
def test_a_tag_before_ac3(size):
    """A tag in front of AC-3 is not damage."""
    tag = b"ID3\4\0\0" + bytes((size >> 7 * part) & 127 for part in (3, 2, 1, 0)) + bytes(size)
    data = encode("ac3", "ac3", rate=48_000)
    seconds, reader, _ = decode(tag + data)
    assert (seconds, reader.report.missing) == (decode(data)[0], ())


def test_a_transport_stream_whose_sample_rate_changes():
    """Frames that last longer than those before the change stand one after the other."""
    data = encode("aac", "mpegts", rate=48_000) + encode("aac", "mpegts", rate=24_000)
    seconds, reader, _ = decode(data)
    assert reader.report.missing == ()
    assert reader.media_time(seconds) == pytest.approx(seconds, abs=0.03)
