"""How much of media is heard that something happened to: `python -m benchmarks.media`.

Recordings with beeps at known times are made in each container and then damaged, cut off, begun
late, robbed of packets, or joined. azstt transcribes each as a file and live, in pieces of 4000
bytes, with a recognizer that hears beeps. "Recovered" is the share of the seconds that the ffmpeg
program recovers; "accounted" the share of the lost seconds that the ledger's gaps name; times are
compared with those at which a player plays the beeps (`-af aresample=async=1:first_pts=0`).

Recordings that nothing happened to, and those of tests/audio, must not have a gap. The exit status
is 1 if a target is missed; each miss is listed with the recording's path.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from benchmarks.arguments import names_of
from benchmarks.decode.decoders import ffmpeg_on_path, ffmpeg_static, program_version
from benchmarks.media.forms import FORMS
from benchmarks.media.listening import Listener
from benchmarks.media.player import Player
from benchmarks.media.recordings import GOOD, Case, Recordings
from benchmarks.media.tables import print_misses, print_tables
from benchmarks.media.verdicts import Verdict, judge
from benchmarks.report import SMOKE_NOTICE, machine, note

#: Files beside recordings that are no media.
_TEXTS: Final = frozenset({".json", ".md", ".txt", ".tsv", ".csv", ".py", ""})
#: What a smoke run covers.
_SMOKE: Final = ("wav", "webm")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(tempfile.gettempdir()) / "azstt-media-bench"
    parser.add_argument(
        "--folder", type=Path, default=cache, metavar="DIR", help="where recordings are kept"
    )
    parser.add_argument(
        "--forms", type=names_of(FORMS), metavar=",".join(FORMS), help="default: all"
    )
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="more recordings that have nothing wrong"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few forms")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    program = ffmpeg_static() or ffmpeg_on_path()
    if program is None:
        print("the ffmpeg program is needed: install ffmpeg or imageio-ffmpeg", file=sys.stderr)
        return 2
    forms = arguments.forms
    if not arguments.quick:
        return _measure(arguments.folder, program, forms or list(FORMS), arguments.corpus)
    print(SMOKE_NOTICE)
    with tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), program, forms or list(_SMOKE), None, quick=True)
    return 0


def _measure(
    folder: Path, program: str, forms: list[str], corpus: Path | None, *, quick: bool = False
) -> int:
    print(machine("azstt", "av"), program_version(program), sep="; ")
    recordings = Recordings(folder, program, quick=quick)
    player = Player(program, folder / "played.json")
    verdicts: list[Verdict] = []
    with closing(Listener()) as listener:
        for name in forms:
            note(name)
            for case in recordings.cases(name):
                verdicts += _judged(case, player, listener)
            player.save()
        smoke = GOOD / "containers"
        for good in [smoke] if quick else [GOOD] if corpus is None else [GOOD, corpus]:
            note(str(good))
            for case in _good(good):
                verdicts += _judged(case, player, listener)
        player.save()
    print_tables(verdicts)
    print_misses(verdicts)
    return int(any(verdict.faults for verdict in verdicts))


def _judged(case: Case, player: Player, listener: Listener) -> Iterator[Verdict]:
    played = player.play(case.path)
    whole = [player.play(path) for path in case.whole]
    for live in (False, True):
        heard = listener.hear(case.path, live=live)
        yield judge(case, heard, played, whole, live=live)


def _good(folder: Path) -> Iterator[Case]:
    """Yield recordings that nothing happened to; what is in them is not known."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TEXTS and path.is_file():
            yield Case("", "whole", "", path, (path,), ())


if __name__ == "__main__":
    sys.exit(main())
