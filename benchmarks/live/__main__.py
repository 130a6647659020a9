"""What live recognition costs with azstt and others: `python -m benchmarks.live`.

The contenders are `LiveSession`, the bare Speech SDK used as in Microsoft's samples, LiveKit's
Azure plugin and Pipecat's Azure service. Each runs in a client process of its own, in turn, with
azstt's emulator and the same audio at the speed of speech (in chunks of 100 ms unless stated).
LiveKit and Pipecat, the peers, need an interpreter of their own, because they are large and not
among our dependencies:

    python -m venv peers
    peers/bin/pip install livekit-plugins-azure "pipecat-ai[azure]" azure-cognitiveservices-speech==1.53.0
    python -m benchmarks.live --peers-python peers/bin/python

"Latency" runs from the emulator's write to the socket until the contender's user has the text: for
the SDK, until its callback has read the text from the event. "Added" is the median difference to
the bare SDK in the same round. "Trip" starts when the client sends the audio that leads to the
text, and includes the emulator. CPU is all CPU time of the client process; "nothing" is the
overhead of measuring, which all contenders include. Memory is what one more session adds to the
process. Linux only: the processes share a clock, and memory comes from /proc.
"""  # noqa: E501 - a command line

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.live import tables
from benchmarks.live.contenders import CONTENDERS
from benchmarks.live.measure import BASE, SETTLE, Bench, Load, Runs
from benchmarks.report import SMOKE_NOTICE, machine, print_skipped

_FEW, _CHUNK, _SHORT_CHUNK = 4, 0.1, 0.02
_FLAT_SESSIONS = 20


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--peers-python", type=Path, help="without it the peers are skipped")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=30.0, help="measured in each run")
    parser.add_argument("--sessions", type=int, nargs="*", default=[25, 50, 100, 150, 200])
    parser.add_argument("--load-rounds", type=int, default=2)
    parser.add_argument(
        "--flat", type=float, default=10.0, help="minutes of the memory run; 0 skips it"
    )
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    parser.add_argument("--raw", type=Path, help="write all measurements to this file, as JSON")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.load_rounds, asked.flat = 1, 1, 0.02
        asked.seconds, asked.sessions = 1.0, [5]
    return asked


def main() -> None:
    asked = arguments()
    bench = Bench(list(dict.fromkeys([BASE, *asked.only])), asked.peers_python)
    settle = 0.3 if asked.quick else SETTLE
    if asked.quick:
        print(SMOKE_NOTICE)
    print(machine("azstt", "azure-cognitiveservices-speech"), flush=True)
    print_skipped(bench.skipped, "needs --peers-python")
    done: list[Runs] = []
    for chunk in (_CHUNK,) if asked.quick else (_CHUNK, _SHORT_CHUNK):
        done.append(bench.rounds(Load(_FEW, asked.seconds, chunk, settle), asked.rounds))
        tables.latency(done[-1])
    few = done[0]
    ladder = [
        bench.rounds(Load(sessions, asked.seconds, _CHUNK, settle), asked.load_rounds)
        for sessions in asked.sessions
    ]
    tables.load(ladder)
    tables.capacity(few, ladder)
    done += ladder
    if asked.flat:
        names = [name for name in bench.names if name != "nothing"]
        done.append(bench.rounds(Load(_FLAT_SESSIONS, asked.flat * 60, _CHUNK, settle), 1, names))
        tables.flat(done[-1])
    print("\n" + ", ".join(f"{name} {number}" for name, number in sorted(bench.versions.items())))
    if asked.raw:
        asked.raw.write_text(json.dumps([tables.raw(runs) for runs in done]))


if __name__ == "__main__":
    main()
