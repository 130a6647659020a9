"""The decoders that are compared; all produce 16 kHz mono signed 16-bit PCM of a file's audio.

Each takes a path and passes the PCM to a sink, in the way its documentation shows. Libraries are
imported inside the functions, so that a process loads only those of one decoder; those without
types, or outside our development dependencies, by `import_module`.
"""
# ruff: noqa: PLC0415 - imports inside functions, for the reason above

from __future__ import annotations

import functools
import gc
import importlib.util
import io
import itertools
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from av.audio.frame import AudioFrame
    from numpy.typing import NDArray

Sink: TypeAlias = Callable[[bytes | memoryview], object]
Decode: TypeAlias = Callable[[str, Sink], None]

RATE: Final = 16_000
#: Packages whose versions are printed.
PACKAGES: Final = ("azstt", "av", "pydub", "librosa", "soundfile", "soxr")


@dataclass(frozen=True, slots=True)
class Decoder:
    """A contender.

    Attributes:
        decode: decodes one file.
        modules: imported before it is timed; it cannot run if one is missing.
        program: finds the program that it runs, if it runs one.
        prepare: finishes loading what is imported lazily, before it is timed.
    """

    decode: Decode
    modules: tuple[str, ...] = ()
    program: Callable[[], str | None] | None = None
    prepare: Callable[[], None] | None = None

    @property
    def missing(self) -> bool:
        """Whether a program or package it needs is not installed."""
        if self.program is not None and self.program() is None:
            return True
        roots = {name.partition(".")[0] for name in self.modules}
        return any(importlib.util.find_spec(root) is None for root in roots)


@functools.cache
def ffmpeg_on_path() -> str | None:
    """Find the ffmpeg program on PATH."""
    return shutil.which("ffmpeg")


@functools.cache
def ffmpeg_static() -> str | None:
    """Find the program of imageio-ffmpeg: newer, and statically linked."""
    if importlib.util.find_spec("imageio_ffmpeg") is None:
        return None
    imageio_ffmpeg: Any = import_module("imageio_ffmpeg")
    path = str(imageio_ffmpeg.get_ffmpeg_exe())
    return path if Path(path).is_absolute() and path != ffmpeg_on_path() else None


def ffmpeg_programs() -> list[str]:
    """List the ffmpeg programs that are installed."""
    return [path for path in (ffmpeg_on_path(), ffmpeg_static()) if path is not None]


def program_version(program: str) -> str:
    """Return the name and the version of an ffmpeg program."""
    result = subprocess.run([program, "-version"], check=True, capture_output=True, text=True)
    kind = "ffmpeg static" if program == ffmpeg_static() else "ffmpeg"
    return f"{kind} {result.stdout.split()[2]}"


def ffmpeg_command(path: str, program: str | None = None) -> list[str]:
    """Return the command that decodes a file to a pipe, by default with the one on PATH."""
    read = ["-nostdin", "-v", "error", "-threads", "1", "-i"]
    write = f"-vn -sn -dn -f s16le -ac 1 -ar {RATE} pipe:1".split()
    return [program or next(iter(ffmpeg_programs()), "ffmpeg"), *read, path, *write]


def _run_program(program: str | None, path: str, sink: Sink) -> None:
    command = ffmpeg_command(path, program)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        pipe = process.stdout
        if pipe is None:  # never: it is requested above
            return
        while pcm := os.read(pipe.fileno(), 1 << 16):
            sink(pcm)
    if process.returncode:
        raise ValueError(f"{command[0]} ended with {process.returncode}")


def _ffmpeg(path: str, sink: Sink) -> None:
    _run_program(ffmpeg_on_path(), path, sink)


def _ffmpeg_static(path: str, sink: Sink) -> None:
    _run_program(ffmpeg_static(), path, sink)


def _azstt(path: str, sink: Sink) -> None:
    from azstt._audio import open_audio

    with open_audio(path) as reader:
        for chunk in reader:
            sink(chunk)


def _azstt_prepare() -> None:
    """Make azstt import the modules that it loads lazily."""
    import wave

    from azstt._audio import open_audio

    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((2, 2, 48_000, 480, "NONE", ""))
        writer.writeframes(bytes(4 * 480))
    with open_audio(file.getvalue()) as reader:
        for _ in reader:
            pass


