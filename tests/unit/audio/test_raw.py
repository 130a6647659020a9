from __future__ import annotations

import warnings

import numpy as np
import pytest

from azstt import AudioFormat, AudioFormatWarning, ConfigurationError, open_audio
from azstt._audio.formats.mpeg import after_tags
from azstt._audio.raw import ENOUGH, RawCheck

S16, S24, S32 = (AudioFormat(sample_width=width) for width in (2, 3, 4))
F32 = AudioFormat(sample_width=4, floating=True)
PCM = {"s16": S16, "s24": S24, "s32": S32, "f32": F32}

#: Recordings that sound from the beginning.
SPOKEN = ["jfk.wav", "go_forward.ogg", "common_voice_firefox.mp3", "noise.flac", "sv_nst.ogg"]


def encoded(samples, kind: str) -> bytes:
    """Encode floats as PCM of a type."""
    if kind in {"f32", "f64"}:
        return samples.astype("<f4" if kind == "f32" else "<f8").tobytes()
    if kind == "s16":
        return np.round(samples.clip(-1, 1) * 32_767).astype("<i2").tobytes()
    wide = np.round(samples.clip(-1, 1) * (2**31 - 129)).astype("<i4")
    return wide.tobytes() if kind == "s32" else wide.view("u1").reshape(-1, 4)[:, 1:].tobytes()


def look(data: bytes, audio: AudioFormat, size: int = ENOUGH) -> str | None:
    """Return what is said about the audio, sent in chunks of a size."""
    check = RawCheck(audio, "the remedy")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for at in range(0, len(data), size):
                check.look(data[at : at + size])
        except ConfigurationError as error:
            return str(error)
    assert len(caught) <= 1
    return str(caught[0].message) if caught else None


def samples_of(path):
    """Decode a recording to floats."""
    with open_audio(path) as reader:
        return np.frombuffer(b"".join(reader), "<i2") / 32_768


@pytest.mark.parametrize("size", [1, 7, 1_000, 100_000])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chromium.webm", "begins like webm"),
        ("digits.ogg", "begins like ogg"),
        ("silence.flac", "begins like flac"),
        ("jfk.wav", "begins like wav"),
        ("common_voice_firefox.mp3", "begins like mp3"),
        ("containers/mp3.mp3", "begins like mp3"),
        ("containers/aac_adts.aac", "begins like aac"),
        ("containers/aac.m4a", "begins like mp4"),
        ("containers/pcm_s16be_8k.aiff", "begins like another container"),
    ],
)
def test_a_container_is_no_pcm(audio, name, said, size):
    """Whatever the chunks, a container is refused by its first bytes, with the remedy."""
    message = look((audio / name).read_bytes()[:8_000], S16, size)
    assert message is not None
    assert said in message
    assert message.endswith("; the remedy")


def test_an_mp3_file_without_a_tag_is_recognized_by_its_frames(audio):
    """The first frames prove it, also where no tag comes before them."""
    data = (audio / "containers" / "mp3.mp3").read_bytes()
    frames = data[after_tags(data) :]
    assert "begins like mp3" in str(look(frames, S16))
    assert look(frames[:200], S16) is None  # one of them is no proof


def test_every_further_byte_of_a_container_is_refused(audio):
    """Who goes on after the error sends no part of it as sound."""
    data = (audio / "chromium.webm").read_bytes()
    check = RawCheck(S16, "the remedy")
    for at in range(0, 20_000, 4_000):
        with pytest.raises(ConfigurationError, match="webm"):
            check.look(data[at : at + 4_000])


