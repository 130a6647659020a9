from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat, ConfigurationError
from azstt._result import Alternative, Pronunciation
from azstt.emulator import Utterance, marked_wav
from azstt.emulator._service.bodies import phrase
from azstt.emulator._service.fast import Definition, response_body
from azstt.emulator._service.forms import censored, lexical
from azstt.emulator._service.markers import find_mark
from azstt.emulator._service.request import Assessment, TurnRequest
from azstt.emulator._service.wire import StreamFormat, WireError

FORMAT = StreamFormat.pcm(AudioFormat())


def best(utterance, **asked):
    """Return the best reading of an utterance."""
    return phrase(utterance, TurnRequest(detailed=True, **asked), "en-US")["NBest"][0]


def test_forms_of_a_text():
    """Lexical text is lower case without punctuation; inner apostrophes and hyphens stay."""
    assert lexical("Well, I don't - know: T-shirts!") == "well i don't know t-shirts"
    assert censored("Damn, it's damned.", "masked") == "****, it's damned."
    assert censored("a  damn  b", "removed") == "a b"
    assert censored("a  b", "removed") == "a  b"


def test_masked_forms():
    """Profanity is masked in every form; the script's own masked text is used as it is."""
    said = Utterance(text="Damn it.", start=0, end=1)
    reading = best(said)
    assert (reading["Display"], reading["Lexical"], reading["MaskedITN"]) == (
        "**** it.",
        "**** it",
        "**** it",
    )
    assert best(said.model_copy(update={"masked": "d*** it"}))["MaskedITN"] == "d*** it"
    assert [w["DisplayText"] for w in best(said, profanity="removed")["DisplayWords"]] == ["it."]


def test_alternatives_follow_the_best():
    """The other readings follow the best one, which is not repeated."""
    said = Utterance(
        text="Hello.",
        start=0,
        end=1,
        alternatives=(Alternative(text="Hello."), Alternative(text="Yellow.", itn="yellow!")),
    )
    readings = phrase(said, TurnRequest(detailed=True), "en-US")["NBest"]
    assert [(r["Display"], r["ITN"]) for r in readings] == [
        ("Hello.", "hello"),
        ("Yellow.", "yellow!"),
    ]


def test_scores_of_the_script():
    """The script's scores are returned, on the scale that the client asks for."""
    known = Pronunciation(accuracy=80, fluency=60, completeness=50, prosody=40, overall=70)
    said = Utterance(text="Hello.", start=0, end=1, pronunciation=known)
    scores = best(said, assessment=Assessment(five_point=True, prosody=True))[
        "PronunciationAssessment"
    ]
    assert scores == {
        "AccuracyScore": 4,
        "FluencyScore": 3,
        "CompletenessScore": 2.5,
        "ProsodyScore": 2,
        "PronScore": 3.5,
    }


def test_made_up_scores():
    """Scores that the script lacks depend on the confidence and the reference text."""
    said = Utterance(text="one two", start=0, end=1, confidence=0.5)
    reading = best(said, assessment=Assessment(reference="one", granularity="word"))
    assert reading["PronunciationAssessment"] == {
        "AccuracyScore": 50,
        "FluencyScore": 100,
        "CompletenessScore": 100,
        "PronScore": 83.3,
    }
    assert [w["PronunciationAssessment"]["ErrorType"] for w in reading["Words"]] == ["None", "None"]
    assert "Phonemes" not in reading["Words"][0]


@given(st.floats(0.1, 3), st.integers(0, 95_000))
def test_the_position_in_marked_audio(seconds, at):
    """Wherever a turn begins in marked audio, its position is found to the sample."""
    pcm = marked_wav(seconds)[44:]
    at -= at % 2
    rest = pcm[at : at + 3_200]
    if len(rest) >= 648:
        assert find_mark(rest, FORMAT) == at / 32_000


@given(st.binary(max_size=2_000))
def test_other_audio_has_no_mark(pcm):
    """Other audio has no position."""
    assert find_mark(pcm, FORMAT) is None


def test_marks_need_the_audio_as_it_was():
    """Marks in audio of another format and damaged marks are ignored."""
    pcm = marked_wav(1)[44:]
    assert find_mark(pcm, StreamFormat(1, 2, 16_000, 64_000, 16)) is None
    assert find_mark(b"\xa5\x5a\0\0\1\0" + bytes(100), FORMAT) is None
    with pytest.raises(ConfigurationError, match=r"-1 s"):
        marked_wav(-1)


SAID = [
    Utterance(text="Hi, damn.", start=0.5, end=1.0, speaker="Guest-2"),
    Utterance(text="Yes.", start=0.2, end=0.7, channel=1, language="de-DE", confidence=0.5),
]


def test_fast_transcription():
    """The response contains the combined text and the phrases."""
    definition = Definition.read({"locales": ["en-US"], "diarization": {"enabled": True}})
    answer = response_body(definition, 2.0, SAID[:1])
    assert answer["durationMilliseconds"] == 2000
    assert answer["combinedPhrases"] == [{"text": "Hi, ****."}]
    (first,) = answer["phrases"]
    assert (first["speaker"], first["offsetMilliseconds"], first["locale"]) == (2, 500, "en-US")
    assert first["words"][0] == {
        "text": "Hi,",
        "offsetMilliseconds": 500,
        "durationMilliseconds": 200,
    }


def test_fast_transcription_of_channels():
    """Each channel has a text of its own."""
    definition = Definition.read({"channels": [0, 1], "profanityFilterMode": "None"})
    answer = response_body(definition, 2.0, SAID)
    assert answer["combinedPhrases"] == [
        {"channel": 0, "text": "Hi, damn."},
        {"channel": 1, "text": "Yes."},
    ]
    assert [(p["channel"], p["locale"], p["confidence"]) for p in answer["phrases"]] == [
        (0, "en-US", 0.9),
        (1, "de-DE", 0.5),
    ]


def test_fast_transcription_refuses_contradictions():
    """Speakers can't be identified on several channels."""
    with pytest.raises(WireError, match="diarization"):
        Definition.read({"channels": [0, 1], "diarization": {"enabled": True}})


def test_fast_transcription_of_nothing():
    """Silence results in an empty text."""
    assert response_body(Definition.read({}), 1.0, [])["combinedPhrases"] == [{"text": ""}]
