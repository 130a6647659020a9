"""What is lost between a container's packets: by their places in the file and their timestamps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import dropwhile
from typing import TYPE_CHECKING, Final

from azstt._audio.clock import TOLERANCE
from azstt._audio.formats.damage import MOST_PADDING, is_broken, is_padding
from azstt._audio.formats.mpeg import TAG_HEAD, after_tags, tag_size
from azstt._audio.formats.truncation import find_end
from azstt._audio.repaired import RepairedSource
from azstt._audio.sources import Source
from azstt._audio.timed import TimedResampler

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

    from azstt._audio.formats.repair import Omission, Repair

#: Formats that are nothing but frames: libav counts their timestamps, so only the bytes between the
#: frames show how much is lost.
BARE_FRAMES: Final = frozenset({"mp3", "aac", "loas", "ac3", "eac3", "dts", "truehd", "mlp"})
#: Those whose demuxers skip junk by themselves, where it is looked for every few packets.
_RESYNCING: Final = frozenset({"aac", "loas"})
_CHECK_EVERY: Final = 50
#: Bytes by which a frame is recognized, and in which it is looked for.
_SAME, _REACH = 16, 1 << 20
#: Bytes that libav may leave at the end of a stream: tags, or an index.
_LEFT: Final = 1 << 12


class Losses:
    """Tells the output what was lost before each packet.

    A loss is entered once a packet decodes again; what follows the last one may be a tag.

    Args:
        container: libav's name for the format.
        stream: the track.
        source: the source of its bytes.
        output: is told about losses.

    Attributes:
        pending: whether something was lost since the last packet that could be decoded.
    """

    def __init__(
        self, container: str, stream: AudioStream, source: Source, output: TimedResampler
    ) -> None:
        self._container = container
        self._source = source
        self._output = output
        self._in_frames = container in BARE_FRAMES
        self._resyncs = container in _RESYNCING
        self._start = output.position
        self._tick = float(stream.time_base or 0)
        self._tolerance = TOLERANCE / self._tick if self._tick else 0.0
        self._junk = 0  # bytes that could not be decoded, and those between packets
        self._cuts: list[Omission] = []  # out of the source
        self._passed = 0  # of these
        self._repair: Repair | None = None  # of a file, since damage was met
        self._known: int | None = None  # where the last packet before that is
        self._begin: int | None = None  # of the first packet
        self._shift = 0  # bytes that libav skipped without counting them
        self._count = 0  # packets
        self._end = 0  # where the last packet ends
        self._place: int | None = None  # the packet's place, or its page's
        self._before: tuple[int | None, int | None] = (None, None)  # the two places before that
        self._next: int | None = None  # the timestamp after the last packet
        self._trouble: int | None = None  # where the pending loss begins
        self._seconds = 0.0
        self._packets = 0
        self.pending: bool = False
        if isinstance(source, RepairedSource):
            self._cuts = source.repair.cuts

    def repair(self, source: RepairedSource) -> None:
        """Go on with a source without the damage: `rest` leaves out what was read before."""
        self._repair, self._known = source.repair, self._place
        self._source, self._cuts = source, source.repair.cuts
        self._place, self._before, self._next = None, (None, None), None

    def rest(self, packets: Iterator[Packet[AudioStream]]) -> Iterator[Packet[AudioStream]]:
        """Leave out the packets that were taken before the source was repaired."""
        repair, known = self._repair, self._known
        if repair is None or known is None:
            return packets
        return dropwhile(lambda packet: repair.original(packet.pos or 0) <= known, packets)

    def put_back(self) -> None:
        """Forget the packet that was taken last."""
        self._place = self._before[0]

    def is_early(self) -> bool:
        """Return whether libav has ended though there is more audio in a file."""
        end = find_end(self._container, self._source.look, self._source.size or 0)
        return end.broken or (end.last or 0) > (self._place or 0)

    def take(self, packet: Packet[AudioStream]) -> None:
        """Compare a packet's place with the one before it."""
        pos = packet.pos
        if self._in_frames:
            if pos is not None:
                self._take_frame(packet, pos)
            return
        if pos is not None and pos != self._place:
            self._before, self._place = (self._place, self._before[0]), pos
        if self._cuts and pos is not None:
            self._pass_cuts(pos)
        pts = packet.pts
        if pts is not None:
            if self._next is not None and (hole := pts - self._next) > self._tolerance:
                self._check(hole * self._tick)
            self._next = pts + (packet.duration or 0)
        if pos is not None:
            self._end = pos + packet.size
        if packet.is_corrupt:
            self.note()

    def _take_frame(self, packet: Packet[AudioStream], pos: int) -> None:
        if self._begin is None:
            self._begin = self._end = pos
        self._count += 1
        if self._resyncs and (self.pending or self._count % _CHECK_EVERY == 0):
            self._realign(packet, pos)
        self._end = pos + self._shift + packet.size

    def note(self) -> None:
        """Note that something could not be read; the next timestamp tells how much."""
        self.pending = True
        if self._trouble is None:
            self._trouble = self._end

    def lose(self, packet: Packet[AudioStream]) -> None:
        """Note that a packet could not be decoded, unless it is nothing but tags."""
        if self._in_frames and after_tags(bytes(packet)) >= packet.size:
            return
        self._packets += 1
        self.note()
        if self._in_frames and packet.pos is not None and self._output.position > self._start:
            self._skip(packet.pos + self._shift, packet.size)
        elif packet.duration:
            self._seconds += packet.duration * self._tick

    def enter(self, *, found: bool) -> None:
        """Tell the output about the loss before the packet that was just decoded.

        Args:
            found: whether it yielded any audio; if not, the loss goes on.
        """
        if found and self.pending:
            self._output.lose(self._seconds, self._packets)
            self._seconds, self._packets = 0.0, 0
            self._trouble, self.pending = None, False

    def end(self) -> None:
        """Tell the output about the loss at the end, unless it is a tag or padding."""
        if self._pass_cuts(sys.maxsize):
            self.enter(found=True)
            return
        at = self._trouble
        rest = b"" if at is None else self._source.look(at, MOST_PADDING + 1)
        out_of_reach = at is not None and not rest and at < self._source.fetched
        if at is None or out_of_reach or not is_padding(rest):
            self.enter(found=True)

    def unread(self) -> float | None:
        """Read a stream to its end; return the seconds of it that libav left, by the average rate.

        Returns:
            0 if nothing but padding is left; None if there is no rate.
        """
        source, left = self._source, 0
        read = source.tell()
        while not source.seekable and (data := source.read(1 << 16)):
            left += len(data) - data.count(0)
        if left <= _LEFT:
            return 0.0
        seconds = self._output.position - self._start
        return left * seconds / read if seconds else None

    def _pass_cuts(self, place: int) -> bool:
        """Note what was cut out of the source up to a place; return whether anything was."""
        cuts = self._cuts[self._passed :]
        self._passed += len(passed := [cut for cut in cuts if cut.place <= place])
        for cut in passed:
            if cut.blank and place == sys.maxsize:
                continue
            self.note()
            if (self._container == "avi" or place == sys.maxsize) and cut.place:
                # No timestamp tells how much it was: the average rate does.
                rate = (self._output.position - self._start) / cut.place
                self._seconds += max(0, cut.size) * rate
        return self.pending and bool(passed)

    def _realign(self, packet: Packet[AudioStream], pos: int) -> None:
        """Find the frame in the file: libav does not always count the bytes that it skips."""
        look, end, head = self._source.look, self._end, bytes(packet)[:_SAME]
        if look(pos + self._shift, len(head)) == head:
            place = pos + self._shift
        elif pos >= end and look(pos, len(head)) == head:
            place = pos
        else:
            place = end + look(end, _REACH).find(head)
        if place < end:
            return
        between = look(end, place - end)
        tag = between.find(b"ID3")
        tags = tag_size(between[tag : tag + TAG_HEAD]) or 0 if tag >= 0 else 0
        self._shift = place - pos
        if place - end > tags:
            self._skip(end, place - end - tags)

    def _skip(self, place: int, size: int) -> None:
        """Note that bytes between frames were lost: at the average rate of the others."""
        self.note()
        good = place - (self._begin or 0) - self._junk
        self._junk += size
        if good > 0:
            self._seconds += size * (self._output.position - self._start) / good

    def _check(self, hole: float) -> None:
        """Find out whether a hole in the timestamps is damage: before the packet, or its page.

        libav finds out that pages are missing only a page later.
        """
        place, look = self._place, self._source.look
        for last in self._before:
            if last is None or place is None or place <= last:
                return
            broken = is_broken(self._container, look, last, place)
            if self._container == "asf" and not broken:
                # By the average rate: a packet lasts longer than what is lost in it.
                seconds = max(1.0, self._output.position - self._start)
                broken = place - last > 0.8 * hole * last / seconds
            if broken:
                self.note()
                return
            place = last
