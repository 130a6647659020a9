from __future__ import annotations

import pytest

from azstt import Final, Partial, Segment, SpeechEnded, SpeechStarted
from azstt._assembly.lag import Lag


def final(start, end, text="Heard."):
    """Return a final result."""
    return Final(segment=Segment(start=start, end=end, text=text))


@pytest.mark.parametrize(
    ("events", "taken", "behind"),
    [
        ([], 10, 0),
        ([], 4, 6),
        ([SpeechStarted(at=1)], 10, 0),
        ([SpeechStarted(at=1), Partial(start=1, end=2, text="so")], 10, 0),
        ([SpeechStarted(at=1), SpeechEnded(at=3)], 10, 7),
        ([SpeechStarted(at=1), SpeechEnded(at=3)], 2, 8),
        ([SpeechStarted(at=1), SpeechEnded(at=3), final(1.2, 2.8)], 10, 0),
        ([SpeechStarted(at=1), SpeechEnded(at=3), final(1, 3, "")], 9, 1),
        ([SpeechStarted(at=1), SpeechEnded(at=3), SpeechStarted(at=4), final(1, 3)], 10, 0),
        (
            [
                SpeechStarted(at=1),
                SpeechEnded(at=3),
                SpeechStarted(at=4),
                SpeechEnded(at=8),
                final(1, 3),
            ],
            10,
            2,
        ),
        ([SpeechStarted(at=1), SpeechEnded(at=3), SpeechStarted(at=4), final(4, 6)], 10, 0),
        ([SpeechStarted(at=1), final(1, 3), SpeechEnded(at=3)], 10, 0),
        ([SpeechEnded(at=3)], 10, 0),
    ],
    ids=[
        "silence",
        "not taken",
        "open",
        "partials",
        "due",
        "due and not taken",
        "answered",
        "answered without words",
        "the next is open",
        "the next is due",
        "passed over",
        "the end comes after the result",
        "an end alone",
    ],
)
def test_what_is_due_is_behind(events, taken, behind):
    """Audio that was not taken, and speech that ended without a result; nothing else."""
    lag = Lag()
    for event in events:
        lag.add(event)
    assert lag.behind(10.0, taken) == behind
