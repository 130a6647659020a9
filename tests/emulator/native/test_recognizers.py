"""Every kind of recognizer of the unmodified native SDK, over legacy and universal paths."""

from __future__ import annotations

import azure.cognitiveservices.speech as sdk
import pytest

from azstt import Word
from azstt._result import Alternative
from azstt.emulator import Script, Utterance

SECOND = bytes(32_000)
TWO = Script.saying("Hello there, Bob.", "How are you?", pause=2.5)
TEXTS = ["Hello there, Bob.", "How are you?"]
TRANSCRIBER = sdk.transcription.ConversationTranscriber
TRANSLATOR = sdk.translation.TranslationRecognizer


def test_continuous_recognition(emulate, client, way):
    """A continuous session gets growing partials and all finals, at their times, and ends."""
    emulator = emulate(script=TWO)
    heard = client(way(emulator)).run(6 * SECOND)
    assert heard.texts == TEXTS
    assert heard.partials == ["hello", "hello there", "how", "how are"]
    assert [result.offset for result in heard.results] == [0, 34_000_000]
    assert [result.duration for result in heard.results] == [9_000_000, 9_000_000]
    assert heard.started == [0, 34_000_000]
    assert heard.error is None
    (turn,) = emulator.requests[0].turns
    assert (turn.audio_seconds, turn.audio_ended, turn.ended) == (6, True, True)
    assert turn.request.mode == "conversation"


def test_a_final_at_the_end_of_the_audio(emulate, client, way):
    """An utterance that is cut off by the end of the audio still has a final."""
    heard = client(way(emulate(script=TWO))).run(4 * SECOND)
    assert heard.texts == TEXTS


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_audio_of_any_length_ends_in_one_turn(emulate, client, pointed, rate):
    """Audio that ends within a millisecond is acknowledged to its end, so none is sent twice."""
    emulator = emulate(script=Script.saying("Hello."))
    heard = client(pointed(emulator), audio=(rate, 16, 1))
    heard.run(bytes(2 * round(rate * 1.3337)))
    assert heard.texts == ["Hello."]
    assert len(emulator.requests[0].turns) == 1


def test_single_shot(emulate, client, way):
    """A single shot returns the first utterance, another one the next."""
    emulator = emulate(script=TWO)
    # the second one needs the SDK to wait for the service to end the first one's turn
    one = client(way(emulator, SPEECH_StopRecognitionTimeoutInSeconds="10"))
    one.stream.write(6 * SECOND)
    one.stream.close()
    assert [one.recognizer.recognize_once().text for _ in TEXTS] == TEXTS
    first, second = emulator.requests[0].turns
    assert first.request.mode == "interactive"
    assert (first.request.base, second.request.base) == (0, 0.9)


def test_single_shot_of_silence(emulate, client, way):
    """A single shot of silence returns at once, not after a minute."""
    one = client(way(emulate()))
    one.stream.write(2 * SECOND)
    one.stream.close()
    result = one.recognizer.recognize_once()
    assert result.reason == sdk.ResultReason.NoMatch
    assert result.no_match_details.reason == sdk.NoMatchReason.InitialSilenceTimeout


def test_initial_silence(emulate, client, way):
    """Silence at the start is reported if the client has set a limit."""
    config = way(emulate(script=Script.saying("Late.", start=4.0)))
    config.set_property(sdk.PropertyId.SpeechServiceConnection_InitialSilenceTimeoutMs, "2000")
    heard = client(config).run(6 * SECOND)
    (silence,) = heard.no_match
    assert silence.no_match_details.reason == sdk.NoMatchReason.InitialSilenceTimeout
    assert heard.texts == ["Late."]


def test_dictation(emulate, client, way):
    """Dictation is a mode of its own."""
    emulator = emulate(script=TWO)
    config = way(emulator)
    config.enable_dictation()
    assert client(config).run(6 * SECOND).texts == TEXTS
    assert emulator.requests[0].turns[0].request.mode == "dictation"


def test_details(emulate, client, way):
    """Detailed results contain readings in all forms, and words and display words with times."""
    utterance = Utterance(
        text="It costs $20.",
        start=0.5,
        end=2.0,
        words=(
            Word(text="It", start=0.5, end=0.8, confidence=0.7),
            Word(text="costs", start=0.8, end=1.2),
            Word(text="$20.", start=1.2, end=2.0),
        ),
        confidence=0.8,
        lexical="it costs twenty dollars",
        itn="it costs $20",
        alternatives=(Alternative(text="It cost $20.", confidence=0.4),),
    )
    config = way(emulate(script=Script(segments=(utterance,))))
    config.output_format = sdk.OutputFormat.Detailed
    best, other = client(config).run(3 * SECOND).bodies[0]["NBest"]
    assert best["Display"] == "It costs $20."
    assert (best["Lexical"], best["ITN"]) == ("it costs twenty dollars", "it costs $20")
    assert (best["MaskedITN"], best["Confidence"]) == ("it costs $20", 0.8)
    assert [word["Word"] for word in best["Words"]] == ["it", "costs", "twenty", "dollars"]
    assert best["DisplayWords"][0] == {
        "DisplayText": "It",
        "Offset": 5_000_000,
        "Duration": 3_000_000,
    }
    assert (other["Display"], other["Confidence"]) == ("It cost $20.", 0.4)


