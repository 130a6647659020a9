from __future__ import annotations

from time import perf_counter

import pytest

from azstt import (
    AudioGap,
    Ended,
    Final,
    Gap,
    Partial,
    RecognitionTimeoutError,
    Reconnecting,
    Segment,
    SpeechEnded,
    SpeechStarted,
    Started,
    ThrottledError,
    Usage,
    Word,
)
from azstt._assembly.ledger import Rest
from azstt._assembly.timeline import Timeline
from azstt._assembly.tracker import ResultTracker


@pytest.fixture
def tracker() -> ResultTracker:
    """The tracker of an English session, before any event."""
    return ResultTracker(backend="scripted", language="en-US")


def account(sent: float, *, rest: Rest = "unaccounted"):
    """Return what the events don't tell."""
    amounts = {"begin": 0.0, "decoded": sent, "sent": sent}
    return {**amounts, "missing": (), "track": None, "usage": Usage(), "rest": rest}


def final(text: str, start: float, end: float) -> Final:
    """Make a final event."""
    return Final(segment=Segment(text=text, start=start, end=end))


def test_what_two_partials_agree_on_is_stable_until_the_final(tracker):
    """Words that two partials agree on stay, and the next segment starts from nothing."""
    first = tracker.add(Partial(text="one two", start=0, end=1), 1.0)
    second = tracker.add(Partial(text="one two three", start=0, end=2), 2.0)
    assert (first.stable, second.stable, second.tail) == ("", "one two", " three")
    tracker.add(final("One, two, three.", 0, 2), 2.5)
    assert tracker.add(Partial(text="one two", start=3, end=4), 4.0).stable == ""


def test_dropped_audio_shifts_everything_after_it(tracker):
    """Events, words and the ledger are in the time of the audio that was sent."""
    tracker.add(Started(model="small"), 0.0)
    assert tracker.drop(1.0, 1.0, 2.0) == AudioGap(start=1.0, end=3.0, reason="dropped")
    assert tracker.add(SpeechStarted(at=1.5), 1.5) == SpeechStarted(at=3.5)
    tracker.add(final("Later.", 1.5, 2.0), 2.0)
    tracker.add(Ended(position=2.0), 2.0)
    transcript = tracker.complete(account(4.0))
    assert [(segment.start, segment.end) for segment in transcript.segments] == [(3.5, 4.0)]
    assert [(gap.at, gap.seconds) for gap in transcript.ledger.gaps] == [(1.0, 2.0)]
    assert (transcript.model, transcript.language, tracker.heard) == ("small", "en-US", 4.0)
    assert tracker.over


def test_dropped_audio_and_holes_of_the_media_add_up():
    """The recognizer's time leads to what was sent, and that to the media, by one map."""
    media = Timeline()
    tracker = ResultTracker(backend="scripted", language=None, media=lambda: media)
    media.jump(1.0, 10.0)
    assert tracker.drop(2.0, 2.0, 3.0) == AudioGap(start=12, end=15, reason="dropped")
    media.jump(7.0, 100.0)
    tracker.add(final("One.", 0.5, 1.5), 1.0)
    tracker.add(final("Two.", 2.5, 3.5), 2.0)
    tracker.add(final("Three.", 4.5, 5.0), 3.0)
    tracker.add(Ended(position=5.0), 3.0)
    holes = (Gap(at=1, seconds=10, reason="absent"), Gap(at=17, seconds=100, reason="damaged"))
    transcript = tracker.complete({**account(118.0), "missing": holes})
    spans = [(segment.start, segment.end) for segment in transcript.segments]
    assert spans == [(0.5, 11.5), (15.5, 16.5), (117.5, 118.0)]
    reasons = [(gap.at, gap.seconds, gap.reason) for gap in transcript.ledger.gaps]
    assert reasons == [(1, 10, "absent"), (12, 3, "dropped"), (17, 100, "damaged")]
    assert (transcript.ledger.recognized, transcript.ledger.silent) == (2.5, 2.5)


