"""The fast path: libav's `amovie` filter demuxes, decodes and mixes; Python gets whole seconds.

It takes a tenth less time than decoding by packets and rarely holds the GIL, so decoding in several
threads scales. In return it cannot handle damage: any error ends it, and decoding by packets takes
over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, cast

from av.error import EOFError as EndError

from azstt._audio.clock import TOLERANCE
from azstt._audio.files.libav import FORMATS, QUICK
from azstt._audio.report import TrackInfo
from azstt._audio.resample import Target, new_graph

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

#: Containers and codecs for which this yields exactly the samples of `decode_packets`: those that
#: decode to one frame per packet.
_PAIRS: Final = {
    "mp3": {"mp3float", "mp3", "mp2float", "mp2"},
    "mov,mp4,m4a,3gp,3g2,mj2": {"aac", "mp3float", "alac"},
    "matroska,webm": {"opus", "vorbis", "aac", "mp3float", "flac"},
    "ogg": {"opus", "vorbis", "flac"},
    "flac": {"flac"},
    "aac": {"aac"},
    "wav": {"pcm_mulaw", "pcm_alaw"},
}


def can_decode(info: TrackInfo, target: Target) -> bool:
    """Return whether `decode_file` yields exactly what `decode_packets` would."""
    pair = 0 < info.channels <= 2  # noqa: PLR2004  layouts without a doubt
    # `amovie` guesses layouts that the container does not name.
    mixed = pair or (info.named and not target.keep_channels)
    return info.codec in _PAIRS.get(info.container, ()) and mixed


class HoleError(Exception):
    """The timestamps leave a hole, or step back: only `decode_packets` finds out where."""


def decode_file(url: str, info: TrackInfo, target: Target, origin: float) -> Iterator[bytes]:
    """Decode a track of a file that libav can open by itself.

    Args:
        url: the file.
        info: the track.
        target: the output to produce.
        origin: the timestamp of the media's start, in seconds.

    Raises:
        FFmpegError: at the first damage; what was yielded before it is good.
        HoleError: a chunk does not follow the one before it, or the first begins late; neither
            it nor the chunk before it was yielded.
    """
    guards = f"protocol_whitelist=file:format_whitelist={FORMATS}"
    options = ":".join([guards, *(f"{name}={value}" for name, value in QUICK.items())])
    graph = new_graph()
    source = graph.add(
        "amovie",
        filename=url,
        stream_index=str(info.index),
        dec_threads="1",
        format_opts=options,
    )
    layout = {1: "mono", 2: "stereo"}[info.channels] if target.keep_channels else target.layout
    pull, pcm = target.sink(graph, source, layout).pull, target.pcm
    rate = target.audio.sample_rate
    tolerance, expected = TOLERANCE * rate, origin * rate
    chunk = b""
    try:
        while True:
            frame = cast("AudioFrame", pull())  # an audio sink returns audio frames
            if frame.pts is not None and abs(frame.pts - expected) > tolerance:
                raise HoleError
            expected += frame.samples
            if chunk:
                yield chunk
            chunk = pcm(frame)
    except EndError:
        yield chunk
