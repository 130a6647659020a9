"""How fast azstt decodes streams that arrive in pieces: `python benchmarks/live_decode.py`.

Three ways to the same PCM, of 16 kHz in mono: *push*, which is azstt's `LiveDecoder`, for what it
decodes at once; *thread*, the lane that it has for everything else, libav's demuxer in a thread
behind a feed; *pipe*, what one writes without it: `os.pipe()` and `av.open` in a thread. A piece
is a quarter of a second of a stream, as browsers send them; of bare PCM it is a tenth.

All in one process, interleaved: each round runs every way once, in another order, and ratios are
medians of those within a round. "CPU" is user and system time of the process.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import random
import subprocess
import sys
import tempfile
import termios
import time
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread
from typing import Final, Protocol

import av
from av.audio.resampler import AudioResampler
from av.error import FFmpegError
from decode_inputs import LENGTHS, RECORDINGS, Inputs
from decode_measure import machine, number, table
from decoders import ffmpeg_on_path, ffmpeg_static

from azstt._audio_format import AudioFormat
from azstt._decode import LiveDecoder
from azstt._decode._reader import wav_header
from azstt._decode._receiver import Receiver
from azstt._decode._worker import WorkerLane

_SPEECH: Final = AudioFormat()
_CLIP: Final = "5min"
#: Seconds of a piece, and of one of bare PCM.
_PIECE, _PCM_PIECE = 0.25, 0.1
#: Seconds after which nothing more is expected of what was fed, and of waiting for the end.
_QUIET, _PATIENCE = 0.003, 60.0
#: Seconds between two looks at whether that is so.
_POLL: Final = 0.001
#: Sessions at once, and the pieces that each takes: fifteen seconds.
_SESSIONS, _PIECES = 10, 60
#: Streams: what they are announced as, and the clip that they are made of.
_STREAMS: Final = {"webm": "webm", "ogg": "opus", "mp3": "mp3", "aac": "m4a", "wav": "wav48"}
#: Recordings whose first PCM is waited for, and after how many bytes it is due.
_FIRST: Final = {
    "webm": ("chromium.webm", 1_454),
    "ogg": ("containers/opus.ogg", 512),
    "mp3": ("containers/mp3.mp3", 900),
    "aac": ("", 320),
    "wav": ("containers/pcm_s16_16k.wav", 46),
}


class Way(Protocol):
    """A decoder at work."""

    def feed(self, piece: bytes) -> None:
        """Take a piece."""
        ...

    def is_idle(self) -> bool:
        """Tell whether all that was fed has been read."""
        ...

    def finish(self) -> None:
        """Wait for the end."""
        ...


class Push:
    """azstt's live decoder."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._decoder = LiveDecoder(kind, _SPEECH, sink=sink, done=_check)  # type: ignore[arg-type]
        self.feed = self._decoder.feed

    def is_idle(self) -> bool:
        """Tell that it is, always."""
        return True

    def finish(self) -> None:
        """End it."""
        self._decoder.finish()
        self._decoder.close()


class Worker:
    """azstt's lane for what it cannot push."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._over = Event()
        self._lane = WorkerLane(_SPEECH, Receiver(sink, lambda _: self._over.set()))
        self.feed = self._lane.feed
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def is_idle(self) -> bool:
        """Tell whether its feed is empty."""
        return not self._lane.backlog

    def finish(self) -> None:
        """Wait for its thread's last word."""
        self._lane.finish()
        self._over.wait(_PATIENCE)


class Pipe:
    """PyAV on a pipe, in a thread, as its documentation has it."""

    def __init__(self, kind: AudioFormat | str, sink: Callable[[bytes], None]) -> None:
        self._read, self._write = os.pipe()
        self._thread = Thread(target=self._decode, args=(sink,), daemon=True)
        self._thread.start()
        if isinstance(kind, AudioFormat):
            self.feed(wav_header(kind, 0x7FFF_F000))

    def feed(self, piece: bytes) -> None:
        """Write to the pipe."""
        rest = memoryview(piece)
        while rest:
            rest = rest[os.write(self._write, rest) :]

    def is_idle(self) -> bool:
        """Tell whether the pipe is empty."""
        waiting = array("i", [0])
        fcntl.ioctl(self._read, termios.FIONREAD, waiting)
        return not waiting[0]

    def finish(self) -> None:
        """Close the pipe and wait for the thread."""
        os.close(self._write)
        self._thread.join(_PATIENCE)
        os.close(self._read)

    def _decode(self, sink: Callable[[bytes], None]) -> None:
        resampler = AudioResampler("s16", "mono", _SPEECH.sample_rate)
        # A stream that is cut short ends in an error.
        with suppress(FFmpegError), av.open(f"pipe:{self._read}") as container:
            for frame in container.decode(audio=0):
                for made in resampler.resample(frame):
                    sink(bytes(made.planes[0])[: made.samples * 2])


