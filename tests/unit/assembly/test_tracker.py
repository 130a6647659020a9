from __future__ import annotations

import pytest

from azstt import (
    AudioGap,
    Ended,
    Final,
    Partial,
    Reconnecting,
    Segment,
    SpeechStarted,
    Started,
    Usage,
)
from azstt._assembly.tracker import ResultTracker


@pytest.fixture
def hearing() -> ResultTracker:
    """What a session in English has heard: nothing yet."""
    return ResultTracker(backend="scripted", language="en-US")


def account(sent: float, *, over: bool = True):
    """What the events can't tell."""
    return {"decoded": sent, "sent": sent, "damage": (), "usage": Usage(), "over": over}


def final(text: str, start: float, end: float) -> Final:
    """A segment."""
    return Final(segment=Segment(text=text, start=start, end=end))


def test_what_two_partials_agree_on_is_stable_until_the_final(hearing):
    """The next segment begins anew."""
    first = hearing.add(Partial(text="one two", start=0, end=1), 1.0)
    second = hearing.add(Partial(text="one two three", start=0, end=2), 2.0)
    assert (first.stable, second.stable, second.tail) == ("", "one two", " three")
    hearing.add(final("One, two, three.", 0, 2), 2.5)
    assert hearing.add(Partial(text="one two", start=3, end=4), 4.0).stable == ""


def test_what_was_dropped_moves_all_that_follows(hearing):
    """Events, words and the ledger are in the time of the audio that was sent."""
    hearing.add(Started(model="small"), 0.0)
    assert hearing.drop(1.0, 1.0, 2.0) == AudioGap(start=1.0, end=3.0, reason="dropped")
    assert hearing.add(SpeechStarted(at=1.5), 1.5) == SpeechStarted(at=3.5)
    hearing.add(final("Later.", 1.5, 2.0), 2.0)
    hearing.add(Ended(position=2.0), 2.0)
    transcript = hearing.complete(account(4.0))
    assert [(segment.start, segment.end) for segment in transcript.segments] == [(3.5, 4.0)]
    assert [(gap.at, gap.seconds) for gap in transcript.ledger.gaps] == [(1.0, 2.0)]
    assert (transcript.model, transcript.language, hearing.heard) == ("small", "en-US", 4.0)
    assert hearing.over


def test_while_it_goes_on_there_is_a_transcript(hearing):
    """What has no answer yet is pending."""
    hearing.add(final("One.", 0, 1), 1.0)
    (gap,) = hearing.so_far(account(2.0, over=False)).ledger.gaps
    assert gap.reason == "pending"


def test_usage_counts_what_came_and_when(hearing):
    """The first result with words counts, and empty finals count for nothing."""
    hearing.latency.sent(1.0, 10.0)
    hearing.latency.sent(2.0, 11.0)
    hearing.add(Reconnecting(attempt=1, delay=0.0, reason="lost"), 10.0)
    hearing.add(Partial(text="one", start=0, end=1), 10.25)
    hearing.add(final("", 0, 1), 10.5)
    hearing.add(final("Two.", 1, 2), 11.5)
    hearing.add(final("Three.", 2, 2), 12.5)
    assert hearing.usage(2.0, 13.0) == Usage(
        audio_seconds=2.0,
        wall_seconds=13.0,
        first_result_latency=11.5,
        first_partial_latency=0.25,
        final_latency=1.0,
        reconnects=1,
    )