def test_simple_results_have_no_details(emulate, client, way):
    """Results have no details unless the client asks for them."""
    body = client(way(emulate(script=TWO))).run(6 * SECOND).bodies[0]
    assert "NBest" not in body


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (sdk.ProfanityOption.Masked, "Well, **** it."),
        (sdk.ProfanityOption.Removed, "Well, it."),
        (sdk.ProfanityOption.Raw, "Well, damn it."),
    ],
    ids=["masked", "removed", "raw"],
)
def test_profanity(emulate, client, way, option, text):
    """Profanity is masked, removed or left, as the client asks."""
    config = way(emulate(script=Script.saying("Well, damn it.")))
    config.set_profanity(option)
    assert client(config).run(SECOND).texts == [text]


SPEAKERS = Script(
    segments=(
        Utterance(text="One here.", start=0.5, end=1.5, speaker="Guest-1"),
        Utterance(text="Two here.", start=2.5, end=3.5, speaker="Guest-2"),
        Utterance(text="Who?", start=4.0, end=4.5),
    )
)


def test_conversation_transcription(emulate, client, way):
    """A conversation transcriber identifies the speakers."""
    emulator = emulate(script=SPEAKERS)
    heard = client(way(emulator), kind=TRANSCRIBER).run(5 * SECOND)
    assert [result.speaker_id for result in heard.results] == ["Guest-1", "Guest-2", "Guest-1"]
    assert heard.texts == ["One here.", "Two here.", "Who?"]
    assert emulator.requests[0].turns[0].request.diarize


def test_translation(emulate, client, way):
    """A translator gets the text, the script's translations, and made-up ones for the rest."""
    said = Utterance(text="Hello, Bob.", start=0, end=1, translations={"de": "Hallo, Bob."})
    config = way(emulate(script=Script(segments=(said,))), targets=("de", "fr"))
    heard = client(config, kind=TRANSLATOR).run(2 * SECOND)
    assert heard.texts == ["Hello, Bob."]
    assert heard.results[0].reason == sdk.ResultReason.TranslatedSpeech
    assert dict(heard.results[0].translations) == {"de": "Hallo, Bob.", "fr": "[fr] Hello, Bob."}
    assert heard.partials == ["hello"]


def test_single_shot_translation(emulate, client, way):
    """A translator can recognize a single utterance."""
    one = client(way(emulate(script=TWO), targets=("de",)), kind=TRANSLATOR)
    one.stream.write(6 * SECOND)
    one.stream.close()
    result = one.recognizer.recognize_once()
    assert (result.text, result.translations["de"]) == (TEXTS[0], f"[de] {TEXTS[0]}")


@pytest.mark.parametrize(
    "kind", [sdk.SpeechRecognizer, TRANSCRIBER], ids=["speech", "conversation"]
)
@pytest.mark.parametrize(
    ("mode", "languages"),
    [("AtStart", ["de-DE", "de-DE"]), ("Continuous", ["de-DE", "en-US"])],
    ids=["at-start", "continuous"],
)
def test_language_identification(emulate, client, way, kind, mode, languages):
    """The language is identified among the candidates, once or for each phrase."""
    script = Script(
        segments=(
            Utterance(text="Guten Tag.", start=0.5, end=1.5, language="de-DE"),
            Utterance(text="Good day.", start=2.5, end=3.5, language="en-US"),
        )
    )
    lid = sdk.languageconfig.AutoDetectSourceLanguageConfig(languages=["en-US", "de-DE"])
    config = way(emulate(script=script))
    config.set_property(sdk.PropertyId.SpeechServiceConnection_LanguageIdMode, mode)
    heard = client(config, lid=lid, kind=kind).run(4 * SECOND)
    assert [body["PrimaryLanguage"]["Language"] for body in heard.bodies] == languages


def test_pronunciation_assessment(emulate, client, way):
    """An assessment returns scores, and marks words as omitted, inserted or correct."""
    asked = sdk.PronunciationAssessmentConfig(
        reference_text="hello my Bob",
        grading_system=sdk.PronunciationAssessmentGradingSystem.HundredMark,
        granularity=sdk.PronunciationAssessmentGranularity.Phoneme,
        enable_miscue=True,
    )
    asked.enable_prosody_assessment()
    one = client(way(emulate(script=TWO)))
    asked.apply_to(one.recognizer)
    scores = sdk.PronunciationAssessmentResult(one.run(2 * SECOND).results[0])
    assert scores.completeness_score == pytest.approx(200 / 3, abs=0.1)
    assert (scores.accuracy_score, scores.fluency_score, scores.prosody_score) == (90, 100, 100)
    errors = [(word.word, word.error_type) for word in scores.words]
    assert errors == [
        ("hello", "None"),
        ("there", "Insertion"),
        ("bob", "None"),
        ("my", "Omission"),
    ]
    assert "".join(phoneme.phoneme for phoneme in scores.words[0].phonemes) == "hello"


def test_channels(emulate, client, way):
    """The channels of a stereo stream are recognized separately if the client asks for it."""
    script = Script(
        segments=(
            Utterance(text="Left here.", start=0.5, end=1.5),
            Utterance(text="Right here.", start=1.0, end=2.0, channel=1),
        )
    )
    config = way(emulate(script=script))
    config.set_property(sdk.PropertyId.Speech_EnableMultiChannelProcessing, "true")
    heard = client(config, audio=(16_000, 16, 2)).run(6 * SECOND)
    assert [(r.channel, r.text) for r in heard.results] == [(0, "Left here."), (1, "Right here.")]


def test_long_silence_is_acknowledged(emulate, client, way):
    """Minutes of silence do not overflow the client's buffer, which holds 66 s."""
    config = way(
        emulate(script=Script.saying("At last.", start=76)),
        SPEECH_TransmitLengthBeforThrottleMs="5000",
        SPEECH_AudioThrottleAsPercentageOfRealTime="2000",
    )
    heard = client(config).run(80 * SECOND)
    assert (heard.texts, heard.error) == (["At last."], None)
