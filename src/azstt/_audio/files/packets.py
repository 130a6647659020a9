"""Decode packet by packet: any source, any format, any kind of damage.

A packet that does not decode is skipped and recorded. The overhead over C is a little Python code
per packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from av.audio.frame import AudioFrame
from av.error import FFmpegError

from azstt._audio.clock import MediaClock
from azstt._audio.files.libav import Media
from azstt._audio.files.losses import BARE_FRAMES, Losses
from azstt._audio.files.timing import longest_pause
from azstt._audio.rejections import protected
from azstt._audio.report import DAMAGED, Tally
from azstt._audio.resample import Resampler, Target
from azstt._audio.sources import Source
from azstt._audio.timed import TimedResampler

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

    Decode: TypeAlias = Callable[[Packet[AudioStream] | None], list[AudioFrame]]

#: Packets pushed between pulls, unless live: there the next packet may have to be waited for. Every
#: pull ends with an exception, so smaller batches raise more of them; much larger ones no longer
#: fit into the CPU cache.
_BATCH = 43
#: Formats of broadcasts, in which jumps of the timestamps are splices.
_BROADCAST: Final = frozenset({"mpegts", "mpeg"})
#: Errors of the demuxer in a row, without a packet between, after which the rest is given up.
_MOST_ERRORS = 100


def decode_packets(media: Media, source: Source, target: Target, tally: Tally) -> Iterator[bytes]:
    """Decode the selected track from the beginning of the container.

    Args:
        media: the open container; it stays open.
        source: the source of its bytes.
        target: the output to produce.
        tally: records what is lost.
    """
    broadcast = media.info.container in _BROADCAST
    clock = MediaClock[AudioFrame](media.origin, end=media.end, spliced=broadcast, live=target.live)
    pause = longest_pause(media.info.codec)
    output = TimedResampler(Resampler(target, source.label, tally), clock, tally, pause=pause)
    losses = Losses(media.info.container, media.stream, source, output)
    push, decode = output.push, packet_decoder(media.stream)
    tick = float(media.stream.time_base or 0)
    # Those that libav counts are wrong once the sample rate changes.
    timed = media.info.container not in BARE_FRAMES
    waiting = 0
    for packet in _demux(media, losses):
        try:
            frames = decode(packet)
            if losses.pending:
                losses.enter(found=bool(frames))
            right = timed and not (broadcast and _is_miscounted(packet, frames, tick))
            for frame in frames:
                pts = frame.pts
                push(frame, pts * tick if right and pts is not None else None)
        except FFmpegError as error:
            if packet.has_sidedata("encryption_info"):
                raise protected(source) from error
            losses.lose(packet)
            continue
        waiting += 1
        if waiting >= _BATCH or target.live:
            waiting = 0
            yield from output.pull()
    try:
        for frame in decode(None):
            push(frame, None)
    except FFmpegError:
        losses.note()
    losses.end()
    yield from output.flush()
    _enter_unread(media, losses, output, tally)
    media.check()


def _enter_unread(media: Media, losses: Losses, output: TimedResampler, tally: Tally) -> None:
    """Enter what libav did not read of a stream, unless nothing is missing by what it states."""
    if not media.info.exact and (left := losses.unread()) != 0:
        tally.add(DAMAGED, output.position, left)


def _demux(media: Media, losses: Losses) -> Iterator[Packet[AudioStream]]:
    """Yield the non-empty packets; after an error in the container go on, as FFmpeg does."""
    errors = 0
    packets, repairs = media.demux(), media.source.seekable
    while errors < _MOST_ERRORS:
        try:
            for packet in packets:
                errors = 0
                if not packet.size:
                    continue
                losses.take(packet)
                if repairs and losses.pending:
                    repairs = False
                    if (source := media.repair()) is not None:
                        losses.put_back()
                        losses.repair(source)
                        break
                yield packet
            else:
                if not (repairs and losses.is_early()):
                    return
        except (FFmpegError, IndexError):
            # PyAV raises an IndexError for a stream that appears late in a damaged file.
            media.check()
            errors += 1
            losses.note()
        if repairs:
            repairs = False
            if (source := media.repair()) is not None:
                losses.repair(source)
        packets = losses.rest(media.demux())


def _is_miscounted(packet: Packet[AudioStream], frames: list[AudioFrame], tick: float) -> bool:
    """Return whether a packet's timestamp is wrong because its frames last longer, or less long.

    Where several frames of a broadcast have one timestamp, libav counts the others, by the sample
    rate that the track had at first.
    """
    seconds = (packet.duration or 0) * tick
    return packet.pos is None and any(
        abs(frame.samples / frame.sample_rate - seconds) > tick for frame in frames
    )


def packet_decoder(stream: AudioStream) -> Decode:
    """Return the decoder's method, with the packet type that PyAV leaves open."""
    return cast("Decode", stream.codec_context.decode)  # pyright: ignore[reportUnknownMemberType]
