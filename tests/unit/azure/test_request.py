"""The properties and the address of a request."""

from __future__ import annotations

import pytest

from azstt import ConfigurationError, RecognitionOptions
from azstt.backends.azure._limits import AzureLimits
from azstt.backends.azure._request import RecognitionRequest
from azstt.backends.azure._settings import AzureSettings


def request(**options) -> RecognitionRequest:
    """Return a request to a host."""
    settings = AzureSettings(host="ws://127.0.0.1:1")
    return RecognitionRequest(settings, RecognitionOptions.of(options), AzureLimits())


def test_the_callers_properties_take_precedence():
    """A property that the caller names overrides the one that azstt would set."""
    properties = request(properties={"SPEECH-MaxBufferSizeMs": "1"}).properties
    assert properties["SPEECH-MaxBufferSizeMs"] == "1"


def test_continuous_language_detection_uses_the_universal_path():
    """The path of a plain host has no continuous detection, so another one is used."""
    two = {"language": ("en-US", "de-DE")}
    assert request(**two).address == {"host": "ws://127.0.0.1:1"}
    changing = request(**two, language_changes=True)
    assert changing.address == {"endpoint": "ws://127.0.0.1:1/speech/universal/v2"}


def test_ten_languages_may_be_detected_continuously():
    """Continuous detection takes ten candidates; an eleventh is an error."""
    tags = [f"{letter}{letter}" for letter in "abcdefghijk"]
    request(language=tags[:10], language_changes=True).check()
    with pytest.raises(ConfigurationError, match="takes at most 10 candidates, not 11"):
        request(language=tags, language_changes=True).check()
