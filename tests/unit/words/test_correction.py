"""A corrected transcript: the new text, with the times of what was recognized."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from azstt import AudioLedger, Gap, Segment, Transcript, Word
from azstt._words.alignment import END, align

PAUSE = 0.25


def spoken(text="", *, words=(), first=0.0, speaker=None):
    """Return a segment with a word each second, and a pause after each."""
    words = words or text.split()
    timed = tuple(
        Word(text=word, start=first + at, end=first + at + 1 - PAUSE, confidence=0.5)
        for at, word in enumerate(words)
    )
    return Segment(
        text=text or "".join(words),
        start=first,
        end=first + len(words),
        words=timed,
        speaker=speaker,
    )


def transcript(*lines):
    """Return a transcript with a segment for each text or list of words, one after another."""
    segments, first = [], 0.0
    for at, line in enumerate(lines):
        how = {"first": first, "speaker": f"Guest-{at}"}
        segment = spoken(line, **how) if isinstance(line, str) else spoken(words=line, **how)
        segments.append(segment)
        first = segment.end + 1
    return Transcript(backend="scripted", segments=tuple(segments), duration=first)


TALK = transcript("Ask not what your country", "can do for you.")

#: Frequent words, and rare ones.
line = st.lists(st.sampled_from(["a", "the", "The", "no,", "no", "ŋ", "مرحبا"]), max_size=9).map(
    " ".join
)
text = st.lists(line, max_size=6).map("\n".join)
#: Words of scripts without spaces, as recognizers report them.
runs = st.lists(
    st.sampled_from(["今日", "の", "天気", "です", "。", "สวัสดี", "ครับ"]), min_size=1, max_size=9
)


def times(segment):
    """Return the (text, start, end) of each word."""
    return [(word.text, word.start, word.end) for word in segment.words]


@pytest.mark.parametrize("separator", ["\n", " ", "\r\n\r\n", "  \n"])
@pytest.mark.parametrize(
    "recognized",
    [
        TALK,
        transcript(["今日", "の", "天気"], ["です"]),
        transcript("مرحبا بالعالم", "כן, לא"),
        transcript(*["no no, no no"] * 50),
        Transcript(backend="scripted"),
    ],
)
def test_the_same_text_changes_nothing(recognized, separator):
    """A text that was not edited gives the same transcript, however its lines are separated."""
    same = separator.join(segment.text for segment in recognized.segments)
    assert recognized.corrected(same) == recognized


@given(lines=st.lists(line, max_size=6), separator=st.sampled_from(["\n", " "]))
def test_no_edit_is_the_identity(lines, separator):
    """Whatever the words, even if they are the same again and again."""
    recognized = transcript(*filter(None, lines))
    assert recognized.corrected(separator.join(lines)) == recognized


def test_a_replaced_word_has_the_time_of_the_old_one():
    """The others keep their times and confidence; the new one has no confidence."""
    now = TALK.corrected("Ask now what your country\ncan do for you.")
    assert now.segments[1] is TALK.segments[1]
    assert now.segments[0].speaker == "Guest-0"
    assert [word.start for word in now.segments[0].words] == [0, 1, 2, 3, 4]
    assert times(now.segments[0])[1] == ("now", 1, 1.75)
    assert [word.confidence for word in now.segments[0].words] == [0.5, None, 0.5, 0.5, 0.5]
    assert not any(word.estimated for word in now.words)


def test_several_words_share_the_time_of_those_they_replace():
    """In proportion to their length, and marked as estimated; one for several is measured."""
    several = TALK.corrected("Ask not a good land\ncan do for you.").segments[0]
    shares = [(2, 2.458), (2.458, 3.604), (3.604, 4.75)]  # 2.75 s by letters, and one more for each
    assert [time[1:] for time in times(several)[2:]] == [
        pytest.approx(one, abs=1e-3) for one in shares
    ]
    assert [word.estimated for word in several.words] == [False, False, True, True, True]
    one = TALK.corrected("Ask not what yours\ncan do for you.").segments[0]
    assert times(one)[-1] == ("yours", 3, 4.75)
    assert not one.words[-1].estimated


def test_an_inserted_word_gets_the_pause():
    """Between two words, before the first, and after the last; or an instant if there is none."""
    now = TALK.corrected("So ask not what, exactly, your country is\ncan do for you.").segments[0]
    added = [time for time in times(now) if time[0] in {"So", "exactly,", "is"}]
    assert added == [("So", 0, 0), ("exactly,", 2.75, 3), ("is", 4.75, 5)]


def test_deleted_words_and_segments_vanish():
    """The words around them keep their times, and the other segments stay."""
    now = TALK.corrected("can do you.")
    assert [segment.start for segment in now.segments] == [6]
    assert times(now.segments[0]) == [("can", 6, 6.75), ("do", 7, 7.75), ("you.", 9, 9.75)]
    assert TALK.corrected(" \n").segments == ()


def test_case_and_punctuation_keep_a_word():
    """A word that is only written in another way was still recognized."""
    now = TALK.corrected("Ask NOT what your country,\n“Can do for you!”")
    assert all(word.confidence == 0.5 for word in now.words)
    assert [word.start for word in now.words] == [word.start for word in TALK.words]
    assert now.words[-1].text == "you!”"


def test_a_sign_that_is_part_of_a_letter_makes_another_word():
    """A corrected vowel sign, as in Hindi, is no punctuation: the recognizer heard another word."""
    (word,) = transcript("की").corrected("का").words
    assert (word.text, word.start, word.confidence) == ("का", 0, None)


def test_words_without_spaces_between_them_keep_their_times():
    """In Chinese, Japanese, or Thai, where a word may be several letters."""
    recognized = transcript(["今日", "の", "天気", "です"])
    (now,) = recognized.corrected("今日は悪い天候です。").segments
    assert now.text == "今日は悪い天候です。"
    assert times(now) == [("今日", 0, 0.75), ("は悪い天候", 1, 2.75), ("です。", 3, 3.75)]
    (thai,) = transcript(["สวัสดี", "ครับ"]).corrected("สวัสดีค่ะ").segments
    assert times(thai) == [("สวัสดี", 0, 0.75), ("ค่ะ", 1, 1.75)]


def test_words_that_share_a_token_stay_or_go_together():
    """A recognizer may report parts of a hyphenated word; punctuation need not be a word."""
    words = tuple(
        Word(text=text, start=at, end=at + 1)
        for at, text in enumerate(["", "well", "known", "yes"])
    )
    recognized = Transcript(
        backend="scripted",
        segments=(Segment(text="well-known - yes", start=0, end=5, words=words),),
    )
    (kept,) = recognized.corrected("so well-known - Yes!").segments
    assert times(kept) == [("so", 0, 1), ("well", 1, 2), ("known", 2, 3), ("Yes!", 3, 4)]
    (changed,) = recognized.corrected("Well-known - yes").segments
    assert times(changed) == [("Well-known", 1, 3), ("yes", 3, 4)]


def test_without_word_times_the_text_is_corrected():
    """A segment without words, or with others than those of its text, has none afterwards."""
    bare = Segment(text="one two", start=0, end=2)
    other = Segment(text="25 dogs", start=3, end=4, words=spoken("twenty five dogs").words)
    recognized = Transcript(backend="scripted", segments=(bare, other))
    now = recognized.corrected("one too\n26 dogs")
    assert [(s.text, s.start, s.end, s.words) for s in now.segments] == [
        ("one too", 0, 2, ()),
        ("26 dogs", 3, 4, ()),
    ]


def test_text_for_silence_is_a_segment():
    """What was said where nothing was recognized spans the recording."""
    silence = Transcript(backend="scripted", duration=3.0)
    (segment,) = silence.corrected("Hello\nthere.").segments
    assert (segment.start, segment.end, segment.text) == (0, 3, "Hello there.")


def test_what_is_missing_stays_missing():
    """Gaps, the ledger, and usage are those of the audio, and no text makes it complete."""
    gap = Gap(at=1, seconds=2, reason="truncated")
    damaged = TALK.model_copy(update={"ledger": AudioLedger(sent=9, gaps=(gap,))})
    for now in damaged.corrected("Other words."), damaged.corrected(""):
        assert (now.ledger, now.duration, now.complete) == (damaged.ledger, damaged.duration, False)


@pytest.mark.parametrize(
    ("corrected", "lines"),
    [
        ("zero Ask not what\ncan do, and me", "zero Ask not what|can do, and me"),
        ("Ask not what\nyour country can do", "Ask not what|your country can do"),
        ("Ask not\nwhat your country\ncan\ndo", "Ask not what your country|can do"),
        (
            "Ask not what your country can do for us all",
            "Ask not what your country|can do for us all",
        ),
        ("Ask not what your nation, can do for you.", "Ask not what your nation,|can do for you."),
        ("Ask not your country\nreally\ncan do", "Ask not your country|really can do"),
        ("Wholly other words\nand more of them", "Wholly other words|and more of them"),
        ("Ask not your country\ncan do\nThanks.", "Ask not your country|can do Thanks."),
    ],
)
def test_lines_are_segments_where_they_can_be(corrected, lines):
    """Words stay in their line; lines that are divided or joined change no segment."""
    now = TALK.corrected(corrected)
    assert [segment.text for segment in now.segments] == lines.split("|")
    assert [(s.start, s.end) for s in now.segments] == [(s.start, s.end) for s in TALK.segments]


def check(recognized, now, asked):
    """Check that the text is the one asked for, and that all times are in order and in place."""
    assert "".join(now.text.split()) == "".join(asked.split())
    old = {(segment.start, segment.end) for segment in recognized.segments}
    for segment in now.segments:
        assert (segment.start, segment.end) in old or not recognized.segments
        edges = [time for word in segment.words for time in (word.start, word.end)]
        assert edges == sorted(edges)
        assert all(segment.start <= time <= segment.end for time in edges)
        for word in segment.words:
            if word.text_offset is not None:
                assert segment.text.startswith(word.text, word.text_offset)
        if segment.words and recognized.segments:
            said = "".join(word.text for word in segment.words)
            assert "".join(filter(str.isalnum, said)) == "".join(filter(str.isalnum, segment.text))


@given(lines=st.lists(line.filter(bool), max_size=6), asked=text)
@example(lines=["no, the a", "the a"], asked="the\nno, the the a\na")
def test_no_word_is_lost_and_times_stay_in_order(lines, asked):
    """Any text can be asked for, and is what the transcript says; times rise in each segment."""
    recognized = transcript(*lines)
    now = recognized.corrected(asked)
    check(recognized, now, asked)
    assert now.text.split() == asked.split()


@given(
    lines=st.lists(runs, max_size=4), asked=st.lists(runs.map("".join), max_size=4).map("\n".join)
)
def test_no_letter_is_lost_in_scripts_without_spaces(lines, asked):
    """The same in Japanese and Thai."""
    recognized = transcript(*lines)
    check(recognized, recognized.corrected(asked), asked)


@given(
    size=st.integers(1, 30),
    change=st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted),
    put=st.lists(st.sampled_from(["x", "yy", "z."]), max_size=4),
    width=st.integers(1, 8),
)
def test_words_around_a_change_keep_exactly_their_times(size, change, put, width):
    """Whatever is replaced, inserted, or deleted, and wherever lines end."""
    words = [f"w{at}" for at in range(size)]
    lines = [" ".join(words[at : at + width]) for at in range(0, size, width)]
    recognized = transcript(*lines)
    start, end = change
    now = recognized.corrected(" ".join([*words[:start], *put, *words[end:]]))
    kept = {*words[:start], *words[end:]}
    before = {word.text: word for word in recognized.words}
    after = [word for word in now.words if word.text in kept]
    assert [word.text for word in after] == [word for word in words if word in kept]
    for word in after:
        assert word.model_copy(update={"text_offset": None}) == before[word.text]


def an_hour():
    """Return an hour of speech, in which some words are frequent, and the same with many edits."""
    rng = random.Random(1)  # noqa: S311 - no secret
    texts = [[f"w{min(1999, int(rng.paretovariate(0.7)))}" for _ in range(15)] for _ in range(600)]
    edited = [[f"new{word}" if rng.random() < 0.05 else word for word in one] for one in texts]
    return transcript(*map(" ".join, texts)), edited


@pytest.mark.parametrize("separator", ["\n", " "])
def test_an_hour_is_corrected_at_once(separator):
    """With hundreds of edits it takes a moment, and the unchanged words keep their times."""
    recognized, edited = an_hour()
    asked = separator.join(map(" ".join, edited))
    began = time.process_time()
    now = recognized.corrected(asked)
    assert time.process_time() - began < 5, "half a second on an idle machine"
    assert now.text == " ".join(asked.split())
    old = {(word.text, word.start) for word in recognized.words}
    stayed = sum((word.text, word.start) in old for word in now.words)
    unchanged = sum(not word.startswith("new") for one in edited for word in one)
    assert stayed >= 0.999 * unchanged


def test_another_text_of_an_hour_takes_no_longer():
    """Even if nothing of it was recognized, or all of it is one word."""
    recognized, edited = an_hour()
    others = " ".join(word for one in reversed(edited) for word in one)
    refrain = transcript(*["la " * 15] * 600)
    began = time.process_time()
    assert recognized.corrected(others).text == others
    assert (
        refrain.corrected("oh " + refrain.text.replace("la la", "la oh", 900)).text[:5] == "oh la"
    )
    assert time.process_time() - began < 5, "a second on an idle machine"


def test_the_longest_order_wins():
    """Parts that changed places keep the times of the longer one."""
    moved = [f"m{at}" for at in range(12)]
    stays = [f"s{at}" for at in range(30)]
    pairs = list(align([*moved, *stays, END], [*stays, *moved, END]))
    assert [at for at, kept in pairs if kept] == [*range(12, 42), 42]
