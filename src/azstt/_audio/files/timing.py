"""When a track of a container begins and ends, on the timeline that players show."""

from __future__ import annotations

import math
from itertools import islice
from typing import TYPE_CHECKING, Final, cast

from av.error import FFmpegError

from azstt._audio.formats.stated import stated_seconds
from azstt._audio.report import TrackInfo
from azstt._audio.sources import Source

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container.input import InputContainer
    from av.packet import Packet
    from av.stream import Stream

#: Formats that do not state a duration: libav's estimate from the first packets is far off.
_NO_DURATION: Final = {
    "aac",
    "loas",
    "ac3",
    "eac3",
    "dts",
    "truehd",
    "mlp",
    "amr",
    "mpegts",
    "mpeg",
    "flv",
}
#: Formats that state their duration, so that a shorter file is a truncated one.
_EXACT_DURATION: Final = {
    "wav",
    "w64",
    "flac",
    "mov,mp4,m4a,3gp,3g2,mj2",
    "ogg",
    "aiff",
    "caf",
    "au",
    "avi",
    "asf",
    "wv",
}
#: Those among them that state the duration of the whole media.
_OF_ALL: Final = frozenset({"avi", "asf"})
#: Formats that state the duration of the whole media, of which a track may be a part.
STATED: Final = frozenset({"matroska,webm", "matroska", "flv", "avi", "asf"})
#: Formats whose headers state a number of samples or blocks, though libav's duration is an estimate
#: from the size.
_COUNTED: Final = frozenset({"avi", "caf"})
MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"
_MATROSKA: Final = "matroska,webm"
#: Formats without decoding timestamps.
_NO_DTS: Final = frozenset({_MATROSKA, "nut"})
#: How many cover pictures, which have no timestamp, may come before the first packet.
_MOST_PICTURES: Final = 16
#: Seconds that an Opus encoder pauses at most when nobody speaks (discontinuous transmission).
_OPUS_PAUSE: Final = 0.45
_MICROSECONDS = 1_000_000
#: A header that states so many times what the file has was written before its size was known.
_MOST_MISSING: Final = 64


def first_packet(container: InputContainer) -> Packet[Stream] | None:
    """Return the first packet with a timestamp, where it is needed to know the media's start.

    Where a video has no decoding timestamps, libav knows its start only if it has decoded a
    picture.
    """
    if container.format.name not in _NO_DTS or len(container.streams) == 1:
        return None
    try:
        for packet in islice(container.demux(), _MOST_PICTURES):
            if packet.pts is not None or packet.stream.type == "audio":
                return packet
    except (FFmpegError, IndexError):
        pass  # the decoder meets it again
    return None


def origin(container: InputContainer, first: Packet[Stream] | None) -> float:
    """Return the timestamp of the media's start, in seconds.

    Args:
        container: the container.
        first: its `first_packet`.
    """
    start = cast("int | None", container.start_time)  # in the unit of the container's duration
    if first is not None and first.pts is not None and first.stream.type != "audio":
        time = float(first.pts * first.time_base)
        return time if start is None else min(time, start / _MICROSECONDS)
    return (start or 0) / _MICROSECONDS


def latest_end(container: InputContainer, stream: AudioStream, info: TrackInfo) -> float | None:
    """Return where the media ends at the latest, in seconds from its start; None if unknown."""
    if info.container == MP4 and not stream.frames:
        return None  # in fragments, of which libav may not have found all
    if info.seconds is None or not (info.exact or info.container in STATED):
        return None
    return max(info.seconds, (container.duration or 0) / _MICROSECONDS)


def longest_pause(codec: str) -> float:
    """Return how many seconds of silence a codec may leave out, so that nothing is missing."""
    return _OPUS_PAUSE if codec == "opus" else 0.0


def track_end(
    container: InputContainer, stream: AudioStream, source: Source, start: float
) -> tuple[float | None, bool]:
    """Return a track's end in seconds from the media's start, if known, and whether it is exact.

    Args:
        container: the container.
        stream: the track.
        source: the source of the container's bytes.
        start: the timestamp of the media's start.
    """
    name, alone = container.format.name, len(container.streams) == 1
    exact = name in _EXACT_DURATION and (alone or name not in _OF_ALL)
    if (stated := _by_header(name, stream, source)) > 0:
        return stated, exact
    in_fragments = name == MP4 and not stream.frames
    if name in _NO_DURATION or (in_fragments and not source.seekable):
        return None, False
    if (tagged := _tagged(stream.metadata.get("DURATION", ""))) is not None:
        return tagged - start, True
    if stream.duration is not None and stream.time_base is not None:
        late = max(0.0, float((stream.start_time or 0) * stream.time_base) - start)
        # In fragments it may be the duration of the video.
        exact = exact and (alone or not in_fragments)
        return late + float(stream.duration * stream.time_base), exact
    if container.duration is not None:
        # It may be the duration of the video; in Matroska it counts from zero.
        return container.duration / _MICROSECONDS - (start if name == _MATROSKA else 0.0), alone
    return None, False


def _by_header(name: str, stream: AudioStream, source: Source) -> float:
    """Return the duration that a header states where libav only estimates it; 0 if none does."""
    rate = stream.codec_context.bit_rate or 0
    if name in _COUNTED and stream.frames and stream.time_base:
        short = name == "avi"  # where the last frame counts like the others, however short it is
        seconds = float((stream.frames - short) * stream.time_base)
        most = _MOST_MISSING * 8 * source.size if source.size else math.inf
        return seconds if seconds * rate <= most else 0.0
    return stated_seconds(name, source.head, rate) or 0.0


def _tagged(text: str) -> float | None:
    """Parse Matroska's tag for a track's duration, such as ``00:00:07.100000000``."""
    parts = text.split(":")
    try:
        hours, minutes, seconds = (float(part) for part in parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds
