from __future__ import annotations

import pytest

from azstt import AudioLedger, Gap, IncompleteAudioWarning, Transcript
from azstt._assembly.missing import describe, how_much, warned


def test_each_reason_has_a_phrase():
    """It says how much is missing, where and why; further places are counted."""
    gaps = [
        Gap(at=3.5, seconds=1.25, reason="absent"),
        Gap(at=8, seconds=0.25, reason="damaged", span=0),
        Gap(at=3600, seconds=0.5, reason="damaged"),
        Gap(at=3601, seconds=2, reason="outage"),
        Gap(at=3610, seconds=None, reason="truncated"),
    ]
    assert describe(gaps) == [
        "1.2 s of audio is missing at 00:00:03.500 (absent: it was never stored)",
        (
            "0.75 s of audio is missing in 2 places, the first at 00:00:08.000 "
            "(damaged: it can't be read)"
        ),
        "2.0 s of audio is missing at 01:00:01.000 (outage)",
        (
            "an unknown length of audio is missing at 01:00:10.000 "
            "(truncated: the recording ends too early)"
        ),
    ]


def test_what_every_channel_lacks_counts_once():
    """A file with two channels that lacks 3 s does not lack 6 s."""
    gaps = [Gap(at=1, seconds=3, reason="absent", channel=channel) for channel in (0, 1)]
    (phrase,) = describe(gaps)
    assert phrase.startswith("3.0 s of audio is missing at 00:00:01.000")


def test_an_unknown_length_is_never_a_number():
    """What is known is a lower limit, if there is any."""
    assert how_much([None]) == "an unknown length"
    assert how_much([2.5, None]) == "more than 2.5 s"


@pytest.mark.parametrize(
    ("gaps", "complete"),
    [
        ([], True),
        ([(0.06, "damaged"), (0.04, "absent")], True),
        ([(0.06, "damaged"), (0.06, "absent")], False),
        ([(None, "truncated")], False),
        ([(3.0, "dropped")], False),
        ([(3.0, "pending")], True),
    ],
)
def test_a_transcript_knows_whether_it_is_complete(gaps, complete):
    """It is not if more than 0.1 s are missing in all, or an unknown length."""
    ledger = AudioLedger(gaps=[Gap(at=1, seconds=length, reason=why) for length, why in gaps])
    assert Transcript(backend="x", ledger=ledger).complete is complete


def test_an_incomplete_transcript_warns():
    """The warning says what is missing, in the caller's line; without any gap there is none."""
    complete = Transcript(backend="x")
    assert warned(complete) is complete
    ledger = AudioLedger(gaps=[Gap(at=1, seconds=2, reason="truncated")])
    incomplete = Transcript(backend="x", ledger=ledger)
    with pytest.warns(IncompleteAudioWarning, match="2.0 s of audio is missing") as caught:
        assert warned(incomplete) is incomplete
    assert caught[0].filename == __file__
