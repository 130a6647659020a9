"""How fast azstt decodes, and how others do: `python benchmarks/decode.py`.

Everything is interleaved: each round runs every competitor once, in another order, and ratios are
medians of those within a round, so that a machine that is busy with something else slows down
both sides. "CPU" is user and system time of a process and its children. All give the same bytes,
16 kHz mono signed 16-bit PCM, of files that are in the file cache.

The clips are made once from the recordings of tests/audio, which takes the ffmpeg program and,
for the files of an hour, some minutes. Competitors that are not installed are left out; the
extra `eval` has them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.decode.blocks import ALL_FORMS, BLOCKS, Bench
from benchmarks.decode.decoders import DECODERS, ffmpeg_on_path, ffmpeg_static
from benchmarks.decode.inputs import Inputs
from benchmarks.decode.limit import build
from benchmarks.decode.measure import machine
from benchmarks.decode.targets import print_targets

_QUICK = ("warm", "five", "open")


def _names(allowed: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Give a parser of a list of names with commas between them."""

    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in allowed]:
            raise argparse.ArgumentTypeError(
                f"unknown: {', '.join(unknown)}; there are {', '.join(allowed)}"
            )
        return names

    return parse


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-decode-bench"
    parser.add_argument("--inputs", type=Path, default=cache, metavar="DIR", help="the clips")
    parser.add_argument("--only", type=_names(tuple(BLOCKS)), metavar=",".join(BLOCKS))
    parser.add_argument("--formats", type=_names(ALL_FORMS), metavar=",".join(ALL_FORMS))
    parser.add_argument("--decoders", type=_names(tuple(DECODERS)), metavar=",".join(DECODERS))
    parser.add_argument("-n", type=int, metavar="ROUNDS", help="5, or 2 when quick")
    parser.add_argument("--quick", action="store_true", help="10 s and 5 min, in about a minute")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    program = ffmpeg_on_path() or ffmpeg_static()
    if program is None:
        print("the ffmpeg program is needed: install ffmpeg or imageio-ffmpeg", file=sys.stderr)
        return 2
    inputs = Inputs(arguments.inputs, program)
    limit = build(inputs.folder)
    print(machine())
    missing = [name for name, decoder in DECODERS.items() if decoder.missing]
    print(f"not installed: {', '.join(missing) or 'none'}")
    if isinstance(limit, str):
        print(f"no limit in C: {limit}")
    chosen = arguments.decoders or list(DECODERS)
    bench = Bench(
        inputs,
        arguments.formats or list(ALL_FORMS),
        arguments.n or (2 if arguments.quick else 5),
        limit if isinstance(limit, Path) else None,
        # The first two are what the targets are about.
        [name for name in DECODERS if name in {"azstt", "ffmpeg", *chosen}],
        quick=arguments.quick,
    )
    for name in arguments.only or (_QUICK if arguments.quick else BLOCKS):
        BLOCKS[name](bench)
    print_targets(bench.figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
