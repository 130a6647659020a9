from __future__ import annotations

import pytest

from azstt._assembly.latency import Latency


@pytest.fixture
def latency() -> Latency:
    """Ten chunks of 100 ms were sent in real time, from 50 s on the clock."""
    latency = Latency()
    for chunk in range(1, 11):
        latency.sent(chunk / 10, 50.0 + chunk / 10)
    return latency


def test_latency_counts_from_the_audio_at_the_end_of_an_event(latency):
    """The chunk that contains the end of a word counts, not the one before or after."""
    latency.final(0.35, 50.9)
    assert latency.of_finals == pytest.approx(0.5)


def test_the_first_partial_counts(latency):
    """A speaker waits for the first word on the screen."""
    latency.partial(0.2, 50.5)
    latency.partial(0.3, 59.0)
    assert latency.first_partial == pytest.approx(0.3)


def test_the_median_final_counts(latency):
    """One slow final does not change the figure."""
    for late in (0.1, 0.2, 30.0):
        latency.final(1.0, 51.0 + late)
    assert latency.of_finals == pytest.approx(0.2)


def test_an_end_after_the_audio_counts_from_the_last_chunk(latency):
    """A recognizer that rounds a time up a little still has a latency."""
    latency.final(1.02, 51.25)
    assert latency.of_finals == pytest.approx(0.25)


def test_without_audio_or_results_there_is_no_latency():
    """An unknown latency is None, not zero."""
    latency = Latency()
    latency.partial(1.0, 2.0)
    latency.final(1.0, 2.0)
    assert (latency.first_partial, latency.of_finals) == (None, None)


def test_audio_of_long_ago_is_forgotten_rather_than_guessed():
    """Hours of small chunks take little memory, and give no wrong figure."""
    latency = Latency()
    for chunk in range(10_000):
        latency.sent(chunk / 50, chunk / 50)
    latency.final(1.0, 200.0)
    assert latency.of_finals is None
