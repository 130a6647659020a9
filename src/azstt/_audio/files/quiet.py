"""Look behind a mix that is quiet: its channels may be loud and cancel each other.

libav's fast path shows nothing but the mix. Quiet parts of it are held back until the channels
themselves have been looked at, here and there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from azstt._audio.files.libav import Media
from azstt._audio.files.packets import packet_decoder
from azstt._audio.mix import Mix
from azstt._audio.resample import is_named
from azstt._audio_format import AudioFormat

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet

#: A chunk is quiet if the highest bytes of its samples are no others: -26 dB of full scale, which
#: is over what lossy codecs leave of two channels that cancel each other.
_QUIET: Final = bytes([*range(7), *range(250, 256)])
#: Every so many samples of a chunk are looked at.
_STEP: Final = 127
#: How many chunks, of a second each, are held back at most, and from how many on they are looked
#: behind at the end. A recording that is quiet from beginning to end always is.
_MOST, _AT_END = 10, 3
#: How many packets on end are decoded out of how many: decoders need some to get going.
_SAMPLE, _OF = 3, 12


class CanceledError(Exception):
    """The channels cancel each other: `decode_packets` finds out where."""


def hold_quiet(
    chunks: Iterator[bytes], audio: AudioFormat, check: Callable[[int, int], None]
) -> Iterator[bytes]:
    """Yield the chunks of a mix, after a check of those that are quiet.

    Args:
        chunks: a second each.
        audio: their format.
        check: raises an error if the channels cancel each other between two seconds.
    """
    held: list[bytes] = []
    number, loud, width = 0, False, audio.sample_width
    for number, chunk in enumerate(chunks, 1):
        quiet = not chunk[width - 1 :: width * _STEP].strip(_QUIET)
        held.append(chunk)
        if quiet and len(held) < _MOST:
            continue
        if quiet:
            check(number - _MOST, number)
        loud = loud or not quiet
        yield from held
        held.clear()
    if held and (not loud or len(held) >= _AT_END):
        check(number - len(held), number)
    yield from held


def check_mix(media: Media, start: float, end: float) -> None:
    """Check samples of a part of the media.

    Args:
        media: an open container.
        start: where the part begins, in seconds.
        end: where it ends.

    Raises:
        CanceledError: the channels cancel each other there.
        FFmpegError: the part cannot be read.
    """
    decode = packet_decoder(media.stream)
    media.container.seek(round((media.origin + start) * 1_000_000))
    media.stream.codec_context.flush_buffers()
    for number, packet in enumerate(media.container.demux(media.stream)):
        if number % _OF >= _SAMPLE:
            continue
        if _time(packet) - media.origin > end:
            return
        for frame in decode(packet):
            layout = frame.layout
            mix = Mix(layout, frame.format.name, named=is_named(layout.name))
            if mix.changes(frame):
                raise CanceledError


def _time(packet: Packet[AudioStream]) -> float:
    return float((packet.pts or 0) * packet.time_base)
