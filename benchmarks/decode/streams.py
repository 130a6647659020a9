"""How fast azstt decodes streams that arrive in pieces: `python benchmarks/live_decode.py`.

Three ways to the same PCM, of 16 kHz in mono: *push*, which is azstt's `LiveDecoder`, for what it
decodes at once; *thread*, the lane that it has for everything else, libav's demuxer in a thread
behind a feed; *pipe*, what one writes without it: `os.pipe()` and `av.open` in a thread. A piece
is a quarter of a second of a stream, as browsers send them; of bare PCM it is a tenth. Last, what
such a tenth takes of the event loop on its way into a `LiveSession`.

All in one process, interleaved: each round runs every way once, in another order, and ratios are
medians of those within a round. "CPU" is user and system time of the process.
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
from benchmarks.decode.inputs import LENGTHS, RECORDINGS, Inputs
from benchmarks.decode.measure import machine, number, table
from benchmarks.decode.stream_decoders import SPEECH, WAYS

_CLIP: Final = "5min"
#: Seconds of a piece, and of one of bare PCM.
_PIECE, _PCM_PIECE = 0.25, 0.1
#: Seconds after which nothing more is expected of what was fed.
_QUIET: Final = 0.003
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


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on one figure."""

    what: str
    value: float
    bound: float
    unit: str


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
    decoders = [WAYS[way](kind, sink) for _ in range(sessions)]
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
    decoder = WAYS[way](kind, lambda _: came.set())
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


async def _send(pieces: Sequence[bytes]) -> float:
    """Send pieces to a live session; give what one takes of the loop's thread, in microseconds.

    The recognizer costs that thread nothing: it is called on another one.
    """
    backend = ScriptedBackend.saying("Hello.")
    async with LiveSession(backend=backend, buffer=len(pieces) * _PCM_PIECE + 1) as live:
        start = time.thread_time()
        for piece in pieces:
            await live.send(piece)
        return (time.thread_time() - start) / len(pieces) * 1e6


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
        table("Bytes in until the first PCM is out", ["", *WAYS], rows)

    def sessions(self) -> None:
        """Take the CPU time of sessions."""
        rows, seconds = [], _PIECES * _PIECE
        for kind in _STREAMS:
            pieces = self._pieces(kind)
            runs = {way: partial(_cpu, way, kind, pieces, _SESSIONS) for way in WAYS}
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
            found: dict[str, list[float]] = {way: [] for way in WAYS}
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
        table(title, ["", *WAYS, *(f"{way} p99" for way in WAYS)], rows)

    def pcm(self) -> None:
        """Take the CPU time of bare PCM."""
        rows = []
        wide = AudioFormat(sample_rate=48_000, channels=2)
        for name, audio in (("as it is", SPEECH), ("48 kHz stereo", wide)):
            piece = random.Random(0).randbytes(audio.size(_PCM_PIECE))  # noqa: S311  noise
            pieces = [piece] * 300
            runs = {way: partial(_cpu, way, audio, pieces, _SESSIONS) for way in WAYS}
            taken = _rounds(runs, self._rounds)
            cost = median(taken["push"]) / len(pieces) * 1e6
            ratios = [_ratio(taken[way], taken["push"]) for way in ("thread", "pipe")]
            rows.append([name, f"{cost:.2f}", *ratios])
            if audio == SPEECH:
                self.targets.append(Target("PCM: a piece passed through", cost, 2.0, " us"))
        title = f"CPU of a piece of {_PCM_PIECE:g} s of bare PCM, us, and the other ways' of it"
        table(title, ["", "push", "thread", "pipe"], rows)

    def sending(self) -> None:
        """Take what bare PCM costs the event loop."""
        pieces = [bytes(SPEECH.size(_PCM_PIECE))] * 1000
        rows = []
        for loop in ("asyncio", "trio"):
            costs = [anyio.run(_send, pieces, backend=loop) for _ in range(self._rounds)]
            rows.append([loop, f"{median(costs):.1f}"])
            if loop == "asyncio":
                what = "PCM: a piece sent to a session, of the loop"
                self.targets.append(Target(what, median(costs), 12.0, " us"))
        title = f"`await live.send` of {_PCM_PIECE:g} s of bare PCM: CPU of the loop's thread, us"
        table(title, ["", "a piece"], rows)

    def _bare(self) -> int:
        """Give how many bytes more than a frame bare PCM waits for."""
        return (_first("push", SPEECH, bytes(64), 1) or 99) - SPEECH.frame_size  # type: ignore[arg-type]


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
    bench.sending()
    rows = list(_verdicts(bench.targets))
    missed = sum(bool(row[-1]) for row in rows)
    table(f"Targets: {len(rows) - missed} of {len(rows)} met", ["", "target", "now", ""], rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
