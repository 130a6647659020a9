"""WebM and Matroska with one Opus track, split into packets as they arrive (RFC 9559). Pure.

A recorder leaves sizes open, so nothing here counts on them: the segment and its clusters are
entered, blocks are taken, all else is passed by. After damage the next cluster goes on, or the
next block that is vouched for by what follows it: a recorder's clusters may last half a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from azstt._audio.formats import opus, webm
from azstt._audio.formats.blocks import read_block, read_group
from azstt._audio.formats.demux import DemuxBuffer, Item, Loss, Packet, Start
from azstt._audio.formats.ebml import Element, Octets, read_element
from azstt._audio.formats.webm import DAMAGED, Tracks, read_tick, read_tracks, wanted

#: Where it may go on after damage: at a cluster, at another recording, at a block (its size, its
#: track, a time, flags). What is shorter than that is kept until more has come.
_RESUME: Final = (
    rb"\x1f\x43\xb6\x75|\x1a\x45\xdf\xa3|"
    rb"\xa3(?:[\x81-\xfe]|[\x40-\x7f].|[\x20-\x3f].{2}|[\x10-\x1f].{3}|\x08.{4}|\x01.{7})"
    rb"%b..[\x00-\x0f\x80-\x8f]"
)
_LONGEST_START: Final = 1 + 8 + 1 + 3
#: How what follows a block may begin.
_FOLLOWERS: Final = frozenset({0xA3, 0xA0, 0x1F, 0x1A, 0x1C, 0xE7, 0xEC, 0xAB, 0xA7, 0x12})
#: Seconds by which times may be off, and that a gap between them may honestly last.
_SLACK, _LONGEST_GAP = 0.009, 60.0


class Matroska:
    """A splitter of WebM and Matroska."""

    def __init__(self) -> None:
        self._window = DemuxBuffer()
        self._begin()

    def feed(self, data: bytes) -> Iterator[Item]:
        """Give what is complete with this piece."""
        window = self._window
        window.add(data)
        while not window.passing and (found := self._next()) is not None:
            yield from self._take(*found)
        window.check()

    def end(self) -> bool:
        """Tell whether the stream ends inside of an element."""
        return self._window.end() and not self._lost

    def _begin(self) -> None:
        """Expect a recording."""
        self._window.begin()
        self._tracks: Tracks | None = None
        self._beginnings = re.compile(b"")
        self._tick = 1e-3  # seconds
        self._cluster = 0  # its time, in ticks
        self._expected = 0.0  # the time of the next block, in seconds
        self._lost = False  # where the next element is
        self._torn = False  # something is missing
        self._timed = False  # since then a cluster has told its time
        self._since = 0.0  # seconds given since then

    def _next(self) -> tuple[Element, int] | None:
        """Give the next element, once as much of it is there as is wanted, and how much that is."""
        data = self._window.data
        while not self._lost or self._resume():
            element = read_element(data, 0)
            if element is None:
                return None
            size = self._wanted(element)
            if size != DAMAGED:
                return (element, size) if len(data) >= element.start + size else None
            self._lose_way()
        return None

    def _wanted(self, element: Element) -> int:
        return wanted(self._window.data, element, self._tracks, later=self._expected > 0)

    def _take(self, element: Element, size: int) -> Iterable[Item]:
        """Deal with an element, and leave it behind."""
        name, start, _ = element
        end = start if name in webm.ENTERED else element.end
        content = self._window.data[start:end]
        items: Iterable[Item] = ()
        if size and name in {webm.SIMPLE, webm.GROUP}:
            try:
                items = self._packets(content, grouped=name == webm.GROUP)
            except ValueError:
                self._lose_way()
                return ()
        elif name == webm.EBML:
            self._begin()
        elif name == webm.TRACKS and self._tracks is None:
            items = (self._start(content),)
        elif name == webm.INFO:
            self._tick = read_tick(content)
        elif name == webm.TIME:
            self._cluster = int.from_bytes(content)
            self._timed = True
        self._window.leave(end)
        return items

    def _start(self, content: Octets) -> Start:
        """Read the tracks."""
        self._tracks = read_tracks(content)
        if self._tracks is None:
            raise self._window.unusual()
        # A number of one byte; of others clusters only are found again.
        mark = re.escape(bytes([0x80 | self._tracks.sound & 0x7F]))
        self._beginnings = re.compile(_RESUME % mark, re.DOTALL)
        self._window.settle()
        return Start(self._tracks.head)

    def _packets(self, content: Octets, *, grouped: bool) -> list[Item]:
        """Give a block's packets, and what is missing before them.

        Raises:
            ValueError: it is no block of the track.
        """
        block = read_group(content) if grouped else read_block(content)
        if self._tracks is None or block.track != self._tracks.sound:
            raise ValueError(f"a block of nobody: {block.track}")
        samples = [opus.samples(data) for data in block.packets]
        packets = list(map(Packet, block.packets, samples))
        if grouped:
            packets[0] = packets[0]._replace(skip=block.skip)
            packets[-1] = packets[-1]._replace(drop=block.drop)
        return [*self._account(block.time, sum(samples) / opus.RATE), *packets]

    def _account(self, ticks: int, seconds: float) -> list[Item]:
        """Hold a block's time against the end of the one before; a gap after damage is a loss.

        Without damage it is a pause. A cluster that was lost takes its time with it: then the
        next one has the last word.
        """
        time = (self._cluster + ticks) * self._tick
        losses: list[Item] = []
        if self._torn:
            gap = time - self._expected
            if gap > _SLACK:
                losses.append(Loss(gap if gap < _LONGEST_GAP else 0.0, ago=self._since))
            elif gap < -_SLACK and not self._timed:
                time = self._expected
            self._torn = not self._timed
        self._since += seconds
        self._expected = time + seconds
        return losses

    def _lose_way(self) -> None:
        """Look for a place to go on, from the next byte."""
        if self._tracks is None:
            raise self._window.unusual()
        self._lost = self._torn = True
        self._timed, self._since = False, 0.0
        self._window.leave(1)

    def _resume(self) -> bool:
        """Go to where it goes on; False if that is yet to come."""
        window, at = self._window, 0
        while (found := self._beginnings.search(window.data, at)) is not None:
            at = found.start()
            vouched = window.data[at] != webm.SIMPLE or self._is_vouched_for(at)
            if vouched is not False:
                window.leave(at)
                self._lost = vouched is None
                return not self._lost
            at += 1
        window.leave(max(0, len(window.data) - _LONGEST_START + 1))
        return False

    def _is_vouched_for(self, at: int) -> bool | None:
        """Tell whether one of our blocks is here, and something that may follow one after it."""
        data = self._window.data
        element = read_element(data, at)
        if element is None:
            return None
        size = self._wanted(element)
        if size <= 0:
            return False
        if len(data) <= max(element.end, element.start + size):
            return None
        return data[element.end] in _FOLLOWERS
