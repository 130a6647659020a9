from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import (
    AudioGap,
    Committed,
    Ended,
    Final,
    Partial,
    PronouncedWord,
    Pronunciation,
    Reconnecting,
    Segment,
    Sound,
    SpeechEnded,
    SpeechStarted,
    Word,
)
from azstt._assembly.timeline import Timeline


@pytest.fixture
def timeline() -> Timeline:
    """Two seconds were dropped after 10 s, and three more after 20 s, in the recognizer's time."""
    timeline = Timeline()
    timeline.jump(10.0, 0.5)
    timeline.jump(10.0, 1.5)
    timeline.jump(20.0, 3.0)
    return timeline


def test_without_a_drop_nothing_changes():
    """Without dropped audio, events are passed on as they are."""
    event = SpeechStarted(at=1.0)
    assert Timeline().place(event) is event


@pytest.mark.parametrize(("at", "starts", "ends"), [(9, 9, 9), (10, 12, 10), (15, 17, 17)])
def test_speech_starts_after_a_drop_and_ends_before_it(timeline, at, starts, ends):
    """Speech never extends into audio that the recognizer did not get."""
    assert timeline.place(SpeechStarted(at=at)) == SpeechStarted(at=starts)
    assert timeline.place(SpeechEnded(at=at)) == SpeechEnded(at=ends)


def test_each_word_of_a_segment_is_placed(timeline):
    """A word after the gap is where it was spoken, and the segment spans both sides."""
    words = (Word(text="one", start=9.0, end=10.0), Word(text="two", start=10.0, end=11.0))
    placed = timeline.place(Final(segment=Segment(text="one two", start=9, end=11, words=words)))
    assert (placed.segment.start, placed.segment.end) == (9.0, 13.0)
    assert [(word.start, word.end) for word in placed.segment.words] == [(9, 10), (12, 13)]


def test_each_sound_of_an_assessment_is_placed(timeline):
    """Scores of words, phonemes and syllables are where they were spoken, too."""
    sound = Sound(text="w", start=15.0, end=15.5)
    word = PronouncedWord(
        text="one", start=15.0, end=16.0, accuracy=80.0, phonemes=(sound,), syllables=(sound,)
    )
    segment = Segment(text="one", start=9, end=16, pronunciation=Pronunciation(words=(word,)))
    placed = timeline.place(Final(segment=segment)).segment.pronunciation.words[0]
    assert (placed.start, placed.end, placed.accuracy) == (17.0, 18.0, 80.0)
    assert [(s.start, s.end) for s in placed.phonemes + placed.syllables] == [(17.0, 17.5)] * 2


def test_an_instant_at_a_drop_stays_in_order(timeline):
    """If an event starts and ends at a drop, its end is not before its start."""
    placed = timeline.place(Partial(text="", start=10.0, end=10.0))
    assert (placed.start, placed.end) == (12.0, 12.0)


def test_every_kind_of_event_is_placed(timeline):
    """Ended counts what was dropped before it, and events without times stay as they are."""
    assert timeline.place(Ended(position=20.0)) == Ended(position=25.0)
    assert timeline.place(Ended(position=15.0)) == Ended(position=17.0)
    assert timeline.place(Committed(at=20.0)) == Committed(at=22.0)
    gap = AudioGap(start=21.0, end=22.0, reason="lost")
    assert timeline.place(gap) == AudioGap(start=26.0, end=27.0, reason="lost")
    other = Reconnecting(attempt=1, delay=0.0, reason="lost")
    assert timeline.place(other) == other


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 10)), max_size=6),
    st.lists(st.floats(0, 120), min_size=2, max_size=8),
)
def test_order_is_kept(drops, times):
    """Later in the recognizer's time is later in the audio's, whatever was dropped."""
    timeline = Timeline()
    for at, seconds in sorted(drops):
        timeline.jump(at, seconds)
    placed = [timeline.place(SpeechStarted(at=at)).at for at in sorted(times)]
    assert placed == sorted(placed)
    assert all(after >= before for before, after in zip(sorted(times), placed, strict=True))
