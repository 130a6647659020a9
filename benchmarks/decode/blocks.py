"""The blocks of the benchmark: each measures, prints its tables and records its figures."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from benchmarks.decode.decoders import DECODERS, ffmpeg_command
from benchmarks.decode.inputs import FORMATS, Inputs
from benchmarks.decode.measure import (
    Run,
    Series,
    Worker,
    WorkerDiedError,
    limit_run,
    middle,
    process_run,
    ratio,
    rounds,
    whole_run,
    workers,
)
from benchmarks.report import note, number, print_table

#: Contenders that decode the hour in every round; the others do so in the first round only.
_CORE: Final = ("azstt", "ffmpeg", "C limit")

_LONG_HEAD: Final = (
    *("", "CPU s", "whole", "wall", "x real time", "x ffmpeg", "of limit", "audio s"),
    *("peak", "-imports", "n"),
)  # fmt: skip

#: The share of two free cores that two spinning processes get, at least.
TWO_CORES: Final = 1.8

#: The ways to decode damaged files; "PyAV" stops at the first error.
_RESCUERS: Final[tuple[str, ...]] = (
    "azstt",
    "azstt bytes",
    "ffmpeg",
    "ffmpeg static",
    "faster-whisper",
    "PyAV",
)

_ONE_SHOT: Final = """
import sys
from azstt._audio import open_audio
with open_audio(sys.argv[1]) as reader:
    for chunk in reader: pass
