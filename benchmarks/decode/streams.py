"""How fast azstt decodes streams that arrive in chunks: `python -m benchmarks.decode.streams`.

Three ways to get 16 kHz mono PCM: *push*, azstt's `LiveDecoder` for formats that it decodes
immediately; *thread*, its decoder for all other formats, libav's demuxer in a thread behind a
feed; *pipe*, the usual way without azstt, `os.pipe()` and `av.open` in a thread. A chunk is a
quarter of a second of a stream, as browsers send it, or a tenth of a second of bare PCM. The last
table is what such a tenth costs the event loop on its way into a `LiveSession`.

Everything runs in one process, interleaved: each round runs every way once, in a new order, and
ratios are medians of the ratios within a round. "CPU" is user and system time of the process.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from typing import Final

import anyio

from azstt import AudioFormat, LiveSession
from azstt.testing import ScriptedBackend
from benchmarks.decode.decoders import ffmpeg_on_path, ffmpeg_static
from benchmarks.decode.inputs import RECORDINGS, SMOKE_LENGTHS, Inputs
from benchmarks.decode.stream_decoders import SPEECH, WAYS
from benchmarks.report import SMOKE_NOTICE, machine, number, print_table

_CLIP: Final = "5min"
#: Seconds of a chunk, and of a chunk of bare PCM.
_CHUNK, _PCM_CHUNK = 0.25, 0.1
#: Seconds after which no more output is expected from a chunk.
_QUIET: Final = 0.003
#: Seconds between two polls.
_POLL: Final = 0.001
#: Streams: the announced format, and the format of the clip that they are made from.
_STREAMS: Final = {"webm": "webm", "ogg": "opus", "mp3": "mp3", "aac": "m4a", "wav": "wav48"}
#: The recordings for the first PCM, and the number of bytes after which it is due.
_FIRST: Final = {
    "webm": ("chromium.webm", 1_454),
    "ogg": ("containers/opus.ogg", 512),
    "mp3": ("containers/mp3.mp3", 900),
    "aac": ("", 320),
    "wav": ("containers/pcm_s16_16k.wav", 46),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: the number of rounds.
        sessions: sessions at once.
        chunks: chunks of a stream for each session.
        pcm_chunks: chunks of bare PCM.
    """

    rounds: int
    sessions: int = 10
    chunks: int = 60
    pcm_chunks: int = 300


