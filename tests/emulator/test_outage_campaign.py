"""The outage campaign: a live stream whose connection is cut again and again.

``pytest -m campaign`` runs it whole: ten minutes, cut fifty times at random moments for 0 to 20 s,
in which nobody is there; otherwise half a minute of it. The clock runs ten times as fast: the audio
comes at ten times its speed, and the outages and the delays of the policy are as much shorter. The
SDK's own attempts are not: so it mends what is shorter than a second by itself in some runs, and in
the others we do.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import anyio
import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureLimits, ReconnectPolicy
from azstt.emulator import Faults
from azstt.emulator.faults import Outage

pytestmark = pytest.mark.usefixtures("no_thread_left")

SPEED = 10.0
PIECE = 3_200
#: The default one, faster.
USUAL = ReconnectPolicy()
POLICY = USUAL.model_copy(
    update={
        name: getattr(USUAL, name) / SPEED for name in ("total", "first_delay", "longest_delay")
    }
)
LIMITS = AzureLimits(connect=3, first_response=3, idle=5, stop=2, pace=200)


@dataclass(frozen=True)
class Stream:
    """A live stream, and what becomes of it; all in seconds of its own time."""

    seed: int
    seconds: float
    cuts: int

    @property
    def words(self) -> int:
        """How many numbers are spoken: four, and a pause."""
        return int(self.seconds / 1.6) * 4

    def outages(self) -> Faults:
        """Cut it at random moments for 0 to 20 s, more often for few than for many."""
        dice = random.Random(self.seed)  # noqa: S311 - a seed makes it repeatable
        return Faults.of(
            *(
                Outage(
                    after=dice.uniform(0.0, 4.0) / SPEED,
                    seconds=20.0 * dice.random() * dice.random() / SPEED,
                    how=dice.choice(("reset", "fin")),
                )
                for _ in range(self.cuts)
            )
        )


WHOLE = [Stream(seed, seconds=600.0, cuts=50) for seed in range(4)]
SAMPLE = [Stream(seed, seconds=30.0, cuts=2) for seed in (0, 1)]


@pytest.fixture
def anyio_backend(stream):
    """Take the loops in turn."""
    return ("asyncio", "trio")[stream.seed // 2 % 2]


async def speak(live: azstt.LiveSession, pcm: bytes) -> None:
    """Send audio as it is spoken, only faster."""
    began = anyio.current_time()
    for at in range(0, len(pcm), PIECE):
        await anyio.sleep_until(began + at / 32_000 / SPEED)
        await live.send(pcm[at : at + PIECE])
    await live.finish()


@pytest.mark.campaign("stream", whole=WHOLE, sample=SAMPLE)
@pytest.mark.anyio
async def test_nothing_of_a_live_stream_is_lost(
    azure, number_engine, numbers, said, stream, capsys
):
    """Every word once, in order and at its time, and every second accounted for."""
    retries = {"SPEECH-Error-MaxRetryCount": str(4 * (stream.seed % 2))}
    with emulators.serve(engine=number_engine, faults=stream.outages()) as emulator:
        backend = azure(emulator, limits=LIMITS, reconnect=POLICY)
        async with (
            azstt.LiveSession(backend=backend, properties=retries) as live,
            anyio.create_task_group() as group,
        ):
            group.start_soon(speak, live, numbers(stream.words))
            transcript = await live.wait()
        cut = [request for request in emulator.requests if request.closed in {"reset", "fin"}]
    struck = sum(request.status == 101 for request in cut)
    with capsys.disabled():
        print(  # noqa: T201 - the campaign's account
            f"\noutage campaign: seed {stream.seed}, {transcript.duration:.0f} s, {struck} "
            f"connections cut, {len(cut) - struck} refused, {live.usage.reconnects} Reconnecting"
        )
    assert transcript.text == said(stream.words)
    for number, word in enumerate(transcript.words):
        start = number * 0.3 + number // 4 * 0.4
        assert (word.start, word.end) == pytest.approx((start, start + 0.3), abs=1e-3)
    ledger = transcript.ledger
    assert ledger.gaps == ()
    assert ledger.sent == pytest.approx(int(stream.seconds / 1.6) * 1.6)
    assert ledger.recognized + ledger.silent == pytest.approx(ledger.sent)
    assert struck == stream.cuts
    assert live.usage.reconnects >= 1
