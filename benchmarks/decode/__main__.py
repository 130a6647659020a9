"""How fast azstt and others decode files: `python -m benchmarks.decode`.

Runs are interleaved: each round runs every contender once, in a new order, and ratios are medians
of the ratios within a round, so that other load on the machine slows down both sides. "CPU" is
user and system time of a process and its children. All produce 16 kHz mono signed 16-bit PCM,
from files that are in the page cache.

The clips are made once from the recordings of tests/audio, which takes the ffmpeg program and,
for the files of an hour, a few minutes. Contenders that are not installed are skipped by name;
the extra `eval` has them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.arguments import names_of
from benchmarks.decode.blocks import ALL_FORMS, BLOCKS, Bench
from benchmarks.decode.decoders import (
    DECODERS,
    PACKAGES,
    ffmpeg_on_path,
    ffmpeg_programs,
    ffmpeg_static,
    program_version,
)
from benchmarks.decode.inputs import SMOKE_LENGTHS, Inputs
from benchmarks.decode.limit import build
from benchmarks.decode.targets import print_targets
from benchmarks.report import SMOKE_NOTICE, machine, print_skipped

#: What a smoke run covers; the hour takes the same path as the five minutes.
_SMOKE_FORMS = ["mp3"]
_SMOKE_BLOCKS = [name for name in BLOCKS if name != "hour"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-decode-bench"
    parser.add_argument(
        "--inputs", type=Path, default=cache, metavar="DIR", help="where the clips are kept"
    )
    parser.add_argument("--only", type=names_of(BLOCKS), metavar=",".join(BLOCKS))
    parser.add_argument("--formats", type=names_of(ALL_FORMS), metavar=",".join(ALL_FORMS))
    parser.add_argument("--decoders", type=names_of(DECODERS), metavar=",".join(DECODERS))
    parser.add_argument("-n", type=int, metavar="ROUNDS", help="default: 5")
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    program = ffmpeg_on_path() or ffmpeg_static()
    if program is None:
        print("the ffmpeg program is needed: install ffmpeg or imageio-ffmpeg", file=sys.stderr)
        return 2
    if not arguments.quick:
        return _measure(arguments, Inputs(arguments.inputs, program))
    print(SMOKE_NOTICE)
    arguments.n = 1
    arguments.formats = arguments.formats or _SMOKE_FORMS
    arguments.only = arguments.only or _SMOKE_BLOCKS
    with tempfile.TemporaryDirectory() as folder:
        return _measure(arguments, Inputs(Path(folder), program, SMOKE_LENGTHS))


def _measure(arguments: argparse.Namespace, inputs: Inputs) -> int:
    limit = build(inputs.folder)
    print(machine(*PACKAGES), *map(program_version, ffmpeg_programs()), sep="; ")
    missing = [name for name, decoder in DECODERS.items() if decoder.missing]
    print_skipped(missing, "not installed")
    if isinstance(limit, str):
        print_skipped(["C limit"], limit)
    chosen = arguments.decoders or list(DECODERS)
    bench = Bench(
        inputs,
        arguments.formats or list(ALL_FORMS),
        arguments.n or 5,
        limit if isinstance(limit, Path) else None,
        # The targets are about the first two.
        [name for name in DECODERS if name in {"azstt", "ffmpeg", *chosen}],
        quick=arguments.quick,
    )
    for name in arguments.only or BLOCKS:
        BLOCKS[name](bench)
    print_targets(bench.figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
