"""Random faults, by seed: every run ends well, or says what is missing."""

from __future__ import annotations

import random

import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureLimits, ReconnectPolicy
from azstt.emulator import Faults
from azstt.emulator.faults import (
    BadStatus,
    Close,
    Drop,
    Duplicate,
    EndTurn,
    Malformed,
    Mute,
    NoTurnEnd,
    Refuse,
    Reorder,
    Stall,
)

WORDS = 150  # a minute of audio
LIMITS = AzureLimits(connect=1.5, first_response=1, idle=1.5, stop=2, pace=500)
POLICY = ReconnectPolicy(attempts=3, total=15, first_delay=0.02, longest_delay=0.1)
CODES = [1001, 1002, 1007, 1011, 1012, 1013, 4000, 4001, 4408, 4429, 4500]
MAKERS = [
    lambda dice, n: Drop(at=dice.uniform(0, 60), how=dice.choice(["reset", "fin"]), connection=n),
    lambda dice, n: Close(at=dice.uniform(0, 60), code=dice.choice(CODES), connection=n),
    lambda dice, n: Refuse(status=dice.choice([408, 429, 500, 502, 503, 401]), connection=n),
    lambda dice, n: Mute(at=dice.uniform(0, 60), connection=n),
    lambda dice, n: Stall(when=dice.choice(["before_upgrade", "after_upgrade"]), connection=n),
    lambda dice, n: EndTurn(at=dice.uniform(0, 60), connection=n),
    lambda _, n: NoTurnEnd(connection=n),
    lambda dice, n: Malformed(phrase=dice.randrange(30), connection=n),
    lambda dice, n: BadStatus(phrase=dice.randrange(30), connection=n),
    lambda dice, n: Duplicate(phrase=dice.randrange(30), connection=n),
    lambda dice, n: Reorder(phrase=dice.randrange(30), connection=n),
]


def faults_of(seed: int) -> Faults:
    """Make a script of one to six faults, on the first connections."""
    dice = random.Random(seed)  # noqa: S311 - the same faults each time
    chosen = [dice.choice(MAKERS)(dice, dice.randrange(4)) for _ in range(dice.randint(1, 6))]
    return Faults.of(*chosen)


@pytest.mark.campaign
def test_random_faults(azure, number_engine, numbers, said, wav, request):
    """Every word once and in order, or a typed error whose partial and gaps are the whole."""
    seeds = range(200) if "campaign" in request.config.option.markexpr else range(6)
    complete = 0
    for seed in seeds:
        with emulators.serve(engine=number_engine, faults=faults_of(seed)) as emulator:
            backend = azure(emulator, limits=LIMITS, reconnect=POLICY)
            try:
                transcript = azstt.transcribe_bytes(wav(numbers(WORDS)), backend=backend)
            except azstt.RecognitionError as error:
                transcript = error.partial
                assert transcript is not None, seed
            else:
                complete += 1
                assert transcript.text == said(WORDS), seed
                assert transcript.ledger.unaccounted == 0, seed
            words = [int(word) for word in transcript.text.split()]
            assert words == sorted(set(words)), seed
            check_sum(transcript, seed)
    print(f"{len(seeds)} runs, seeds {seeds}, {complete} complete")  # noqa: T201 - asked for


def check_sum(transcript: azstt.Transcript, seed: int) -> None:
    """Every second is recognised, silent or a named gap."""
    ledger = transcript.ledger
    gaps = sum(gap.seconds for gap in ledger.gaps)
    assert ledger.recognised + ledger.silent + gaps == pytest.approx(ledger.sent), seed
    heard = {int(word.text): word.start for word in transcript.words}
    for number, start in heard.items():
        assert start == pytest.approx((number - 1) * 0.3 + (number - 1) // 4 * 0.4), seed
    for number in range(1, WORDS + 1):
        at = (number - 1) * 0.3 + (number - 1) // 4 * 0.4 + 0.15
        if number not in heard and at < ledger.sent:
            assert any(gap.at <= at <= gap.at + gap.seconds for gap in ledger.gaps), (seed, number)
