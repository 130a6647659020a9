"""Every option, as the service sees it."""

from __future__ import annotations

import pytest

import azstt
from azstt import Alternative, PronunciationOptions
from azstt import emulator as emulators
from azstt.emulator import Script, Utterance

pytestmark = pytest.mark.usefixtures("no_thread_left")

PAIR = ("en-US", "de-DE")
SCRIPT = Script(
    segments=(
        Utterance(text="Hello, world.", start=0.2, end=1.2, speaker="Guest-1", language="de-DE"),
    )
)


def deep(value, path: str):
    """Return the value at a dotted path, ignoring the case of its names."""
    for name in path.split("."):
        value = {key.lower(): entry for key, entry in value.items()}[name.lower()]
    return value


CASES = [
    ({}, "query", "language", "en-US"),
    ({}, "query", "format", "detailed"),
    ({}, "query", "wordLevelTimestamps", "true"),
    ({"language": "de-DE"}, "query", "language", "de-DE"),
    ({"language": PAIR}, "context", "languageId.languages", list(PAIR)),
    ({"language": PAIR}, "context", "languageId.mode", "DetectAtAudioStart"),
    (
        {"language": PAIR, "language_changes": True},
        "context",
        "languageId.mode",
        "DetectContinuous",
    ),
    ({"language": PAIR, "language_changes": True}, "path", "/speech/universal/v2", None),
    ({"custom_model": "my-model"}, "query", "cid", "my-model"),
    (
        {"language": PAIR, "custom_model": {"de-DE": "mein-modell"}},
        "context",
        "phraseDetection.customModels",
        [{"language": "de-DE", "endpoint": "mein-modell"}],
    ),
    (
        {"phrases": ["Contoso"]},
        "context",
        "dgi.Groups",
        [{"Type": "Generic", "Items": [{"Text": "Contoso"}]}],
    ),
    ({"phrases": ["Contoso"], "phrase_weight": 1.5}, "context", "dgi.bias", 1.5),
    ({"profanity": "raw"}, "query", "profanity", "raw"),
    ({"profanity": "removed"}, "query", "profanity", "removed"),
    ({"profanity": "masked"}, "query", "profanity", "masked"),
    ({"dictation": True}, "path", "/speech/recognition/dictation/cognitiveservices/v1", None),
    ({"true_text": True}, "query", "postprocessing", "TrueText"),
    (
        {"segmentation_silence": 0.7},
        "context",
        "phraseDetection.conversation.segmentation.segmentationSilenceTimeoutMs",
        700,
    ),
    (
        {"segmentation_maximum": 20},
        "context",
        "phraseDetection.conversation.segmentation.segmentationForcedTimeoutMs",
        20_000,
    ),
    (
        {"segmentation_semantic": True},
        "context",
        "phraseDetection.conversation.segmentation.mode",
        "Semantic",
    ),
    ({"initial_silence": 4.5}, "query", "initialSilenceTimeoutMs", "4500"),
    ({"diarize": True}, "context", "phraseDetection.speakerDiarization.mode", "Anonymous"),
    (
        {"diarize": True, "diarize_partials": True},
        "context",
        "phraseDetection.speakerDiarization.diarizeIntermediates",
        "True",
    ),
    ({"translate": ["de", "fr"]}, "context", "translation.targetLanguages", ["de", "fr"]),
    (
        {"pronunciation": PronunciationOptions(reference="Hello, world.", miscue=True)},
        "context",
        "phraseDetection.enrichment.pronunciationAssessment.referenceText",
        "Hello, world.",
    ),
    (
        {"pronunciation": PronunciationOptions(grading="five", detail="word", prosody=True)},
        "context",
        "phraseDetection.enrichment.pronunciationAssessment.gradingSystem",
        "FivePoint",
    ),
    (
        {"pronunciation": PronunciationOptions(alphabet="IPA")},
        "context",
        "phraseDetection.enrichment.pronunciationAssessment.phonemeAlphabet",
        "IPA",
    ),
    ({"audio_logging": True}, "query", "storeAudio", "true"),
    (
        {"properties": {"SpeechServiceResponse_StablePartialResultThreshold": "3"}},
        "query",
        "stableIntermediateThreshold",
        "3",
    ),
    ({"properties": {"SPEECH-ModelName": "whisper"}}, "context", "model.name", "whisper"),
]


@pytest.mark.parametrize(("options", "where", "name", "value"), CASES)
def test_an_option_reaches_the_service(azure, run, options, where, name, value):
    """What the caller sets is what the service receives."""
    with emulators.serve(script=SCRIPT) as emulator:
        session = run(azure(emulator), bytes(48_000), **options)
    (request,) = emulator.requests
    assert request.violation is None
    assert session.events[-1] == azstt.Ended(position=1.5)
    if where == "path":
        assert request.path == name
    else:
        assert deep(getattr(request, where), name) == value


