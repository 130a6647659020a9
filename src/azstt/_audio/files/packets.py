"""The packet lane: every source, every format, every kind of damage.

A packet that does not decode is skipped and counted; one frame of Python work a packet is all
that it costs over C.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias, cast

from av.error import FFmpegError

from azstt._audio.files.libav import Media
from azstt._audio.rejections import protected
from azstt._audio.report import Tally
from azstt._audio.resample import Resampler, Target
from azstt._audio.sources import Source

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.packet import Packet

    Decode: TypeAlias = Callable[[Packet[AudioStream] | None], list[AudioFrame]]

#: Packets pushed before the first pull: each pull that finds nothing raises and is caught.
#: Fewer cost more exceptions, many more fall out of the processor's cache.
_BATCH = 43
#: Formats whose packets follow each other without a gap, so that a gap is a loss. Others may pause.
_CONTINUOUS = frozenset({"ogg", "flac"})
#: Packets until a decoder's delay is known.
_START_UP = 4
#: Seconds that timestamps may be off, and that they go back where another recording begins.
_GAP, _BACK = 0.03, 1.0


def decode_packets(media: Media, source: Source, target: Target, tally: Tally) -> Iterator[bytes]:
    """Decode the chosen track from the container's beginning.

    Args:
        media: the open container; stays open.
        source: where its bytes come from; asked whether the next read may wait.
        target: what to give out.
        tally: is told what is lost.
    """
    resampler = Resampler(target, source.label)
    gaps = _GapDetector(resampler, tally) if media.info.container in _CONTINUOUS else None
    push, decode = resampler.push, _decoder(media.stream)
    waiting = 0
    for packet in _demux(media, tally):
        if gaps is not None:
            gaps.check(packet)
        try:
            for frame in decode(packet):
                push(frame)
        except FFmpegError as error:
            if packet.has_sidedata("encryption_info"):
                raise protected(source) from error
            tally.add_loss(resampler.seconds, _duration(packet))
            continue
        waiting += 1
        if waiting >= _BATCH or (target.live and source.may_block):
            waiting = 0
            yield from resampler.pull()
    try:
        for frame in decode(None):
            push(frame)
    except FFmpegError:
        tally.add_loss(resampler.seconds, 0.0)
    yield from resampler.flush()
    media.check()


class _GapDetector:
    """Finds what the demuxer threw away, by the timestamps of what it kept."""

    def __init__(self, resampler: Resampler, tally: Tally) -> None:
        self._resampler = resampler
        self._tally = tally
        self._offset = -math.inf
        self._seen = 0
        self._next: int | None = None

    def check(self, packet: Packet[AudioStream]) -> None:
        """Compare a packet's time with that of the one before it, then with what was decoded."""
        pts, duration = packet.pts, packet.duration
        follows = pts == self._next
        self._next = None if pts is None or not duration else pts + duration
        self._seen += 1
        if pts is None or (follows and self._seen > _START_UP):
            return
        ahead = float(pts * packet.time_base) - self._resampler.seconds - self._tally.lost
        if self._seen <= _START_UP:
            # The decoder's delay, and what it skips at the beginning, show in the first packets.
            self._offset = max(self._offset, ahead)
        elif ahead < self._offset - _BACK:
            self._offset = ahead  # the next of several recordings in one file
        elif (gap := ahead - self._offset) > _GAP:
            self._tally.add_loss(
                self._resampler.seconds, gap, round(gap / _duration(packet, gap)) or 1
            )


def _demux(media: Media, tally: Tally) -> Iterator[Packet[AudioStream]]:
    """Give the packets with something in them; an error of the container ends them."""
    try:
        for packet in media.container.demux(media.stream):
            if packet.size:
                yield packet
    except (FFmpegError, IndexError):
        # What was read before is good; the end is missing. (A stream that shows up late in a
        # damaged file is an IndexError of PyAV's.)
        media.check()
        tally.truncated = True


def _decoder(stream: AudioStream) -> Decode:
    """Give the decoder's method; PyAV's types leave its packets open."""
    return cast("Decode", stream.codec_context.decode)  # pyright: ignore[reportUnknownMemberType]


def _duration(packet: Packet[AudioStream], otherwise: float = 0.0) -> float:
    """Give a packet's length in seconds, as far as it says."""
    return float(packet.duration * packet.time_base) if packet.duration else otherwise
