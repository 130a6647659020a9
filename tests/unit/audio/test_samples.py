from __future__ import annotations

import numpy as np
import pytest

from azstt import AudioFormat, ConfigurationError
from azstt._audio.samples import to_bytes

SPEECH = AudioFormat()
FLOATS = AudioFormat(sample_width=4, floating=True)


@pytest.mark.parametrize("audio", [None, SPEECH], ids=["container", "pcm"])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_taken_as_they_are(kind, audio):
    """What a socket, a file or a buffer gives needs no conversion."""
    given = to_bytes(kind(b"abcd"), audio)
    assert type(given) is bytes
    assert given == b"abcd"


def test_samples_of_the_sessions_own_type_are_taken_as_they_are():
    """An int16 array into 16-bit PCM, a float32 array into floats."""
    samples = np.array([1, -2, 3], "<i2")
    assert to_bytes(samples, SPEECH) == samples.tobytes()
    floats = np.array([0.5, -0.25], "<f4")
    assert to_bytes(floats, FLOATS) == floats.tobytes()


def test_floats_become_integers_and_the_other_way_round():
    """What sounddevice or librosa give by default goes into the default session; too loud clips."""
    assert to_bytes(np.array([0, 0.5, 2, -2], "f4"), SPEECH) == (
        np.array([0, 16383, 32767, -32767], "<i2").tobytes()
    )
    assert to_bytes(np.array([16384], "i2"), FLOATS) == np.array([0.5], "<f4").tobytes()


def test_a_row_is_a_frame():
    """A stereo array comes out interleaved, also where its memory is not."""
    stereo = AudioFormat(channels=2)
    rows = np.array([[1, 2], [3, 4]], "<i2")
    assert to_bytes(rows, stereo) == np.array([1, 2, 3, 4], "<i2").tobytes()
    assert to_bytes(np.asfortranarray(rows), stereo) == np.array([1, 2, 3, 4], "<i2").tobytes()


@pytest.mark.parametrize(
    ("piece", "audio", "words"),
    [
        ("text", SPEECH, "not str"),
        (12, SPEECH, "not int"),
        (np.zeros(2, "f8"), SPEECH, "'float64' do not fit"),
        (np.zeros(2, "i4"), SPEECH, "'int32' do not fit"),
        (
            np.zeros(2, "f4"),
            AudioFormat(sample_width=4),
            "that has 16 bits or is floating",
        ),
        (np.zeros((4, 3), "i2"), SPEECH, r"shape \(4, 3\) do not fit channels=1"),
        (np.zeros(2, "i2"), None, r"declare it with audio=AudioFormat\(sample_rate"),
    ],
)
def test_what_is_no_audio_is_refused_in_words(piece, audio, words):
    """The message says what was given and what would do."""
    with pytest.raises(ConfigurationError, match=words):
        to_bytes(piece, audio)
