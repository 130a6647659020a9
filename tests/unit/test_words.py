from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._words import spread_words

times = st.floats(0, 1e5)


def test_longer_words_take_longer():
    """Each word gets time by its letters and is marked as estimated."""
    short, long = spread_words(["a", "abcde"], 0.0, 8.0, [0.5, 0.75])
    assert (short.start, short.end, short.confidence) == (0.0, 2.0, 0.5)
    assert (long.start, long.end, long.confidence) == (2.0, 8.0, 0.75)
    assert short.estimated
    assert long.estimated


@given(st.lists(st.text(max_size=12), max_size=30), times, times)
def test_words_fill_the_stretch(texts, one, other):
    """The words come in order, touch each other and fill the stretch exactly."""
    start, end = sorted((one, other))
    words = spread_words(texts, start, end)
    assert [word.text for word in words] == texts
    if words:
        assert (words[0].start, words[-1].end) == (start, end)
        edges = [time for word in words for time in (word.start, word.end)]
        assert edges == pytest.approx(sorted(edges))
        assert all(word.confidence is None for word in words)
