"""Demux WebM and Matroska with one Opus track while it arrives (RFC 9559). Pure.

Recorders leave sizes open, so this does not rely on them: it descends into the segment and its
clusters, reads blocks and skips the rest. After damage it resumes at the next cluster, or at the
next block that is confirmed by what follows it, as a recorder's clusters may last half a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from azstt._audio.formats import opus, webm
from azstt._audio.formats.blocks import block_ticks, read_block, read_group
from azstt._audio.formats.clusters import ClusterClock
from azstt._audio.formats.demux import Cut, DemuxBuffer, Item, Loss, Packet, StreamStart
from azstt._audio.formats.ebml import Element, read_element
from azstt._audio.formats.webm import DAMAGED, Info, Tracks, bytes_wanted, read_info, read_tracks

#: Where to resume after damage: at a cluster, at another recording, or at a block (size, track,
#: time, flags). Data too short for a match is kept until more has arrived.
_RESYNC: Final = (
    rb"\x1f\x43\xb6\x75|\x1a\x45\xdf\xa3|"
    rb"\xa3(?:[\x81-\xfe]|[\x40-\x7f].|[\x20-\x3f].{2}|[\x10-\x1f].{3}|\x08.{4}|\x01.{7})"
    rb"%b..[\x00-\x0f\x80-\x8f]"
)
_LONGEST_START: Final = 1 + 8 + 1 + 3
#: The first byte of an element that may follow a block.
_FOLLOWERS: Final = frozenset({0xA3, 0xA0, 0x1F, 0x1A, 0x1C, 0xE7, 0xEC, 0xAB, 0xA7, 0x12})
#: Seconds that may be missing from the stated duration: of sound, or beside pictures.
_END_SLACK, _PICTURES_SLACK = 0.1, 1.0
#: Bytes at the end, in which no block was found, that are worth telling.
_JUNK: Final = 1024


class MatroskaDemuxer:
    """Demuxes WebM and Matroska."""

    def __init__(self) -> None:
        self._buffer = DemuxBuffer()
        self._reset()

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield the items that this chunk completes."""
        buffer = self._buffer
        buffer.add(data)
        while not buffer.skipping and (found := self._next_element()) is not None:
            yield from self._take(*found)
        buffer.check_size()

    def end(self) -> Cut | None:
        """Return what is missing at the end: of the stated duration, or of the last element."""
        inside = self._buffer.end() and not self._resyncing
        junk = self._resyncing and self._buffer.discarded - self._damaged_at > _JUNK
        inside = inside or junk or self._buffer.discarded < self._cluster_end
        stated = self._info.seconds
        if stated is None or self._tracks is None:
            return Cut(None) if inside else None
        missing = stated - max(self._latest, self._clock.end)
        slack = _END_SLACK if inside or len(self._tracks.numbers) == 1 else _PICTURES_SLACK
        return Cut(missing) if missing > slack else None

    def _reset(self) -> None:
        """Prepare for a new recording."""
        self._buffer.restart()
        self._tracks: Tracks | None = None
        self._resync_pattern = re.compile(b"")
        self._info = Info()
        self._clock = ClusterClock()
        self._cluster_end = 0  # in bytes, if the cluster states its size
        self._latest = 0.0  # the time of the last block of any other track
        self._resyncing = False  # the position of the next element is unknown
        self._damaged = False  # something before the next block may be missing
        self._damaged_at = 0  # where that begins, in bytes

    def _next_element(self) -> tuple[Element, int] | None:
        """Return the next element and the size needed of it, once that much has arrived."""
        data = self._buffer.data
        while not self._resyncing or self._resync():
            element = read_element(data, 0)
            if element is None:
                return None
            size = self._bytes_wanted(element)
            if size != DAMAGED:
                return (element, size) if len(data) >= element.start + size else None
            self._start_resync()
        return None

    def _bytes_wanted(self, element: Element) -> int:
        return bytes_wanted(self._buffer.data, element, self._tracks, later=self._clock.end > 0)

    def _take(self, element: Element, size: int) -> Iterable[Item]:
        """Process an element and discard it."""
        name, start, _ = element
        end = start if name in webm.ENTERED else element.end
        content = self._buffer.data[start:end] if size else b""
        items: Iterable[Item] = ()
        if name in {webm.SIMPLE, webm.GROUP}:
            try:
                items = self._take_block(element, content)
            except ValueError:
                self._start_resync()
                return ()
        elif name == webm.EBML:
            self._reset()
        elif name == webm.TRACKS and self._tracks is None:
            items = (self._read_tracks(content),)
        elif name == webm.INFO:
            self._info = read_info(content)
        elif name == webm.TIME:
            if not self._clock.timed:
                self._note_damage()
            self._clock.begin_cluster(int.from_bytes(content) * self._info.tick)
        self._buffer.discard(end)
        if name == webm.CLUSTER:
            self._cluster_end = self._buffer.discarded + element.size if element.size else 0
        return items

    def _read_tracks(self, content: bytes | bytearray) -> StreamStart:
        """Read the tracks and start the stream."""
        self._tracks = read_tracks(content)
        if self._tracks is None:
            raise self._buffer.needs_libav()
        # This matches one-byte track numbers; with others, only clusters are found after damage.
        mark = re.escape(bytes([0x80 | self._tracks.audio & 0x7F]))
        self._resync_pattern = re.compile(_RESYNC % mark, re.DOTALL)
        self._buffer.mark_identified()
        return StreamStart(self._tracks.head)

    def _take_block(self, element: Element, content: bytes | bytearray) -> list[Item]:
        """Return a block's packets, and the loss before them, if any.

        Args:
            element: the block or the group with it.
            content: its content; empty if it is of another track.

        Raises:
            ValueError: it is not a block.
        """
        grouped = element.id == webm.GROUP
        if not content:
            if self._clock.origin is None or self._info.seconds is not None:
                self._note_other_track(element, grouped=grouped)
            return []
        block = read_group(content) if grouped else read_block(content)
        if self._tracks is None or block.track != self._tracks.audio:
            raise ValueError(f"block of another track: {block.track}")
        first, *others = block.packets
        samples = opus.samples(first)
        at = self._time(block.time, (samples + sum(map(opus.samples, others))) / opus.RATE)
        packets = [Packet(first, samples, 0, 0, at)]
        for data in others:
            at += samples / opus.RATE
            samples = opus.samples(data)
            packets.append(Packet(data, samples, 0, 0, at))
        if grouped:
            packets[0] = packets[0]._replace(skip=block.skip)
            packets[-1] = packets[-1]._replace(drop=block.drop)
        damaged, self._damaged = self._damaged, False
        return [Loss(), *packets] if damaged else list(packets)

    def _note_other_track(self, element: Element, *, grouped: bool) -> None:
        """Note the time of a block of another track."""
        data, at = self._buffer.data, element.start
        if grouped and (block := read_element(data, at)) is not None:
            at = block.start
        self._latest = self._clock.at(block_ticks(data, at) * self._info.tick)

    def _time(self, ticks: int, seconds: float) -> float:
        """Return the media's time of a block that lasts so many seconds."""
        clock, offset = self._clock, ticks * self._info.tick
        time = clock.follow(offset, seconds)
        if time is None:
            skipped = 0.0
            if self._damaged and self._damaged_at:
                share = (self._buffer.discarded - self._damaged_at) / self._damaged_at
                skipped = share * clock.elapsed
            time = clock.take(offset, seconds, skipped)
        return time - (clock.origin or 0.0) - (self._tracks.delay if self._tracks else 0.0)

    def _start_resync(self) -> None:
        """Discard a byte and look for a place to resume."""
        if self._tracks is None:
            raise self._buffer.needs_libav()
        self._note_damage()
        self._resyncing = True
        self._clock.timed = False
        self._buffer.discard(1)

    def _note_damage(self) -> None:
        """Note that something before the next block is missing, unless that is known."""
        if not self._damaged:
            self._damaged, self._damaged_at = True, self._buffer.discarded

    def _resync(self) -> bool:
        """Move to the next place to resume at; False if it has not arrived yet."""
        buffer, at = self._buffer, 0
        while (found := self._resync_pattern.search(buffer.data, at)) is not None:
            at = found.start()
            confirmed = buffer.data[at] != webm.SIMPLE or self._is_confirmed(at)
            if confirmed is not False:
                buffer.discard(at)
                self._resyncing = confirmed is None
                return not self._resyncing
            at += 1
        buffer.discard(max(0, len(buffer.data) - _LONGEST_START + 1))
        return False

    def _is_confirmed(self, at: int) -> bool | None:
        """Return whether a block is here and followed by a plausible element; None if unknown."""
        data = self._buffer.data
        element = read_element(data, at)
        if element is None:
            return None
        size = self._bytes_wanted(element)
        if size <= 0:
            return False
        if len(data) <= max(element.end, element.start + size):
            return None
        return data[element.end] in _FOLLOWERS