def final(session) -> azstt.Segment:
    """Return the one segment that was recognized."""
    (event,) = session.of(azstt.Final)
    return event.segment


def test_speakers_are_labeled(azure, run):
    """Diarization gives each segment its speaker."""
    with emulators.serve(script=SCRIPT) as emulator:
        assert final(run(azure(emulator), bytes(48_000), diarize=True)).speaker == "Guest-1"
        assert final(run(azure(emulator), bytes(48_000))).speaker is None


def test_the_language_is_detected(azure, run):
    """With several candidates each segment has the detected language."""
    with emulators.serve(script=SCRIPT) as emulator:
        assert final(run(azure(emulator), bytes(48_000), language=PAIR)).language == "de-DE"


def test_translations_come_with_the_segment(azure, run):
    """Each target language has a translation, by its tag."""
    with emulators.serve(script=SCRIPT) as emulator:
        segment = final(run(azure(emulator), bytes(48_000), translate=["de", "fr"]))
    assert segment.text == "Hello, world."
    assert set(segment.translations) == {"de", "fr"}
    assert all(segment.translations.values())


def test_alternatives_have_every_form(azure, run):
    """An alternative has the lexical, ITN and masked forms."""
    with emulators.serve(script=SCRIPT) as emulator:
        segment = final(run(azure(emulator), bytes(48_000), alternatives=1))
    (best,) = segment.alternatives
    assert (best.text, best.lexical) == ("Hello, world.", "hello world")
    assert best.itn
    assert best.masked


def test_several_alternatives_are_kept(azure, run):
    """As many alternatives as requested are kept, the best first."""
    readings = [Alternative(text=text) for text in ("Hello.", "Hallo.", "Yellow.")]
    spoken = Utterance(text="Hello.", start=0.2, end=1.2, alternatives=tuple(readings))
    with emulators.serve(script=Script(segments=(spoken,))) as emulator:
        segment = final(run(azure(emulator), bytes(48_000), alternatives=2))
    assert [reading.text for reading in segment.alternatives] == ["Hello.", "Hallo."]


def test_pronunciation_is_assessed(azure, run):
    """There are scores for the segment, for each word and for each phoneme."""
    with emulators.serve(script=SCRIPT) as emulator:
        segment = final(
            run(
                azure(emulator),
                bytes(48_000),
                pronunciation=PronunciationOptions(reference="Hello, world.", prosody=True),
            )
        )
    marks = segment.pronunciation
    assert marks is not None
    assert None not in {marks.accuracy, marks.fluency, marks.completeness, marks.overall}
    assert [word.text for word in marks.words] == ["hello", "world"]
    assert all(word.phonemes for word in marks.words)


@pytest.mark.parametrize("kind", ["host", "endpoint"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"diarize": True},
        {"translate": ["de"]},
        {"language": PAIR},
        {"language": PAIR, "language_changes": True},
        {"dictation": True},
        {"pronunciation": PronunciationOptions()},
    ],
)
def test_the_environment_alone_is_enough(monkeypatch, audio, kind, options):
    """One variable, and no key, points every kind of recognizer at a container or an emulator."""
    with emulators.serve(script=SCRIPT) as emulator:
        monkeypatch.setenv(f"AZURE_SPEECH_{kind.upper()}", getattr(emulator, kind))
        transcript = azstt.transcribe_file(audio / "jfk.wav", end=2.0, **options)
    assert (transcript.text, transcript.backend) == ("Hello, world.", "azure")
    (request,) = emulator.requests
    assert "ocp-apim-subscription-key" not in request.headers
    if kind == "endpoint":
        assert request.path == "/stt/speech/universal/v2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"diarize": True, "translate": ["de"]}, "'diarize' and 'translate' cannot be combined"),
        ({"diarize_partials": True}, "'diarize_partials' requires 'diarize'"),
        ({"phrase_weight": 2.0}, "'phrase_weight' requires 'phrases'"),
        ({"language": ["en", "de", "fr", "es", "it"]}, "takes at most 4 candidates, not 5"),
        ({"language_changes": True}, "requires several languages"),
        ({"custom_model": {"de-DE": "x"}}, "a model for de-DE, which is not in option 'language'"),
        ({"language": PAIR, "custom_model": "x"}, "pass a mapping of language tags to model ids"),
    ],
)
def test_incompatible_options_are_rejected(azure, options, message):
    """Options that the service cannot combine are a configuration error, before any I/O."""
    with emulators.serve() as emulator:
        with pytest.raises(azstt.ConfigurationError, match=message):
            azstt.transcribe_file("no such file.wav", backend=azure(emulator), **options)
        assert not emulator.requests
