from __future__ import annotations

import io
import itertools
import struct

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio import LiveDecoder, open_audio
from azstt._audio.formats.blocks import block_ticks, read_block, read_group
from azstt._audio.formats.demux import Cut, Loss, NeedsLibavError, Packet, StreamStart
from azstt._audio.formats.matroska import MatroskaDemuxer
from azstt._audio_format import AudioFormat

HEAD = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
#: 20 ms of CELT, judging by the first byte.
PACKETS = [bytes([0xF8, number]) + bytes(50 + number) for number in range(40)]
EBML = bytes.fromhex("1a45dfa3 87 4282 84 7765626d")


def number(value: int, length: int = 1) -> bytes:
    """Write a number with its length marker."""
    return (value | 1 << 7 * length).to_bytes(length, "big")


def element(name: str, content: bytes, *, length: int = 4) -> bytes:
    """Write an element."""
    return bytes.fromhex(name) + number(len(content), length) + content


def entry(track=1, kind=2, codec=b"A_OPUS", head=HEAD, more=b""):
    """Write a track's entry."""
    fields = element("d7", bytes([track])) + element("83", bytes([kind])) + element("86", codec)
    return element("ae", fields + element("63a2", head) + more)


def header(*entries: bytes, before: bytes = b"") -> bytes:
    """Write a recording up to its first cluster; the segment's size is left open."""
    tracks = element("1654ae6b", b"".join(entries or (entry(),)))
    return EBML + bytes.fromhex("18538067 01ffffffffffffff") + before + tracks


def block(packet: bytes, *, track=1, time=0, flags=0x80) -> bytes:
    """Write a block's content."""
    return number(track) + time.to_bytes(2, "big", signed=True) + bytes([flags]) + packet


def cluster(packets, *, time=0, each=20) -> bytes:
    """Write a cluster of open size; its packets last `each` milliseconds."""
    blocks = [element("a3", block(p, time=each * i), length=2) for i, p in enumerate(packets)]
    opened = bytes.fromhex("1f43b675 01ffffffffffffff")
    return opened + element("e7", time.to_bytes(2, "big"), length=1) + b"".join(blocks)


def demux(data: bytes, step: int = 1 << 30) -> list:
    """Return all items, fed in chunks of a size."""
    demuxer, items = MatroskaDemuxer(), []
    for at in range(0, len(data), step):
        items += demuxer.feed(data[at : at + step])
    return items


def given_up(data: bytes, step: int = 1 << 30) -> tuple[list, bytes]:
    """Return the items before a stream is given up, and the data left to libav."""
    demuxer, items = MatroskaDemuxer(), []
    try:
        for at in range(0, len(data), step):
            items += demuxer.feed(data[at : at + step])
    except NeedsLibavError as error:
        return items, error.data
    pytest.fail("the stream was not left to libav")


def packets_of(data: bytes, step: int = 1 << 30) -> list[bytes]:
    """Return the packets only."""
    return [item.data for item in demux(data, step) if isinstance(item, Packet)]


