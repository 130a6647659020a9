"""Recordings of beeps, with holes and cuts, and a recognizer that hears nothing else."""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import Iterable, Iterator
from fractions import Fraction

import av

from azstt import Ended, Final, Segment, Started
from azstt.backends import Capabilities

RATE = 16_000
_FRAME = 320  # samples: 20 ms
_LOUD, _QUIET = 1000, 10  # a sample, and so many frames of 10 ms


class Beeps:
    """A backend that recognizes a segment for each stretch that is loud after 0.1 s of quiet."""

    name = "beeps"
    capabilities = Capabilities(partials=True)

    def open(self, options, audio, emit):
        assert audio.sample_rate == RATE
        return _Listening(emit)


class _Listening:
    def __init__(self, emit) -> None:
        self._emit = emit
        self._pcm = bytearray()

    def start(self) -> None:
        self._emit(Started())

    def write(self, pcm: bytes, /) -> None:
        self._pcm += pcm

    def finish(self) -> None:
        for start, end in _loud(array("h", bytes(self._pcm))):
            self._emit(Final(segment=Segment(text="beep", start=start, end=end)))
        self._emit(Ended(position=len(self._pcm) / 2 / RATE))

    def close(self) -> None:
        pass


def _loud(samples: array[int]) -> Iterator[tuple[float, float]]:
    step = RATE // 100
    begun, quiet = None, _QUIET
    for at in range(0, len(samples) - step + 1, step):
        if max(map(abs, samples[at : at + step])) > _LOUD:
            begun = at if begun is None else begun
            quiet = 0
        else:
            quiet += 1
            if quiet == _QUIET and begun is not None:
                yield begun / RATE, (at - step * (_QUIET - 1)) / RATE
                begun = None
    if begun is not None:
        yield begun / RATE, len(samples) / RATE


def beeping(seconds: float, at: Iterable[float]) -> bytes:
    """Return mono PCM at `RATE` with beeps of 0.3 s."""
    samples = array("h", bytes(2 * round(seconds * RATE)))
    for start in at:
        for number in range(round(start * RATE), round((start + 0.3) * RATE)):
            samples[number] = round(12_000 * math.sin(2 * math.pi * 600 * number / RATE))
    return samples.tobytes()


def wav(pcm: bytes, *, channels: int = 1, lost: int = 0) -> bytes:
    """Return a WAV file whose header promises so many bytes more than there are."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, RATE, 0, "NONE", ""))
        writer.writeframes(pcm + bytes(lost))
    return file.getvalue()[: len(file.getvalue()) - lost]


def mkv(
    pcm: bytes,
    *,
    holes: Iterable[tuple[float, float]] = (),
    channels: int = 1,
    start: float = 0.0,
) -> bytes:
    """Return a Matroska file of PCM.

    Args:
        pcm: the samples.
        holes: where on the media's timeline each begins, and its length.
        channels: how many.
        start: the first timestamp, in seconds.
    """
    file = io.BytesIO()
    layout = "mono" if channels == 1 else "stereo"
    left = sorted(holes)
    as_given = {"avoid_negative_ts": "disabled"}
    with av.open(file, "w", format="matroska", options=as_given) as container:
        stream = container.add_stream("pcm_s16le", rate=RATE, layout=layout)
        size, time = _FRAME * 2 * channels, 0
        for at in range(0, len(pcm), size):
            if left and time >= round(left[0][0] * RATE):
                time += round(left.pop(0)[1] * RATE)
            frame = av.AudioFrame("s16", layout, len(pcm[at : at + size]) // 2 // channels)
            frame.planes[0].update(pcm[at : at + size])
            frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
            frame.pts = time + round(start * RATE)
            container.mux(stream.encode(frame))
            time += frame.samples
        container.mux(stream.encode(None))
    return file.getvalue()
