"""Decode packet by packet: any source, any format, any kind of damage.

A packet that does not decode is skipped and recorded. The overhead over C is a little Python code
per packet.
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

#: Packets pushed between pulls. Every pull ends with an exception, so smaller batches raise more
#: of them; much larger ones no longer fit into the CPU cache.
_BATCH = 43
#: Formats without pauses between packets, so that a gap in the timestamps means lost audio.
_CONTINUOUS = frozenset({"ogg", "flac"})
#: Packets after which a decoder's delay is known.
_START_UP = 4
#: In seconds: the smallest gap that counts, and how far timestamps go back at a new recording.
_GAP, _BACK = 0.03, 1.0


def decode_packets(media: Media, source: Source, target: Target, tally: Tally) -> Iterator[bytes]:
    """Decode the selected track from the beginning of the container.

    Args:
        media: the open container; it stays open.
        source: the source of its bytes, which knows whether the next read may block.
        target: the output to produce.
        tally: records what is lost.
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
    """Detects what the demuxer discarded, by gaps in the timestamps of the other packets."""

    def __init__(self, resampler: Resampler, tally: Tally) -> None:
        self._resampler = resampler
        self._tally = tally
        self._offset = -math.inf
        self._seen = 0
        self._next: int | None = None

    def check(self, packet: Packet[AudioStream]) -> None:
        """Record a loss if a packet starts later than the audio decoded so far."""
        pts, duration = packet.pts, packet.duration
        follows = pts == self._next
        self._next = None if pts is None or not duration else pts + duration
        self._seen += 1
        if pts is None or (follows and self._seen > _START_UP):
            return
        ahead = float(pts * packet.time_base) - self._resampler.seconds - self._tally.lost
        if self._seen <= _START_UP:
            # The first packets show the decoder's delay and what it skips at the beginning.
            self._offset = max(self._offset, ahead)
        elif ahead < self._offset - _BACK:
            self._offset = ahead  # the file has another recording after the first
        elif (gap := ahead - self._offset) > _GAP:
            self._tally.add_loss(
                self._resampler.seconds, gap, round(gap / _duration(packet, gap)) or 1
            )


def _demux(media: Media, tally: Tally) -> Iterator[Packet[AudioStream]]:
    """Yield the non-empty packets, up to the end or the first error in the container."""
    try:
        for packet in media.container.demux(media.stream):
            if packet.size:
                yield packet
    except (FFmpegError, IndexError):
        # What was read before is good; the rest is missing. (PyAV raises an IndexError for a
        # stream that appears late in a damaged file.)
        media.check()
        tally.truncated = True


def _decoder(stream: AudioStream) -> Decode:
    """Return the decoder's method, with the packet type that PyAV leaves open."""
    return cast("Decode", stream.codec_context.decode)  # pyright: ignore[reportUnknownMemberType]


def _duration(packet: Packet[AudioStream], default: float = 0.0) -> float:
    """Return a packet's duration in seconds, or a default if it is unknown."""
    return float(packet.duration * packet.time_base) if packet.duration else default
