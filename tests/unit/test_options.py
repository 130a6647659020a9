from __future__ import annotations

from typing import get_type_hints

import pytest

from azstt import ConfigurationError, RecognitionOptions
from azstt._options import AudioFields, LiveOptions, split_fields
from azstt.backends import Capabilities


def test_one_language_may_be_a_string():
    """`language="en-US"` needs no tuple."""
    assert RecognitionOptions.of({"language": "en-US"}).language == ("en-US",)
    assert RecognitionOptions.of({"language": ["en-US", "de-DE"]}).language == ("en-US", "de-DE")


def test_the_keywords_are_the_fields():
    """Keyword arguments and the options that a backend gets have the same names."""
    assert set(get_type_hints(LiveOptions)) == set(RecognitionOptions.model_fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"langauge": "en"}, "no such option: 'langauge'; did you mean 'language'"),
        ({"color": 1}, "no such option: 'color'; known are language, language_changes"),
        ({"language": "english please"}, "option 'language': 'english please' is not a BCP-47 tag"),
        (
            {"segmentation_silence": 99},
            "option 'segmentation_silence' should be less than or equal to 5, not 99",
        ),
        ({"diarize": "perhaps"}, "option 'diarize' should be a valid boolean, not 'perhaps'"),
    ],
)
def test_a_wrong_option_is_named(fields, message):
    """The message says which option is wrong, what was given and what is possible."""
    with pytest.raises(ConfigurationError, match=message):
        split_fields(fields)


def test_phrases_stay_out_of_messages():
    """Phrases may be confidential: neither errors nor reprs show them."""
    with pytest.raises(ConfigurationError) as caught:
        RecognitionOptions.of({"phrases": ["Project Secret", 7]})
    assert "Secret" not in str(caught.value)
    assert "Secret" not in repr(RecognitionOptions(phrases=("Project Secret",)))


def test_decoder_and_recognizer_options_are_separated():
    """The decoder's arguments do not reach the recognizer, nor the other way around."""
    audio, recognition = split_fields({"start": 1.0, "track": 2, "diarize": True})
    assert audio == {"start": 1.0, "track": 2}
    assert recognition == RecognitionOptions(diarize=True)
    assert not set(AudioFields.__annotations__) & set(RecognitionOptions.model_fields)


ENGLISH = Capabilities(languages=frozenset({"en"}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "de-DE"}, "the 'x' backend does not recognize language 'de-DE'; it knows en"),
        ({"language": ["en-US", "en-GB"]}, "takes one language, not 2 to detect: en-US, en-GB"),
        ({"diarize": True}, "does not support option 'diarize'"),
        ({"phrases": ["a"]}, "does not support option 'phrases'"),
        ({"partials": True}, "does not support option 'partials'"),
        ({"segmentation_silence": 1.0}, "does not support option 'segmentation_silence'"),
    ],
)
def test_an_unsupported_option_is_refused(options, message):
    """An option that the backend does not support is an error, never ignored."""
    with pytest.raises(ConfigurationError, match=message):
        ENGLISH.check(RecognitionOptions.of(options), backend="x")


@pytest.mark.parametrize("language", ["en", "en-US", "EN-gb", ()])
def test_a_bare_language_includes_its_regions(language):
    """A backend that recognizes en accepts en-GB."""
    ENGLISH.check(RecognitionOptions.of({"language": language}), backend="x")


def test_no_list_of_languages_is_any_language():
    """A backend that lists no languages accepts any, and leaves the check to its service."""
    Capabilities().check(RecognitionOptions.of({"language": "sv-SE"}), backend="x")


@pytest.mark.parametrize(
    "option",
    [
        {"language_changes": True},
        {"custom_model": "x"},
        {"phrase_weight": 1.0},
        {"profanity": "raw"},
        {"dictation": True},
        {"true_text": True},
        {"segmentation_maximum": 30},
        {"segmentation_semantic": True},
        {"initial_silence": 5},
        {"alternatives": 1},
        {"translate": "de"},
        {"audio_logging": True},
        {"properties": {"a": "b"}},
    ],
)
def test_an_option_that_a_backend_does_not_claim_is_refused(option):
    """A backend that predates an option rejects it instead of ignoring it."""
    (name,) = option
    options = RecognitionOptions.of(option)
    with pytest.raises(ConfigurationError, match=f"does not support option '{name}'"):
        ENGLISH.check(options, backend="local")
    ENGLISH.model_copy(update={"options": frozenset({name})}).check(options, backend="local")


def test_asked_names_the_changed_options():
    """Only options that differ from their defaults count as asked for."""
    assert RecognitionOptions().asked == frozenset()
    assert RecognitionOptions.of({"language": "en", "diarize": False}).asked == {"language"}


def test_confidential_values_stay_out_of_messages():
    """Properties and reference texts may be confidential, so no message shows their values."""
    with pytest.raises(ConfigurationError) as caught:
        RecognitionOptions.of({"properties": {"secret": 7}})
    assert "secret" not in str(caught.value).replace("'properties'", "")
    assert str(caught.value) == "option 'properties' should be a valid string, not 7"
