"""Where speech starts and ends."""

from __future__ import annotations

from azstt import Segment, SpeechEnded, SpeechStarted
from azstt.backends.azure._speech_boundaries import SpeechBoundaries


def test_a_result_ends_the_speech_that_it_covers():
    """Speech ends with its result where the service announces no end."""
    boundaries = SpeechBoundaries()
    segment = Segment(text="hello", start=1.0, end=2.0)
    assert list(boundaries.speech_started(1.0)) == [SpeechStarted(at=1.0)]
    assert [event.kind for event in boundaries.final(segment)] == ["final", "speech_ended"]
    assert list(boundaries.speech_ended(2.1)) == []


def test_speech_without_a_result_stays_visible():
    """A second start ends the first; a start that is announced again is the same speech."""
    boundaries = SpeechBoundaries()
    assert list(boundaries.speech_started(1.0)) == [SpeechStarted(at=1.0)]
    assert list(boundaries.speech_started(1.2)) == []
    assert list(boundaries.speech_started(4.0)) == [SpeechEnded(at=4.0), SpeechStarted(at=4.0)]
    late = Segment(text="late", start=1.0, end=2.0)
    assert [event.kind for event in boundaries.final(late)] == ["final"]
    assert list(boundaries.speech_ended(5.0)) == [SpeechEnded(at=5.0)]
