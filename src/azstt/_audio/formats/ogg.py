"""Demux Ogg with one Opus stream, each packet as soon as it is complete (RFC 3533, 7845). Pure.

A page may last a second, so this does not wait for its end and cannot check its CRC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.demux import Cut, DemuxBuffer, Item, Loss, Packet, StreamStart

_CAPTURE: Final = b"OggS\0"
#: Bytes before a page's segment table.
_HEADER: Final = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_TAGS: Final = b"OpusTags"
#: The longest Opus packet, in bytes; tags may be longer, but are dropped.
_LONGEST: Final = 61_440
#: In samples: how far positions may be off, and the longest gap that one page may tell.
_SLACK, _LONGEST_GAP = opus.RATE // 200, opus.RATE * 60
#: Bytes at the end, in which no page was found, that are worth telling.
_JUNK: Final = 1024


class Page(NamedTuple):
    """A page's header.

    Attributes:
        flags: whether the page continues a packet, and is the first or last of its stream.
        position: samples in the stream up to the end of the page; -1 if no packet ends in it.
        stream: the stream's serial number.
        number: the page's number in its stream.
        parts: size of each packet's part in the page, and whether the packet ends there.
        start: size of the header.
    """

    flags: int
    position: int
    stream: int
    number: int
    parts: list[tuple[int, bool]]
    start: int

    @property
    def packets(self) -> int:
        """How many packets end on this page, empty ones not counted."""
        first = bool(self.flags & _CONTINUED and self.parts and self.parts[0] == (0, True))
        return first + sum(ends and size > 0 for size, ends in self.parts)

    @property
    def end(self) -> int:
        """Size of the whole page."""
        return self.start + sum(size for size, _ in self.parts)


def read_page(data: bytes | bytearray) -> Page | None:
    """Read a page's header; None if it is incomplete.

    Raises:
        ValueError: this is not a page.
    """
    if data[:5] != _CAPTURE[: len(data)]:
        raise ValueError(f"not an Ogg page: {bytes(data[:5])!r}")
    if len(data) < _HEADER or len(data) < (start := _HEADER + data[26]):
        return None
    parts: list[tuple[int, bool]] = []
    size = 0
    for byte in data[_HEADER:start]:
        size += byte
        if byte < 255:  # noqa: PLR2004  ends a packet
            parts.append((size, True))
            size = 0
    if size:
        parts.append((size, False))
    return Page(
        flags=data[5],
        position=int.from_bytes(data[6:14], "little", signed=True),
        stream=int.from_bytes(data[14:18], "little"),
        number=int.from_bytes(data[18:22], "little"),
        parts=parts,
        start=start,
    )


class PageClock:
    """Positions of packets in a stream that tells only where each page ends.

    As long as all packets have the same duration, a page's header shows where it begins. Otherwise
    a difference shows when the page is over, and counts from the next one on. A page that lasts as
    long as all of its packets with the duration of those before is of such packets only, so that a
    damaged one, which may seem to last longer, does not displace the others.

    Attributes:
        origin: the position of the first packet.
        damaged: whether a gap was found after packets that differ from the others.
    """

    def __init__(self) -> None:
        self.origin: int = 0
        self.damaged: bool = False
        self._position: int | None = None  # of the next packet
        self._page: Page | None = None  # whose beginning is yet to be compared
        self._left = 0  # packets to come on this page
        self._duration = 0  # of the packet before
        self._usual = 0  # duration of all packets on the last page of equal ones
        self._equal = False  # whether this is such a page
        self._lost = False  # whether something before this page is missing
        self._sure = 0  # the last position that a page confirmed
        self._varies = self._varied = False  # durations on this page, on the one before
        self._doubted: int | None = None  # a difference that another page has to confirm

    def begin_page(self, page: Page, *, damaged: bool = False) -> None:
        """Take a page's header; `damaged` if something before it is missing."""
        self._page, self._left = page, page.packets
        self._varies, self._varied = False, self._varies
        self._equal, self._lost = False, damaged
        if page.position >= 0 and self._position is not None:
            for duration in (self._duration, self._usual):
                gap = page.position - duration * page.packets - self._position
                whole = round(gap / duration) * duration if damaged and duration else 0
                if duration and abs(gap - whole) < opus.SHORTEST:
                    self._equal, self._duration, self._usual = True, duration, duration
                    self._varied = False
                    return

    @property
    def started(self) -> bool:
        """Whether there was a packet."""
        return self._position is not None

    def lose(self) -> None:
        """Note that the rest of a page is lost; the packet before may not be one either."""
        self._duration, self._varies, self._equal = self._usual, False, False

    def end_page(self, page: Page) -> None:
        """Compare the position after a page with the one it states."""
        if (self._varies or self._varied) and page.position >= 0 and self._position is not None:
            self._correct(page.position - self._position, last=page.flags & _LAST > 0)

    def fits(self, samples: int) -> bool:
        """Return whether the next packet can have this duration."""
        return not self._equal or samples == self._duration

    def take(self, samples: int) -> int:
        """Return the position of a packet, given its duration: 0 if it is unreadable."""
        self._varies = self._varies or 0 < self._duration != samples > 0
        self._duration = samples or self._duration
        left, self._left = self._left, self._left - 1
        page = self._page
        if page is not None and self._duration:
            self._page = None
            if page.position >= 0 and not (self._varies or self._varied):
                self._compare(page.position - self._duration * left, page)
        position = self._position or 0
        self._position = position + self._duration
        return position

    def _compare(self, start: int, page: Page) -> None:
        """Compare the position of the next packet with the one that its page tells."""
        last = page.flags & _LAST > 0
        if self._position is None:
            # The last page's position leaves out the encoder's padding.
            self.origin = self._position = max(0, start) if last else start
        else:
            self._correct(start - self._position, last=last)

    def _correct(self, gap: int, *, last: bool) -> None:
        """Follow the stated positions, which may be a lie if they go back or far ahead."""
        if last and gap < 0:
            return
        position = (self._position or 0) + gap
        # What was damaged before may have seemed to last longer than it did.
        back = position < self._sure if self._lost else gap < -_SLACK
        lie = back or gap > _LONGEST_GAP
        confirmed = self._doubted is not None and abs(gap - self._doubted) <= _SLACK
        self._doubted = gap if lie else None
        if not lie or confirmed:
            self._position = self._sure = position
            self._doubted = None
            self.damaged = gap > _SLACK and (self._varies or self._varied)


