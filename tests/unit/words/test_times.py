from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import Segment, Word
from azstt._words.times import align_words, locate_words, spread_words

times = st.floats(0, 1e5)


def test_longer_words_take_longer():
    """Each word gets time in proportion to its length and is marked as estimated."""
    short, long = spread_words(["a", "abcde"], 0.0, 8.0, [0.5, 0.75])
    assert (short.start, short.end, short.confidence) == (0.0, 2.0, 0.5)
    assert (long.start, long.end, long.confidence) == (2.0, 8.0, 0.75)
    assert short.estimated
    assert long.estimated


@given(st.lists(st.text(max_size=12), max_size=30), times, times)
def test_words_fill_the_span(texts, one, other):
    """The words are in order, touch each other and fill the span exactly."""
    start, end = sorted((one, other))
    words = spread_words(texts, start, end)
    assert [word.text for word in words] == texts
    if words:
        assert (words[0].start, words[-1].end) == (start, end)
        edges = [time for word in words for time in (word.start, word.end)]
        assert edges == pytest.approx(sorted(edges))
        assert all(word.confidence is None for word in words)


def spoken(text: str) -> list[Word]:
    """Return words as spoken, a second each."""
    return [
        Word(text=word, start=at, end=at + 1, confidence=0.5 + at / 20)
        for at, word in enumerate(text.split())
    ]


@pytest.mark.parametrize(
    ("shown", "lexical", "times"),
    [
        ("Hello, world.", "hello world", [(0, 1), (1, 2)]),
        ("Room 21, please.", "room twenty one please", [(0, 1), (1, 3), (3, 4)]),
        ("$5 million", "five million dollars", [(0, 1), (1, 2)]),
        ("A B", "a x y b", [(0, 1), (3, 4)]),
        ("Hello there", "hello", [(0, 1), (1, 1)]),
        ("So hello", "hello", [(0, 0), (0, 1)]),
        ("", "uh", []),
        ("Hello", "", []),
    ],
)
def test_displayed_words_get_the_times_of_spoken_ones(shown, lexical, times):
    """Words match whatever their case and punctuation, and numbers match the spoken words."""
    words = align_words(shown.split(), spoken(lexical))
    assert [word.text for word in words] == (shown.split() if times else [])
    assert [(word.start, word.end) for word in words] == times


def test_a_word_for_several_has_the_lowest_confidence():
    """One word for several has measured times; several for several have estimated ones."""
    (one,) = align_words(["21"], spoken("twenty one"))
    assert (one.confidence, one.estimated) == (0.5, False)
    two = align_words(["10:30", "pm"], spoken("half past ten at-night"))
    assert [word.estimated for word in two] == [True, True]
    assert two[0].start == 0
    assert two[-1].end == 4


@given(
    st.lists(st.sampled_from(["a", "B.", "c,", "21", ""]), max_size=8),
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8),
)
def test_aligned_words_stay_in_order_and_in_time(shown, lexical):
    """Every displayed word appears once, in order and within the speech."""
    words = align_words(shown, spoken(" ".join(lexical)))
    assert [word.text for word in words] == (shown if lexical else [])
    starts = [word.start for word in words]
    assert starts == sorted(starts)
    assert all(0 <= word.start <= word.end <= len(lexical) for word in words)


def located(text: str, *words: Word | str) -> list[int | None]:
    """Return the offsets of words in a segment, in which all of them last a second."""
    made = [word if isinstance(word, Word) else Word(text=word, start=0, end=1) for word in words]
    segment = locate_words(Segment(text=text, start=0, end=1, words=tuple(made)))
    return [word.text_offset for word in segment.words]


@pytest.mark.parametrize(
    ("text", "words", "offsets"),
    [
        ("no, no and no.", ("no,", "no", "and", "no."), [0, 4, 7, 11]),
        ("«yes», «no»!", ("yes", "no"), [1, 8]),
        ("今日の天気", ("今日", "の", "天気"), [0, 2, 3]),
        (" one  two", (" one", "two "), [1, 6]),
        ("25 dogs", ("twenty", "five", "dogs"), [None, None, None]),
        ("one two three", ("one", "two"), [None, None]),
        ("one", (), []),
    ],
)
def test_words_are_located_in_their_text(text, words, offsets):
    """Each word knows its place in the text, unless the words are not those of the text."""
    assert located(text, *words) == offsets


@pytest.mark.parametrize(
    ("text", "offsets", "kept"),
    [
        ("oh no, never no.", (3, 13), [3, 13]),  # not every word is reported
        ("no no", (0, 1), [0, 3]),  # not where the word is
        ("no no", (3, 0), [0, 3]),  # not in order
        ("no no", (3, None), [0, 3]),
        ("no no", (0, 99), [0, 3]),
    ],
)
def test_offsets_from_the_recognizer_are_kept_if_they_are_right(text, offsets, kept):
    """A recognizer's own offsets beat a search, and wrong ones are corrected."""
    words = [Word(text="no", start=0, end=1, text_offset=offset) for offset in offsets]
    assert located(text, *words) == kept


@given(st.lists(st.sampled_from(["a", "B.", "c,", "«21»", "今"]), max_size=8))
def test_a_located_word_is_where_it_says(words):
    """A front end can cut every word out of the text at its offset."""
    text = "  ".join(words)
    segment = locate_words(Segment(text=text, start=0, end=9, words=spread_words(words, 0, 9)))
    assert [text[w.text_offset :][: len(w.text)] for w in segment.words] == words
    assert locate_words(segment) is segment
