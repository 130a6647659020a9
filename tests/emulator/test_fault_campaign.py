"""The fault campaign: random faults, after which every word and every second is accounted for.

``pytest -m campaign`` runs the whole campaign of two hundred sets of faults, otherwise a sample.
Each run sends a one-minute recording with known words at known times through the whole chain: file,
decoder, the real SDK, the emulator.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Collection

import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureLimits, ReconnectPolicy
from azstt.emulator import Faults, Script, marked_wav
from azstt.emulator.faults import (
    BadStatus,
    Close,
    Delay,
    Drop,
    Duplicate,
    EndTurn,
    Expire,
    Fault,
    Malformed,
    Mute,
    NoAcks,
    NoTurnEnd,
    Refuse,
    Reorder,
    Stall,
)

pytestmark = pytest.mark.usefixtures("no_thread_left")

SECONDS = 60.0
SCRIPTS = 200
#: Seconds after which a run counts as hung; the longest took 12 on a busy machine.
TIMEOUT = 60.0
#: Short, as a run may need several; the attempts are few, so that some runs exhaust them.
LIMITS = AzureLimits(connect=1.5, first_response=1, idle=1, stop=2, pace=200)
POLICY = ReconnectPolicy(attempts=3, total=10, first_delay=0.05, longest_delay=0.2)

TRANSIENT = (408, 429, 500, 502, 503, 504)
STATUSES = (*TRANSIENT, *TRANSIENT, 302, 400, 401, 403, 404, 410)
#: After these the SDK reconnects by itself; after the others azstt makes a new recognizer.
CODES = (1000, 1001, 1003, 1008, 1011, 1012, 1013, 3000, 4401, 4408, 4500)
FATAL = (1002, 1007, 4000, 4429)
ANSWERS = ("Error", "TooManyRequests", "BadRequest", "Forbidden", "Surprise", "")


def minute() -> Script:
    """Return a script of over a hundred distinct words, with one long pause and many short ones."""
    dice = random.Random("words")  # noqa: S311 - a seed makes it repeatable
    segments, at, number = [], 0.4, 0
    while True:
        words = []
        for _ in range(dice.randint(1, 7)):
            length = dice.choice((0.2, 0.3, 0.4))
            words.append(
                azstt.Word(text=f"w{number}", start=round(at, 1), end=round(at + length, 1))
            )
            at, number = words[-1].end, number + 1
        if at > SECONDS - 2:
            return Script(segments=tuple(segments))
        text = " ".join(word.text for word in words)
        segments.append(
            emulators.Utterance(text=text, start=words[0].start, end=at, words=tuple(words))
        )
        at += 9.0 if len(segments) == 12 else dice.choice((0.1, 0.3, 0.6, 1.5))


SCRIPT = minute()
WORDS = [word for segment in SCRIPT.segments for word in segment.words]


def faults(seed: int) -> list[Fault]:
    """Return one or two faults for each of several consecutive connections, so that many apply."""
    dice = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    connections = dice.randint(1, 6)
    made: list[Fault] = []
    for connection in range(connections):
        for _ in range(dice.choice((1, 1, 2))):
            number = None if dice.random() < 0.08 else connection
            at = dice.uniform(SECONDS * connection / connections, SECONDS)
            made += random_fault(dice, number, round(at, 2))
    return made


def random_fault(dice: random.Random, number: int | None, at: float) -> list[Fault]:
    """Return a fault of any kind; those in the middle of the audio are the most likely."""
    on, phrase = {"connection": number}, dice.randrange(8)
    kinds: dict[str, Callable[[], list[Fault]]] = {
        "refuse": lambda: [Refuse(**on, status=dice.choice(STATUSES))],
        "refusals": lambda: refusals(
            (number or 0) + 1, dice.randint(2, 12), dice.choice(TRANSIENT)
        ),
        "pause": lambda: [Stall(**on, seconds=round(dice.uniform(0, 1), 2))],
        "stall": lambda: [Stall(**on, when=dice.choice(("before_upgrade", "after_upgrade")))],
        "close": lambda: [Close(**on, at=at, code=dice.choice(CODES))],
        "fatal": lambda: [Close(**on, at=at, code=dice.choice(FATAL))],
        "drop": lambda: [Drop(**on, at=at, how=dice.choice(("reset", "fin")))],
        "mute": lambda: [Mute(**on, at=at)],
        "end turn": lambda: [EndTurn(**on, at=at)],
        "expire": lambda: [Expire(**on, at=at)],
        "no end": lambda: [NoTurnEnd(**on)],
        "no acks": lambda: [NoAcks(**on)],
        "delay": lambda: [Delay(**on, seconds=round(dice.uniform(0, 0.02), 3))],
        "malformed": lambda: [Malformed(**on, phrase=phrase)],
        "status": lambda: [BadStatus(**on, phrase=phrase, status=dice.choice(ANSWERS))],
        "twice": lambda: [Duplicate(**on, phrase=phrase)],
        "out of order": lambda: [Reorder(**on, phrase=phrase)],
    }
    usual = ["close", "drop", "end turn", "out of order", "refusals", "fatal", "fatal"]
    return kinds[dice.choice([*kinds, *usual, *usual])]()


def refusals(first: int, count: int, status: int) -> list[Fault]:
    """Refuse consecutive connections."""
    return [Refuse(connection=first + n, status=status) for n in range(count)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A minute of marked audio."""
    path = tmp_path_factory.mktemp("campaign") / "minute.wav"
    path.write_bytes(marked_wav(SECONDS))
    return path


