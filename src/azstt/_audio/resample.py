"""Mix and resample decoded frames to one PCM format, with the filters of the ffmpeg program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as AgainError
from av.error import EOFError as EndError
from av.filter import Graph

from azstt._audio.formats.riff import WaveFormat
from azstt._audio.mix import Mix
from azstt._audio.planes import planes_of
from azstt._audio.rejections import check_rate
from azstt._audio.report import Tally
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError

if TYPE_CHECKING:
    from av.filter.context import FilterContext

#: The layout to mix to for a number of channels: libav's defaults.
LAYOUTS: Final = {
    1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1", 24: "22.2"
}  # fmt: skip
#: The limit of libav's mixer and of `AudioFormat`.
MOST_CHANNELS: Final = 64
#: How many planes of a frame PyAV can tell apart.
_MOST_PLANES = 8
#: libav's sample formats for a WAV file's codecs; 24 bits are widened to 32.
SAMPLES: Final = {
    "pcm_u8": "u8",
    "pcm_s16le": "s16",
    "pcm_s24le": "s32",
    "pcm_s32le": "s32",
    "pcm_f32le": "flt",
    "pcm_f64le": "dbl",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The output to produce.

    Attributes:
        audio: the PCM format.
        keep_channels: do not mix: the output has the source's channel layout.
        live: produce PCM as soon as possible, instead of a second at a time.
    """

    audio: AudioFormat
    keep_channels: bool
    live: bool

    def sink(self, graph: Graph, source: FilterContext, layout: str) -> FilterContext:
        """Connect a graph's source to a new sink for PCM in this layout, and configure it."""
        wide = self.audio.sample_width > 2  # noqa: PLR2004  24 bits are taken from 32
        shape = graph.add(
            "aformat",
            sample_rates=str(self.audio.sample_rate),
            sample_fmts="s32" if wide else "s16",
            channel_layouts=layout,
        )
        sink = graph.add("abuffersink")
        source.link_to(shape)
        shape.link_to(sink)
        graph.configure()
        if not self.live:
            graph.set_audio_frame_size(self.audio.sample_rate)
        return sink

    @property
    def layout(self) -> str:
        """The layout to mix to, unless channels are kept."""
        return LAYOUTS[self.audio.channels]

    @property
    def mono(self) -> bool:
        """Whether all channels are mixed to one."""
        return self.audio.channels == 1 and not self.keep_channels

    def pcm(self, frame: AudioFrame) -> bytes:
        """Return a frame's samples as bytes."""
        width = self.audio.sample_width
        samples = frame.samples * self.audio.channels
        plane = bytes(frame.planes[0])  # seldom longer than its samples
        if width == 3:  # noqa: PLR2004
            return _narrow(plane[: 4 * samples])
        return plane[: width * samples]


def check_wave_format(fmt: WaveFormat, label: str) -> None:
    """Check that a header's rate and channels are plausible.

    Raises:
        AudioDecodeError: no recording has this rate, or there are too many channels.
    """
    check_rate(fmt.sample_rate, label)
    if fmt.channels > MOST_CHANNELS:
        raise AudioDecodeError(
            f"{label!r} has {fmt.channels} channels in its header, over the maximum of "
            f"{MOST_CHANNELS}; the header is probably damaged",
            source=label,
        )


def new_graph() -> Graph:
    """Create a filter graph without threads; by default each graph starts one per core."""
    graph = Graph()
    graph.threads = 1
    return graph


