"""The backend contract and the main features against Azure itself: ten minutes of audio.

``AZURE_SPEECH_KEY=... AZURE_SPEECH_REGION=... pytest -m azure``; an endpoint or a container's host
in the environment works too. Deselected by default: these tests cost money and need a network.
"""

from __future__ import annotations

import jiwer
import pytest

import azstt
from azstt.backends.azure import AzureBackend
from azstt.backends.azure._settings import AzureSettings
from azstt.testing import check_backend

pytestmark = [pytest.mark.azure, pytest.mark.usefixtures("no_thread_left")]

JFK = "what your country can do for you"
#: Share of the words that may be misheard.
WORD_ERRORS = 0.15


@pytest.fixture(scope="module")
def backend():
    """Return the backend that the environment configures."""
    if not AzureSettings().configured:
        pytest.skip("needs AZURE_SPEECH_KEY and AZURE_SPEECH_REGION, or another way to Azure")
    return AzureBackend()


@pytest.fixture(scope="module")
def speech(audio):
    """Return a few seconds of a real voice."""
    with azstt.open_audio(audio / "jfk.wav", end=5.0) as reader:
        return b"".join(reader)


def words(text: str) -> str:
    """Return only the words, in lower case."""
    return " ".join("".join(c if c.isalnum() or c in " '" else " " for c in text.lower()).split())


def test_the_contract_is_kept(backend, speech):
    """The backend keeps the contract."""
    check_backend(backend, speech=speech)


@pytest.mark.anyio
async def test_a_recording_is_transcribed(backend, audio):
    """A transcript has its words with times and confidence, and accounts for every second."""
    transcript = await azstt.atranscribe_file(audio / "jfk.wav", backend=backend)
    assert JFK in words(transcript.text)
    assert transcript.ledger.sent == 11.0
    assert transcript.ledger.unaccounted == 0
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)
    assert not any(word.estimated for word in transcript.words)
    assert all(word.confidence is not None for word in transcript.words)


def test_silence_gives_no_words(backend, audio):
    """Silence is an empty transcript, and accounted for."""
    transcript = azstt.transcribe_file(audio / "silence.flac", backend=backend)
    assert transcript.text == ""
    assert transcript.ledger.silent == transcript.ledger.sent


@pytest.mark.parametrize("name", ["mediarecorder.webm", "containers/h264_aac.mp4"])
def test_containers_are_transcribed(backend, audio, manifest, name):
    """Browser recordings and video files are transcribed too."""
    transcript = azstt.transcribe_file(audio / name, backend=backend)
    expected = words(str(manifest[name]["text"]))
    assert jiwer.wer(expected, words(transcript.text)) <= WORD_ERRORS
    assert transcript.ledger.unaccounted == 0


def test_a_long_recording_is_complete(backend, audio):
    """Five minutes of many voices come out completely, in order and once."""
    transcript = azstt.transcribe_file(audio / "long.ogg", backend=backend)
    expected = words((audio / "long.txt").read_text(encoding="utf-8"))
    assert jiwer.wer(expected, words(transcript.text)) <= WORD_ERRORS
    assert transcript.ledger.unaccounted == 0
    starts = [word.start for word in transcript.words]
    assert starts == sorted(starts)


def test_partials_and_alternatives(backend, audio):
    """With alternatives and partials on, segments have alternatives, the best first."""
    transcript = azstt.transcribe_file(
        audio / "jfk.wav", backend=backend, partials=True, alternatives=3, phrases=["my fellow"]
    )
    best = transcript.segments[0].alternatives[0]
    assert best.text == transcript.segments[0].text
    assert best.lexical


def test_speakers_are_distinguished(backend, audio):
    """Diarization labels the speakers."""
    transcript = azstt.transcribe_file(audio / "long.ogg", backend=backend, diarize=True, end=60.0)
    assert {segment.speaker for segment in transcript.segments} - {None, "Unknown"}
    assert transcript.ledger.unaccounted == 0


def test_the_language_is_detected(backend, audio):
    """Of two candidate languages the spoken one is detected."""
    transcript = azstt.transcribe_file(
        audio / "es_mls_13697.ogg", backend=backend, language=["en-US", "es-ES"]
    )
    assert transcript.language == "es-ES"
    assert transcript.ledger.unaccounted == 0


@pytest.mark.usefixtures("backend")
def test_a_wrong_key_is_an_error(audio):
    """A key that the service does not know is an AuthenticationError."""
    if AzureSettings().key is None:
        pytest.skip("this service is reached without a key")
    wrong = AzureBackend(AzureSettings(key="0" * 32))
    with pytest.raises(azstt.AuthenticationError, match="was rejected by") as caught:
        azstt.transcribe_file(audio / "jfk.wav", backend=wrong)
    assert not caught.value.retryable