_SMOKE: Final = Size(1, sessions=2, chunks=8, pcm_chunks=10)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on one figure."""

    what: str
    value: float
    bound: float
    unit: str


def _cpu(way: str, kind: AudioFormat | str, chunks: Sequence[bytes], sessions: int) -> float:
    """Decode a stream in several sessions at once; return the CPU seconds of one.

    As in live use, a chunk comes when the one before it has been read. (Threads that decode at
    the same time take more CPU time each, because they contend.)
    """
    size = 0

    def sink(pcm: bytes) -> None:
        nonlocal size
        size += len(pcm)

    start = time.process_time()
    decoders = [WAYS[way](kind, sink) for _ in range(sessions)]
    for chunk, decoder in product(chunks, decoders):
        decoder.feed(chunk)
        if way == "push":
            continue
        polling = time.thread_time()
        while not decoder.is_idle():
            time.sleep(_POLL)
        start += time.thread_time() - polling  # our polling, not the decoder
    for decoder in decoders:
        decoder.finish()
    taken = time.process_time() - start
    if not size:
        raise RuntimeError(f"{way} decoded nothing of {kind!r}")
    return taken / sessions


def _delays(way: str, kind: str, chunks: Sequence[bytes]) -> list[float]:
    """Feed chunk by chunk; return the milliseconds from each to its first PCM."""
    came = Event()
    decoder = WAYS[way](kind, lambda _: came.set())
    delays: list[float] = []
    for chunk in chunks:
        came.clear()
        start = time.perf_counter()
        decoder.feed(chunk)
        if came.wait(0.02):
            delays.append((time.perf_counter() - start) * 1e3)
        if way != "push":
            time.sleep(_QUIET)
    decoder.finish()
    return delays


def _first(way: str, kind: AudioFormat | str, data: bytes, step: int) -> int | None:
    """Feed `step` bytes at a time; return the number of bytes fed when the first PCM came."""
    came = Event()
    decoder = WAYS[way](kind, lambda _: came.set())
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


async def _send(chunks: Sequence[bytes]) -> float:
    """Send chunks to a live session; return the CPU microseconds of one on the loop's thread.

    The recognizer is called on another thread and is not counted.
    """
    backend = ScriptedBackend.saying("Hello.")
    async with LiveSession(backend=backend, buffer=len(chunks) * _PCM_CHUNK + 1) as live:
        start = time.thread_time()
        for chunk in chunks:
            await live.send(chunk)
        return (time.thread_time() - start) / len(chunks) * 1e6


def _rounds(runs: Mapping[str, Callable[[], float]], count: int) -> dict[str, list[float]]:
    """Run all ways in turn, in a new order each round."""
    taken: dict[str, list[float]] = {way: [] for way in runs}
    order, dice = list(runs), random.Random(0)  # noqa: S311 - reproducible
    for _ in range(count):
        dice.shuffle(order)
        for way in order:
            taken[way].append(runs[way]())
    return taken


def _ratio(over: Sequence[float], under: Sequence[float]) -> str:
    return f"{median(a / b for a, b in zip(over, under, strict=True)):.2f}x"


class Bench:
    """Measures the streams, prints the tables and collects the targets."""

    def __init__(self, inputs: Inputs, program: str, size: Size) -> None:
        self._inputs = inputs
        self._program = program
        self._size = size
        self.targets: list[Target] = []

    def stream(self, kind: str, clip: str = _CLIP) -> bytes:
        """Return the bytes of a stream."""
        path = self._inputs.clip(_STREAMS[kind], clip)
        if kind != "aac":
            return path.read_bytes()
        command = [self._program, "-v", "error", "-i", str(path), "-c", "copy", "-f", "adts", "-"]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    def _chunks(self, kind: str) -> list[bytes]:
        """Cut the beginning of a stream into chunks."""
        data = self.stream(kind)
        size = round(len(data) * _CHUNK / self._inputs.lengths[_CLIP])
        return [data[at : at + size] for at in range(0, size * self._size.chunks, size)]

    def first(self) -> None:
        """Count the bytes until the first PCM."""
        rows: list[list[str]] = []
        for kind, (name, bound) in _FIRST.items():
            data = (RECORDINGS / name).read_bytes() if name else self.stream(kind, "10s")
            push = _first("push", kind, data, 1)
            others = [_first(way, kind, data[:160_000], 64) for way in ("thread", "pipe")]
            rows.append(
                [kind, str(push), *("-" if other is None else str(other) for other in others)]
            )
            self.targets.append(Target(f"{kind}: bytes until PCM", push or 1e9, bound, " B"))
        self.targets.append(Target("PCM: bytes until PCM, over a frame", self._bare(), 0, " B"))
        print_table("Bytes in until the first PCM is out", ["", *WAYS], rows)

    def sessions(self) -> None:
        """Measure the CPU time of sessions."""
        rows: list[list[str]] = []
        seconds = self._size.chunks * _CHUNK
        for kind in _STREAMS:
            chunks = self._chunks(kind)
            runs = {way: partial(_cpu, way, kind, chunks, self._size.sessions) for way in WAYS}
            taken = _rounds(runs, self._size.rounds)
            share = median(taken["push"]) / seconds
            ratios = [_ratio(taken[way], taken["push"]) for way in ("thread", "pipe")]
            rows.append([kind, f"{share:.3%}", f"{1 / share:.0f}", *ratios])
            if kind == "webm":
                self.targets.append(Target("webm: of a core, a session", share * 100, 0.25, " %"))
        title = (
            f"CPU of one of {self._size.sessions} sessions, {seconds:g} s in {_CHUNK:g} s chunks, "
            "and the ratios of the other ways to push"
        )
        print_table(title, ["", "of a core", "a core has", "thread", "pipe"], rows)

    def delays(self) -> None:
        """Measure the time from a chunk to its PCM."""
        rows: list[list[str]] = []
        for kind in ("webm", "ogg", "mp3", "aac"):
            chunks = self._chunks(kind)
            found: dict[str, list[float]] = {way: [] for way in WAYS}
            for _ in range(self._size.rounds):
                for way, times in found.items():
                    _cpu("push", kind, chunks, 1)  # wakes up the processor
                    times.extend(_delays(way, kind, chunks))
            middles = {way: median(times) if times else None for way, times in found.items()}
            late = [
                quantiles(times, n=100)[98] if len(times) > 1 else None for times in found.values()
            ]
            rows.append([kind, *(number(value, ".2f") for value in (*middles.values(), *late))])
            if kind == "webm" and middles["push"] is not None:
                what = f"{kind}: a chunk of {_CHUNK:g} s to its PCM"
                self.targets.append(Target(what, middles["push"], 1.0, " ms"))
        title = f"A chunk of {_CHUNK:g} s to its first PCM, ms: median and 99th percentile"
        print_table(title, ["", *WAYS, *(f"{way} p99" for way in WAYS)], rows)

    def pcm(self) -> None:
        """Measure the CPU time of bare PCM."""
        rows: list[list[str]] = []
        wide = AudioFormat(sample_rate=48_000, channels=2)
        for name, audio in (("as it is", SPEECH), ("48 kHz stereo", wide)):
            chunk = random.Random(0).randbytes(audio.size(_PCM_CHUNK))  # noqa: S311 - noise
            chunks = [chunk] * self._size.pcm_chunks
            runs = {way: partial(_cpu, way, audio, chunks, self._size.sessions) for way in WAYS}
            taken = _rounds(runs, self._size.rounds)
            cost = median(taken["push"]) / len(chunks) * 1e6
            ratios = [_ratio(taken[way], taken["push"]) for way in ("thread", "pipe")]
            rows.append([name, f"{cost:.2f}", *ratios])
            if audio == SPEECH:
                self.targets.append(Target("PCM: a chunk passed through", cost, 2.0, " us"))
        title = (
            f"CPU of a {_PCM_CHUNK:g} s chunk of bare PCM, us, and ratios of the other ways to push"
        )
        print_table(title, ["", "push", "thread", "pipe"], rows)

    def sending(self) -> None:
        """Measure what bare PCM costs the event loop."""
        chunks = [bytes(SPEECH.size(_PCM_CHUNK))] * (3 * self._size.pcm_chunks)
        rows: list[list[str]] = []
        for loop in ("asyncio", "trio"):
            costs = [anyio.run(_send, chunks, backend=loop) for _ in range(self._size.rounds)]
            rows.append([loop, f"{median(costs):.1f}"])
            if loop == "asyncio":
                what = "PCM: a chunk sent to a session, CPU of the loop"
                self.targets.append(Target(what, median(costs), 12.0, " us"))
        title = f"`await live.send` of {_PCM_CHUNK:g} s of bare PCM: CPU of the loop's thread, us"
        print_table(title, ["", "a chunk"], rows)

    def _bare(self) -> int:
        """Return how many bytes more than a frame bare PCM waits for."""
        return (_first("push", SPEECH, bytes(64), 1) or 99) - SPEECH.frame_size


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
    """Measure, and compare the figures with the targets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-decode-bench"
    parser.add_argument(
        "--inputs", type=Path, default=cache, metavar="DIR", help="where the clips are kept"
    )
    parser.add_argument("-n", type=int, default=5, metavar="ROUNDS")
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    arguments = parser.parse_args()
    program = ffmpeg_on_path() or ffmpeg_static()
    if program is None:
        print("the ffmpeg program is needed: install ffmpeg or imageio-ffmpeg", file=sys.stderr)
        return 2
    if not arguments.quick:
        _measure(Bench(Inputs(arguments.inputs, program), program, Size(arguments.n)))
        return 0
    print(SMOKE_NOTICE)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Bench(Inputs(Path(folder), program, SMOKE_LENGTHS), program, _SMOKE))
    return 0


def _measure(bench: Bench) -> None:
    print(machine("azstt", "av"))
    bench.first()
    bench.sessions()
    bench.delays()
    bench.pcm()
    bench.sending()
    rows = list(_verdicts(bench.targets))
    missed = sum(bool(row[-1]) for row in rows)
    print_table(
        f"Targets: {len(rows) - missed} of {len(rows)} met", ["", "target", "now", ""], rows
    )


if __name__ == "__main__":
    sys.exit(main())
