"""A client process of benchmarks/live.py: so many sessions of one contender, fed in real time.

Run with the values of `Plan`; prints what was measured as JSON. The audio is given by one asyncio
task a session, whoever the contender is, on a fixed schedule: who is late catches up.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import json
import os
import sys
import time
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.live.contenders import CONTENDERS, PACKAGES, RATE, Send

#: Sessions that are opened in a second.
_OPENED = 20
#: Seconds until a session that was just opened is as any other; and that closing may take.
_SETTLE, _CLOSING = 4.0, 15.0
#: Share of a period of events by which one session follows another.
_GOLDEN = 0.618
_STEP = 0.2
_CATCH_UP = 0.1
_EVERY = 5.0
_ROLLUP = Path("/proc/self/smaps_rollup")


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        name: the contender.
        host: the emulator's address.
        emulator: its process.
        sessions: how many, at once.
        seconds: for how long it is measured, once all of them are open.
        piece: seconds of audio that are given at once.
    """

    name: str
    host: str
    emulator: int
    sessions: int
    seconds: float
    piece: float


class Notes:
    """What came, and how late; only while it counts.

    A text ends with the time when its audio was given and the time when it was sent.
    """

    def __init__(self) -> None:
        self.counts = False
        self.wire = {False: array("f"), True: array("f")}  # milliseconds; for partials and finals
        self.trip = array("f")
        self.late = array("f")

    def __call__(self, text: str, final: bool) -> None:
        """Take a text at the moment that it came."""
        now = time.monotonic_ns()
        if self.counts and text:
            given, sent = text.rstrip(".").rsplit(None, 2)[-2:]
            self.wire[final].append((now - int(sent)) / 1e6)
            self.trip.append((now - int(given)) / 1e6)


class Client:
    """The sessions of a process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._notes = Notes()
        self._over = asyncio.Event()
        self._open = 0
        self._sound = os.urandom(int(plan.piece * RATE) * 2 - 8)

    async def run(self) -> dict[str, Any]:
        """Open them, measure, close them."""
        first = [self._session(0)]
        await asyncio.sleep(_SETTLE)
        one = memory()
        rest = []
        for number in range(1, self._plan.sessions):
            rest.append(self._session(number))
            await asyncio.sleep(1 / _OPENED)
        await asyncio.sleep(_SETTLE)
        figures = await self._measure()
        figures |= {"one": one, "open": self._open}
        self._over.set()
        done, left = await asyncio.wait(first + rest, timeout=_CLOSING)
        failed = [error for task in done if (error := task.exception())]
        figures |= {"unclosed": len(left), "failed": [repr(error) for error in failed]}
        return figures

    def _session(self, number: int) -> asyncio.Task[None]:
        offset = number * _GOLDEN % 1 * _STEP
        contender = CONTENDERS[self._plan.name]

        async def feed(send: Send) -> None:
            self._open += 1
            await asyncio.sleep(offset)
            await self._feed(send)

        async def session() -> None:
            await contender(self._plan.host, feed, self._notes)

        return asyncio.create_task(session())

    async def _feed(self, send: Send) -> None:
        """Give audio as it is spoken, each piece with the time in it."""
        loop, piece, late = asyncio.get_running_loop(), self._plan.piece, self._notes.late
        due = loop.time()
        while not self._over.is_set():
            due += piece
            await asyncio.sleep(due - loop.time())
            if self._notes.counts:
                late.append((loop.time() - due) * 1000)
            waiting = send(time.monotonic_ns().to_bytes(8, "little") + self._sound)
            if waiting is not None:
                await waiting

    async def _measure(self) -> dict[str, Any]:
        """Let it run for a while, and see what it takes."""
        notes, seconds = self._notes, self._plan.seconds
        gc.collect()
        sizes = [(0.0, memory())]
        await asyncio.sleep(_CATCH_UP)  # with what has come while this looked
        began, cpu, others = time.monotonic(), time.process_time(), self._elsewhere()
        looking = 0.0  # at the memory of many threads takes milliseconds, which are nobody's
        notes.counts = True
        while (left := began + seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(_EVERY, left))
            if left <= _EVERY or seconds > 4 * _EVERY * _EVERY:
                before = time.process_time()
                sizes.append((time.monotonic() - began, memory()))
                looking += time.process_time() - before
        notes.counts = False
        mine = time.process_time() - cpu
        emulator, machine = (
            now - then for now, then in zip(self._elsewhere(), others, strict=True)
        )
        return {
            "cpu": mine - looking,
            "emulator": emulator,
            "strangers": max(0.0, machine - emulator - mine),
            "wall": time.monotonic() - began,
            "sizes": sizes,
            "partials": _rounded(notes.wire[False]),
            "finals": _rounded(notes.wire[True]),
            "trip": _rounded(notes.trip),
            "late": _rounded(notes.late),
        }

    def _elsewhere(self) -> tuple[float, float]:
        """Give the seconds of CPU that the emulator has taken, and the whole machine."""
        own = Path(f"/proc/{self._plan.emulator}/stat").read_text().rpartition(")")[2].split()
        user, nice, system, *_ = Path("/proc/stat").read_text().split()[1:]
        ticks = os.sysconf("SC_CLK_TCK")
        return (
            sum(map(int, own[11:13])) / ticks,
            (int(user) + int(nice) + int(system)) / ticks,
        )


def _rounded(values: array[float]) -> list[float]:
    return [round(value, 3) for value in values]


def memory() -> float:
    """Give the memory that the process alone is to blame for, in MB."""
    line = next(line for line in _ROLLUP.read_text().splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def versions(name: str) -> dict[str, str]:
    packages = ("azure-cognitiveservices-speech", *PACKAGES.get(name, ()))
    return {package: importlib.metadata.version(package) for package in packages}


def main() -> None:
    name, host, emulator, sessions, seconds, piece = sys.argv[1:]
    plan = Plan(name, host, int(emulator), int(sessions), float(seconds), float(piece))

    async def run() -> dict[str, Any]:
        return await Client(plan).run()

    figures = asyncio.run(run()) | {"versions": versions(name)}
    print(json.dumps(figures), flush=True)
    os._exit(0)  # what a contender may have left running at exit is not measured


if __name__ == "__main__":
    main()
