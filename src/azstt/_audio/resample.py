"""Frames of any shape to PCM of one: libav's own resampler and resampler, as the ffmpeg program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from av.audio.frame import AudioFrame
from av.error import BlockingIOError as AgainError
from av.error import EOFError as EndError
from av.filter import Graph

from azstt._audio.formats.riff import WaveFormat
from azstt._audio.rejections import check_rate
from azstt._audio_format import AudioFormat
from azstt._errors import AudioDecodeError

if TYPE_CHECKING:
    from av.filter.context import FilterContext

#: What a number of channels means where nothing else says so; libav's own defaults.
LAYOUTS: Final = {
    1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1", 24: "22.2"
}  # fmt: skip
#: What libav's resampler takes, and an `AudioFormat` can hold.
MOST_CHANNELS: Final = 64
#: What libav's frames call a WAV file's samples; 24 bits are widened to 32.
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
    """What comes out.

    Attributes:
        audio: the format.
        keep_channels: the channels stay apart, so the source's layout is the output's.
        live: give out what there is at once, instead of a second at a time.
    """

    audio: AudioFormat
    keep_channels: bool
    live: bool

    def sink(self, graph: Graph, source: FilterContext, layout: str) -> FilterContext:
        """Lead a graph's source to a sink of the target's PCM in a layout."""
        wide = self.audio.sample_width > 2  # noqa: PLR2004  24 bits are cut out of 32
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
        """The layout to mix to, when the channels are not kept."""
        return LAYOUTS[self.audio.channels]

    def pcm(self, frame: AudioFrame) -> bytes:
        """Give a frame's samples."""
        width = self.audio.sample_width
        samples = frame.samples * self.audio.channels
        if width == 3:  # noqa: PLR2004
            return _narrow(bytes(memoryview(frame.planes[0])[: 4 * samples]))
        return bytes(memoryview(frame.planes[0])[: width * samples])


def check_wave_format(fmt: WaveFormat, label: str) -> None:
    """Refuse what no recording is.

    Raises:
        AudioDecodeError: a header claims a rate that none has, or more channels than there are.
    """
    check_rate(fmt.sample_rate, label)
    if fmt.channels > MOST_CHANNELS:
        raise AudioDecodeError(
            f"{label!r} claims {fmt.channels} channels; there are {MOST_CHANNELS} at most, so "
            "the header is taken for damaged",
            source=label,
        )


def new_graph() -> Graph:
    """Make a graph without threads: by default each would start one a core."""
    graph = Graph()
    graph.threads = 1
    return graph


def pcm_frame(fmt: WaveFormat, samples: bytes) -> AudioFrame:
    """Make a frame of a WAV file's samples."""
    # A mask that does not fit is what broken writers give: their channels are taken in order.
    masked = fmt.mask.bit_count() == fmt.channels
    layout = f"{fmt.mask:#x}" if masked else LAYOUTS.get(fmt.channels, f"{fmt.channels}C")
    frame = AudioFrame(SAMPLES[fmt.codec], layout, len(samples) // fmt.frame_size)
    frame.sample_rate = fmt.sample_rate
    frame.planes[0].update(_widen(samples) if fmt.codec == "pcm_s24le" else samples)
    return frame


def drain(sink: FilterContext, target: Target) -> Iterator[bytes]:
    """Give all PCM that a sink has ready."""
    pull, pcm = sink.pull, target.pcm
    try:
        while True:
            # A sink of audio gives frames of audio.
            yield pcm(cast("AudioFrame", pull()))
    except (AgainError, EndError):
        return


def _widen(narrow: bytes) -> bytes:
    """Put every three bytes above a zero."""
    wide = bytearray(len(narrow) // 3 * 4)
    for byte in range(3):
        wide[byte + 1 :: 4] = narrow[byte::3]
    return bytes(wide)


def _narrow(wide: bytes) -> bytes:
    """Take the upper three bytes of every four."""
    narrow = bytearray(len(wide) // 4 * 3)
    for byte in range(3):
        narrow[byte::3] = wide[byte + 1 :: 4]
    return bytes(narrow)


class Resampler:
    """Takes decoded frames, whatever they change to, and gives PCM of one shape.

    Args:
        target: what comes out.
        label: what errors call the source.
    """

    def __init__(self, target: Target, label: str) -> None:
        self._target = target
        self._label = label
        self._layout: str | None = None if target.keep_channels else target.layout
        self._shape: tuple[int, str, str] | None = None
        self._graph: Graph | None = None
        self._input: FilterContext | None = None
        self._output: FilterContext | None = None
        self._ready: list[bytes] = []
        self._samples = 0
        self._seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """How much audio has been pushed so far."""
        return self._seconds_before + (self._samples / self._shape[0] if self._shape else 0.0)

    def push(self, frame: AudioFrame) -> None:
        """Add a frame. At a change of shape what came before it is flushed.

        Raises:
            FFmpegError: the frame contradicts itself; it is left out.
        """
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if shape != self._shape:
            self._reconfigure(shape, frame.layout.nb_channels)
        frame.pts = None  # gaps between timestamps are no samples
        cast("FilterContext", self._input).push(frame)
        self._samples += frame.samples

    def pull(self) -> Iterator[bytes]:
        """Give what is ready."""
        if self._ready:
            yield from self._ready
            self._ready = []
        if self._output is not None:
            yield from drain(self._output, self._target)

    def flush(self) -> Iterator[bytes]:
        """Give the rest."""
        if self._input is not None:
            self._input.push(None)
        yield from self.pull()

    def _reconfigure(self, shape: tuple[int, str, str], channels: int) -> None:
        """Build the graph for frames of a new shape."""
        rate, sample_format, layout = shape
        check_rate(rate, self._label)
        self._ready = list(self.flush())
        # Should these frames be refused, the next ones must not meet a graph half built.
        self._seconds_before, self._samples, self._shape = self.seconds, 0, None
        self._input = self._output = None
        known = LAYOUTS.get(channels, f"{channels}C") if " channels" in layout else layout
        self._layout = self._layout or known
        graph = new_graph()
        node = source = graph.add(
            "abuffer",
            sample_rate=str(rate),
            sample_fmt=sample_format,
            channel_layout=known,
            time_base=f"1/{rate}",
        )
        if not self._target.keep_channels and known == f"{channels}C":
            # Nobody knows where these channels stand: the mean of all is all one can do.
            mean = "+".join(f"{1 / channels:.9f}*c{i}" for i in range(channels))
            node = graph.add("pan", f"mono|c0={mean}")
            source.link_to(node)
        self._output = self._target.sink(graph, node, self._layout)
        self._input, self._graph, self._shape = source, graph, shape
