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
from azstt._audio.formats.blocks import read_block, read_group
from azstt._audio.formats.demux import DemuxBuffer, Item, Loss, Packet, StreamStart
from azstt._audio.formats.ebml import Element, read_element
from azstt._audio.formats.webm import DAMAGED, Tracks, bytes_wanted, read_tick, read_tracks

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
#: In seconds: how far timestamps may be off, and the longest plausible gap between them.
_SLACK, _LONGEST_GAP = 0.009, 60.0


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

    def end(self) -> bool:
        """Return whether the stream ends inside an element."""
        return self._buffer.end() and not self._resyncing

    def _reset(self) -> None:
        """Prepare for a new recording."""
        self._buffer.restart()
        self._tracks: Tracks | None = None
        self._resync_pattern = re.compile(b"")
        self._tick = 1e-3  # seconds
        self._cluster_ticks = 0  # the cluster's time, in ticks
        self._expected_time = 0.0  # the time of the next block, in seconds
        self._resyncing = False  # the position of the next element is unknown
        self._damaged = False  # something may be missing
        self._cluster_timed = False  # a cluster has stated its time since the damage
        self._seconds_since = 0.0  # yielded since the damage

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
        return bytes_wanted(self._buffer.data, element, self._tracks, later=self._expected_time > 0)

    def _take(self, element: Element, size: int) -> Iterable[Item]:
        """Process an element and discard it."""
        name, start, _ = element
        end = start if name in webm.ENTERED else element.end
        content = self._buffer.data[start:end]
        items: Iterable[Item] = ()
        if size and name in {webm.SIMPLE, webm.GROUP}:
            try:
                items = self._packets(content, grouped=name == webm.GROUP)
            except ValueError:
                self._start_resync()
                return ()
        elif name == webm.EBML:
            self._reset()
        elif name == webm.TRACKS and self._tracks is None:
            items = (self._read_tracks(content),)
        elif name == webm.INFO:
            self._tick = read_tick(content)
        elif name == webm.TIME:
            self._cluster_ticks = int.from_bytes(content)
            self._cluster_timed = True
        self._buffer.discard(end)
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

    def _packets(self, content: bytes | bytearray, *, grouped: bool) -> list[Item]:
        """Return a block's packets, and the loss before them, if any.

        Raises:
            ValueError: it is not a block of the audio track.
        """
        block = read_group(content) if grouped else read_block(content)
        if self._tracks is None or block.track != self._tracks.audio:
            raise ValueError(f"block of another track: {block.track}")
        samples = [opus.samples(data) for data in block.packets]
        packets = list(map(Packet, block.packets, samples))
        if grouped:
            packets[0] = packets[0]._replace(skip=block.skip)
            packets[-1] = packets[-1]._replace(drop=block.drop)
        return [*self._check_gap(block.time, sum(samples) / opus.RATE), *packets]

    def _check_gap(self, ticks: int, seconds: float) -> list[Item]:
        """Compare a block's time with the end of the previous one; a gap after damage is a loss.

        Without damage it is a pause. If a cluster's header was lost, block times are off until the
        next cluster states its time.
        """
        time = (self._cluster_ticks + ticks) * self._tick
        losses: list[Item] = []
        if self._damaged:
            gap = time - self._expected_time
            if gap > _SLACK:
                losses.append(Loss(gap if gap < _LONGEST_GAP else 0.0, ago=self._seconds_since))
            elif gap < -_SLACK and not self._cluster_timed:
                time = self._expected_time
            self._damaged = not self._cluster_timed
        self._seconds_since += seconds
        self._expected_time = time + seconds
        return losses

    def _start_resync(self) -> None:
        """Discard a byte and look for a place to resume."""
        if self._tracks is None:
            raise self._buffer.needs_libav()
        self._resyncing = self._damaged = True
        self._cluster_timed, self._seconds_since = False, 0.0
        self._buffer.discard(1)

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
