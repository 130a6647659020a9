import numpy as np
import pytest

from azstt.backends.local import _assets
from azstt.backends.local._recognizer import load
from azstt.backends.local._utterance import DecodeCanceledError, UtteranceAudio


@pytest.fixture(scope="module")
def recognizer():
    """The packaged model without the aligner."""
    return load(_assets.packaged_model(), published=True, align=False)


def tone(hertz: float) -> UtteranceAudio:
    """A one-second tone that was taken for speech."""
    wave = np.sin(np.arange(16_000) * 2 * np.pi * hertz / 16_000) * 8000
    return UtteranceAudio(wave.astype("<i2").tobytes(), 5.0, 6.0, ((5.2, 5.8),))


def test_model_is_loaded_once(recognizer):
    """Loading the same model again returns the loaded one."""
    assert load(_assets.packaged_model(), published=True, align=False) is recognizer
    assert load(_assets.packaged_model(), published=True, align=True) is not recognizer


def test_no_words(recognizer):
    """An utterance without words is an empty segment of the same length."""
    segment = recognizer.segment(tone(1000), language="en-US", canceled=lambda: False)
    assert (segment.start, segment.end, segment.text, segment.words) == (5.0, 6.0, "", ())
    assert segment.confidence is None


def test_canceled(recognizer):
    """A result that is no longer wanted is not computed."""
    with pytest.raises(DecodeCanceledError):
        recognizer.text(tone(440).pcm, canceled=lambda: True)


def test_audio_is_in_no_repr():
    """Logging an utterance does not reveal its audio."""
    assert "pcm" not in repr(tone(440))