@pytest.fixture(scope="module")
def tally(request):
    """Print at the end which seeds ran and how the runs ended."""
    ends: dict[int, tuple[str, int]] = {}
    yield ends
    counted = Counter(end for end, _ in ends.values()).most_common()
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print(f"\nfault campaign: {len(ends)} runs, seeds {seeds(ends)}: ", end="")  # noqa: T201
        print(", ".join(f"{count} {end}" for end, count in counted), end="; ")  # noqa: T201
        print(f"{sum(count for _, count in ends.values())} connections")  # noqa: T201


def seeds(ran: Collection[int]) -> str:
    """Return the seeds that ran, abbreviated if all did."""
    whole = sorted(ran) == list(range(SCRIPTS))
    return f"0 to {SCRIPTS - 1}" if whole else " ".join(map(str, sorted(ran)))


def transcribe(backend, path, **options) -> azstt.Transcript | azstt.RecognitionError:
    """Return the transcript or the error; fail if there is neither in time."""
    ends: list = []

    def run() -> None:
        try:
            ends.append(azstt.transcribe_file(path, backend=backend, **options))
        except BaseException as error:  # noqa: BLE001 - the test checks it
            ends.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT)
    assert ends, f"not finished after {TIMEOUT} s"
    return ends[0]


def check_words(words, *, whole: bool) -> None:
    """Check that each word comes once, in order and at its time."""
    texts = [word.text for word in words]
    expected = [word for word in WORDS if word.text in set(texts)]
    assert texts == [word.text for word in expected]
    for word, truth in zip(words, expected, strict=True):
        assert (word.start, word.end) == pytest.approx((truth.start, truth.end), abs=1e-3)
    assert not whole or len(texts) == len(WORDS)


def check_ledger(transcript: azstt.Transcript) -> None:
    """Check that each second is accounted for: exactly the missing words lie in gaps."""
    ledger, texts = transcript.ledger, {word.text for word in transcript.words}
    gaps = sum(gap.seconds for gap in ledger.gaps)
    assert ledger.recognized + ledger.silent + gaps == pytest.approx(ledger.sent, abs=1e-3)
    for word in WORDS:
        middle = (word.start + word.end) / 2
        if middle < ledger.sent:
            lost = any(gap.at <= middle <= gap.at + gap.seconds for gap in ledger.gaps)
            assert lost == (word.text not in texts), (word.text, ledger)


@pytest.mark.campaign("seed", whole=range(SCRIPTS), sample=range(0, SCRIPTS, 20))
def test_every_second_is_accounted_for(azure, recording, tally, seed):
    """Whatever goes wrong, the transcript is complete, or an error says what is missing."""
    script = Faults.of(*faults(seed))
    print(script.model_dump_json())  # noqa: T201 - for `azstt emulator --faults` if it fails
    with emulators.serve(script=SCRIPT, faults=script) as emulator:
        backend = azure(emulator, limits=LIMITS, reconnect=POLICY)
        end = transcribe(backend, recording, partials=bool(seed % 2))
        complaints = [text for text in emulator.complaints(grace=3) if "violated" in text]
    kind = "whole" if isinstance(end, azstt.Transcript) else type(end).__name__
    tally[seed] = (kind, len(emulator.requests))
    if isinstance(end, azstt.Transcript):
        check_words(end.words, whole=True)
        check_ledger(end)
        assert (end.ledger.sent, end.ledger.gaps) == (SECONDS, ())
    else:
        assert isinstance(end, azstt.RecognitionError), end
        assert type(end) is not azstt.RecognitionError
        check_words(end.partial.words, whole=False)
        check_ledger(end.partial)
    assert complaints == []
