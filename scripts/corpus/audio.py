"""Read, write and measure audio for the corpus and for the committed test recordings.

Samples are float32 arrays of shape (channels, n) in -1..1; times are seconds. The libraries
inside PyAV do the coding, so no `ffmpeg` program is needed, and every writer requests
bit-exact output: no dates, no random identifiers, no encoder names.
"""

# PyAV's annotations leave the type parameter of Packet open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.video.stream import VideoStream
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from av.container import OutputContainer
    from av.packet import Packet

Samples: TypeAlias = NDArray[np.float32]

FRAME_IF_ANY = 1024  # samples a frame for codecs that accept any number (PCM)
PICTURE_RATE = 5  # frames a second of the synthetic picture
PICTURE_SIDE = 64  # its width and height in pixels


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a recording is written; None means the value of the samples or of the codec."""

    muxer: str
    codec: str
    rate: int | None = None
    layout: str | None = None
    bit_rate: int | None = None
    sample_fmt: str | None = None
    picture: str | None = None  # the video codec, for a file with a video track
    muxer_options: dict[str, str] = field(default_factory=dict[str, str])
    codec_options: dict[str, str] = field(default_factory=dict[str, str])


WAV = Encoding("wav", "pcm_s16le")
FLAC = Encoding("flac", "flac", sample_fmt="s16")


@dataclass(frozen=True, slots=True)
class Track:
    """One audio track of a file to write."""

    samples: Samples
    rate: int
    title: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """The properties of a file's first audio track, measured by decoding all of it."""

    seconds: float
    rate: int
    channels: int
    container: str
    codec: str
    tracks: int


def mono(samples: NDArray[np.floating]) -> Samples:
    """Return samples with the shape (channels, n)."""
    return np.ascontiguousarray(np.atleast_2d(samples), dtype=np.float32)


def silence(seconds: float, rate: int) -> Samples:
    """Return one channel of zeros."""
    return np.zeros((1, int(seconds * rate)), np.float32)


def level(samples: Samples, peak: float = 0.6) -> Samples:
    """Scale samples to a peak amplitude."""
    return cast("Samples", samples / max(1e-3, float(np.abs(samples).max())) * np.float32(peak))


def read_audio(source: Path, rate: int) -> Samples:
    """Decode the first audio track of a file to one channel of samples at `rate`."""
    with av.open(str(source)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=rate)
        frames = [out for frame in container.decode(stream) for out in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1).astype(np.float32)


def probe(source: Path) -> AudioInfo:
    """Decode a file and return its properties."""
    with av.open(str(source)) as container:
        stream = container.streams.audio[0]
        rate, count = stream.rate, 0
        for frame in container.decode(stream):
            count += frame.samples
            rate = frame.sample_rate
        return AudioInfo(
            seconds=round(count / rate, 3),
            rate=rate,
            channels=stream.codec_context.channels,
            container=container.format.name.split(",")[0],
            codec=stream.codec_context.name,
            tracks=len(container.streams.audio),
        )


def write_audio(target: Path, samples: Samples, rate: int, encoding: Encoding) -> None:
    """Write samples as a file with one audio track."""
    write_tracks(target, [Track(mono(samples), rate)], encoding)


def write_tracks(target: Path, tracks: Sequence[Track], encoding: Encoding) -> None:
    """Write a file with these audio tracks, and a video track if the encoding has one."""
    options = {"fflags": "+bitexact", **encoding.muxer_options}
    with av.open(str(target), "w", format=encoding.muxer, options=options) as container:
        picture = _add_picture(container, encoding.picture) if encoding.picture else None
        streams = [_add_audio(container, track, encoding) for track in tracks]
        packets: list[Packet[Any]] = []
        if picture is not None:
            packets += _encode_picture(picture, max(_seconds(track) for track in tracks))
        for stream, track in zip(streams, tracks, strict=True):
            packets += _encode_audio(stream, track)
        container.mux(sorted(packets, key=_decode_time))


def _seconds(track: Track) -> float:
    return float(track.samples.shape[1] / track.rate)


def _decode_time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * Fraction(packet.time_base)


def _layout_of(samples: Samples) -> str:
    return "mono" if samples.shape[0] == 1 else "stereo"


def _add_audio(container: OutputContainer, track: Track, encoding: Encoding) -> AudioStream:
    stream = container.add_stream(
        encoding.codec,
        rate=encoding.rate or track.rate,
        options=dict(encoding.codec_options),
        layout=encoding.layout or _layout_of(track.samples),
    )
    if not isinstance(stream, AudioStream):
        message = f"not an audio codec: {encoding.codec!r}"
        raise TypeError(message)
    if encoding.bit_rate:
        stream.bit_rate = encoding.bit_rate
    known = stream.codec_context.codec.audio_formats or []
    stream.codec_context.format = encoding.sample_fmt or (known[0].name if known else "s16")
    stream.codec_context.flags |= Flags.bitexact
    if track.title:
        stream.metadata["title"] = track.title
    if track.language:
        stream.metadata["language"] = track.language
    stream.codec_context.open(strict=False)
    return stream


def _encode_audio(stream: AudioStream, track: Track) -> Iterable[Packet[Any]]:
    codec = stream.codec_context
    resampler = av.AudioResampler(
        format=codec.format.name,
        layout=codec.layout.name,
        rate=codec.sample_rate,
        frame_size=codec.frame_size or FRAME_IF_ANY,
    )
    layout = _layout_of(track.samples)
    whole = av.AudioFrame.from_ndarray(mono(track.samples), format="fltp", layout=layout)
    whole.sample_rate = track.rate
    whole.pts = 0
    for frame in [*resampler.resample(whole), *resampler.resample(None)]:
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _add_picture(container: OutputContainer, codec: str) -> VideoStream:
    stream = container.add_stream(codec, rate=PICTURE_RATE)
    if not isinstance(stream, VideoStream):
        message = f"not a video codec: {codec!r}"
        raise TypeError(message)
    stream.width = stream.height = PICTURE_SIDE
    stream.pix_fmt = "yuv420p"
    stream.codec_context.flags |= Flags.bitexact
    stream.codec_context.thread_count = 1
    return stream


def _encode_picture(stream: VideoStream, seconds: float) -> Iterable[Packet[Any]]:
    for index in range(int(seconds * PICTURE_RATE) + 1):
        gray = np.full((PICTURE_SIDE, PICTURE_SIDE, 3), index * 3 % 255, np.uint8)
        yield from stream.encode(av.VideoFrame.from_ndarray(gray, format="rgb24"))
    yield from stream.encode(None)
