import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import open_audio
from azstt.backends.local import _assets
from azstt.backends.local._model import (
    Moonshine,
    SpokenWord,
    _loop,
    _read_tokens,
    _until_loop,
    _words,
)
from azstt.backends.local._utterance import DecodeCanceledError


@pytest.fixture(scope="module")
def model():
    """The packaged model."""
    return Moonshine(_assets.packaged_model())


def pcm(path) -> bytes:
    """Decode a recording."""
    with open_audio(path) as reader:
        return b"".join(reader)


def never():
    """Never cancel."""
    return False


def text(words) -> str:
    """Return words as text."""
    return " ".join(word.text for word in words)


def test_speech(model, audio):
    """A clean sentence is recognized without an error, each word with a confidence."""
    words = model.transcribe(pcm(audio / "arctic_a0009.flac"), canceled=never)
    assert text(words) == "He turned sharply and faced Gregson across the table."
    assert all(0.1 < word.confidence <= 1.0 for word in words)


@pytest.mark.parametrize("size", [0, 2, 320, 3200])
def test_very_short_audio(model, size):
    """A single sample, or none at all, does not make the model fail."""
    model.transcribe(bytes(size), canceled=never)


def test_canceling_between_tokens(model, audio):
    """Decoding stops at the next token once it is canceled."""
    asked = []

    def soon():
        asked.append(None)
        return len(asked) == 3

    with pytest.raises(DecodeCanceledError):
        model.transcribe(pcm(audio / "jfk.wav"), canceled=soon)
    assert len(asked) == 3


def test_length_is_bounded(model):
    """The model returns no more text than can be spoken in the time."""
    noise = np.random.default_rng(1).integers(-3000, 3000, 4000, "<i2")
    assert len(list(model._decode(noise[None].astype(np.float32) / 32768))) == 7


def test_vocabulary(tmp_path):
    """Long tokens of the vocabulary have a length of two bytes."""
    file = tmp_path / "tokenizer.bin"
    file.write_bytes(b"\x01a" + b"\x00" + bytes([128 + 72, 1]) + b"b" * 200)
    assert list(_read_tokens(file)) == [b"a", b"", b"b" * 200]


@pytest.mark.parametrize(
    ("tokens", "echoes"),
    [
        ([], 0),
        ([5] * 7, 0),
        ([5] * 8, 7),
        ([9, *[5] * 8], 7),
        ([1, 2] * 5, 0),
        ([1, 2] * 6, 10),
        ([1, 2, 3, 4] * 3, 0),
        ([9, *[1, 2, 3, 4] * 4], 12),
    ],
)
def test_loops(tokens, echoes):
    """A phrase that repeats many times is a loop; a few repetitions are not."""
    assert _loop(tokens) == echoes


@given(
    st.lists(st.integers(0, 3), max_size=4), st.lists(st.integers(0, 9), min_size=1, max_size=12)
)
def test_a_loop_loses_only_its_echoes(start, phrase):
    """Every loop is cut sooner or later, and its first occurrence stays."""
    tokens = list(start)
    while not (echoes := _loop(tokens)):
        tokens.append(phrase[(len(tokens) - len(start)) % len(phrase)])
        assert len(tokens) < 100
    kept = tokens[: len(tokens) - echoes]
    assert set(tokens) == set(kept)


def test_a_loop_ends_the_decoding():
    """Decoding stops once the model loops."""
    endless = ((token % 2, 0.5) for token in range(10**9))
    assert _until_loop(endless, never) == [(0, 0.5), (1, 0.5)]
    assert _until_loop([(3, 0.1), (4, 0.2)], never) == [(3, 0.1), (4, 0.2)]


def test_tokens_make_words():
    """A word's confidence is the geometric mean of its tokens'; spaces are not words."""
    space = "\N{LOWER ONE EIGHTH BLOCK}".encode()
    tokens = [(b"In", 1.0), (space + b"the", 0.25), (b"re", 1.0), (space, 0.5), (space + b"!", 0.0)]
    heard = list(_words(tokens))
    assert [word.text for word in heard] == ["In", "there", "!"]
    assert [word.confidence for word in heard] == [1.0, 0.5, pytest.approx(0)]
    assert list(_words([])) == []
    assert list(_words([(space, 1.0), (b"a\xff", 1.0)])) == [
        SpokenWord("a\N{REPLACEMENT CHARACTER}", 1.0)
    ]