def test_words_know_their_place_in_the_text(tracker):
    """A page can link each word of a final to its audio as soon as the final arrives."""
    words = (Word(text="Two", start=0, end=1), Word(text="three", start=1, end=2))
    segment = Segment(text="Two, three.", start=0, end=2, words=words)
    event = tracker.add(Final(segment=segment), 2.0)
    assert [word.text_offset for word in event.segment.words] == [0, 5]
    assert tracker.so_far(account(2.0)).segments == (event.segment,)


def test_an_open_session_has_a_transcript(tracker):
    """A transcript can be had at any time; audio without a result yet is pending."""
    tracker.add(final("One.", 0, 1), 1.0)
    (gap,) = tracker.so_far(account(2.0, rest="pending")).ledger.gaps
    assert gap.reason == "pending"


def test_the_last_error_is_kept_until_there_are_results(tracker):
    """A time-out hides no cause: the last error that names one is kept until results come."""
    throttled, late = ThrottledError("quota"), RecognitionTimeoutError("late")
    for error, kept in ((late, late), (throttled, throttled), (late, throttled)):
        tracker.add(Reconnecting(attempt=1, delay=0.0, reason="x", error=error), 1.0)
        assert tracker.last_error is kept
    tracker.add(AudioGap(start=0.0, end=0.5, reason="dropped"), 1.0)
    assert tracker.last_error is throttled
    tracker.add(Partial(text="one", start=0.5, end=1.0), 1.0)
    assert tracker.last_error is None
    tracker.add(Reconnecting(attempt=1, delay=0.0, reason="lost"), 1.0)
    assert str(tracker.last_error) == "lost"


def test_usage_says_how_late_results_came(tracker):
    """Latency counts from the first result with words; empty finals don't count."""
    tracker.latency.sent(1.0, 10.0)
    tracker.latency.sent(2.0, 11.0)
    tracker.add(Reconnecting(attempt=1, delay=0.0, reason="lost"), 10.0)
    tracker.add(Partial(text="one", start=0, end=1), 10.25)
    tracker.add(final("", 0, 1), 10.5)
    tracker.add(final("Two.", 1, 2), 11.5)
    tracker.add(final("Three.", 2, 2), 12.5)
    assert tracker.usage(2.0, 13.0) == Usage(
        audio_seconds=2.0,
        wall_seconds=13.0,
        first_result_latency=11.5,
        first_partial_latency=0.25,
        final_latency=1.0,
        reconnects=1,
    )


def test_a_transcript_after_hours_takes_a_moment(tracker):
    """The transcript after each of thousands of finals does not hold up the event loop."""
    costs = []
    for number in range(4_000):
        start = 3.0 * number
        for event in (
            SpeechStarted(at=start),
            final("Hello there.", start, start + 2),
            SpeechEnded(at=start + 2),
        ):
            tracker.add(event, 0.0)
        if number >= 3_980:
            began = perf_counter()
            transcript = tracker.so_far(account(start + 2.5, rest="pending"))
            costs.append(perf_counter() - began)
    assert min(costs) < 0.003
    assert len(transcript.segments) == 4_000
    assert transcript.ledger.recognized == pytest.approx(8_000)
    assert transcript.complete


def test_finals_may_come_out_of_order(tracker):
    """Segments are in order of time, and so is the language that the first of them has."""
    for start, language in ((5.0, "de-DE"), (9.0, "en-US"), (1.0, "fr-FR"), (0.0, None)):
        segment = Segment(text="x", start=start, end=start + 1, language=language)
        tracker.add(Final(segment=segment), 0.0)
    transcript = tracker.so_far(account(10.0))
    assert [segment.start for segment in transcript.segments] == [0.0, 1.0, 5.0, 9.0]
    assert transcript.language == "fr-FR"
