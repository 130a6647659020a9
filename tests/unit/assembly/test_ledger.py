from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import (
    AudioGap,
    Committed,
    Ended,
    Final,
    Gap,
    Partial,
    Segment,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt._assembly.ledger import LedgerBook
from azstt._result import TOLERANCE


def final(start: float, end: float, text: str = "words") -> Final:
    """Make a final event."""
    return Final(segment=Segment(text=text, start=start, end=end))


def ledger_of(events, sent=10.0, **account):
    """Return the ledger of a session with these events."""
    book = LedgerBook()
    for event in events:
        book.add(event)
    return book.close(sent, sent, **account)


def test_speech_and_silence_add_up():
    """Audio with results is recognized; once the session has ended, the rest is silence."""
    ledger = ledger_of([Started(), final(1, 3), final(5, 6), Ended(position=10)])
    assert (ledger.recognized, ledger.silent, ledger.gaps) == (3, 7, ())


def test_speech_without_words_is_silence():
    """A result without text accounts for its audio."""
    ledger = ledger_of(
        [SpeechStarted(at=1), final(1, 3, ""), SpeechEnded(at=3), Ended(position=10)]
    )
    assert (ledger.recognized, ledger.silent, ledger.gaps) == (0, 10, ())


def test_audio_after_the_reported_end_is_unaccounted():
    """A session that ends early has lost the audio after its end."""
    ledger = ledger_of([final(1, 3), Ended(position=4)])
    assert ledger.gaps == (Gap(at=4, seconds=6, reason="unaccounted"),)
    assert ledger.silent == 2


def test_without_an_end_silence_is_not_confirmed():
    """A session that is cut off accounts for nothing after its last result."""
    ledger = ledger_of([final(1, 3), Partial(text="x", start=4, end=5)])
    assert ledger.gaps == (Gap(at=3, seconds=7, reason="unaccounted"),)


def test_announced_speech_without_a_result_is_unaccounted():
    """A final that gets lost is noticed."""
    events = [SpeechStarted(at=1), SpeechEnded(at=3), final(5, 6), Ended(position=10)]
    assert ledger_of(events).gaps == (Gap(at=1, seconds=2, reason="unaccounted"),)


def test_speech_that_is_open_at_the_end_counts_too():
    """Speech that began and never ended needs a result as well."""
    events = [SpeechStarted(at=8), Ended(position=10)]
    assert ledger_of(events).unaccounted == 2


def test_a_named_gap_is_accounted_for():
    """Audio that was dropped on purpose has a reason, and is not silence."""
    ledger = ledger_of([AudioGap(start=2, end=4, reason="dropped"), Ended(position=10)])
    assert ledger.gaps == (Gap(at=2, seconds=2, reason="dropped"),)
    assert (ledger.silent, ledger.unaccounted) == (8, 0)


def test_a_result_over_a_gap_wins():
    """Audio that was recognized after all is not missing."""
    events = [AudioGap(start=2, end=6, reason="outage"), final(3, 4), Ended(position=10)]
    ledger = ledger_of(events)
    assert [(gap.at, gap.seconds) for gap in ledger.gaps] == [(2, 1), (4, 2)]
    assert ledger.recognized == 1


def test_a_result_does_not_cover_dropped_audio_within_it():
    """Dropped audio was not recognized, even if a segment spans it."""
    ledger = ledger_of(
        [AudioGap(start=3, end=5, reason="dropped"), final(2, 6), Ended(position=10)]
    )
    assert ledger.gaps == (Gap(at=3, seconds=2, reason="dropped"),)
    assert (ledger.recognized, ledger.silent) == (2, 6)


def test_dropped_audio_that_goes_on_is_one_gap():
    """An outage of minutes is one gap in the ledger, not one for each chunk."""
    chunks = [AudioGap(start=at / 10, end=(at + 1) / 10, reason="dropped") for at in range(20, 40)]
    (gap,) = ledger_of([*chunks, Ended(position=10)]).gaps
    assert (gap.at, gap.reason) == (2, "dropped")
    assert gap.seconds == pytest.approx(2)


def test_dropped_audio_does_not_account_for_audio_before_it():
    """Audio between the last result and a drop has no result."""
    book = LedgerBook()
    for event in (final(0, 2), AudioGap(start=5, end=6, reason="dropped")):
        book.add(event)
    assert [(gap.at, gap.seconds, gap.reason) for gap in book.close(10, 10).gaps] == [
        (2, 3, "unaccounted"),
        (5, 1, "dropped"),
        (6, 4, "unaccounted"),
    ]


def test_audio_without_a_result_is_pending_while_the_session_is_open():
    """In the middle of a live session no audio is missing yet."""
    book = LedgerBook()
    book.add(final(0, 2))
    (gap,) = book.close(10, 10, rest="pending").gaps
    assert gap == Gap(at=2, seconds=8, reason="pending")
    assert book.close(10, 10, rest="pending").unaccounted == 0


def test_adjacent_gaps_keep_their_reasons():
    """Adjacent gaps with different reasons stay apart."""
    events = [
        AudioGap(start=0, end=1, reason="dropped"),
        AudioGap(start=1, end=3, reason="outage"),
        AudioGap(start=2, end=4, reason="dropped"),
        Ended(position=10),
    ]
    assert ledger_of(events).gaps == (
        Gap(at=0, seconds=1, reason="dropped"),
        Gap(at=1, seconds=2, reason="outage"),
        Gap(at=3, seconds=1, reason="dropped"),
    )


def test_damage_that_a_player_skips_takes_no_time():
    """Audio that the decoder lost without a trace in the times is reported, and takes up none."""
    damage = Gap(at=5, seconds=3, reason="damaged", span=0)
    ledger = ledger_of([Ended(position=10)], missing=[damage])
    assert (ledger.gaps, ledger.silent) == ((damage,), 10)


def test_a_hole_in_the_media_is_neither_speech_nor_silence():
    """What the media lack is missing, even within a segment, and even where audio was dropped."""
    hole = Gap(at=3, seconds=2, reason="absent")
    events = [final(2, 6), AudioGap(start=4, end=5.5, reason="dropped"), Ended(position=10)]
    ledger = ledger_of(events, missing=[hole])
    assert ledger.gaps == (hole, Gap(at=5, seconds=0.5, reason="dropped"))
    assert (ledger.recognized, ledger.silent) == (1.5, 6)


def test_the_ledger_begins_where_the_selected_part_does():
    """With `start`, what comes before is not silence, and nothing is unaccounted for."""
    missing = [
        Gap(at=20, seconds=3, reason="damaged", span=0),
        Gap(at=24, seconds=1, reason="absent"),
    ]
    ledger = ledger_of([final(21, 23), Ended(position=30)], begin=20.0, missing=missing)
    assert ledger.gaps == tuple(missing)
    assert (ledger.sent, ledger.recognized, ledger.silent) == (10, 2, 7)


def test_a_gap_of_unknown_length_stays_unknown():
    """A length that nobody knows is never made up, even where the gap is cut."""
    end = Gap(at=10, seconds=None, reason="truncated")
    outage = AudioGap(start=2, end=4, reason="outage", seconds=None)
    ledger = ledger_of([final(3, 4), outage, Ended(position=10)], missing=[end])
    assert ledger.gaps == (Gap(at=2, seconds=None, reason="outage", span=1), end)


def test_a_hole_that_the_recognizer_has_not_reached_is_not_counted_yet():
    """In the middle of a session, the decoder is ahead of the ledger."""
    hole = Gap(at=8, seconds=4, reason="absent")
    ledger = ledger_of([final(0, 7)], missing=[hole, Gap(at=20, seconds=1, reason="absent")])
    assert [(gap.at, gap.seconds, gap.reason) for gap in ledger.gaps] == [
        (7, 1, "unaccounted"),
        (8, 2, "absent"),
    ]


def test_a_syllable_at_the_end_may_be_left_out():
    """Less than the tolerance is not an error."""
    assert ledger_of([Ended(position=10 - TOLERANCE / 2)]).gaps == ()


def test_heard_is_how_far_the_recognizer_has_come():
    """Progress follows the recognizer's events; audio that it never received does not count."""
    book = LedgerBook()
    for event, heard in [
        (SpeechStarted(at=1), 1),
        (Partial(text="x", start=1, end=2), 2),
        (final(1, 4), 4),
        (SpeechEnded(at=3.5), 4),
        (AudioGap(start=4, end=5, reason="lost"), 5),
        (AudioGap(start=5, end=6, reason="dropped"), 5),
        (Committed(at=5.5), 5.5),
        (Ended(position=6), 6),
    ]:
        book.add(event)
        assert book.heard == heard


spans = st.tuples(st.floats(0, 20), st.floats(0, 20)).map(sorted)
entries = st.one_of(
    spans.map(lambda span: final(*span)),
    spans.map(lambda span: final(*span, "")),
    spans.map(lambda span: AudioGap(start=span[0], end=span[1], reason="dropped")),
    st.floats(0, 20).map(lambda at: SpeechStarted(at=at)),
    st.floats(0, 20).map(lambda at: SpeechEnded(at=at)),
    st.floats(0, 20).map(lambda at: Ended(position=at)),
)


holes = st.builds(
    Gap,
    at=st.floats(0, 20),
    seconds=st.none() | st.floats(0, 5),
    reason=st.just("damaged"),
    span=st.just(0.0) | st.floats(0, 5),
)


@given(
    st.lists(entries, max_size=12), st.lists(holes, max_size=4), st.floats(0, 9), st.floats(0, 15)
)
def test_every_second_is_counted_once(events, missing, begin, sent):
    """Recognized, silent and missing seconds always add up to what was sent."""
    ledger = ledger_of(events, sent=sent, missing=missing, begin=begin)
    lost = sum(gap.span for gap in ledger.gaps)
    assert ledger.recognized + ledger.silent + lost == pytest.approx(sent, abs=1e-5)


@pytest.mark.parametrize("at", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("first", ["result", "speech"])
def test_an_instant_of_speech_that_a_result_touches_is_answered(at, first):
    """Speech without any length is not missing where a result begins, goes on or ends."""
    events = [final(1, 3), SpeechStarted(at=at), SpeechEnded(at=at)]
    events = events if first == "result" else [*events[1:], events[0]]
    assert ledger_of([*events, Ended(position=10)]).gaps == ()
