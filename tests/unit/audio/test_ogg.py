from __future__ import annotations

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.demux import Cut, Loss, NeedsLibavError, Packet, StreamStart
from azstt._audio.formats.ogg import OggDemuxer, read_page

HEAD = b"OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00"
TAGS = b"OpusTags\x00\x00\x00\x00\x00\x00\x00\x00"
#: 20 ms of CELT, judging by the first byte.
PACKETS = [bytes([0xF8, number]) + bytes(50 + number) for number in range(40)]
SAMPLES = 960
#: Seconds that the setup tells to skip.
SKIP = 312 / 48_000
CONTINUED, FIRST, LAST = 1, 2, 4


def lace(packet: bytes, *, ends: bool = True) -> bytes:
    """Write a packet's segment sizes."""
    return b"\xff" * (len(packet) // 255) + (bytes([len(packet) % 255]) if ends else b"")


def page(packets, number, *, flags=0, position=0, stream=7, ends=True) -> bytes:
    """Write a page, without a CRC, which is not checked."""
    *whole, last = packets or [b""]
    sizes = b"".join(map(lace, whole)) + lace(last, ends=ends) if packets else b""
    fields = position.to_bytes(8, "little", signed=True) + stream.to_bytes(4, "little")
    fields += number.to_bytes(4, "little") + bytes(4) + bytes([len(sizes)])
    return b"OggS\0" + bytes([flags]) + fields + sizes + b"".join(packets)


def start(*, head=HEAD, stream=7, tags=TAGS) -> bytes:
    """Write the pages before the audio."""
    return page([head], 0, flags=FIRST, stream=stream) + page([tags], 1, stream=stream)


def pages(packets, *, each=10, first=2, stream=7, trimmed=0) -> list[bytes]:
    """Write pages of several packets each; if trimmed, the last one is flagged as the last."""
    groups = [packets[at : at + each] for at in range(0, len(packets), each)]
    ends = [SAMPLES * min(each * (at + 1), len(packets)) for at in range(len(groups))]
    written = [
        page(group, first + at, position=end, stream=stream)
        for at, (group, end) in enumerate(zip(groups, ends, strict=True))
    ]
    if trimmed:
        last, position = first + len(groups) - 1, ends[-1] - trimmed
        written[-1] = page(groups[-1], last, flags=LAST, position=position, stream=stream)
    return written


def demux(data: bytes, step: int = 1 << 30) -> list:
    """Return all items, fed in chunks of a size."""
    demuxer, items = OggDemuxer(), []
    for at in range(0, len(data), step):
        items += demuxer.feed(data[at : at + step])
    return items


def given_up(data: bytes, step: int = 1 << 30) -> tuple[list, bytes]:
    """Return the items before a stream is given up, and the data left to libav."""
    demuxer, items = OggDemuxer(), []
    try:
        for at in range(0, len(data), step):
            items += demuxer.feed(data[at : at + step])
    except NeedsLibavError as error:
        return items, error.data
    pytest.fail("the stream was not left to libav")


def packets_of(data: bytes, step: int = 1 << 30) -> list[bytes]:
    """Return the packets only."""
    return [item.data for item in demux(data, step) if isinstance(item, Packet)]


def losses_of(data: bytes, step: int = 1 << 30) -> list[Loss]:
    """Return the losses only."""
    return [item for item in demux(data, step) if isinstance(item, Loss)]


def times_of(data: bytes, step: int = 1 << 30) -> list[float]:
    """Return when each packet begins, in units of a packet."""
    items = demux(data, step)
    return [(i.time + SKIP) / 0.02 for i in items if isinstance(i, Packet) and i.time is not None]


@pytest.mark.parametrize("name", ["containers/opus.ogg", "digits.ogg", "es_mls_13697.ogg"])
@pytest.mark.parametrize("step", [1, 7, 1 << 30])
def test_packets_are_those_of_libav(audio, name, step):
    """A file is split into the same packets as by libav, wherever it is cut."""
    with av.open(str(audio / name)) as container:
        expected = [bytes(packet) for packet in container.demux(audio=0) if packet.size]
    assert packets_of((audio / name).read_bytes(), step) == expected


def test_a_packet_comes_with_its_last_byte():
    """A packet comes out as soon as it is complete, before the end of its page."""
    data = start() + pages(PACKETS)[0]
    demuxer, given = OggDemuxer(), {}
    for at in range(len(data)):
        for item in demuxer.feed(data[at : at + 1]):
            given[at + 1] = item
    ends = [data.index(packet) + len(packet) for packet in PACKETS[:10]]
    assert list(given) == [len(page([HEAD], 0)) + 28, *ends]
    assert given[ends[0]] == Packet(PACKETS[0], SAMPLES, time=-SKIP)


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_packets_that_continue_on_the_next_page(step):
    """A packet may span pages; so may the tags, which are dropped."""
    long = b"\xf8" + bytes(range(256)) * 4
    tags = TAGS + bytes(255 * 600 - len(TAGS)) + b"end"
    data = page([HEAD], 0, flags=FIRST)
    for number in range(1, 4):
        part = tags[: 255 * 255] if number < 3 else tags
        tags = tags[255 * 255 :]
        flags = CONTINUED if number > 1 else 0
        data += page([part], number, flags=flags, position=-1, ends=number == 3)
    data += page([PACKETS[0], long[:510]], 4, position=SAMPLES, ends=False)
    data += page([long[510:], PACKETS[1]], 5, flags=CONTINUED, position=3 * SAMPLES)
    assert packets_of(data, step) == [PACKETS[0], long, PACKETS[1]]


def test_tags_that_are_missing():
    """A stream without tags begins with audio."""
    data = page([HEAD], 0, flags=FIRST) + b"".join(pages(PACKETS, first=1))
    assert packets_of(data, 9) == PACKETS


@pytest.mark.parametrize(
    ("trimmed", "drops"), [(0, [0] * 10), (312, [0] * 9 + [312]), (1_300, [0] * 8 + [340, 960])]
)
def test_the_end_is_trimmed(trimmed, drops):
    """The last page's position trims the encoder's padding."""
    items = demux(start() + b"".join(pages(PACKETS, trimmed=trimmed)), 77)
    assert [item.drop for item in items if isinstance(item, Packet)][-10:] == drops
    short = demux(start() + b"".join(pages(PACKETS[:10], trimmed=trimmed)))
    assert [item.drop for item in short if isinstance(item, Packet)] == drops


def test_positions_that_do_not_begin_at_zero():
    """In a stream whose positions do not begin at 0, the end is trimmed just the same."""
    data = start() + page(PACKETS[:10], 500, position=10**9)
    data += page(PACKETS[10:20], 501, position=10**9 + 10 * SAMPLES - 100, flags=LAST)
    items = demux(data)
    assert [item.drop for item in items if isinstance(item, Packet)] == [0] * 19 + [100]
    assert not losses_of(data)


@pytest.mark.parametrize("stream", [7, 8])
def test_another_recording_follows(stream):
    """A chained stream is another recording, with its own setup."""
    other = HEAD[:9] + b"\x02" + HEAD[10:]
    first = start() + b"".join(pages(PACKETS[:20]))
    second = start(head=other, stream=stream) + b"".join(pages(PACKETS[:5], stream=stream))
    items = demux(first + second, 3)
    assert [item.head for item in items if isinstance(item, StreamStart)] == [HEAD, other]
    assert [item.data for item in items if isinstance(item, Packet)] == PACKETS[:20] + PACKETS[:5]
    assert not losses_of(first + second)


UNUSUAL = {
    "vorbis": page([b"\x01vorbis" + bytes(23)], 0, flags=FIRST),
    "surround": page([HEAD[:9] + b"\x06" + HEAD[10:18] + b"\x01" + bytes(8)], 0, flags=FIRST),
    "two streams": page([HEAD], 0, flags=FIRST) + page([HEAD], 0, flags=FIRST, stream=8),
    "another stream's page": page([HEAD], 0, flags=FIRST) + page([TAGS], 1, stream=8),
    "no beginning": pages(PACKETS)[0],
    "two packets at the beginning": page([HEAD, TAGS], 0, flags=FIRST),
    "nothing at the beginning": page([], 0, flags=FIRST),
    "no page": b"OggS\1" + bytes(40),
    "junk after the beginning": page([HEAD], 0, flags=FIRST) + b"junk" * 8,
}


@pytest.mark.parametrize("data", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("step", [1 << 30, 1])
def test_what_is_left_to_libav(data, step):
    """An unusual recording is left to libav before its first packet, without losing a byte."""
    items, left = given_up(data, step)
    assert items == []
    assert left == data[: len(left)]
    assert step == 1 or left == data


@pytest.mark.parametrize("stream", [7, 8])
def test_a_second_recording_is_left_to_libav_from_its_first_byte(stream):
    """A second recording that needs libav is left to it from its own first byte."""
    first = start() + pages(PACKETS)[0]
    second = page([b"\x01vorbis" + bytes(23)], 0, flags=FIRST, stream=stream)
    items, left = given_up(first + second, 1)
    assert [item.data for item in items if isinstance(item, Packet)] == PACKETS[:10]
    assert left == second
    assert given_up(first + second + b"more")[1] == second + b"more"


def test_other_streams_are_skipped():
    """A page of another stream is skipped without being kept in memory."""
    one, two, three, four = pages(PACKETS)
    data = start() + one + page([bytes(60_000)], 9, stream=99) + two + three + four
    assert packets_of(data, 500) == PACKETS
    assert not losses_of(data)
    demuxer = OggDemuxer()
    list(demuxer.feed(start() + one + page([bytes(60_000)], 9, stream=99)[:1_000]))
    assert len(demuxer._buffer.data) < len(b"OggS\0")  # what may begin the next page


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_a_lost_page_is_reported(step):
    """After a missing page the next packet is told to follow a loss, at its own time."""
    one, _, three, four = pages(PACKETS)
    data = start() + one + three + four
    assert packets_of(data, step) == PACKETS[:10] + PACKETS[20:]
    assert demux(data, step)[11] == Loss()
    assert times_of(data, step) == pytest.approx([*range(10), *range(20, 40)])


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_a_hole_costs_the_rest_of_its_page(step):
    """After missing bytes in a page, the next page is decoded."""
    one, two, three, four = pages(PACKETS)
    data = start() + one + two[:200] + two[500:] + three + four
    found = packets_of(data, step)
    assert found[:12] == PACKETS[:12]
    assert found[-20:] == PACKETS[20:]
    assert losses_of(data, step)
    assert times_of(data, step)[-20:] == pytest.approx(list(range(20, 40)))


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_what_is_inserted_between_pages_costs_nothing(step):
    """Bytes between two pages are skipped, and no time is missing."""
    one, two, three, four = pages(PACKETS)
    data = start() + one + b"Ogg" + bytes(5_000) + b"OggS\1" + two + three + four
    assert packets_of(data, step) == PACKETS
    assert times_of(data, step) == pytest.approx(list(range(40)))


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_wrong_flags(step):
    """A page that is wrongly flagged as the first of a stream is read like any other."""
    one, two, three, four = pages(PACKETS)
    lying = two[:5] + bytes([FIRST]) + two[6:]
    assert packets_of(start() + one + lying + three + four, step) == PACKETS
    # Packets without their beginning or their end are dropped.
    lying = two[:5] + bytes([CONTINUED]) + two[6:]
    assert packets_of(start() + one + lying + three + four, step) == PACKETS[:10] + PACKETS[11:]
    open_ended = page([*PACKETS[10:19], bytes(510)], 3, position=19 * SAMPLES, ends=False)
    found = packets_of(start() + one + open_ended + three + four, step)
    assert found == PACKETS[:19] + PACKETS[20:]


def test_a_page_that_seems_to_be_of_another_stream():
    """If both the stream and the sizes in a page's header are damaged, no other page is lost."""
    one, two, three, four = pages(PACKETS)
    damaged = bytearray(two)
    damaged[14] ^= 0x20
    damaged[27:30] = b"\xfe" * 3  # sizes
    for step in (1, 1 << 30):
        found = packets_of(start() + one + bytes(damaged) + three + four, step)
        assert found == PACKETS[:10] + PACKETS[20:]


def test_wrong_positions():
    """A position that is far off, and alone with that, moves nothing."""
    one, two, three, four = pages(PACKETS)
    for wrong in (10**12, -(10**12), 3, -1):
        lying = two[:6] + wrong.to_bytes(8, "little", signed=True) + two[14:]
        for data in (one + lying + three + four, one + two + three + lying):
            assert times_of(start() + data) == pytest.approx(list(range(40)))


def test_positions_that_jump():
    """Positions that stay where they have jumped to are believed, from the next page on."""
    moved = [page(PACKETS[:10], 3 + at, position=10**9 + at * 10 * SAMPLES) for at in range(3)]
    times = times_of(start() + pages(PACKETS)[0] + b"".join(moved))
    assert times[:20] == pytest.approx(list(range(20)))
    assert times[20:] == pytest.approx([10**9 / SAMPLES + at for at in range(20)])


@pytest.mark.parametrize("step", [1, 100, 1 << 30])
def test_a_pause(step):
    """A page whose position is ahead of its packets begins after a pause; nothing was lost."""
    one, two, *_ = pages(PACKETS)
    later = page(PACKETS[20:30], 4, position=80 * SAMPLES)
    later += page(PACKETS[30:], 5, position=90 * SAMPLES - 100, flags=LAST)
    assert times_of(start() + one + two + later, step) == pytest.approx(
        [*range(20), *range(70, 90)]
    )
    assert not losses_of(start() + one + two + later, step)


@pytest.mark.parametrize("step", [1, 333, 1 << 30])
def test_damaged_packets_displace_no_others(step):
    """Packets that damage made longer or shorter are skipped, and the others keep their times."""
    one, two, three, four = pages(PACKETS)
    for first in (b"\xe0", b"\xfb\x06", b"\x18"):  # 2.5, 120 and 60 ms
        damaged = bytearray(two)
        for packet in (PACKETS[10], PACKETS[14], PACKETS[15]):
            at = two.index(packet)
            damaged[at : at + len(first)] = first
        data = start() + one + bytes(damaged) + three + four
        expected = [at for at in range(40) if at not in {10, 14, 15}]
        assert packets_of(data, step) == [PACKETS[at] for at in expected]
        assert times_of(data, step) == pytest.approx(expected)
        assert len(losses_of(data, step)) == 2


def test_damaged_packets_after_a_lost_page():
    """The same holds for the page after a lost one, if it lasts as long as its packets do."""
    one, two, _, four = pages(PACKETS)
    damaged = four.replace(PACKETS[33][:2], b"\x18\x21")
    times = times_of(start() + one + two + damaged)
    assert times == pytest.approx([*range(20), *range(30, 33), *range(34, 40)])


def test_a_page_after_one_with_a_damaged_position():
    """Damaged packets that seemed longer put the next page no later than it is."""
    one, two, three, four = pages(PACKETS)
    lying = bytearray(two.replace(PACKETS[13][:2], b"\x18\x21"))
    lying[13] ^= 0x80
    damaged = start() + one + bytes(lying) + three[:-40] + four
    assert times_of(damaged)[-10:] == pytest.approx(list(range(30, 40)))


def test_packets_of_various_durations():
    """Where packets differ, a page's end tells where the next one begins."""
    long = [bytes([0xF0 | 8, at]) + bytes(30) for at in range(4)]  # 20 ms each, as in PACKETS
    short = [bytes([0xE0, at]) + bytes(30) for at in range(4)]  # 2.5 ms each
    mixed = [packet for pair in zip(long, short, strict=True) for packet in pair]
    one = pages(PACKETS[:10])[0]
    data = start() + one + page(mixed, 3, position=14 * SAMPLES + 480)
    data += page(long, 4, position=118 * SAMPLES + 480) + page(
        long, 5, position=122 * SAMPLES + 480
    )
    times = times_of(data + page(long, 6, position=226 * SAMPLES + 480))
    assert times[10:18] == pytest.approx([10, 11, 11.125, 12.125, 12.25, 13.25, 13.375, 14.375])
    assert times[18:22] == pytest.approx([14.5, 15.5, 16.5, 17.5])
    assert times[22:26] == pytest.approx([118.5, 119.5, 120.5, 121.5])
    assert times[26:] == pytest.approx([222.5, 223.5, 224.5, 225.5])


def test_a_packet_that_is_no_opus():
    """A packet that cannot be Opus takes the time of its neighbors and is told as a loss."""
    packets = [*PACKETS[:4], b"\xff\x3c" + bytes(20), *PACKETS[5:10]]
    items = demux(start() + page(packets, 2, position=10 * SAMPLES))
    assert items[5] == Loss()
    assert times_of(start() + page(packets, 2, position=10 * SAMPLES)) == pytest.approx(
        [0, 1, 2, 3, 5, 6, 7, 8, 9]
    )


def test_invalid_packets():
    """Empty packets are skipped, and so is one longer than Opus allows."""
    long = [b"\xf8" + bytes(254), bytes(255 * 254)]
    data = start() + page([PACKETS[0], b"", PACKETS[1]], 2, position=2 * SAMPLES)
    data += page([b"\xf8" + bytes(255 * 200 - 1)], 3, position=-1, ends=False)
    data += page([long[1]], 4, flags=CONTINUED, position=3 * SAMPLES)
    data += page(PACKETS[2:4], 5, position=5 * SAMPLES)
    assert packets_of(data, 1_000) == PACKETS[:4]


def test_the_end_of_a_stream():
    """A stream that ends with its last page is complete; any other end may not be the end."""
    data = start() + pages(PACKETS[:10])[0]
    for missing in (0, 1, 500):
        demuxer = OggDemuxer()
        list(demuxer.feed(data[: len(data) - missing]))
        assert demuxer.end() == Cut(None)
    whole = start() + pages(PACKETS[:10], trimmed=100)[0]
    for end, cut in ((b"", None), (b"junk that is no page", None), (bytes(5_000), Cut(None))):
        demuxer = OggDemuxer()
        list(demuxer.feed(whole + end))
        assert demuxer.end() == cut
    demuxer = OggDemuxer()
    list(demuxer.feed(whole[:-1]))
    assert demuxer.end() == Cut(None)
    for beginning in (data[:20], page([HEAD], 0, flags=FIRST)):
        demuxer = OggDemuxer()
        list(demuxer.feed(beginning))
        with pytest.raises(NeedsLibavError) as caught:
            demuxer.end()
        assert caught.value.data == beginning


def test_headers_of_pages():
    """Headers are read; invalid and truncated ones are distinguished."""
    data = page([bytes(300), bytes(255), b"", bytes(255)], 3, position=-1, ends=False)
    parts = [(300, True), (255, True), (0, True), (255, False)]
    read = read_page(data)
    assert read is not None
    assert (read.parts, read.position, read.number, read.end) == (parts, -1, 3, len(data))
    assert all(read_page(data[:size]) is None for size in range(read.start))
    for broken in (b"Oggs", b"OggS\1", b"x"):
        with pytest.raises(ValueError, match="not an Ogg page"):
            read_page(broken)


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_after_a_page(junk, step):
    """Whatever follows a page, nothing is raised, and how it is cut does not matter."""
    one, two, three, four = pages(PACKETS)
    data = start() + one + junk + two + three + four
    items = demux(data, step)
    assert items == demux(data)
    assert [item.data for item in items if isinstance(item, Packet)][-20:] == PACKETS[20:]


@given(st.binary(max_size=300))
def test_any_bytes_at_the_beginning(junk):
    """Whatever a stream begins with, it is demuxed or left to libav."""
    for data in (junk, b"OggS" + junk, page([HEAD], 0, flags=FIRST) + junk, start() + junk):
        try:
            assert demux(data, 5)[:1] in ([], [StreamStart(HEAD)])
        except NeedsLibavError as error:
            assert error.data in data  # noqa: PT017  most are given up
