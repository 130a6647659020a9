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
    """A tone of a second that was taken for speech."""
    wave = np.sin(np.arange(16_000) * 2 * np.pi * hertz / 16_000) * 8000
    return UtteranceAudio(wave.astype("<i2").tobytes(), 5.0, 6.0, ((5.2, 5.8),))


def test_model_is_loaded_once(recognizer):
    """Who asks for the same model again gets the one that is there."""
    assert load(_assets.packaged_model(), published=True, align=False) is recognizer
    assert load(_assets.packaged_model(), published=True, align=True) is not recognizer


def test_no_words(recognizer):
    """An utterance without words is an empty segment, of all its time."""
    segment = recognizer.segment(tone(1000), language="en-US", canceled=lambda: False)
    assert (segment.start, segment.end, segment.text, segment.words) == (5.0, 6.0, "", ())
    assert segment.confidence is None


def test_canceled(recognizer):
    """What nobody wants any more is given up."""
    with pytest.raises(DecodeCanceledError):
        recognizer.text(tone(440).pcm, canceled=lambda: True)


def test_audio_is_in_no_repr():
    """What was said can't be read from a log of an utterance."""
    assert "pcm" not in repr(tone(440))
