from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azstt import Alternative, Partial, Word
from azstt.backends.azure._payload import parse_hypothesis, parse_phrase


def parse(data, **more):
    """Parse a result given as data."""
    return parse_phrase(json.dumps(data), **more).segment


DETAILED = {
    "Id": "42",
    "RecognitionStatus": "Success",
    "DisplayText": "It's 21, Bob.",
    "Offset": 10_000_000,
    "Duration": 20_000_000,
    "NBest": [
        {
            "Confidence": 0.91,
            "Lexical": "it's twenty one bob",
            "ITN": "it's 21 Bob",
            "MaskedITN": "it's 21 Bob",
            "Display": "It's 21, Bob.",
            "Words": [
                {"Word": "it's", "Offset": 10_000_000, "Duration": 4_000_000, "Confidence": 0.9},
                {"Word": "twenty", "Offset": 14_000_000, "Duration": 5_000_000, "Confidence": 0.8},
                {"Word": "one", "Offset": 19_000_000, "Duration": 3_000_000, "Confidence": 0.6},
                {"Word": "bob", "Offset": 24_000_000, "Duration": 6_000_000, "Confidence": 0.7},
            ],
        },
        {"Confidence": 0.2, "Lexical": "it's 21 rob", "Display": "It's 21, Rob."},
    ],
}


def test_a_detailed_result_is_a_segment():
    """Text, times in seconds and confidence come from the service."""
    phrase = parse_phrase(json.dumps(DETAILED))
    segment = phrase.segment
    assert phrase.id == "42"
    assert (segment.text, segment.start, segment.end) == ("It's 21, Bob.", 1.0, 3.0)
    assert segment.confidence == 0.91
    assert segment.alternatives == ()
    assert segment.speaker is None
    assert segment.language is None


def test_display_words_get_the_times_of_spoken_words():
    """Words are cased and punctuated, and a number has the time of its spoken words."""
    assert parse(DETAILED).words == (
        Word(text="It's", start=1.0, end=1.4, confidence=0.9),
        Word(text="21,", start=1.4, end=2.2, confidence=0.6),
        Word(text="Bob.", start=2.4, end=3.0, confidence=0.7),
    )


def test_the_services_own_display_words_are_preferred():
    """If the service sends display words with times, those are used."""
    best = DETAILED["NBest"][0] | {
        "DisplayWords": [
            {"DisplayText": "It's", "Offset": 10_000_000, "Duration": 4_000_000},
            {"DisplayText": "21,", "Offset": 14_000_000, "Duration": 8_000_000},
            {"DisplayText": "Bob.", "Offset": 24_000_000, "Duration": 6_000_000},
        ]
    }
    words = parse(DETAILED | {"NBest": [best]}).words
    assert [(word.text, word.confidence) for word in words] == [
        ("It's", 0.9),
        ("21,", 0.6),
        ("Bob.", 0.7),
    ]


def test_equally_many_display_and_spoken_words_share_their_confidence():
    """Display words get the confidence of the spoken words one to one."""
    best = {
        "Words": [{"Word": "hi", "Offset": 0, "Duration": 10, "Confidence": 0.5}],
        "DisplayWords": [{"DisplayText": "Hi.", "Offset": 5, "Duration": 10}],
    }
    (word,) = parse({"DisplayText": "Hi.", "NBest": [best]}).words
    assert (word.text, word.confidence) == ("Hi.", 0.5)


def test_the_base_is_added_to_every_time():
    """Results of a later connection have their times in the whole audio."""
    segment = parse(DETAILED, base=100.0)
    assert (segment.start, segment.end) == (101.0, 103.0)
    assert segment.words[0].start == 101.0
    assert segment.words[-1].end == 103.0


def test_alternatives_are_kept_as_requested():
    """As many readings as requested are kept, the best first, in all their forms."""
    one, two = parse(DETAILED, alternatives=5).alternatives
    assert one == Alternative(
        text="It's 21, Bob.",
        lexical="it's twenty one bob",
        itn="it's 21 Bob",
        masked="it's 21 Bob",
        confidence=0.91,
    )
    assert two.text == "It's 21, Rob."
    assert len(parse(DETAILED, alternatives=1).alternatives) == 1


