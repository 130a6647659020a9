"""Whether decoding became slower: `python -m benchmarks.decode.versus OLD`.

OLD is the folder that another version of azstt is imported from, such as the `src` of a worktree.
Two workers decode the same clips in turn, as files and as streams in pieces of a quarter of a
second; each pair has a new order, and the figure is the median of the pairs' ratios of CPU time.
Where other load on the machine spreads the quartiles, the ratio of the two fastest runs tells more.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final

import azstt
from benchmarks.arguments import names_of
from benchmarks.decode.decoders import ffmpeg_on_path, ffmpeg_static
from benchmarks.decode.inputs import FORMATS, Inputs
from benchmarks.decode.measure import Worker
from benchmarks.report import machine, note, print_table

#: The ratio that is allowed.
_TARGET: Final = 1.03
#: CPU seconds that a run takes at least, for the resolution of the clock.
_ENOUGH: Final = 0.01
#: Seconds of a piece of a stream.
_PIECE: Final = 0.25
#: What is decoded as it is pushed; the rest of the formats goes through a thread.
_STREAMS: Final = ("webm", "opus", "mp3", "wav48", "wav16")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-decode-bench"
    parser.add_argument("old", type=Path, metavar="OLD", help="the folder of the old azstt")
    parser.add_argument("--inputs", type=Path, default=cache, metavar="DIR")
    parser.add_argument("--formats", type=names_of(FORMATS), metavar=",".join(FORMATS))
    parser.add_argument("-n", type=int, default=30, metavar="PAIRS")
    arguments = parser.parse_args()
    program = ffmpeg_on_path() or ffmpeg_static()
    if program is None or not (arguments.old / "azstt").is_dir():
        print("the ffmpeg program and a folder with azstt in it are needed", file=sys.stderr)
        return 2
    inputs = Inputs(arguments.inputs, program)
    new = Path(azstt.__file__).parents[1]
    print(machine("av"), f"{arguments.old} and {new}", sep="; ")
    with (
        closing(Worker("azstt", arguments.old)) as before,
        closing(Worker("azstt", new)) as after,
    ):
        both = (before, after)
        rows = [
            _row(both, inputs, form, length, arguments.n, live=live)
            for length, live in (("10s", False), ("5min", False), ("5min", True))
            for form in arguments.formats or FORMATS
            if form in _STREAMS or not live
        ]
    head = ["", "old, ms", "new, ms", "new / old", "quartiles", "fastest", "pairs", f"<= {_TARGET}"]
    print_table("CPU time of decoding, new against old", head, rows)
    return int(any(row[-1] for row in rows))


def _row(
    workers: tuple[Worker, Worker],
    inputs: Inputs,
    form: str,
    length: str,
    pairs: int,
    *,
    live: bool = False,
) -> list[str]:
    """Measure one clip in pairs."""
    what = f"{form}, {'stream' if live else length}"
    note(what)
    request: dict[str, Any] = {"paths": [str(inputs.clip(form, length))], "repeat": 1}
    do = "decode"
    if live:
        do, request["pieces"] = "stream", round(inputs.lengths[length] / _PIECE)
    first = [_cpu(worker, do, request) for worker in workers]  # loads what is loaded late
    first = [_cpu(worker, do, request) for worker in workers]
    request["repeat"] = max(1, min(1000, round(_ENOUGH / max(1e-5, *first))))
    dice = random.Random(what)  # noqa: S311 - reproducible
    taken: list[list[float]] = []
    for _ in range(pairs):
        order = [0, 1]
        dice.shuffle(order)
        pair = [0.0, 0.0]
        for index in order:
            pair[index] = _cpu(workers[index], do, request)
        taken.append(pair)
    ratios = [new / old for old, new in taken]
    low, ratio, high = quantiles(ratios, n=4)
    old, new = (1000 * median(pair[index] for pair in taken) for index in (0, 1))
    fastest = min(new for _, new in taken) / min(old for old, _ in taken)
    missed = "MISSED" if ratio > _TARGET else ""
    return [
        *(what, f"{old:.2f}", f"{new:.2f}", f"{ratio:.3f}"),
        *(f"{low:.3f} to {high:.3f}", f"{fastest:.3f}", str(pairs), missed),
    ]


def _cpu(worker: Worker, do: str, request: dict[str, Any]) -> float:
    answer = worker.ask(do, **request)
    if "failed" in answer:
        raise RuntimeError(answer["failed"])
    return float(answer["cpu"])


if __name__ == "__main__":
    sys.exit(main())