class OggDemuxer:
    """Demuxes Ogg."""

    def __init__(self) -> None:
        self._buffer = DemuxBuffer()
        self._resyncing = False
        self._resynced_at = 0  # in bytes
        self._head = b""  # of a stream whose second page has not arrived
        self._stream = 0
        self._page: Page | None = None
        self._parts: deque[tuple[int, bool]] = deque()
        self._start_stream(b"", 0)

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield the items that this chunk completes."""
        buffer = self._buffer
        buffer.add(data)
        while not buffer.skipping and (items := self._step()) is not None:
            yield from items
        buffer.check_size()

    def end(self) -> Cut | None:
        """Return what is missing at the end: unless there is a last page, nobody knows how much."""
        inside = self._buffer.end() or bool(self._parts or self._fragment)
        if self._resyncing:
            inside = self._buffer.discarded - self._resynced_at > _JUNK
        return Cut(None) if inside or not self._ended else None

    def _start_stream(self, head: bytes, stream: int) -> None:
        """Prepare for the pages of a stream."""
        self._buffer.restart()
        self._head, self._stream = head, stream
        self._skip = int.from_bytes(head[10:12], "little")  # samples
        self._tags = True  # expected before any audio
        self._fragment = bytearray()  # of a packet that continues on the next page
        self._orphaned = False  # the beginning of the continued packet is missing
        self._number = 1
        self._ended = False  # the last page has come
        self._damaged = False  # something before the next packet may be missing
        self._clock = PageClock()

    def _step(self) -> list[Item] | None:
        """Process a packet's part or a page's header; None if it is incomplete."""
        if self._resyncing and not self._resync():
            return None
        if self._page is not None:
            return self._next_part(self._page)
        try:
            page = read_page(self._buffer.data)
        except ValueError:
            return self._start_resync(1)
        if page is None:
            return None
        return self._first_page(page) if page.flags & _FIRST else self._other_page(page)

    def _first_page(self, page: Page) -> list[Item] | None:
        """Process the first page of a stream, which contains only the codec's setup."""
        buffer = self._buffer
        if len(buffer.data) < page.end:
            return None
        head = bytes(buffer.data[page.start : page.end]) if len(page.parts) == 1 else b""
        is_opus = opus.channels(head) > 0
        if buffer.identified and not is_opus and page.number:
            return self._other_page(page)  # the flags are damaged
        if self._head:
            raise self._buffer.needs_libav()  # several streams
        self._start_stream(head, page.stream)
        if not is_opus:
            raise self._buffer.needs_libav()
        buffer.discard(page.end)
        return []

    def _other_page(self, page: Page) -> list[Item]:
        """Process the header of any other page."""
        items: list[Item] = []
        if not self._buffer.identified:
            if not self._head or page.stream != self._stream:
                raise self._buffer.needs_libav()
            items.append(StreamStart(self._head))
            self._head = b""
            self._buffer.mark_identified()
        if page.stream != self._stream:
            # Another stream's, or damaged: then its size may be wrong as well.
            self._resyncing = True
            self._resynced_at = self._buffer.discarded + page.end
            self._buffer.discard(page.start)
            return items
        self._buffer.discard(page.start)
        if page.number != self._number:
            self._fragment.clear()
            self._damaged = self._clock.started
        self._number = page.number + 1
        self._orphaned = page.flags & _CONTINUED > 0 and not self._fragment
        if not page.flags & _CONTINUED:
            self._fragment.clear()
        self._page, self._parts = page, deque(page.parts)
        self._clock.begin_page(page, damaged=self._damaged)
        self._ended = page.flags & _LAST > 0
        return items

    def _next_part(self, page: Page) -> list[Item] | None:
        """Process the page's next packet, or the part of it on this page."""
        if not self._parts:
            self._page = None
            self._clock.end_page(page)
            return []
        size, ends = self._parts[0]
        data = self._buffer.data
        if len(data) < size:
            return None
        if (other := data.find(_CAPTURE, 0, size)) >= 0:
            return self._start_resync(other)  # a wrong size reaches into the next page
        self._parts.popleft()
        self._fragment += data[: min(size, _LONGEST + 1 - len(self._fragment))]
        self._buffer.discard(size)
        if not ends:
            return []
        packet = bytes(self._fragment)
        self._fragment.clear()
        if self._tags and packet.startswith(_TAGS):
            self._orphaned = self._tags = False
            self._clock.begin_page(page._replace(parts=list(self._parts)))
            return []
        return self._make_packet(page, packet) if packet else []

    def _make_packet(self, page: Page, data: bytes) -> list[Item]:
        """Return a packet; on the last page, samples after the stream's end are dropped."""
        whole = len(data) <= _LONGEST and not self._orphaned
        samples = opus.samples(data) if whole else 0
        if not self._clock.fits(samples):
            samples = 0
        position = self._clock.take(samples)
        self._tags = self._orphaned = False
        if not samples:
            self._damaged = True
            return []
        drop = 0
        if page.flags & _LAST and page.position >= 0:
            drop = max(0, min(position + samples - page.position, samples))
        time = (position - self._clock.origin - self._skip) / opus.RATE
        packet = Packet(data, samples, drop=drop, time=time)
        damaged = self._damaged or self._clock.damaged
        self._damaged = self._clock.damaged = False
        return [Loss(), packet] if damaged else [packet]

    def _start_resync(self, size: int) -> list[Item]:
        """Discard bytes and look for the next page."""
        if not self._buffer.identified:
            raise self._buffer.needs_libav()
        self._resyncing = self._damaged = True
        self._clock.lose()
        self._resynced_at = self._buffer.discarded
        self._page = None
        self._parts.clear()
        self._fragment.clear()
        self._buffer.discard(size)
        return []

    def _resync(self) -> bool:
        """Move to the next page; False if it has not arrived yet."""
        at = self._buffer.data.find(_CAPTURE)
        self._resyncing = at < 0
        self._buffer.discard(at if at >= 0 else max(0, len(self._buffer.data) - len(_CAPTURE) + 1))
        return not self._resyncing