def pcm_frame(fmt: WaveFormat, samples: bytes) -> AudioFrame:
    """Create a frame from a WAV file's samples."""
    # Some writers produce a mask that does not fit: then take their channels in order.
    masked = fmt.mask.bit_count() == fmt.channels
    layout = f"{fmt.mask:#x}" if masked else unnamed_layout(fmt.channels)
    frame = AudioFrame(SAMPLES[fmt.codec], layout, len(samples) // fmt.frame_size)
    frame.sample_rate = fmt.sample_rate
    frame.planes[0].update(_widen(samples) if fmt.codec == "pcm_s24le" else samples)
    return frame


def unnamed_layout(channels: int) -> str:
    """Return the layout of channels whose places the source does not name; none is guessed."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels}C")


def is_named(layout: str) -> bool:
    """Return whether a layout's name, as libav gives it, says where its channels are."""
    return " channels" not in layout


def drain(sink: FilterContext, target: Target) -> Iterator[bytes]:
    """Yield all PCM that a sink has ready."""
    pull, pcm = sink.pull, target.pcm
    try:
        while True:
            # An audio sink returns audio frames.
            yield pcm(cast("AudioFrame", pull()))
    except (AgainError, EndError):
        return


def _widen(narrow: bytes) -> bytes:
    """Widen 24-bit samples to 32 bits, with zeros in the low byte."""
    wide = bytearray(len(narrow) // 3 * 4)
    for byte in range(3):
        wide[byte + 1 :: 4] = narrow[byte::3]
    return bytes(wide)


def _narrow(wide: bytes) -> bytes:
    """Narrow 32-bit samples to 24 bits, dropping the low byte."""
    narrow = bytearray(len(wide) // 4 * 3)
    for byte in range(3):
        narrow[byte::3] = wide[byte + 1 :: 4]
    return bytes(narrow)


class Resampler:
    """Converts decoded frames to PCM of one format, even if their own format changes midway.

    Args:
        target: the output to produce.
        label: the name of the source in errors.
        tally: records for how long channels cancel each other in the mix.
    """

    def __init__(self, target: Target, label: str, tally: Tally) -> None:
        self._target = target
        self._label = label
        self._tally = tally
        self._layout: str | None = None if target.keep_channels else target.layout
        self._shape: tuple[int, str, str] | None = None
        self._mix: Mix | None = None  # of frames whose channels may cancel each other
        self._graph: Graph | None = None
        self._input: FilterContext | None = None
        self._output: FilterContext | None = None
        self._ready: list[bytes] = []
        self._samples = 0
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """How many seconds have been pushed so far."""
        return self._seconds_before + (self._samples / self._shape[0] if self._shape else 0.0)

    def push(self, frame: AudioFrame) -> None:
        """Add a frame. If its format differs from the last one's, flush and reconfigure.

        Raises:
            FFmpegError: the frame is inconsistent; it is skipped.
        """
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if shape != self._shape:
            check_rate(frame.sample_rate, self._label)
            self._mix = self._new_mix(frame)
            self._reconfigure(shape, frame.layout.nb_channels)
        samples = frame.samples
        if (mix := self._mix) is not None and samples:
            mix.wait -= samples / shape[0]
            if mix.wait <= 0 and mix.changes(frame):
                self._reconfigure(shape, frame.layout.nb_channels)
            if mix.pan is not None:
                self._tally.canceled += samples / shape[0]
        frame.pts = None  # a gap between timestamps must not become samples
        cast("FilterContext", self._input).push(frame)
        self._samples += samples

    def push_silence(self, seconds: float, like: AudioFrame) -> None:
        """Add silence in the format of a frame."""
        left = round(seconds * like.sample_rate)
        # PyAV reads beyond the planes of a frame that has more than eight.
        few = like.layout.nb_channels <= _MOST_PLANES
        name = like.format.name if few else like.format.packed.name
        while left > 0:
            frame = AudioFrame(name, like.layout.name, min(left, like.sample_rate))
            frame.sample_rate = like.sample_rate
            zero = b"\x80" if like.format.name.startswith("u8") else b"\0"
            for plane in planes_of(frame):
                plane.update(zero * plane.buffer_size)
            self.push(frame)
            left -= frame.samples
            self._ready = list(self.pull())

    def pull(self) -> Iterator[bytes]:
        """Yield the PCM that is ready."""
        if self._ready:
            ready, self._ready = self._ready, []
            yield from ready
        if self._output is not None:
            yield from drain(self._output, self._target)

    def flush(self) -> Iterator[bytes]:
        """Yield the remaining PCM."""
        if self._input is not None:
            self._input.push(None)
        yield from self.pull()

    def _new_mix(self, frame: AudioFrame) -> Mix | None:
        if not self._target.mono or frame.layout.nb_channels == 1:
            return None
        return Mix(frame.layout, frame.format.name, named=is_named(frame.layout.name))

    def _reconfigure(self, shape: tuple[int, str, str], channels: int) -> None:
        """Build the graph for frames of a new format, or another choice of channels."""
        rate, sample_format, layout = shape
        self._ready = list(self.flush())
        # If libav rejects these frames, the next ones must not find a half-built graph.
        self._seconds_before, self._samples, self._shape = self.seconds, 0, None
        self._input = self._output = None
        known = layout if is_named(layout) else unnamed_layout(channels)
        if self._target.keep_channels and not is_named(layout):
            known = LAYOUTS.get(channels, known)  # the same for all formats that follow
        self._layout = self._layout or known
        graph = new_graph()
        node = source = graph.add(
            "abuffer",
            sample_rate=str(rate),
            sample_fmt=sample_format,
            channel_layout=known,
            time_base=f"1/{rate}",
        )
        if pan := self._pan(channels, known):
            node = graph.add("pan", pan)
            source.link_to(node)
        self._output = self._target.sink(graph, node, self._layout)
        self._input, self._graph, self._shape = source, graph, shape

    def _pan(self, channels: int, layout: str) -> str | None:
        """Return how to mix to mono, where libav's own mix is not wanted."""
        if self._mix is not None and self._mix.pan is not None:
            return self._mix.pan
        if self._target.keep_channels or layout != f"{channels}C":
            return None
        # The places of these channels are unknown: average them.
        return "mono|c0=" + "+".join(f"{1 / channels:.9f}*c{i}" for i in range(channels))
