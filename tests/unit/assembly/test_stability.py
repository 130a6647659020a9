from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import Final, Partial, RecognitionOptions, open_audio
from azstt._assembly.stability import PartialStabilizer
from azstt._audio_format import AudioFormat
from azstt.backends.local import LocalBackend

WORDS = [
    "you",
    "You",
    "can",
    "can't",
    "cannot",
    "not,",
    "do",
    "do.",
    "...",
    "猫",
    "がい",
    "กำลัง",
    "é",
]
texts = st.lists(st.sampled_from(WORDS), max_size=8).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words), f" {'  '.join(words)}\n"])
)
#: Texts of partials one after another; None is the end of a segment.
partial_texts = st.lists(texts | st.text(max_size=12) | st.none(), max_size=12)


def partial(text: str, start: float = 1.0, end: float = 2.0, speaker: str | None = None):
    """Make a partial as a backend emits it."""
    return Partial(text=text, start=start, end=end, speaker=speaker)


def shown(*texts: str) -> list[tuple[str, str]]:
    """Return stable and tail for each text of one segment."""
    stabilizer = PartialStabilizer()
    events = [stabilizer.partial(partial(text)) for text in texts]
    return [(event.stable, event.tail) for event in events]


def test_words_that_two_partials_agree_on_are_stable():
    """Only whole words are stable, without the punctuation after them, which may change."""
    assert shown("ask", "ask not", "Ask not", "Ask not, wh", "Ask not, what you") == [
        ("", "ask"),
        ("ask", " not"),
        ("ask not", ""),
        ("ask not", ", wh"),
        ("ask not", ", what you"),
    ]


@pytest.mark.parametrize(
    ("one", "other", "stable"),
    [
        ("you can", "you cannot", "you"),
        ("you can", "you can't", "you"),
        ("rock roll", "rock-n-roll", ""),
        ("so, my", "so my", "so"),
        ("5 % of it", "5 % off", "5"),
        ("... so", "... so", "... so"),
        ("! ?", "! ?", ""),
        ("今日は。", "今日はい", "今日は"),
        ("がっこう", "がっこく", "がっこ"),  # a small letter belongs to the one before
        ("がっ", "がつ", ""),
        ("か\u3099き", "か\u3099く", "か\u3099"),  # and so does a voicing mark
        ("กำลัง", "กำลา", "กำ"),  # and a vowel
        ("क्षमा करें", "क्षम करें", ""),  # Hindi has spaces
    ],
)
def test_no_word_is_split(one, other, stable):
    """Stable text ends with a whole word, or a whole letter in scripts without spaces."""
    assert shown(one, other)[1] == (stable, other.removeprefix(stable))


@pytest.mark.parametrize(
    ("later", "tail"),
    [
        ("the cat sat on a", " on a"),
        ("The Cat sat, on a", ", on a"),  # other case, other punctuation
        ("the bat sat on a", " on a"),  # a word replaced
        ("the fat cat sat on a", " on a"),  # one put in
        ("cat sat on a", " on a"),  # one left out
        ("well now the cat sat on a", " on a"),
        ("the cat", ""),  # shorter
        ("thecat sat on a", " on a"),  # two words are one
        ("", ""),
        ("...", "..."),  # no word at all, so nothing matches the stable ones
    ],
)
def test_stable_text_stays_and_no_word_is_shown_twice(later, tail):
    """After a contradiction, the tail continues after the words that match the stable ones."""
    stabilizer = PartialStabilizer()
    for text in ("the cat sat", "the cat sat"):
        stabilizer.partial(partial(text))
    event = stabilizer.partial(partial(later))
    assert event.text == later
    assert (event.stable, event.tail, event.delta) == ("the cat sat", tail, "")


def test_stable_text_grows_after_a_contradiction():
    """Two tails that agree extend the words that were stable."""
    texts = ("the cat sat", "the cat sat", "the bat sat on", "the bat sat on a", "the cat sat on a")
    assert shown(*texts)[-2:] == [("the cat sat on", " a"), ("the cat sat on a", "")]


@given(partial_texts)
def test_stable_text_only_grows(partial_texts):
    """Within a segment the deltas add up to the stable text, and the tail completes it."""
    stabilizer = PartialStabilizer()
    stable = ""
    for text in partial_texts:
        if text is None:
            stabilizer.settled()
            stable = ""
            continue
        event = stabilizer.partial(partial(text))
        assert event.stable == stable + event.delta
        if text.startswith(stable):
            assert event.stable + event.tail == text
        else:
            assert text.endswith(event.tail)
        assert event.text == text
        stable = event.stable


@given(partial_texts, texts)
def test_a_final_ends_the_segment(partial_texts, text):
    """Nothing of a segment carries over into the next."""
    stabilizer = PartialStabilizer()
    for other in filter(None, partial_texts):
        stabilizer.partial(partial(other))
    stabilizer.settled()
    event = stabilizer.partial(partial(text))
    assert (event.stable, event.tail, event.delta) == ("", text, "")


def test_speakers_have_a_segment_each():
    """Two people who talk over each other do not take each other's words back."""
    stabilizer = PartialStabilizer()
    for _ in range(2):
        one = stabilizer.partial(partial("how are", 1, 3, "Guest-1"))
        other = stabilizer.partial(partial("fine thanks", 2, 3, "Guest-2"))
    assert (one.stable, other.stable) == ("how are", "fine thanks")


def test_a_speaker_may_be_identified_late():
    """Stable text stays stable when the recognizer identifies the speaker."""
    stabilizer = PartialStabilizer()
    for speaker in ("Unknown", "Unknown", "Guest-1"):
        event = stabilizer.partial(partial("how are", speaker=speaker))
    assert (event.speaker, event.stable) == ("Guest-1", "how are")


def test_later_audio_is_another_segment():
    """If a recognizer drops a segment without a final, the next one starts empty."""
    stabilizer = PartialStabilizer()
    for _ in range(2):
        stabilizer.partial(partial("how are", 1, 2))
    assert stabilizer.partial(partial("how are", 1, 2.5)).stable == "how are"
    assert stabilizer.partial(partial("fine", 2.5, 3)).stable == ""


def test_most_words_of_real_speech_are_stable_before_their_final(audio):
    """The embedded recognizer's partials make most words of a speech stable before their final."""
    events = []
    options = RecognitionOptions(partials=True)
    session = LocalBackend(align=False).open(options, AudioFormat(), events.append)
    session.start()
    with open_audio(audio / "jfk.wav") as reader:
        speech = b"".join(reader)
    for at in range(0, len(speech), 8000):
        session.write(speech[at : at + 8000])
        while session._partial_busy or session._slots:  # wait, so that no partial is skipped
            time.sleep(0.001)
        session._partial_cost = 0.0  # or a busy machine would have fewer partials
    session.finish()
    session.close()
    stabilizer, stable, early, words = PartialStabilizer(), "", [], []
    for event in events:
        if isinstance(event, Partial):
            stable = stabilizer.partial(event).stable
        elif isinstance(event, Final):
            stabilizer.settled()
            early += stable.lower().replace(",", "").split()
            words += event.segment.text.split()
            stable = ""
    assert "what your country can do for you" in " ".join(early)
    assert len(words) / 2 < len(early) <= len(words)
