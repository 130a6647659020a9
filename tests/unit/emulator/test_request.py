from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt.emulator._service.request import Assessment, find, parse_json, read_request
from azstt.emulator._service.wire import WireError

V1 = "/speech/recognition/{}/cognitiveservices/v1"
V2 = "/stt/speech/universal/v2"


def read(context=None, *, path=V2, query=None, config=None):
    """Read a request with defaults."""
    return read_request(path, query or {}, config or {}, context or {})


@pytest.mark.parametrize("mode", ["conversation", "interactive", "dictation"])
def test_the_mode_is_in_the_path_or_in_the_context(mode):
    """Legacy paths contain the mode; with the universal path it is in the context."""
    other = {"phraseDetection": {"mode": "Dictation"}}
    assert read(other, path=V1.format(mode)).mode == mode
    assert read({"phraseDetection": {"mode": mode.upper()}}).mode == mode


def test_defaults():
    """Without options the service's defaults apply."""
    request = read()
    assert (request.mode, request.language, request.profanity) == (
        "conversation",
        "en-us",
        "masked",
    )
    assert (request.detailed, request.targets, request.assessment) == (False, None, None)
    assert (request.base, request.initial_silence) == (0.0, None)
    assert read({"phraseDetection": {"mode": "interactive"}}).initial_silence == 5.0


def test_the_query_says_the_same_as_the_context():
    """Clients on legacy paths send the settings in the query."""
    query = {
        "language": "de-DE",
        "format": "detailed",
        "profanity": "raw",
        "initialsilencetimeoutms": "3000",
        "to": "fr,it",
    }
    request = read(query=query)
    assert (request.language, request.detailed, request.profanity) == ("de-DE", True, "raw")
    assert (request.initial_silence, request.targets) == (3.0, ("fr", "it"))


def test_every_setting_of_the_context():
    """All settings that the SDKs write into the context are read, however they spell them."""
    context = {
        "phraseDetection": {
            "language": "fr-FR",
            "mode": "Conversation",
            "initialSilenceTimeout": 4000,
            "speakerDiarization": {"mode": "Anonymous", "diarizeIntermediates": "True"},
            "enrichment": {"profanity": "Removed"},
            "CONVERSATION": {
                "segmentation": {
                    "segmentationSilenceTimeoutMs": 700,
                    "segmentationForcedTimeoutMs": "30000",
                }
            },
        },
        "PhraseOutput": {"detailed": {"options": ["WordTimings"]}},
        "languageId": {"languages": ["en-US", "de-DE"], "mode": "DetectContinuous"},
        "translation": {"targetLanguages": ["de"]},
        "continuation": {"audio": {"streams": {"1": {"offset": "20000000"}}}},
    }
    config = {"context": {"audio": {"source": {"SeparateChannelProcessing": "true"}}}}
    request = read(context, config=config)
    assert (request.language, request.initial_silence, request.profanity) == ("fr-FR", 4, "removed")
    assert (request.diarize, request.diarize_partials, request.detailed) == (True, True, True)
    assert (request.segmentation_silence, request.segmentation_maximum) == (0.7, 30)
    assert (request.candidates, request.at_start) == (("en-US", "de-DE"), False)
    assert (request.targets, request.base, request.separate_channels) == (("de",), 2.0, True)


def test_an_assessment():
    """A pronunciation assessment is read with all its options."""
    asked = {
        "referenceText": "hello",
        "gradingSystem": "FivePoint",
        "granularity": "Word",
        "enableMiscue": True,
        "enableProsodyAssessment": True,
    }
    context = {"phraseDetection": {"enrichment": {"pronunciationAssessment": asked}}}
    assert read(context).assessment == Assessment(
        reference="hello", miscue=True, granularity="word", prosody=True, five_point=True
    )


@pytest.mark.parametrize("value", [True, [], {}, "many", None])
def test_invalid_numbers(value):
    """An invalid number is ignored."""
    context = {
        "phraseDetection": {"initialSilenceTimeout": value},
        "languageId": {"languages": value},
    }
    assert read(context).initial_silence is None


anything = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(anything)
def test_any_context_can_be_read(context):
    """Any JSON is accepted as a context."""
    read({"phraseDetection": context, "phraseOutput": context, "translation": context})


def test_find_ignores_case():
    """Keys are found in any case, and missing ones are None."""
    assert find({"Dgi": {"GROUPS": 1}}, "dgi", "groups") == 1
    assert find({"a": 1}, "a", "b") is None


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff"])
def test_bad_json(body):
    """A body that is not a JSON object is rejected."""
    with pytest.raises(WireError, match=r"speech\.context is not"):
        parse_json(body, "speech.context")
