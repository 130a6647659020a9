"""Ogg with one Opus stream, split into packets as soon as their own bytes are there. Pure.

A page may last a second, so nobody waits for its end, nor for its sum (RFC 3533, 7845).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.demux import DemuxBuffer, Item, Loss, Packet, StreamStart

_CAPTURE: Final = b"OggS\0"
#: Bytes before a page's table of sizes.
_HEADER: Final = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_TAGS: Final = b"OpusTags"
#: Bytes of the longest Opus packet; tags are longer, and nobody wants them.
_LONGEST: Final = 61_440
#: Samples by which positions may be off, and more than which they do not go back.
_SLACK, _BACK = opus.RATE // 200, opus.RATE
#: Samples that a gap may honestly last.
_LONGEST_GAP: Final = opus.RATE * 60


class Page(NamedTuple):
    """A page's header.

    Attributes:
        flags: whether it continues a packet, and is its stream's first or last.
        position: samples in the stream up to its end; -1 if no packet ends in it.
        stream: whose it is.
        number: of the page in its stream.
        parts: bytes of each packet in it, and whether that packet ends here.
        start: bytes of the header.
    """

    flags: int
    position: int
    stream: int
    number: int
    parts: list[tuple[int, bool]]
    start: int

    @property
    def end(self) -> int:
        """Bytes of the whole page."""
        return self.start + sum(size for size, _ in self.parts)


def read_page(data: bytes | bytearray) -> Page | None:
    """Read a page's header; None if not all of it is there.

    Raises:
        ValueError: this is no page.
    """
    if data[:5] != _CAPTURE[: len(data)]:
        raise ValueError(f"no page begins with {bytes(data[:5])!r}")
    if len(data) < _HEADER or len(data) < (start := _HEADER + data[26]):
        return None
    parts: list[tuple[int, bool]] = []
    size = 0
    for byte in data[_HEADER:start]:
        size += byte
        if byte < 255:  # noqa: PLR2004  a packet's last
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
    """A demuxer of Ogg."""

    def __init__(self) -> None:
        self._buffer = DemuxBuffer()
        self._resyncing = False
        self._head = b""  # of a stream that has begun and not yet gone on
        self._stream = 0
        self._page: Page | None = None
        self._parts: deque[tuple[int, bool]] = deque()
        self._start_stream(b"", 0)

    def feed(self, data: bytes) -> Iterator[Item]:
        """Give what is complete with this piece."""
        buffer = self._buffer
        buffer.add(data)
        while not buffer.skipping and (items := self._step()) is not None:
            yield from items
        buffer.check_size()

    def end(self) -> bool:
        """Tell whether the stream ends inside of a page or a packet."""
        inside = self._buffer.end() or bool(self._parts or self._fragment)
        return inside and not self._resyncing

    def _start_stream(self, head: bytes, stream: int) -> None:
        """Expect the pages of a stream."""
        self._buffer.restart()
        self._head, self._stream = head, stream
        self._tags = True  # come first
        self._fragment = bytearray()  # of a packet that goes on on the next page
        self._orphaned = False  # what goes on has no beginning
        self._number = 1
        self._base: int | None = None  # the position before the first packet
        self._samples = 0  # in packets so far
        self._samples_before_page = 0  # this page

    def _step(self) -> list[Item] | None:
        """Deal with a packet's part or with a page's header; None if it is not all there."""
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
        """Deal with the page that begins a stream: it holds the setup and nothing else."""
        buffer = self._buffer
        if len(buffer.data) < page.end:
            return None
        head = bytes(buffer.data[page.start : page.end]) if len(page.parts) == 1 else b""
        sound = opus.channels(head) > 0
        if buffer.identified and not sound and page.number:
            return self._other_page(page)  # its flags are damaged
        if self._head:
            raise self._buffer.needs_libav()  # several streams
        self._start_stream(head, page.stream)
        if not sound:
            raise self._buffer.needs_libav()
        buffer.discard(page.end)
        return []

    def _other_page(self, page: Page) -> list[Item]:
        """Deal with any other page's header."""
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
        """Deal with the next packet, or what there is of it on this page."""
        if not self._parts:
            self._page = None
            return self._check_gap(page)
        size, ends = self._parts[0]
        data = self._buffer.data
        if len(data) < size:
            return None
        if (other := data.find(_CAPTURE, 0, size)) >= 0:
            return self._start_resync(other)  # a size that lies has led into the next page
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
        """Give a packet; of the last ones, what lies behind the stream's end is left out."""
        if not 0 < len(data) <= _LONGEST:
            return []
        self._tags = False
        samples = opus.samples(data)
        if not samples:
            return []  # which the page's position will tell
        self._samples += samples
        drop = 0
        if page.flags & _LAST and page.position >= 0:
            drop = (self._base or 0) + self._samples - page.position
        return [Packet(data, samples, drop=max(0, min(drop, samples)))]

    def _check_gap(self, page: Page) -> list[Item]:
        """Hold the packets up to a page's end against its position."""
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
        """Leave bytes behind and look for the next page."""
        if not self._buffer.identified:
            raise self._buffer.needs_libav()
        self._resyncing = True
        self._page = None
        self._parts.clear()
        self._fragment.clear()
        self._buffer.discard(size)
        return []

    def _resync(self) -> bool:
        """Go to the next page; False if it is yet to come."""
        at = self._buffer.data.find(_CAPTURE)
        self._resyncing = at < 0
        self._buffer.discard(at if at >= 0 else max(0, len(self._buffer.data) - len(_CAPTURE) + 1))
        return not self._resyncing
