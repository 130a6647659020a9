"""Every backend keeps the same contract, alone and in a transcription, on either loop."""

from __future__ import annotations

import pytest

import azstt
from azstt.testing import check_backend

JFK = "ask not what your country can do for you"

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_the_contract_is_kept(backend, speech):
    """Every backend keeps the rules of `RecognizerBackend`."""
    check_backend(backend, speech=speech)


@pytest.mark.anyio
async def test_a_recording_is_transcribed(backend, audio):
    """Every backend transcribes the same recording, on either loop."""
    transcript = await azstt.atranscribe_file(
        audio / "jfk.wav", backend=backend, segmentation_silence=2.0
    )
    assert JFK in transcript.text.lower().replace(",", "")
    assert transcript.backend == backend.name
    assert transcript.ledger.sent == 11.0
    assert transcript.ledger.unaccounted == 0


@pytest.mark.anyio
async def test_silence_gives_no_words(silent, audio):
    """Silence gives an empty transcript, and is accounted for."""
    transcript = await azstt.atranscribe_file(audio / "silence.flac", backend=silent)
    assert transcript.text == ""
    assert transcript.ledger.silent == transcript.ledger.sent