def _azstt_bytes(path: str, sink: Sink) -> None:
    from azstt._audio import open_audio

    with open_audio(Path(path).read_bytes()) as reader:
        for chunk in reader:
            sink(chunk)


def _pyav(path: str, sink: Sink) -> None:
    """Decode as most published snippets do: frame by frame, into one array."""
    import av
    import numpy as np

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(path) as container:
        arrays = [
            out.to_ndarray()
            for frame in container.decode(audio=0)
            for out in resampler.resample(frame)
        ]
        arrays += [out.to_ndarray() for out in resampler.resample(None)]
    sink(np.concatenate(arrays, axis=1).tobytes())


def _faster_whisper(path: str, sink: Sink) -> None:
    """Decode as faster-whisper does: groups of half a million samples, skipping bad packets.

    Written from a description of its behavior; its own code returns floats instead of 16 bits.
    """
    import av

    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    pcm = io.BytesIO()
    with av.open(path, metadata_errors="ignore") as container:
        groups = _grouped(_valid(container.decode(audio=0)))
        for frame in itertools.chain(groups, [None]):
            for out in resampler.resample(frame):
                samples: Any = out.to_ndarray()
                pcm.write(samples)
    # faster-whisper collects by hand because resamplers were once seen to leak.
    del resampler
    gc.collect()
    sink(pcm.getbuffer())


def _valid(frames: Iterator[AudioFrame]) -> Iterator[AudioFrame]:
    from av.error import InvalidDataError

    while True:
        try:
            yield next(frames)
        except StopIteration:
            return
        except InvalidDataError:
            continue


def _grouped(frames: Iterable[AudioFrame]) -> Iterator[AudioFrame | None]:
    import av

    fifo = av.AudioFifo()
    for frame in frames:
        frame.pts = None  # the FIFO rejects gaps between timestamps
        fifo.write(frame)
        if fifo.samples >= 500_000:  # noqa: PLR2004 - faster-whisper's own number
            yield fifo.read()
    if fifo.samples:
        yield fifo.read()


def _pydub(path: str, sink: Sink) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pydub: Any = import_module("pydub")
    audio = pydub.AudioSegment.from_file(path)
    sink(audio.set_channels(1).set_frame_rate(RATE).set_sample_width(2).raw_data)


def _librosa(path: str, sink: Sink) -> None:
    librosa: Any = import_module("librosa")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns when it falls back to another program
        samples, _ = librosa.load(path, sr=RATE, mono=True)
    sink(_as_pcm(samples))


def _soundfile(path: str, sink: Sink) -> None:
    """Decode with libsndfile and resample with soxr, in blocks: their fastest combination."""
    import numpy as np

    soundfile: Any = import_module("soundfile")
    soxr: Any = import_module("soxr")
    size = 1 << 16
    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32") if rate != RATE else None
        block = np.empty((size, file.channels), np.float32)
        last = False
        while not last:
            frames = file.read(out=block)
            last = len(frames) < size
            mono = frames.mean(axis=1) if file.channels > 1 else frames[:, 0]
            sink(_as_pcm(mono if stream is None else stream.resample_chunk(mono, last=last)))


def _as_pcm(samples: NDArray[np.float32]) -> bytes:
    import numpy as np

    return (samples * 32768).clip(-32768, 32767).astype(np.int16).tobytes()


_SOUND = ("numpy", "soundfile", "soxr")
_LIBROSA = ("librosa.core.audio", "audioread.ffdec", *_SOUND)

DECODERS: Final = {
    "azstt": Decoder(_azstt, ("azstt._audio", "av"), prepare=_azstt_prepare),
    "azstt bytes": Decoder(_azstt_bytes, ("azstt._audio", "av"), prepare=_azstt_prepare),
    "ffmpeg": Decoder(_ffmpeg, program=ffmpeg_on_path),
    "ffmpeg static": Decoder(_ffmpeg_static, program=ffmpeg_static),
    "PyAV": Decoder(_pyav, ("av", "numpy")),
    "faster-whisper": Decoder(_faster_whisper, ("av", "numpy")),
    "pydub": Decoder(_pydub, ("pydub",), program=ffmpeg_on_path),
    "librosa": Decoder(_librosa, _LIBROSA),
    "soundfile+soxr": Decoder(_soundfile, _SOUND),
}