def xiph(sizes):
    """Write sizes in Xiph lacing."""
    return b"".join(b"\xff" * (size // 255) + bytes([size % 255]) for size in sizes)


def ebml(sizes):
    """Write sizes in EBML lacing."""
    steps = [b - a for a, b in itertools.pairwise(sizes)]
    return number(sizes[0], 2) + b"".join(number(step + (1 << 13) - 1, 2) for step in steps)


def laced(packets, lacing: str) -> bytes:
    """Write a block with several packets."""
    sizes = [len(packet) for packet in packets[:-1]]
    write = {"xiph": xiph, "fixed": lambda _: b"", "ebml": ebml}[lacing]
    flags = {"xiph": 2, "fixed": 4, "ebml": 6}[lacing]
    body = bytes([len(packets) - 1]) + write(sizes) + b"".join(packets)
    return element("a3", block(body, flags=0x80 | flags))


def real_packets(path) -> list[bytes]:
    """Return the packets that libav's demuxer finds in a real recording."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


@pytest.mark.parametrize("name", ["mediarecorder.webm", "chromium.webm", "containers/opus.webm"])
@pytest.mark.parametrize("step", [7, 1 << 30])
def test_packets_are_those_of_libav(audio, name, step):
    """A recording is split into the same packets as by libav, wherever it is cut."""
    assert packets_of((audio / name).read_bytes(), step) == real_packets(audio / name)


@pytest.mark.parametrize("name", ["containers/vp8_opus.webm", "containers/opus.mka"])
def test_known_sizes_and_video_tracks(audio, name):
    """Files with known sizes, an index and video are split into the same packets as by libav."""
    with av.open(str(audio / name)) as container:
        stream = container.streams.audio[0]
        expected = [bytes(packet) for packet in container.demux(stream) if packet.size]
    assert packets_of((audio / name).read_bytes(), 100) == expected


@pytest.mark.parametrize("lacing", ["xiph", "fixed", "ebml"])
def test_lacing(audio, lacing):
    """A block with several packets is split, and they decode to the same samples as by libav."""
    packets = real_packets(audio / "chromium.webm")[:20]
    if lacing == "fixed":
        packets = [packets[3]] * 20
    groups = [packets[at : at + 5] for at in range(0, len(packets), 5)]
    data = header() + bytes.fromhex("1f43b675 01ffffffffffffff e7 81 00")
    data += b"".join(laced(group, lacing) for group in groups)
    assert packets_of(data, 11) == packets
    with av.open(io.BytesIO(data)) as container:
        assert [bytes(p) for p in container.demux(audio=0) if p.size] == packets
    pcm: list[bytes] = []
    decoder = LiveDecoder("webm", AudioFormat(), sink=pcm.append, done=lambda _: None)
    decoder.feed(data)
    decoder.finish()
    with open_audio(data) as reader:
        assert b"".join(pcm) == b"".join(reader)


def test_discard_padding():
    """A group's discard padding, in nanoseconds, trims samples at the end or the beginning."""
    for nanoseconds, trimmed in (
        (10_000_000, (0, 480)),
        (-5_000_000, (240, 0)),
        (33_500_000, (0, 1608)),
    ):
        content = element("a1", block(PACKETS[0])) + element(
            "75a2", nanoseconds.to_bytes(4, "big", signed=True)
        )
        (_, packet) = demux(header() + element("a0", content))
        assert packet == Packet(PACKETS[0], 960, *trimmed, time=0.0)
    (_, packet) = demux(header() + element("a0", element("a1", block(PACKETS[0]))))
    assert packet == Packet(PACKETS[0], 960, time=0.0)


def test_other_elements_are_skipped_and_not_kept():
    """Large elements of other kinds are skipped without being kept in memory."""
    big = element("ec", bytes(3 << 20)) + element("1254c367", bytes(2 << 20))
    picture = element("a3", block(bytes(1 << 20), track=2))
    data = header(entry(), entry(track=2, kind=1, codec=b"V_VP8"), before=element("ec", b"x" * 999))
    data += big + cluster(PACKETS[:3]) + picture
    data += element("a0", element("a1", block(bytes(1 << 20), track=2)))
    data += cluster(PACKETS[3:6]) + element("1c53bb6b", bytes(1 << 20)) + element("ec", bytes(99))
    demuxer = MatroskaDemuxer()
    kept, found = 0, []
    for at in range(0, len(data), 4_096):
        found += [i.data for i in demuxer.feed(data[at : at + 4_096]) if isinstance(i, Packet)]
        kept = max(kept, len(demuxer._buffer.data) + len(demuxer._buffer._kept))
    assert found == PACKETS[:6]
    assert kept < 3_000
    assert demuxer.end() is None


def test_another_recording_follows():
    """A second header starts another recording, with its own setup."""
    other = HEAD[:9] + b"\x02" + HEAD[10:]
    data = header() + cluster(PACKETS[:2]) + header(entry(track=5, head=other))
    data += bytes.fromhex("1f43b675 01ffffffffffffff e7 81 00")
    data += element("a3", block(PACKETS[3], track=5))
    assert demux(data, 3) == [
        StreamStart(HEAD),
        Packet(PACKETS[0], 960, time=0.0),
        Packet(PACKETS[1], 960, time=0.02),
        StreamStart(other),
        Packet(PACKETS[3], 960, time=0.0),
    ]


UNUSUAL = {
    "vorbis": header(entry(codec=b"A_VORBIS")),
    "two tracks of sound": header(entry(), entry(track=2)),
    "no sound": header(entry(kind=1, codec=b"V_VP8")),
    "surround": header(entry(head=HEAD[:9] + b"\x06" + HEAD[10:18] + b"\x01" + bytes(8))),
    "no setup": header(entry(head=b"")),
    "encrypted": header(entry(more=element("6d80", b""))),
    "tracks of open size": header()[: -len(entry()) - 8] + bytes.fromhex("1654ae6b ff") + entry(),
    "tracks that do not fit": header(b"\xae\xff"),
    "a cluster before the tracks": EBML + cluster(PACKETS),
    "a group before the tracks": EBML + element("a0", element("a1", block(b"x"))),
    "an odd group before the tracks": EBML + element("a0", element("9b", b"x")),
    "an unknown element": EBML + element("99", b"abc"),
    "no element": EBML + b"\x00" * 20,
    "too long a header": EBML + element("ec", bytes(2 << 20)),
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("step", [1 << 30, 1_000])
def test_what_is_left_to_libav(data, step):
    """An unusual recording is left to libav before its first packet, without losing a byte."""
    items, left = given_up(data, step)
    assert items == []
    assert left == data[: len(left)]
    assert len(left) % step == 0 or left == data


def test_a_second_recording_is_left_to_libav_from_its_first_byte():
    """A second recording that needs libav is left to it from its own first byte."""
    first, second = header() + cluster(PACKETS[:3]), header(entry(codec=b"A_VORBIS"))
    items, left = given_up(first + second, 1)
    assert [item.data for item in items if isinstance(item, Packet)] == PACKETS[:3]
    assert left == second


def test_the_end_of_a_recording():
    """An end between elements, one inside an element and a missing start are distinguished."""
    data = header() + cluster(PACKETS[:3])
    for missing, cut in ((0, None), (1, Cut(None)), (40, Cut(None))):
        demuxer = MatroskaDemuxer()
        list(demuxer.feed(data[: len(data) - missing]))
        assert demuxer.end() == cut
    demuxer = MatroskaDemuxer()
    list(demuxer.feed(header()[:30]))
    with pytest.raises(NeedsLibavError) as caught:
        demuxer.end()
    assert caught.value.data == header()[:30]
    demuxer = MatroskaDemuxer()
    list(demuxer.feed(data + header()[:30]))
    assert demuxer.end() == Cut(None)


def positions(data: bytes) -> list[int]:
    """Return where the packets of PACKETS begin."""
    return [data.index(packet) for packet in PACKETS if packet in data]


@pytest.mark.parametrize("step", [1, 50, 1 << 30])
def test_a_hole_costs_what_it_hits(step):
    """After missing bytes the next complete block is decoded, at its own time."""
    data = header() + cluster(PACKETS)
    at = positions(data)
    broken = data[: at[10] + 20] + data[at[14] + 20 :]
    items = demux(broken, step)
    found = [item.data for item in items if isinstance(item, Packet)]
    assert found[:10] == PACKETS[:10]
    assert found[11:] == PACKETS[15:]  # the one before consists of two halves
    (loss,) = (at for at, item in enumerate(items) if isinstance(item, Loss))
    assert items[loss + 1].time == pytest.approx(PACKETS.index(items[loss + 1].data) * 0.02)


@pytest.mark.parametrize("step", [1, 50, 1 << 30])
def test_what_is_inserted_costs_nothing_but_a_block(step):
    """Inserted bytes are skipped, and no time is missing."""
    data = header() + cluster(PACKETS)
    at = positions(data)[10] - 7  # a block's header is 7 bytes
    items = demux(data[:at] + b"\xa3\x81" * 200 + b"junk" + data[at:], step)
    assert [item.data for item in items if isinstance(item, Packet)] == PACKETS
    times = [item.time for item in items if isinstance(item, Packet)]
    assert times == pytest.approx([0.02 * number for number in range(40)])


@pytest.mark.parametrize("lie", [1, 30, 5_000, 16_000])
def test_a_wrong_size(lie):
    """A block with a wrong size costs itself and at most its neighbors."""
    data = bytearray(header() + cluster(PACKETS))
    at = positions(data)[10]
    data[at - 6 : at - 4] = number(lie, 2)
    found = packets_of(bytes(data), 50)
    assert found[:10] == PACKETS[:10]
    assert found[-28:] == PACKETS[12:]


def test_clusters_that_are_damaged():
    """A damaged cluster identifier or time costs no packet."""
    first, second = cluster(PACKETS[:10]), cluster(PACKETS[10:20], time=200)
    for at, byte in ((0, 0x1E), (0, 0x9F), (3, 0), (12, 0xE6), (13, 0x8F)):
        broken = second[:at] + bytes([byte]) + second[at + 1 :]
        assert packets_of(header() + first + broken + b"\xec\x80") == PACKETS[:20]


def test_damage_that_looks_like_another_recording():
    """A header identifier without a header's fields after it does not end the recording."""
    for junk in ("1a45dfa3 88 0000", "1a45dfa3 80", "1a45dfa3 ff 42", "1a45dfa3 4801 4286"):
        data = header() + cluster(PACKETS[:3]) + bytes.fromhex(junk) + cluster(PACKETS[3:], time=60)
        for step in (1, 1 << 20):
            assert packets_of(data, step) == PACKETS


def test_invalid_blocks_and_groups():
    """Invalid blocks, and ones of unknown tracks, are skipped as damage."""
    broken = (
        element("a3", block(PACKETS[0], track=9)),
        element("a3", b"\x81"),
        element("a3", block(b"", flags=0x82)),
        element("a3", block(b"\x05\xff\xff", flags=0x86)),
        element("a3", block(b"\x03abcde", flags=0x84)),
        element("a3", block(b"\x02\x7f\x7f", flags=0x82)),
        element("a0", b"\xa1\xff"),
        element("a0", b""),
        element("a0", b"\xa1\xff"),
        element("a0", b"\x9b\x81\x01"),
        element("a0", element("a1", block(PACKETS[0], track=9))),
        element("a0", element("a1", block(PACKETS[0]))[:-9]),
        bytes.fromhex("a0 0fffffff 9b8101"),
        bytes.fromhex("a0 50 b68101"),
        bytes.fromhex("af 45"),
        element("e7", bytes(9)),
        b"\xa3\xff",
    )
    for bad in broken:
        data = header() + cluster(PACKETS[:3]) + bad + cluster(PACKETS[3:6], time=60)
        assert packets_of(data, 13) == PACKETS[:6], bad


def times_of(data: bytes) -> list[float | None]:
    """Return the packets' times only."""
    return [item.time for item in demux(data) if isinstance(item, Packet)]


def test_times_in_other_units():
    """Times are in the recording's own unit."""
    for scale, second in ((b"\x0f\x42\x40", 1.0), (b"\x01\x86\xa0", 0.1)):
        info = element("1549a966", element("2ad7b1", scale))
        data = header(before=info) + cluster(PACKETS[:1], time=5_000)
        times = times_of(data + cluster(PACKETS[1:3], time=6_000))
        assert times == pytest.approx([0.0, second, 1.02 * second])
    broken = header(before=element("1549a966", b"\x2a"))
    assert packets_of(broken + cluster(PACKETS[:2])) == PACKETS[:2]


@pytest.mark.parametrize("grouped", [False, True])
def test_sound_that_begins_after_the_pictures(grouped):
    """Times count from the first block of any track, as players do."""
    picture = block(bytes(99), track=2, time=100)
    picture = element("a0", element("a1", picture)) if grouped else element("a3", picture)
    video = entry(track=2, kind=1, codec=b"V_VP8")
    opened = bytes.fromhex("1f43b675 01ffffffffffffff e7 81 00")
    data = header(entry(), video) + opened + picture + cluster(PACKETS[:2], time=2_100)
    assert times_of(data) == pytest.approx([2.0, 2.02])
    late = header(entry(more=element("56aa", (6_500_000).to_bytes(4, "big"))), video)
    assert times_of(late + opened + picture + cluster(PACKETS[:1], time=2_100)) == pytest.approx(
        [2.0 - 0.0065]
    )


def test_the_times_of_a_laced_block():
    """Each packet of a block has its own time."""
    data = header() + bytes.fromhex("1f43b675 01ffffffffffffff e7 81 00")
    assert times_of(data + laced(PACKETS[:3], "xiph")) == pytest.approx([0.0, 0.02, 0.04])


def test_times_after_a_lost_cluster():
    """Without its cluster's time a block is placed by the bytes that are missing before it."""
    first, second = cluster(PACKETS[:20]), cluster(PACKETS[20:30], time=5_000)
    missing = len(header() + first)
    data = header() + first + bytes(missing) + second[14:] + cluster(PACKETS[30:], time=6_000)
    items = demux(data)
    times = [item.time for item in items if isinstance(item, Packet)]
    assert times[19] == pytest.approx(0.38)
    assert times[20:30] == pytest.approx([0.8 + 0.02 * number for number in range(10)], abs=0.03)
    assert times[30] == pytest.approx(6.0)
    assert sum(isinstance(item, Loss) for item in items) == 2


@pytest.mark.parametrize("step", [1, 333, 1 << 30])
@pytest.mark.parametrize("filler", [20, 400, 2_400])
def test_times_after_a_lost_cluster_of_a_regular_recording(filler, step):
    """Where clusters have a length, a block without its cluster is at its true time at once."""
    packets = (PACKETS * 5)[:200]
    clusters = [cluster(packets[at : at + 50], time=20 * at) for at in range(0, 200, 50)]
    before, after = clusters[1].index(packets[80]) - 7, clusters[2].index(packets[110]) - 7
    damage = bytes(filler)  # less than there was, or as much
    data = header() + clusters[0] + clusters[1][:before] + damage + clusters[2][after:]
    items = demux(data + clusters[3], step)
    times = [item.time for item in items if isinstance(item, Packet)]
    assert times == pytest.approx([0.02 * at for at in [*range(80), *range(110, 200)]])
    assert sum(isinstance(item, Loss) for item in items) == 2


def test_a_damaged_timestamp_moves_no_other_block():
    """After a wrong timestamp and a lost block, all other blocks keep their times."""
    data = cluster(PACKETS, time=1_000)
    wrong = data.index(PACKETS[10]) - 3
    for timestamp in (b"\x20\xc8", b"\x7f\xff", b"\x80\0", b"\0\0"):
        damaged = bytearray(data)
        damaged[wrong : wrong + 2] = timestamp
        damaged[data.index(PACKETS[11]) - 7] = 0
        times = times_of(header() + bytes(damaged))
        assert len(times) == 39
        assert times[:10] == pytest.approx([0.02 * at for at in range(10)])
        assert times[11:] == pytest.approx([0.02 * at for at in range(12, 40)])


def test_a_damaged_cluster_time_moves_no_other_cluster():
    """After a cluster with a wrong time and damage in it, the next one is at its own time."""
    clusters = [cluster(PACKETS, time=800 * number) for number in range(4)]
    damaged = bytearray(cluster(PACKETS, time=800 + 16_384))
    damaged[damaged.index(PACKETS[11]) - 7] = 0
    rest = bytearray(clusters[2])
    rest[rest.index(PACKETS[1]) - 7] = 0
    times = times_of(header() + clusters[0] + bytes(damaged) + bytes(rest) + clusters[3])
    assert times[-78:] == pytest.approx([1.6 + 0.02 * at for at in range(2, 80)])


@pytest.mark.parametrize("wrong", [100, 1 << 60])
def test_a_cluster_time_that_cannot_be(wrong):
    """A cluster whose time goes back, or ahead by years, is put where the one before it ends."""
    one, two, three, four = (cluster(PACKETS, time=800 * number) for number in range(4))
    time = element("e7", wrong.to_bytes(8, "big"), length=1)
    three = three.replace(element("e7", (1_600).to_bytes(2, "big"), length=1), time)
    times = times_of(header() + one + two + three + four)
    assert times == pytest.approx([0.02 * at for at in range(160)])


def ended(data: bytes) -> Cut | None:
    """Return what is missing at the end."""
    demuxer = MatroskaDemuxer()
    list(demuxer.feed(data))
    return demuxer.end()


def test_a_stated_duration_that_is_not_reached():
    """A recording that states its duration and ends before it was cut, and how much is told."""
    video = entry(track=2, kind=1, codec=b"V_VP8")
    picture = element("a3", block(bytes(99), track=2, time=1_900))
    for width, pack in ((4, ">f"), (8, ">d")):
        info = element("1549a966", element("4489", struct.pack(pack, 2_000.0)))
        whole = header(before=info) + cluster(PACKETS, time=1_200)
        assert ended(whole) is None
        assert ended(whole[:-1]) is None  # nothing that can be heard
        for data in (whole[: whole.index(PACKETS[20]) + end] for end in (-7, 0, 9)):
            assert ended(data) == Cut(pytest.approx(0.4)), width
        pictures = header(entry(), video, before=info) + cluster(PACKETS[:2])
        assert ended(pictures + picture) is None
        assert ended(pictures) == Cut(pytest.approx(1.96))
    for lie in (b"\0" * 4, b"\x7f\x80\0\0", b"\xff" * 8, b"\0"):
        info = element("1549a966", element("4489", lie))
        assert ended(header(before=info) + cluster(PACKETS)) is None


def test_a_cluster_that_is_not_complete():
    """A cluster that states its size and is shorter was cut, even between two blocks."""
    content = cluster(PACKETS)[12:]
    data = header() + element("1f43b675", content)
    assert ended(data) is None
    assert ended(data[: data.index(PACKETS[39]) - 7]) == Cut(None)
    assert ended(data + bytes(100)) is None
    assert ended(data + bytes(5_000)) == Cut(None)


def test_bytes_that_are_not_a_block():
    """Bytes that are not a block, or not a group, are a ValueError."""
    for content in (b"", b"\x81", b"\x81\0\0", b"\xff\0\0\x80", b"\x40"):
        with pytest.raises(ValueError, match="no block"):
            read_block(content)
    with pytest.raises(ValueError, match="no block"):
        read_group(b"")
    with pytest.raises(ValueError, match="no block"):
        block_ticks(b"\x81\0", 0)
    assert read_block(b"\x81\xff\xff\x80abc").time == block_ticks(b"\x81\xff\xff\x80", 0) == -1


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_after_a_header(junk, step):
    """Whatever follows a header, nothing is raised, and how it is cut does not matter."""
    data = header() + cluster(PACKETS[:2]) + junk + cluster(PACKETS[2:])
    items = demux(data, step)
    assert items == demux(data)
    assert [item.data for item in items if isinstance(item, Packet)][-20:] == PACKETS[-20:]


@given(st.binary(max_size=300))
def test_any_bytes_at_the_beginning(junk):
    """Whatever a stream begins with, it is demuxed or left to libav."""
    for data in (junk, EBML + junk, header() + junk):
        try:
            assert demux(data, 5)[:1] in ([], [StreamStart(HEAD)])
        except NeedsLibavError as error:
            assert error.data in data  # noqa: PT017  most are given up
