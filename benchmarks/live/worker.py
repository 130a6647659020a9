"""A client process of the live benchmark: several sessions of one contender, fed in real time.

Takes the values of `Plan` as arguments and prints the measurements as JSON. For every contender
the audio is sent by one asyncio task a session, on a fixed schedule: a late task catches up.
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

#: Sessions opened in a second.
_OPENED = 20
#: Seconds that closing may take.
_CLOSING = 15.0
#: The offset between two sessions, as a share of the period of events (the golden ratio).
_GOLDEN = 0.618
_STEP = 0.2
_CATCH_UP = 0.1
_EVERY = 5.0
_ROLLUP = Path("/proc/self/smaps_rollup")


@dataclass(frozen=True)
class Plan:
    """The work of this process.

    Attributes:
        name: the contender.
        host: the emulator's address.
        emulator: the emulator's process id.
        sessions: sessions at once.
        seconds: the length of the measurement, after all sessions are open.
        chunk: seconds of audio that are sent at once.
        settle: seconds until a newly opened session is in a steady state.
    """

    name: str
    host: str
    emulator: int
    sessions: int
    seconds: float
    chunk: float
    settle: float


class Latencies:
    """Records the latency of each text while `counts` is set.

    A text ends with the time when its audio was sent and the time when the text was sent.
    """

    def __init__(self) -> None:
        self.counts = False
        self.wire = {False: array("f"), True: array("f")}  # milliseconds; for partials and finals
        self.trip = array("f")
        self.late = array("f")

    def __call__(self, text: str, final: bool) -> None:
        """Record a text that has just arrived."""
        now = time.monotonic_ns()
        if self.counts and text:
            spoken, sent = text.rstrip(".").rsplit(None, 2)[-2:]
            self.wire[final].append((now - int(sent)) / 1e6)
            self.trip.append((now - int(spoken)) / 1e6)


class Client:
    """The sessions of this process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._latencies = Latencies()
        self._ended = asyncio.Event()
        self._open = 0
        self._noise = os.urandom(int(plan.chunk * RATE) * 2 - 8)

    async def run(self) -> dict[str, Any]:
        """Open the sessions, measure, and close them."""
        first = [self._session(0)]
        await asyncio.sleep(self._plan.settle)
        one = memory()
        rest: list[asyncio.Task[None]] = []
        for number in range(1, self._plan.sessions):
            rest.append(self._session(number))
            await asyncio.sleep(1 / _OPENED)
        await asyncio.sleep(self._plan.settle)
        figures = await self._measure()
        figures |= {"one": one, "open": self._open}
        self._ended.set()
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
            await contender(self._plan.host, feed, self._latencies)

        return asyncio.create_task(session())

    async def _feed(self, send: Send) -> None:
        """Send audio at the speed of speech, each chunk with a time stamp."""
        loop, chunk, late = asyncio.get_running_loop(), self._plan.chunk, self._latencies.late
        due = loop.time()
        while not self._ended.is_set():
            due += chunk
            await asyncio.sleep(due - loop.time())
            if self._latencies.counts:
                late.append((loop.time() - due) * 1000)
            waiting = send(time.monotonic_ns().to_bytes(8, "little") + self._noise)
            if waiting is not None:
                await waiting

    async def _measure(self) -> dict[str, Any]:
        """Measure for a while."""
        latencies, seconds = self._latencies, self._plan.seconds
        gc.collect()
        sizes = [(0.0, memory())]
        await asyncio.sleep(_CATCH_UP)  # let the loop process what arrived meanwhile
        began, cpu, others = time.monotonic(), time.process_time(), self._elsewhere()
        probing = 0.0  # reading the memory of many threads takes milliseconds, which do not count
        latencies.counts = True
        while (left := began + seconds - time.monotonic()) > 0:
            await asyncio.sleep(min(_EVERY, left))
            if left <= _EVERY or seconds > 4 * _EVERY * _EVERY:
                before = time.process_time()
                sizes.append((time.monotonic() - began, memory()))
                probing += time.process_time() - before
        latencies.counts = False
        own = time.process_time() - cpu
        emulator, machine = (
            now - then for now, then in zip(self._elsewhere(), others, strict=True)
        )
        return {
            "cpu": own - probing,
            "emulator": emulator,
            "others": max(0.0, machine - emulator - own),
            "wall": time.monotonic() - began,
            "sizes": sizes,
            "partials": _rounded(latencies.wire[False]),
            "finals": _rounded(latencies.wire[True]),
            "trip": _rounded(latencies.trip),
            "late": _rounded(latencies.late),
        }

    def _elsewhere(self) -> tuple[float, float]:
        """Return the CPU seconds of the emulator and of the whole machine."""
        stat = Path(f"/proc/{self._plan.emulator}/stat").read_text().rpartition(")")[2].split()
        user, nice, system, *_ = Path("/proc/stat").read_text().split()[1:]
        ticks = os.sysconf("SC_CLK_TCK")
        return (
            sum(map(int, stat[11:13])) / ticks,
            (int(user) + int(nice) + int(system)) / ticks,
        )


def _rounded(values: array[float]) -> list[float]:
    return [round(value, 3) for value in values]


def memory() -> float:
    """Return the proportional set size of this process, in MB."""
    line = next(line for line in _ROLLUP.read_text().splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def versions(name: str) -> dict[str, str]:
    packages = ("azure-cognitiveservices-speech", *PACKAGES.get(name, ()))
    return {package: importlib.metadata.version(package) for package in packages}


def main() -> None:
    name, host, emulator, sessions, seconds, chunk, settle = sys.argv[1:]
    times = (float(seconds), float(chunk), float(settle))
    plan = Plan(name, host, int(emulator), int(sessions), *times)

    async def run() -> dict[str, Any]:
        return await Client(plan).run()

    figures = asyncio.run(run()) | {"versions": versions(name)}
    print(json.dumps(figures), flush=True)
    os._exit(0)  # do not wait for threads that a contender left running


if __name__ == "__main__":
    main()
