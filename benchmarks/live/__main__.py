"""What live text costs with azstt and its peers: `python benchmarks/live.py`.

`LiveSession`, the bare Speech SDK as Microsoft's samples use it, LiveKit's Azure plugin and
Pipecat's Azure service, each in a client process of its own, by turns, on azstt's emulator and the
same audio at the speed of speech (100 ms at once unless stated). The peers need an interpreter of
their own, for they are large and not among our dependencies:

    python -m venv peers
    peers/bin/pip install livekit-plugins-azure "pipecat-ai[azure]" azure-cognitiveservices-speech==1.53.0
    python benchmarks/live.py --peers-python peers/bin/python

"Latency" is from the emulator's writing a text to the socket until whoever uses the contender has
it in hand: for the SDK in its callback, where the text has been read from the event. "Added" is
taken pair by pair against the bare SDK in the same round. "Trip" begins when the audio that the
text is about was given, and includes the emulator. CPU is that of the client process alone, in
every way of it; "nothing" is the measuring itself, which is in all. Memory is what a further
session adds to the process. Linux only: processes share a clock and tell their memory there.
"""  # noqa: E501 - a command line

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.live import tables as live_tables
from benchmarks.live.contenders import CONTENDERS
from benchmarks.live.measure import BASE, Bench, Load, Runs

_FEW, _PIECE, _SHORT_PIECE = 4, 0.1, 0.02
_FLAT_SESSIONS = 20


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers-python", type=Path, help="without it the peers are left out")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="of a run that is measured")
    parser.add_argument("--sessions", type=int, nargs="*", default=[25, 50, 100, 150, 200])
    parser.add_argument("--load-rounds", type=int, default=2)
    parser.add_argument("--flat", type=float, default=10.0, help="minutes; 0 leaves it out")
    parser.add_argument("--quick", action="store_true", help="a few minutes in all")
    parser.add_argument("--raw", type=Path, help="a file for everything that was measured")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.load_rounds, asked.flat = 2, 1, 0.0
        asked.seconds, asked.sessions = 15.0, [25, 100]
    return asked


def main() -> None:
    asked = arguments()
    bench = Bench(list(dict.fromkeys([BASE, *asked.only])), asked.peers_python)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, {platform.machine()}, "
        f"{platform.system()}, Python {platform.python_version()}",
        flush=True,
    )
    done: list[Runs] = []
    for piece in (_PIECE, _SHORT_PIECE):
        done.append(bench.rounds(Load(_FEW, asked.seconds, piece), asked.rounds))
        live_tables.latency(done[-1])
    few = done[0]
    ladder = [
        bench.rounds(Load(sessions, asked.seconds, _PIECE), asked.load_rounds)
        for sessions in asked.sessions
    ]
    live_tables.load(ladder)
    live_tables.capacity(few, ladder)
    done += ladder
    if asked.flat:
        names = [name for name in bench.names if name != "nothing"]
        done.append(bench.rounds(Load(_FLAT_SESSIONS, asked.flat * 60, _PIECE), 1, names))
        live_tables.flat(done[-1])
    print("\n" + ", ".join(f"{name} {number}" for name, number in sorted(bench.versions.items())))
    if asked.raw:
        asked.raw.write_text(json.dumps([live_tables.raw(runs) for runs in done]))


if __name__ == "__main__":
    sys.exit(main())
