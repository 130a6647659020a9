from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat, ConfigurationError

formats = st.builds(
    AudioFormat,
    sample_rate=st.integers(4_000, 192_000),
    channels=st.integers(1, 8),
    sample_width=st.sampled_from([2, 3, 4]),
)


def test_the_default_suits_speech_recognition():
    """16 kHz, mono, 16-bit: 32,000 bytes a second."""
    audio = AudioFormat()
    assert (audio.sample_rate, audio.channels, audio.sample_width) == (16_000, 1, 2)
    assert audio.size(1.0) == 32_000
    assert audio.seconds(16_000) == 0.5


@given(formats, st.integers(0, 10**7))
def test_bytes_and_seconds_are_inverse(audio, frames):
    """Converting whole frames to seconds and back loses nothing."""
    size = frames * audio.frame_size
    assert audio.size(audio.seconds(size)) == size


@pytest.mark.parametrize(
    "wrong",
    [{"sample_rate": 1}, {"channels": 0}, {"sample_width": 1}, {"rate": 8_000}, {"floating": True}],
)
def test_an_invalid_format_is_refused(wrong):
    """A wrong value is an error at once, not strange audio later."""
    with pytest.raises(ConfigurationError):
        AudioFormat(**wrong)