@pytest.mark.parametrize("silence", [0, 6_400, 64_002])
@pytest.mark.parametrize("name", SPOKEN)
@pytest.mark.parametrize(
    ("sent", "declared", "said"),
    [
        ("f32", "s16", "looks like 32-bit floats"),
        ("f32", "s24", "looks like 32-bit floats"),
        ("f32", "s32", "looks like 32-bit floats"),
        ("f64", "s16", "looks like 64-bit floats"),
        ("f64", "f32", "looks like 64-bit floats"),
        ("s16", "f32", "does not look like floats from -1 to 1"),
    ],
)
def test_another_type_is_warned_of(audio, name, sent, declared, said, silence):
    """Floats sent as integers, and the other way round, are told; also after silence."""
    width = int(sent[1:]) // 8
    data = bytes(silence // width * width) + encoded(samples_of(audio / name), sent)
    assert said in str(look(data, PCM[declared], 1_000))


def test_floats_that_were_not_scaled_are_warned_of(audio):
    """32-bit floats up to 32768 are no floats from -1 to 1."""
    scaled = (samples_of(audio / "jfk.wav") * 32_768).astype("<f4")
    assert "of another range must be scaled" in str(look(scaled.tobytes(), F32))


@pytest.mark.parametrize("kind", PCM)
def test_recordings_raise_no_alarm(audio, kind):
    """Real audio is taken in silence, from wherever it begins and however loud."""
    for path in sorted(audio.glob("*.*")):
        if path.suffix in {".txt", ".json", ".md"}:
            continue
        samples = samples_of(path)
        for at in range(0, len(samples) - ENOUGH, max(ENOUGH, len(samples) // 20)):
            part = samples[at : at + ENOUGH]
            for gain in (1.0, 0.1, 4.0):
                assert look(encoded((part * gain).clip(-1, 1), kind), PCM[kind]) is None, path


def signals(rng):
    """Yield what is hard to tell from something else."""
    at = np.arange(ENOUGH)
    for period in (2.0, 3.0, 36.4, 192.0, 417.0):
        square = np.where(at % period < period / 2, 1.0, -1.0)
        yield from (square * level for level in (1.0, 0.99, 0.5, 0.25, 0.01))
        yield square * 0.5 + rng.standard_normal(ENOUGH) * 0.01
        yield np.sin(2 * np.pi * at / period)
    for level in (1.0, 0.5, 0.1, 1e-3, 1e-4):
        yield rng.uniform(-level, level, ENOUGH)
        yield rng.standard_normal(ENOUGH) * level / 4
        yield np.full(ENOUGH, level)
        yield level + (rng.random(ENOUGH) - rng.random(ENOUGH)) / 32_768
    yield np.zeros(ENOUGH)
    yield (rng.random(ENOUGH) - rng.random(ENOUGH)) / 32_768
    chord = sum(np.sin(2 * np.pi * at * f / 16_000) for f in (110, 165, 220, 277.2, 1_661))
    yield chord / 5


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", PCM)
def test_signals_raise_no_alarm(kind, channels):
    """Noise, tones, square waves, DC and dither are PCM, alone and beside a silent channel."""
    audio = PCM[kind].model_copy(update={"channels": channels})
    for samples in signals(np.random.default_rng(1)):
        if channels == 1:
            assert look(encoded(samples, kind), audio) is None
            continue
        for other in (samples[::-1], np.zeros(ENOUGH)):
            for pair in ((samples, other), (other, samples)):
                assert look(encoded(np.stack(pair, 1).ravel(), kind), audio) is None


@pytest.mark.parametrize("first", [b"", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9", b"ID3"])
def test_random_bytes_raise_no_alarm(first):
    """Not even those that begin like a frame or a tag."""
    rng = np.random.default_rng(2)
    for audio in (S16, S24, S32):
        for _ in range(300):
            assert look(first + rng.bytes(ENOUGH), audio) is None


def test_a_period_of_three_bytes_is_no_row_of_frames():
    """DC of 24 bits may look like a frame at every sample, and so at each frame's end too."""
    assert look(b"\xff\xfb\x90" * ENOUGH, S24) is None


def test_the_warning_names_the_callers_line():
    """What is shown is the line that sent the audio."""
    floats = encoded(np.random.default_rng(3).uniform(-1, 1, ENOUGH), "f32")
    with pytest.warns(AudioFormatWarning) as caught:
        RawCheck(S16, "").look(floats)
    assert caught[0].filename == __file__