_WAYS: Final[dict[str, Callable[[AudioFormat | str, Callable[[bytes], None]], Way]]] = {
    "push": Push,
    "thread": Worker,
    "pipe": Pipe,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on one figure."""

    what: str
    value: float
    bound: float
    unit: str


def _check(error: Exception | None) -> None:
    if error is not None:
        raise error


def _cpu(way: str, kind: AudioFormat | str, pieces: Sequence[bytes], sessions: int) -> float:
    """Decode a stream in sessions at once, piece by piece; give the CPU time of one, in seconds.

    As from people who speak, each piece comes when the one before it has been read. (Where threads
    decode at the same time, their CPU time grows: they get into each other's way.)
    """
    size = 0

    def sink(pcm: bytes) -> None:
        nonlocal size
        size += len(pcm)

    start = time.process_time()
    decoders = [_WAYS[way](kind, sink) for _ in range(sessions)]
    for piece, decoder in product(pieces, decoders):
        decoder.feed(piece)
        if way == "push":
            continue
        looking = time.thread_time()
        while not decoder.is_idle():
            time.sleep(_POLL)
        start += time.thread_time() - looking  # which is ours, and not the decoder's
    for decoder in decoders:
        decoder.finish()
    taken = time.process_time() - start
    if not size:
        raise RuntimeError(f"{way} decoded nothing of {kind!r}")
    return taken / sessions


def _delays(way: str, kind: str, pieces: Sequence[bytes]) -> list[float]:
    """Feed piece by piece; give the time from each to its first PCM, in milliseconds."""
    came = Event()
    decoder = _WAYS[way](kind, lambda _: came.set())
    delays: list[float] = []
    for piece in pieces:
        came.clear()
        start = time.perf_counter()
        decoder.feed(piece)
        if came.wait(0.02):
            delays.append((time.perf_counter() - start) * 1e3)
        if way != "push":
            time.sleep(_QUIET)
    decoder.finish()
    return delays


def _first(way: str, kind: str, data: bytes, step: int) -> int | None:
    """Feed byte by byte, or so; give how many there were when the first PCM came."""
    came = Event()
    decoder = _WAYS[way](kind, lambda _: came.set())
    found = None
    for at in range(0, len(data), step):
        decoder.feed(data[at : at + step])
        if way != "push":
            while not decoder.is_idle() and not came.is_set():
                time.sleep(0.0002)
            came.wait(_QUIET)
        if came.is_set():
            found = min(at + step, len(data))
            break
    decoder.finish()
    return found


def _rounds(runs: Mapping[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Run all ways in turn, in another order each round."""
    taken: dict[str, list[float]] = {way: [] for way in runs}
    order, dice = list(runs), random.Random(0)  # noqa: S311  a seed
    for _ in range(count):
        dice.shuffle(order)
        for way in order:
            taken[way].append(runs[way]())
    return taken


def _ratio(over: Sequence[float], under: Sequence[float]) -> str:
    return f"{median(a / b for a, b in zip(over, under, strict=True)):.2f}x"


class Bench:
    """The streams, and what was found out about them."""

    def __init__(self, inputs: Inputs, program: str, rounds: int) -> None:
        self._inputs = inputs
        self._program = program
        self._rounds = rounds
        self.targets: list[Target] = []

    def stream(self, kind: str, clip: str = _CLIP) -> bytes:
        """Give a stream's bytes."""
        path = self._inputs.clip(_STREAMS[kind], clip)
        if kind != "aac":
            return path.read_bytes()
        command = [self._program, "-v", "error", "-i", str(path), "-c", "copy", "-f", "adts", "-"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    def _pieces(self, kind: str) -> list[bytes]:
        """Cut the beginning of a stream into pieces."""
        data = self.stream(kind)
        size = round(len(data) * _PIECE / LENGTHS[_CLIP])
        return [data[at : at + size] for at in range(0, size * _PIECES, size)]

    def first(self) -> None:
        """Wait for the first PCM."""
        rows = []
        for kind, (name, bound) in _FIRST.items():
            data = (RECORDINGS / name).read_bytes() if name else self.stream(kind, "10s")
            push = _first("push", kind, data, 1)
            others = [_first(way, kind, data[:160_000], 64) for way in ("thread", "pipe")]
            rows.append(
                [kind, str(push), *("-" if other is None else str(other) for other in others)]
            )
            self.targets.append(Target(f"{kind}: bytes until PCM", push or 1e9, bound, " B"))
        self.targets.append(Target("PCM: bytes until PCM, over a frame", self._bare(), 0, " B"))
        table("Bytes in until the first PCM is out", ["", *_WAYS], rows)

    def sessions(self) -> None:
        """Take the CPU time of sessions."""
        rows, seconds = [], _PIECES * _PIECE
        for kind in _STREAMS:
            pieces = self._pieces(kind)
            runs = {way: partial(_cpu, way, kind, pieces, _SESSIONS) for way in _WAYS}
            taken = _rounds(runs, self._rounds)
            share = median(taken["push"]) / seconds
            ratios = [_ratio(taken[way], taken["push"]) for way in ("thread", "pipe")]
            rows.append([kind, f"{share:.3%}", f"{1 / share:.0f}", *ratios])
            if kind == "webm":
                self.targets.append(Target("webm: of a core, a session", share * 100, 0.25, " %"))
        title = (
            f"CPU of one of {_SESSIONS} sessions, {seconds:g} s in pieces of {_PIECE:g} s, and "
            "the other ways' of it"
        )
        table(title, ["", "of a core", "a core has", "thread", "pipe"], rows)

    def delays(self) -> None:
        """Take the time from a piece to its PCM."""
        rows = []
        for kind in ("webm", "ogg", "mp3", "aac"):
            pieces = self._pieces(kind)
            found: dict[str, list[float]] = {way: [] for way in _WAYS}
            for _ in range(self._rounds):
                for way, times in found.items():
                    _cpu("push", kind, pieces, 1)  # wakes the processor up
                    times.extend(_delays(way, kind, pieces))
            middles = {way: median(times) if times else None for way, times in found.items()}
            late = [
                quantiles(times, n=100)[98] if len(times) > 1 else None for times in found.values()
            ]
            rows.append([kind, *(number(value, ".2f") for value in (*middles.values(), *late))])
            if kind == "webm" and middles["push"] is not None:
                what = f"{kind}: a piece of {_PIECE:g} s to its PCM"
                self.targets.append(Target(what, middles["push"], 1.0, " ms"))
        title = f"A piece of {_PIECE:g} s to its first PCM, ms: median, then the 99th of a hundred"
        table(title, ["", *_WAYS, *(f"{way} p99" for way in _WAYS)], rows)

    def pcm(self) -> None:
        """Take the CPU time of bare PCM."""
        rows = []
        wide = AudioFormat(sample_rate=48_000, channels=2)
        for name, audio in (("as it is", _SPEECH), ("48 kHz stereo", wide)):
            piece = random.Random(0).randbytes(audio.size(_PCM_PIECE))  # noqa: S311  noise
            pieces = [piece] * 300
            runs = {way: partial(_cpu, way, audio, pieces, _SESSIONS) for way in _WAYS}
            taken = _rounds(runs, self._rounds)
            cost = median(taken["push"]) / len(pieces) * 1e6
            ratios = [_ratio(taken[way], taken["push"]) for way in ("thread", "pipe")]
            rows.append([name, f"{cost:.2f}", *ratios])
            if audio == _SPEECH:
                self.targets.append(Target("PCM: a piece passed through", cost, 2.0, " us"))
        title = f"CPU of a piece of {_PCM_PIECE:g} s of bare PCM, us, and the other ways' of it"
        table(title, ["", "push", "thread", "pipe"], rows)

    def _bare(self) -> int:
        """Give how many bytes more than a frame bare PCM waits for."""
        return (_first("push", _SPEECH, bytes(64), 1) or 99) - _SPEECH.frame_size  # type: ignore[arg-type]


def _verdicts(targets: Sequence[Target]) -> Iterator[list[str]]:
    for target in targets:
        missed = "" if target.value <= target.bound else "MISSED"
        yield [
            target.what,
            f"<= {target.bound:g}{target.unit}",
            f"{target.value:.4g}{target.unit}",
            missed,
        ]


def main() -> int:
    """Measure, and hold the figures against the targets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-decode-bench"
    parser.add_argument("--inputs", type=Path, default=cache, metavar="DIR", help="the clips")
    parser.add_argument("-n", type=int, default=5, metavar="ROUNDS")
    arguments = parser.parse_args()
    program = ffmpeg_on_path() or ffmpeg_static()
    if program is None:
        print("the ffmpeg program is needed: install ffmpeg or imageio-ffmpeg", file=sys.stderr)
        return 2
    print(machine())
    bench = Bench(Inputs(arguments.inputs, program), program, arguments.n)
    bench.first()
    bench.sessions()
    bench.delays()
    bench.pcm()
    rows = list(_verdicts(bench.targets))
    missed = sum(bool(row[-1]) for row in rows)
    table(f"Targets: {len(rows) - missed} of {len(rows)} met", ["", "target", "now", ""], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
