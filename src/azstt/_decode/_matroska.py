"""WebM and Matroska with one Opus track, split into packets as they arrive (RFC 9559). Pure.

A recorder leaves sizes open, so nothing here counts on them: the segment and its clusters are
entered, blocks are taken, all else is passed by. After damage the next cluster goes on, or the
next block that is vouched for by what follows it: a recorder's clusters may last half a minute.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from azstt._decode import _opus as opus
from azstt._decode._blocks import BLOCK_HEAD, is_laced, read_block, read_group
from azstt._decode._ebml import Element, Octets, children, read_element, read_number
from azstt._decode._split import Item, Loss, Packet, Start, Window

_EBML, _SEGMENT, _INFO, _TRACKS, _CLUSTER = (
    0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
)  # fmt: skip
_TRACK, _NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
_SCALE, _TIME, _GROUP, _SIMPLE = 0x2AD7B1, 0xE7, 0xA0, 0xA3
_SEEK_HEAD, _CUES, _TAGS, _CHAPTERS, _ATTACHED = (
    0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469
)  # fmt: skip
_VOID, _CRC, _POSITION, _PREVIOUS, _SILENT, _ENCRYPTED = 0xEC, 0xBF, 0xA7, 0xAB, 0x5854, 0xAF
#: What is entered: what it holds comes next.
_ENTERED: Final = frozenset({_SEGMENT, _CLUSTER})
#: What is read whole, and how many bytes of it there may honestly be.
_READ: Final = {_INFO: 1 << 16, _TRACKS: 1 << 20, _TIME: 8, _GROUP: 1 << 20}
#: The same of what is passed by.
_PASSED: Final = {
    _EBML: 1 << 10, _SEEK_HEAD: 1 << 16, _CUES: 1 << 24, _TAGS: 1 << 24, _CHAPTERS: 1 << 24,
    _ATTACHED: 1 << 28, _VOID: 1 << 24, _CRC: 8, _POSITION: 8, _PREVIOUS: 8, _SILENT: 1 << 16,
    _ENCRYPTED: 1 << 24,
}  # fmt: skip
#: The same of a picture's block, and of a block of sound that several packets share.
_PICTURE, _LACED = 1 << 26, 1 << 17
#: How what follows a block may begin.
_FOLLOWERS: Final = frozenset({0xA3, 0xA0, 0x1F, 0x1A, 0x1C, 0xE7, 0xEC, 0xAB, 0xA7, 0xAF, 0x12})
_RESUME: Final = re.compile(rb"\xa3|\x1f\x43\xb6\x75|\x1a\x45\xdf\xa3")
#: Bytes that show whose a block is, and how its first packet begins.
_PEEK: Final = 13
_AUDIO: Final = 2
#: Seconds by which times may be off, and that a gap between them may honestly last.
_SLACK, _LONGEST_GAP = 0.009, 60.0
#: How much is wanted of what can be no element.
_DAMAGED: Final = -1


class Matroska:
    """A splitter of WebM and Matroska."""

    def __init__(self) -> None:
        self._window = Window()
        self._begin()

    def feed(self, data: bytes) -> Iterator[Item]:
        """Give what is complete with this piece."""
        window = self._window
        window.add(data)
        while not window.passing and (element := self._next()) is not None:
            yield from self._take(element)
        window.check()

    def end(self) -> bool:
        """Tell whether the stream ends inside of an element."""
        return self._window.end() and not self._lost

    def _begin(self) -> None:
        """Expect a recording."""
        self._window.begin()
        self._lost = False  # where the next element is
        self._torn = False  # something before the next block is missing
        self._track = 0
        self._tracks: frozenset[int] = frozenset()
        self._tick = 1e-3
        self._cluster = 0
        self._expected = 0.0  # the time of the next block, in seconds

    def _next(self) -> Element | None:
        """Give the next element, once it is there as far as it is wanted."""
        data = self._window.data
        while not self._lost or self._resume():
            element = read_element(data, 0)
            if element is None:
                return None
            wanted = self._wanted(element)
            if wanted != _DAMAGED:
                return element if len(data) >= element.start + wanted else None
            self._lose_way()
        return None

    def _wanted(self, element: Element) -> int:
        """Tell how much of an element's content is wanted."""
        name, size = element.id, element.size
        if name in _ENTERED:
            return 0
        if size is None:
            return _DAMAGED
        if name == _SIMPLE:
            return self._wanted_of_block(element.start, size)
        if name in _READ:
            return size if size <= _READ[name] else _DAMAGED
        return 0 if size <= _PASSED.get(name, _DAMAGED) else _DAMAGED

    def _wanted_of_block(self, start: int, size: int) -> int:
        """Tell how much of a block is wanted: nothing of a picture."""
        peek = min(size, _PEEK)
        head = self._window.data[start : start + peek]
        if len(head) < peek:
            return peek
        number = read_number(head, 0)
        if number is None or number[0] not in self._tracks or size < number[1] + BLOCK_HEAD:
            return _DAMAGED
        track, at = number
        if track != self._track:
            return 0 if size <= _PICTURE else _DAMAGED
        at += BLOCK_HEAD
        if is_laced(head[at - 1]):
            return size if size <= _LACED else _DAMAGED
        return size if opus.can_be(size - at, bytes(head[at : at + 2])) else _DAMAGED

    def _take(self, element: Element) -> Iterable[Item]:
        """Deal with an element, and leave it behind."""
        name, end = element.id, element.end
        items: Iterable[Item] = ()
        if name in {_SIMPLE, _GROUP}:
            try:
                items = self._packets(self._content(element), grouped=name == _GROUP)
            except ValueError:
                self._lose_way()
                return ()
        elif name in _ENTERED:
            end = element.start
        elif name == _EBML:
            self._begin()
        elif name == _TRACKS and not self._window.settled:
            items = (self._start(self._content(element)),)
        elif name == _INFO:
            self._tick = _tick(self._content(element))
        elif name == _TIME:
            self._cluster = int.from_bytes(self._content(element))
        self._window.leave(end)
        return items

    def _content(self, element: Element) -> Octets:
        return self._window.data[element.start : element.end]

    def _start(self, content: Octets) -> Start:
        """Read the tracks: one of sound, in Opus, and nothing special about it."""
        try:
            tracks = [dict(children(body)) for name, body in children(content) if name == _TRACK]
        except ValueError:
            raise self._window.unusual() from None
        sounds = [track for track in tracks if int.from_bytes(track.get(_KIND, b"")) == _AUDIO]
        if len(sounds) != 1 or _ENCODINGS in sounds[0]:
            raise self._window.unusual()
        codec, head = sounds[0].get(_CODEC, b""), sounds[0].get(_PRIVATE, b"")
        if codec.rstrip(b"\0") != b"A_OPUS" or not opus.channels(head):
            raise self._window.unusual()
        numbers = [int.from_bytes(track.get(_NUMBER, b"")) for track in (*sounds, *tracks)]
        self._track, self._tracks = numbers[0], frozenset(numbers)
        self._window.settle()
        return Start(head)

    def _packets(self, content: Octets, *, grouped: bool) -> list[Item]:
        """Give a block's packets, and what is missing before them.

        Raises:
            ValueError: it is no block.
        """
        if not self._window.settled:
            raise self._window.unusual()
        block = read_group(content) if grouped else read_block(content)
        if block.track != self._track:
            return []
        items: list[Item] = []
        time = (self._cluster + block.time) * self._tick
        if self._torn and (gap := time - self._expected) > _SLACK:
            items.append(Loss(gap if gap < _LONGEST_GAP else 0.0))
        self._torn = False
        packets = [Packet(data, opus.samples(data)) for data in block.packets]
        if grouped:
            packets[0] = packets[0]._replace(skip=block.skip)
            packets[-1] = packets[-1]._replace(drop=block.drop)
        self._expected = time + sum(packet.samples for packet in packets) / opus.RATE
        return [*items, *packets]

    def _lose_way(self) -> None:
        """Look for a place to go on, from the next byte."""
        if not self._window.settled:
            raise self._window.unusual()
        self._lost = self._torn = True
        self._window.leave(1)

    def _resume(self) -> bool:
        """Go to where it goes on; False if that is yet to come."""
        window, at = self._window, 0
        while (found := _RESUME.search(window.data, at)) is not None:
            at = found.start()
            vouched = window.data[at] != _SIMPLE or self._is_vouched_for(at)
            if vouched is not False:
                window.leave(at)
                self._lost = vouched is None
                return not self._lost
            at += 1
        window.leave(max(0, len(window.data) - 3))  # they may begin an identifier
        return False

    def _is_vouched_for(self, at: int) -> bool | None:
        """Tell whether one of our blocks is here, and something that may follow one after it."""
        data = self._window.data
        element = read_element(data, at)
        if element is None:
            return None
        wanted = self._wanted(element)
        if wanted <= 0:
            return False
        if len(data) <= max(element.end, element.start + wanted):
            return None
        return data[element.end] in _FOLLOWERS


def _tick(info: Octets) -> float:
    """Read how many seconds the unit of all times lasts."""
    try:
        scale = dict(children(info)).get(_SCALE, b"")
    except ValueError:
        scale = b""
    return (int.from_bytes(scale) or 1_000_000) * 1e-9
