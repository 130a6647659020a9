"""The real SDK, the emulator, and the embedded recognizer: real words from real audio."""

from __future__ import annotations

import azure.cognitiveservices.speech as sdk
import pytest

import azstt
from azstt.emulator import Faults
from azstt.emulator.engines._local import LocalEngine
from azstt.emulator.faults import Close, Drop
from azstt.testing import ScriptedBackend

SILENCE = bytes(32_000)


@pytest.fixture
def speech(audio):
    """Return the samples of a recording."""

    def read(name, **shape):
        with azstt.open_audio(audio / name, output=azstt.AudioFormat(**shape)) as reader:
            return b"".join(reader)

    return read


def test_the_words_are_the_recognizers_own(emulate, client, pointed, speech, audio):
    """The SDK gets what the embedded recognizer returns for the same audio."""
    own = azstt.transcribe_file(audio / "jfk.wav", backend="local", segmentation_silence=2.0)
    config = pointed(emulate(engine="local"))
    config.set_property(sdk.PropertyId.Speech_SegmentationSilenceTimeoutMs, "2000")
    heard = client(config).run(speech("jfk.wav"))
    assert heard.texts == [segment.text for segment in own.segments]
    assert heard.partials


def test_segmentation_is_honored(emulate, client, way, speech):
    """A longer segmentation silence results in fewer phrases."""
    pcm = speech("praatio_mary.flac") + SILENCE + speech("praatio_bobby.flac")
    counts = []
    emulator = emulate(engine="local")
    for milliseconds in ("300", "3000"):
        config = way(emulator)
        config.set_property(sdk.PropertyId.Speech_SegmentationSilenceTimeoutMs, milliseconds)
        counts.append(len(client(config).run(pcm).texts))
    assert counts[0] > counts[1]


@pytest.mark.parametrize(
    ("shape", "form"),
    [
        ({"sample_rate": 8_000}, (8_000, 16, 1)),
        ({"sample_rate": 44_100, "channels": 2}, (44_100, 16, 2)),
    ],
    ids=["8 kHz", "44.1 kHz stereo"],
)
def test_other_formats(emulate, client, pointed, speech, shape, form):
    """Audio with other rates and channels is converted."""
    heard = client(pointed(emulate(engine="local")), audio=form)
    heard.run(speech("praatio_mary.flac", **shape))
    assert "barrel" in heard.texts[0]


def test_a_drop_between_phrases(emulate, client, pointed, speech):
    """A drop in silence loses no word."""
    pcm = speech("praatio_mary.flac") + 4 * SILENCE + speech("praatio_bobby.flac") + 2 * SILENCE
    emulator = emulate(engine="local", faults=Faults.of(Drop(at=5.5)))
    heard = client(pointed(emulator)).run(pcm)
    assert [text.split()[0] for text in heard.texts] == ["Mary", "Bobby"]
    assert heard.results[1].offset > 50_000_000
    assert len(emulator.requests) == 2


def test_a_backend_that_fails(emulate, client, pointed):
    """A failure of the recognizer looks like one of the service."""
    failure = azstt.Failed(error=azstt.ServiceError("broken on purpose"))
    emulator = emulate(engine=LocalEngine(ScriptedBackend([failure])))
    heard = client(pointed(emulator)).run(9 * SILENCE)
    assert heard.error == "ServiceError"
    assert {record.closed for record in emulator.requests} == {"server 1011"}


def test_closing_in_the_middle(emulate, client, pointed, speech):
    """A connection that closes in the middle of converted audio is reported."""
    form = (8_000, 16, 1)
    fault = Close(at=1.0, code=1002)
    emulator = emulate(engine="local", faults=Faults.of(fault))
    heard = client(pointed(emulator), audio=form).run(speech("jfk.wav", sample_rate=8_000))
    assert heard.error == "ConnectionFailure"
