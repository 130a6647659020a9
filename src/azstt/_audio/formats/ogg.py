"""Demux Ogg with one Opus stream, each packet as soon as it is complete (RFC 3533, 7845). Pure.

A page may last a second, so this does not wait for its end and cannot check its CRC.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.demux import DemuxBuffer, Item, Loss, Packet, StreamStart

_CAPTURE: Final = b"OggS\0"
#: Bytes before a page's segment table.
_HEADER: Final = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_TAGS: Final = b"OpusTags"
#: The longest Opus packet, in bytes; tags may be longer, but are dropped.
_LONGEST: Final = 61_440
#: In samples: how far positions may be off, and by how much they may go back.
_SLACK, _BACK = opus.RATE // 200, opus.RATE
#: The longest plausible gap, in samples.
_LONGEST_GAP: Final = opus.RATE * 60


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


class OggDemuxer:
    """Demuxes Ogg."""

    def __init__(self) -> None:
        self._buffer = DemuxBuffer()
        self._resyncing = False
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

    def end(self) -> bool:
        """Return whether the stream ends inside a page or a packet."""
        inside = self._buffer.end() or bool(self._parts or self._fragment)
        return inside and not self._resyncing

    def _start_stream(self, head: bytes, stream: int) -> None:
        """Prepare for the pages of a stream."""
        self._buffer.restart()
        self._head, self._stream = head, stream
        self._tags = True  # expected before any audio
        self._fragment = bytearray()  # of a packet that continues on the next page
        self._orphaned = False  # the beginning of the continued packet is missing
        self._number = 1
        self._base: int | None = None  # the position before the first packet
        self._samples = 0  # in all packets so far
        self._samples_before_page = 0

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
            self._buffer.discard(page.end)
            return items
        self._buffer.discard(page.start)
        if page.number != self._number:
            self._fragment.clear()
        self._number = page.number + 1
        self._orphaned = page.flags & _CONTINUED > 0 and not self._fragment
        if not page.flags & _CONTINUED:
            self._fragment.clear()
        self._page, self._parts, self._samples_before_page = page, deque(page.parts), self._samples
        return items

    def _next_part(self, page: Page) -> list[Item] | None:
        """Process the page's next packet, or the part of it on this page."""
        if not self._parts:
            self._page = None
            return self._check_gap(page)
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
        if self._orphaned or (self._tags and packet.startswith(_TAGS)):
            self._orphaned = self._tags = False
            return []
        return self._make_packet(page, packet)

    def _make_packet(self, page: Page, data: bytes) -> list[Item]:
        """Return a packet; on the last page, samples after the stream's end are dropped."""
        if not 0 < len(data) <= _LONGEST:
            return []
        self._tags = False
        samples = opus.samples(data)
        if not samples:
            return []  # the page's position will show the loss
        self._samples += samples
        drop = 0
        if page.flags & _LAST and page.position >= 0:
            drop = (self._base or 0) + self._samples - page.position
        return [Packet(data, samples, drop=max(0, min(drop, samples)))]

    def _check_gap(self, page: Page) -> list[Item]:
        """Compare the samples up to the end of a page with its position; a gap is a loss."""
        if page.position < 0 or self._samples == 0:
            return []
        if self._base is None:
            self._base = page.position - self._samples
        gap = page.position - self._base - self._samples
        if -_BACK <= gap <= _SLACK or (page.flags & _LAST and gap < 0):
            return []
        self._base += gap
        if gap < 0:
            return []
        seconds = gap / opus.RATE if gap < _LONGEST_GAP else 0.0
        return [Loss(seconds, ago=(self._samples - self._samples_before_page) / opus.RATE)]

    def _start_resync(self, size: int) -> list[Item]:
        """Discard bytes and look for the next page."""
        if not self._buffer.identified:
            raise self._buffer.needs_libav()
        self._resyncing = True
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
