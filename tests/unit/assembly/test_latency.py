from __future__ import annotations

import pytest

from azstt._assembly.latency import Latency


@pytest.fixture
def latency() -> Latency:
    """Ten pieces of 100 ms were sent, one every 100 ms from 50 s of the clock on."""
    latency = Latency()
    for piece in range(1, 11):
        latency.sent(piece / 10, 50.0 + piece / 10)
    return latency


def test_an_event_is_as_late_as_the_audio_at_its_end_was_sent_before_it(latency):
    """The piece that holds the end of a word counts, not the one before or after."""
    latency.final(0.35, 50.9)
    assert latency.of_finals == pytest.approx(0.5)


def test_of_the_partials_the_first_counts(latency):
    """What a speaker waits for is the first word on the screen."""
    latency.partial(0.2, 50.5)
    latency.partial(0.3, 59.0)
    assert latency.first_partial == pytest.approx(0.3)


def test_of_the_finals_the_median_counts(latency):
    """One slow final does not stand for all."""
    for late in (0.1, 0.2, 30.0):
        latency.final(1.0, 51.0 + late)
    assert latency.of_finals == pytest.approx(0.2)


def test_an_end_beyond_the_audio_is_held_against_its_last_piece(latency):
    """A recognizer that rounds up by a little makes no latency vanish."""
    latency.final(1.02, 51.25)
    assert latency.of_finals == pytest.approx(0.25)


def test_nothing_sent_or_said_is_no_latency():
    """None is not zero."""
    latency = Latency()
    latency.partial(1.0, 2.0)
    latency.final(1.0, 2.0)
    assert (latency.first_partial, latency.of_finals) == (None, None)


def test_audio_of_long_ago_is_forgotten_rather_than_guessed():
    """Hours of small pieces take no memory, and give no wrong figure."""
    latency = Latency()
    for piece in range(10_000):
        latency.sent(piece / 50, piece / 50)
    latency.final(1.0, 200.0)
    assert latency.of_finals is None
