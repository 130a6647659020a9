"""The outage campaign: a live stream whose connection is cut again and again.

``pytest -m campaign`` runs all of it: ten minutes, cut fifty times at random moments by outages of
0 to 20 s; otherwise half a minute. The clock runs ten times as fast: the audio comes at ten times
real time, and the outages and the policy's delays are ten times shorter. The SDK's own attempts
are not: in some runs it bridges outages of less than a second by itself, in the others azstt does.
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
CHUNK = 3_200
#: The default policy, faster.
USUAL = ReconnectPolicy()
POLICY = USUAL.model_copy(
    update={
        name: getattr(USUAL, name) / SPEED for name in ("total", "first_delay", "longest_delay")
    }
)
LIMITS = AzureLimits(connect=3, first_response=3, idle=5, stop=2, pace=200)


@dataclass(frozen=True)
class Stream:
    """A live stream and its outages; in seconds of the stream's time."""

    seed: int
    seconds: float
    cuts: int

    @property
    def words(self) -> int:
        """How many numbers are spoken: four, then a pause."""
        return int(self.seconds / 1.6) * 4

    def outages(self) -> Faults:
        """Return outages at random moments, of 0 to 20 s, most of them short."""
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
    """Alternate between the event loops."""
    return ("asyncio", "trio")[stream.seed // 2 % 2]


async def speak(live: azstt.LiveSession, pcm: bytes) -> None:
    """Send audio at a multiple of real time."""
    began = anyio.current_time()
    for at in range(0, len(pcm), CHUNK):
        await anyio.sleep_until(began + at / 32_000 / SPEED)
        await live.send(pcm[at : at + CHUNK])
    await live.finish()


@pytest.mark.campaign("stream", whole=WHOLE, sample=SAMPLE)
@pytest.mark.anyio
async def test_nothing_of_a_live_stream_is_lost(
    azure, number_engine, numbers, said, stream, capsys
):
    """Each word comes once, in order and at its time, and every second is accounted for."""
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
        print(  # noqa: T201 - the campaign's report
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