print("av" in sys.modules)
"""


@dataclass
class Bench:
    """What is to be measured, and the figures so far.

    Attributes:
        inputs: the clips.
        forms: the names of the formats.
        count: the number of rounds.
        limit: the C program, if it could be built.
        decoders: the names of the contenders.
        quick: a smoke run: every block as short as possible.
        figures: values by block, format and name.
    """

    inputs: Inputs
    forms: list[str]
    count: int
    limit: Path | None
    decoders: list[str]
    quick: bool = False
    figures: dict[tuple[str, str, str], float] = field(
        default_factory=dict[tuple[str, str, str], float]
    )

    def keep(self, block: str, form: str, **figures: float | None) -> None:
        """Record figures."""
        for name, value in figures.items():
            if value is not None:
                self.figures[block, form, name] = value

    @property
    def installed(self) -> list[str]:
        """The contenders that can run here."""
        return [name for name in self.decoders if not DECODERS[name].missing]

    @property
    def ffmpeg(self) -> str:
        """The ffmpeg contender to compare with: the one on PATH, if there is one."""
        return "ffmpeg" if "ffmpeg" in self.installed else "ffmpeg static"


def warm(bench: Bench) -> None:
    """Time clips of 10 s in processes that have decoded before."""
    speeds: list[list[str]] = []
    walls: list[list[str]] = []
    count = bench.count if bench.quick else 3 * bench.count
    with workers(bench.installed) as running:
        for form in bench.forms:
            note(f"warm {form}")
            path = str(bench.inputs.clip(form, "10s"))
            runs = {name: _warm_run(worker, path) for name, worker in running.items()}
            series = rounds(runs, count)
            speeds.append([form, *(_warm_cell(series, name) for name in bench.decoders)])
            walls.append([form, *(_cell(series, name, "wall") for name in bench.decoders)])
            bench.keep("warm", form, speed=ratio(series, "ffmpeg", "azstt"))
    title = f"10 s, warm, n={count}:"
    print_table(f"{title} CPU ms (times faster than ffmpeg)", ["", *bench.decoders], speeds)
    print_table(f"{title} wall ms", ["", *bench.decoders], walls)


def _warm_run(worker: Worker, path: str) -> Callable[[], Run]:
    """Return a run of about 50 ms, long enough for the resolution of the clock."""
    worker.ask("decode", paths=[path], repeat=1)
    first = worker.ask("decode", paths=[path], repeat=1)
    repeat = 1 if "failed" in first else max(1, min(500, int(0.05 / first["wall"])))

    def run() -> Run:
        answer = worker.ask("decode", paths=[path], repeat=repeat)
        if "failed" in answer:
            raise ValueError(answer["failed"])
        return Run(answer["cpu"], answer["wall"], answer["seconds"])

    return run


def _cell(series: Series, name: str, figure: str) -> str:
    runs = series.get(name, "not installed")
    if isinstance(runs, str):
        return runs
    value = 1000 * median(getattr(run, figure) for run in runs)
    return f"{value:.3f}" if value < 1 else f"{value:.1f}"


def _warm_cell(series: Series, name: str) -> str:
    faster = ratio(series, "ffmpeg", name)
    text = _cell(series, name, "cpu")
    return text if faster is None else f"{text} ({faster:.{0 if faster > 20 else 1}f}x)"  # noqa: PLR2004 - significant digits


def five(bench: Bench) -> None:
    """Time files of 5 minutes, decoding alone."""
    _long(bench, "5min", "cpu")


def hour(bench: Bench) -> None:
    """Time files of an hour, whole processes; memory against that of 10 s."""
    _long(bench, "1h", "whole")


def _long(bench: Bench, length: str, figure: str) -> None:
    what = "decoding alone" if figure == "cpu" else "whole processes"
    print(f"\n{length}: CPU s of decoding and of the whole process; memory in MB; ratios of {what}")
    for form in bench.forms:
        note(f"{length} {form}")
        path = bench.inputs.clip(form, length)
        series = _whole_rounds(bench, path, everyone=length != "1h")
        print_table(f"{form}, {length}", _LONG_HEAD, [_long_row(n, series, figure) for n in series])
        short = whole_run("azstt", bench.inputs.clip(form, "10s"))
        bench.keep(
            length,
            form,
            speed=ratio(series, "ffmpeg", "azstt", "cpu"),
            limit=ratio(series, "C limit", "azstt", "cpu"),
            whole_speed=ratio(series, "ffmpeg", "azstt", "whole"),
            whole_limit=ratio(series, "C limit", "azstt", "whole"),
            extra=middle(series, "azstt", "extra"),
            extra_10s=short.extra,
        )


def _whole_rounds(bench: Bench, path: Path, *, everyone: bool) -> Series:
    runs: dict[str, Callable[[], Run]] = {
        name: partial(whole_run, name, path) for name in bench.installed
    }
    if bench.limit:
        runs["C limit"] = partial(limit_run, bench.limit, path)
    if bench.quick:
        runs = {name: runs[name] for name in _CORE if name in runs}
    few = {} if everyone else dict.fromkeys((name for name in runs if name not in _CORE), 1)
    return rounds(runs, bench.count, few)


def _long_row(name: str, series: Series, figure: str) -> list[str]:
    runs = series[name]
    if isinstance(runs, str) or not runs:
        return [name, runs if isinstance(runs, str) else "-", *[""] * 9]
    busy = middle(series, name, figure) or 1.0
    return [
        name,
        number(middle(series, name, "cpu"), ".3f"),
        number(middle(series, name, "whole"), ".3f"),
        number(middle(series, name, "wall"), ".3f"),
        f"{runs[0].seconds / busy:,.0f}",
        number(ratio(series, "ffmpeg", name, figure), ".2f"),
        number(ratio(series, "C limit", name, figure), ".2f"),
        f"{runs[0].seconds:.2f}",
        number(middle(series, name, "peak"), ".0f"),
        number(middle(series, name, "extra"), ".1f"),
        str(len(runs)),
    ]


def threads(bench: Bench) -> None:
    """Decode two files of 5 minutes at once: in two threads, and in two processes."""
    rows: list[list[str]] = []
    cores: list[float] = []
    with workers(["azstt"]) as one, workers(["azstt"]) as other:
        pair = (one["azstt"], other["azstt"])
        for form in bench.forms:
            if form == "wav16":
                continue  # there is nothing to decode
            note(f"threads {form}")
            path = str(bench.inputs.clip(form, "5min"))
            found = _quiet_rounds(pair, path, bench.count)
            figures = {name: median(turn[name] for turn in found) for name in found[0]}
            cores.append(figures["cores"])
            rows.append([form, *(f"{v:.2f}" for v in figures.values()), str(len(found))])
            bench.keep("threads", form, **figures)
    head = ["", "2 threads", "2 processes", "threads/processes", "CPU in threads", "cores", "n"]
    print_table("Two files of 5 min at once, times faster than in turn", head, rows)
    if cores and min(cores) < TWO_CORES:
        print(f"The machine was busy: two spinning processes got {min(cores):.2f} cores at worst.")


def _quiet_rounds(pair: tuple[Worker, Worker], path: str, count: int) -> list[dict[str, float]]:
    """Return rounds in which two cores were free, or all rounds if there were too few."""
    found: list[dict[str, float]] = []
    quiet: list[dict[str, float]] = []
    while len(quiet) < count and len(found) < 3 * count:
        found.append(_at_once(pair, path))
        quiet = [turn for turn in found if turn["cores"] >= TWO_CORES]
    return quiet if len(quiet) >= count else found


def _free_cores(pair: tuple[Worker, Worker], seconds: float = 0.3) -> float:
    """Return how many cores two spinning processes get."""
    for worker in pair:
        worker.send("spin", seconds=seconds)
    return sum(float(worker.receive()["cpu"]) for worker in pair) / seconds


def _at_once(pair: tuple[Worker, Worker], path: str) -> dict[str, float]:
    cores = _free_cores(pair)
    serial = pair[0].ask("decode", paths=[path, path], repeat=1)
    threaded = pair[0].ask("threads", paths=[path, path])
    for worker in pair:
        worker.send("decode", paths=[path], repeat=1)
    apart = max(worker.receive()["wall"] for worker in pair)
    return {
        "speed": serial["wall"] / threaded["wall"],
        "processes": serial["wall"] / apart,
        "against": apart / threaded["wall"],
        "cpu": threaded["cpu"] / serial["cpu"],
        "cores": min(cores, _free_cores(pair)),
    }


def opening(bench: Bench) -> None:
    """Time opening a clip of 10 s, and a fresh process that decodes just one."""
    rows: list[list[str]] = []
    with workers(["azstt"]) as running:
        for form in bench.forms:
            path = str(bench.inputs.clip(form, "10s"))
            running["azstt"].ask("open", path=path, repeat=3)
            times = running["azstt"].ask("open", path=path, repeat=10 * bench.count)
            opened, first = (1000 * median(times[name]) for name in ("open", "first"))
            bench.keep("open", form, ms=opened)
            rows.append([form, f"{opened:.3f}", f"{first:.3f}", f"{1000 * max(times['open']):.3f}"])
    head = ["", "open", "until PCM", "open, worst"]
    print_table(f"10 s, warm, n={10 * bench.count}: ms from open_audio()", head, rows)
    _cold(bench)


def _cold(bench: Bench) -> None:
    rows: list[list[str]] = []
    for form in ("wav16", "mp3"):
        path = str(bench.inputs.clip(form, "10s"))
        own = [sys.executable, "-c", _ONE_SHOT, path]
        commands = {
            "azstt": own,
            "bare": [sys.executable, "-c", "pass"],
            "ffmpeg": ffmpeg_command(path),
        }
        runs = {name: partial(_process, command) for name, command in commands.items()}
        series = rounds(runs, 1 if bench.quick else max(9, bench.count))
        share = ratio(series, "azstt", "ffmpeg")
        bench.keep("cold", form, share=share)
        cells = [number(1000 * (middle(series, name, "cpu") or 0), ".0f") for name in runs]
        loaded = "yes" if b"True" in process_run(own)[1] else "no"
        rows.append([form, *cells, number(share, ".2f"), loaded])
    head = ["", "azstt", "bare Python", "ffmpeg", "azstt/ffmpeg", "imports av"]
    print_table("10 s, a fresh process that decodes one clip: CPU ms", head, rows)


def _process(command: list[str]) -> Run:
    return process_run(command)[0]


def damaged(bench: Bench) -> None:
    """Count the seconds that are recovered from damaged files."""
    names = [name for name in _RESCUERS if name in bench.installed]
    by_form: dict[str, list[dict[str, float]]] = defaultdict(list)
    by_kind: dict[str, list[dict[str, float]]] = defaultdict(list)
    rescue = _Rescue(names, bench.inputs.lengths["10s"])
    try:
        for form in bench.forms:
            note(f"damaged {form}")
            for kind, path in bench.inputs.damaged(form, bench.count):
                seconds = rescue.all(path)
                by_form[form].append(seconds)
                by_kind[kind].append(seconds)
    finally:
        rescue.close()
    every = [seconds for cases in by_form.values() for seconds in cases]
    total = sum(case[bench.ffmpeg] for case in every)
    for form, cases in [*by_form.items(), ("all", every)]:
        own, theirs = (sum(case[n] for case in cases) for n in ("azstt", bench.ffmpeg))
        bench.keep("damaged", form, share=own / theirs if theirs else None)
    head = ["", "files", *names, "azstt/ffmpeg", "of the same", "files >= 95 %"]
    groups = [*by_form.items(), *sorted(by_kind.items()), ("all", every)]
    title = f"Seconds out of {len(every)} damaged clips of 10 s (ffmpeg: {total:.0f} s)"
    print_table(
        title, head, [_damaged_row(label, cases, names, bench.ffmpeg) for label, cases in groups]
    )
    print("crashed or over 20 s:", dict(rescue.lost) or "none")
    slow = ", ".join(f"{name} {1000 * rescue.slowest[name]:.0f}" for name in names)
    print(f"slowest file, ms: {slow}")


def _damaged_row(
    label: str, cases: list[dict[str, float]], names: list[str], ffmpeg: str
) -> list[str]:
    sums = {name: sum(case[name] for case in cases) for name in names}
    # Extra seconds in one file must not hide what is lost in another.
    shared = sum(min(case["azstt"], case[ffmpeg]) for case in cases)
    good = sum(case["azstt"] >= 0.95 * case[ffmpeg] for case in cases)
    theirs = sums[ffmpeg] or 1.0
    shares = [f"{sums['azstt'] / theirs:.2%}", f"{shared / theirs:.2%}", f"{good}"]
    return [label, str(len(cases)), *(f"{sums[name]:.1f}" for name in names), *shares]


class _Rescue:
    """Decodes damaged files in workers, and replaces workers that die."""

    def __init__(self, names: list[str], longest: float) -> None:
        self._longest = longest
        self._workers = {name: Worker(name) for name in names}
        self.lost: Counter[str] = Counter()
        self.slowest: dict[str, float] = dict.fromkeys(names, 0.0)

    def all(self, path: Path) -> dict[str, float]:
        """Return the seconds that each decoder recovers, at most what the file once held."""
        return {name: min(self._one(name, path), self._longest + 0.5) for name in self._workers}

    def _one(self, name: str, path: Path) -> float:
        worker = self._workers[name]
        worker.send("rescue", path=str(path))
        try:
            answer: dict[str, Any] = worker.receive(timeout=20)
        except WorkerDiedError:
            self.lost[name] += 1
            self._workers[name] = Worker(name)
            return 0.0
        self.slowest[name] = max(self.slowest[name], answer["wall"])
        return float(answer["seconds"])

    def close(self) -> None:
        for worker in self._workers.values():
            worker.close()


BLOCKS: Final = {
    "warm": warm,
    "five": five,
    "hour": hour,
    "threads": threads,
    "open": opening,
    "damaged": damaged,
}
ALL_FORMS: Final = tuple(FORMATS)