def test_speaker_and_language_are_read():
    """A segment has the speaker and the language that the service detected."""
    segment = parse(
        {"Text": "Hallo", "SpeakerId": "Guest-1", "PrimaryLanguage": {"Language": "de-DE"}}
    )
    assert (segment.speaker, segment.language) == ("Guest-1", "de-DE")


def test_a_hypothesis_is_a_partial():
    """An interim result has its text, times in the whole audio, speaker and language."""
    hypothesis = {
        "Text": "hallo welt",
        "Offset": 10_000_000,
        "Duration": 5_000_000,
        "SpeakerId": "Guest-1",
        "PrimaryLanguage": {"Language": "de-DE"},
    }
    assert parse_hypothesis(json.dumps(hypothesis), base=100.0) == Partial(
        text="hallo welt", start=101.0, end=101.5, speaker="Guest-1", language="de-DE"
    )


@pytest.mark.parametrize("name", ["Text", "DisplayText"])
def test_translations_are_read(name):
    """Translations are read in both forms that the service sends."""
    entry = {"Language": "de", name: "Hallo"}
    segment = parse({"Text": "Hello", "Translation": {"Translations": [entry]}})
    assert segment.text == "Hello"
    assert segment.translations == {"de": "Hallo"}


def test_pronunciation_is_read():
    """Scores of the segment, words with their errors, phonemes and syllables are read."""
    sound = {"Offset": 0, "Duration": 10_000_000, "PronunciationAssessment": {"AccuracyScore": 80}}
    best = {
        "Display": "Hello.",
        "PronunciationAssessment": {"AccuracyScore": 90.5, "PronScore": 88, "FluencyScore": 70},
        "Words": [
            {
                "Word": "hello",
                **sound,
                "PronunciationAssessment": {"AccuracyScore": 91, "ErrorType": "Mispronunciation"},
                "Phonemes": [{"Phoneme": "h", **sound}],
                "Syllables": [{"Syllable": "hel", **sound}],
            },
            {"Word": "world", "PronunciationAssessment": {"ErrorType": "Omission"}},
        ],
    }
    segment = parse({"NBest": [best]})
    marks = segment.pronunciation
    assert (marks.accuracy, marks.overall, marks.fluency) == (90.5, 88, 70)
    assert marks.prosody is None
    hello, world = marks.words
    assert (hello.accuracy, hello.error, hello.end) == (91, "Mispronunciation", 1.0)
    assert (hello.phonemes[0].text, hello.phonemes[0].accuracy) == ("h", 80)
    assert hello.syllables[0].text == "hel"
    assert (world.error, world.accuracy) == ("Omission", None)
    assert [word.text for word in segment.words] == ["Hello."]


@pytest.mark.parametrize("status", ["NoMatch", "InitialSilenceTimeout"])
def test_no_match_is_an_empty_segment(status):
    """A result without a match covers its time and has no text."""
    segment = parse({"RecognitionStatus": status, "Offset": 0, "Duration": 50_000_000})
    assert (segment.text, segment.words, segment.end) == ("", (), 5.0)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", "3"])
def test_malformed_results_are_rejected(body):
    """Malformed JSON is an error, not an empty result."""
    for parse_body in parse_phrase, parse_hypothesis:
        with pytest.raises(ValueError, match=r"JSON|Expecting|Extra"):
            parse_body(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("NBest", "Words", "Word", "Display", "DisplayText", "DisplayWords", "Text"),
                    *("Offset", "Duration", "Confidence", "Translation", "Translations"),
                    *("PronunciationAssessment", "Phonemes", "PrimaryLanguage", "Language"),
                    "SpeakerId",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([*DETAILED, "Text", "Translation"]), values, max_size=6))
def test_no_json_object_breaks_it(data):
    """Whatever the service adds or leaves out, a result is a valid segment, or partial."""
    segment = parse(data)
    assert segment.start <= segment.end
    partial = parse_hypothesis(json.dumps(data))
    for name in ("text", "start", "end", "speaker", "language"):
        assert getattr(partial, name) == getattr(segment, name)
