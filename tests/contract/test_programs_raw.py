"""Programs that send PCM, or believe that they do: what is sent is what was said."""

from __future__ import annotations

import io
import threading
import warnings

import anyio
import numpy as np
import pytest

import azstt
from azstt import AudioFormat, BlockingLiveSession, LiveSession
from azstt.testing import ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")

SPEECH = AudioFormat()
FLOATS = AudioFormat(sample_width=4, floating=True)
ASK_NOT = "ask not what your country can do for you"


@pytest.fixture(scope="module")
def samples(audio):
    """A real voice, as an array of int16."""
    with azstt.open_audio(audio / "jfk.wav") as reader:
        return np.frombuffer(b"".join(reader), "<i2")


@pytest.fixture
def webm(audio) -> bytes:
    """What a browser records."""
    return (audio / "chromium.webm").read_bytes()


@pytest.mark.parametrize("size", [1, 4_000, 1_000_000])
def test_a_browsers_recording_sent_as_pcm(backend, webm, size):
    """The first `send` that shows it raises, whatever the chunks, and says what to declare."""
    live = BlockingLiveSession(backend=backend)

    def program() -> None:
        with live:
            for at in range(0, len(webm), size):
                live.send(webm[at : at + size])

    with pytest.raises(azstt.ConfigurationError, match=r"begins like webm.* audio='auto'"):
        program()
    assert live.transcript.text == ""
    assert live.usage.audio_seconds < 0.001


@pytest.mark.anyio
async def test_who_swallows_the_error_sends_nothing(backend, webm):
    """A loop that logs errors and goes on makes up no transcript."""
    refused = 0
    async with LiveSession(backend=backend) as live:
        for at in range(0, len(webm), 8_000):
            try:
                await live.send(webm[at : at + 8_000])
            except azstt.ConfigurationError:
                refused += 1
    assert refused == -(-len(webm) // 8_000)
    assert live.transcript.ledger.decoded == 0


def test_the_remedy_works(webm):
    """What the message says is enough."""
    with BlockingLiveSession(backend="local", audio="auto") as live:
        live.send(webm)
    assert live.transcript.text


def test_bytes_of_a_float_array(backend, samples):
    """`array.tobytes()` of floats in a session for integers warns once, and names the remedy."""
    floats = (samples / 32_768).astype("f4")
    with (
        warnings.catch_warnings(record=True) as caught,
        BlockingLiveSession(backend=backend) as live,
    ):
        warnings.simplefilter("always")
        for at in range(0, 32_000, 1_600):
            live.send(floats[at : at + 1_600].tobytes())
    assert [warning.category for warning in caught] == [azstt.AudioFormatWarning]
    assert "floating=True" in str(caught[0].message)


@pytest.mark.anyio
async def test_the_warning_names_the_line_that_sent(samples):
    """Where it is shown, the program's own line stands."""
    with pytest.warns(azstt.AudioFormatWarning, match="does not look like floats") as caught:
        async with LiveSession(backend=ScriptedBackend(), audio=FLOATS) as live:
            await live.send(samples.tobytes())
    assert caught[0].filename == __file__


def test_warnings_as_errors_send_nothing(samples):
    """Where warnings are errors, `send` raises it, and nothing was sent."""
    with warnings.catch_warnings(), BlockingLiveSession(backend=ScriptedBackend()) as live:
        warnings.simplefilter("error")
        with pytest.raises(azstt.AudioFormatWarning, match="64-bit floats"):
            live.send((samples / 32_768).tobytes())
    assert live.transcript.ledger.decoded == 0


def test_an_array_of_floats_that_were_not_divided(samples):
    """`samples.astype("float32")` is no audio from -1 to 1: an error, and nothing was sent."""
    with BlockingLiveSession(backend=ScriptedBackend()) as live:
        with pytest.raises(azstt.ConfigurationError, match="divide them by 32768"):
            live.send(samples[16_000:].astype("f4"))
        live.send(samples.astype("f4") / 32_768)
    assert live.transcript.ledger.decoded == 11.0


def headerless(samples, tmp_path):
    """Yield raw PCM in every form that a program may have it in."""
    pcm = samples.tobytes()
    yield azstt.transcribe_bytes, pcm, SPEECH
    yield azstt.transcribe_bytes, samples, SPEECH
    yield azstt.transcribe_bytes, samples.reshape(-1, 1), SPEECH
    yield azstt.transcribe_bytes, (samples / 32_768).astype("f4"), FLOATS
    yield azstt.transcribe_bytes, np.stack([samples, samples], 1), AudioFormat(channels=2)
    yield azstt.transcribe_bytes, (samples / 32_768).astype("f4").tobytes(), FLOATS
    (tmp_path / "talk.pcm").write_bytes(pcm)
    yield azstt.transcribe_file, tmp_path / "talk.pcm", SPEECH
    yield azstt.transcribe_file, io.BytesIO(pcm), SPEECH
    yield azstt.transcribe_file, iter([pcm[:9_999], b"", pcm[9_999:]]), SPEECH
    yield azstt.transcribe_file, iter([samples[:9_999], samples[9_999:]]), SPEECH
    feed = azstt.ByteFeed()
    threading.Thread(target=lambda: (feed.push(pcm), feed.close())).start()
    yield azstt.transcribe_file, feed, SPEECH


def test_pcm_in_every_form(samples, tmp_path):
    """Bytes, arrays, files, iterables and feeds: every second is sent to the recognizer."""
    for transcribe, source, audio in headerless(samples, tmp_path):
        transcript = transcribe(source, audio=audio, backend=ScriptedBackend.saying("Hello."))
        assert transcript.duration == transcript.ledger.decoded == transcript.ledger.sent == 11.0
        assert transcript.complete


def test_the_words_of_an_array(samples):
    """What a program has in memory becomes its words, with nothing in between."""
    floats = (samples / 32_768).astype("f4")
    transcript = azstt.transcribe_bytes(floats, audio=SPEECH, backend="local", end=8.0)
    assert ASK_NOT in transcript.text.lower()


@pytest.mark.anyio
async def test_pcm_on_an_event_loop(samples, tmp_path):
    """The async twins take it too."""
    (tmp_path / "talk.pcm").write_bytes(samples.tobytes())
    backend = ScriptedBackend.saying("Hello.")
    both = [
        await azstt.atranscribe_bytes(samples, audio=SPEECH, backend=backend),
        await azstt.atranscribe_file(tmp_path / "talk.pcm", audio=SPEECH, backend=backend),
    ]
    assert [transcript.duration for transcript in both] == [11.0, 11.0]


def test_channels_of_a_call(samples):
    """Headerless stereo is recognized channel by channel."""
    call = np.stack([samples, np.zeros_like(samples)], 1)
    audio = AudioFormat(channels=2)
    found = azstt.transcribe_bytes(call, audio=audio, backend="local", channels="separate")
    assert {segment.channel for segment in found.segments} == {0}
    assert found.ledger.decoded == 22.0


def test_a_part_of_pcm_with_progress(samples):
    """`start`, `end` and progress are as for any file: the length is known from the size."""
    seen: list[azstt.Progress] = []
    part = azstt.transcribe_bytes(
        samples, audio=SPEECH, backend="local", start=3.0, end=6.0, progress=seen.append
    )
    assert part.duration == pytest.approx(3.0)
    assert seen[-1].total == 3.0
    with pytest.raises(azstt.AudioTooLargeError, match=r"11\.0 s"):
        azstt.transcribe_bytes(samples, audio=SPEECH, backend="local", max_seconds=10)


def test_an_odd_byte_at_the_end(samples):
    """Half a sample at the end is told as a cut, not dropped in silence."""
    data = samples.tobytes() + b"\1"
    transcript = azstt.transcribe_bytes(data, audio=SPEECH, backend=ScriptedBackend())
    assert [(gap.reason, gap.at) for gap in transcript.ledger.gaps] == [("truncated", 11.0)]


def test_pcm_becomes_a_wav_file(samples):
    """`to_wav` and `open_audio` take it, and resample it."""
    audio = AudioFormat(sample_rate=48_000)
    wav = azstt.to_wav(samples, audio=audio, output=AudioFormat(sample_rate=48_000))
    assert wav[44:] == samples.tobytes()
    with azstt.open_audio(samples, audio=audio) as reader:
        assert len(b"".join(reader)) == pytest.approx(len(samples) * 2 / 3, abs=2)
    report = reader.report
    assert (report.container, report.codec, report.sample_rate) == ("s16le", "pcm_s16le", 48_000)


@pytest.mark.parametrize(
    ("source", "keywords", "said"),
    [
        (np.zeros(9, "i2"), {}, r"does not tell its sample rate.* audio=AudioFormat"),
        (np.zeros(9, "f8"), {"audio": SPEECH}, "'float64' do not fit.*convert them to int16"),
        (np.zeros((2, 99), "i2"), {"audio": SPEECH}, "each row must be a frame"),
        (b"RIFF\0\0\0\0WAVEfmt ", {"audio": SPEECH}, r"begins like wav.* leave out audio="),
        (b"\0\0", {"audio": "wav"}, "audio='wav' is not an AudioFormat"),
    ],
)
def test_what_does_not_fit_is_told(source, keywords, said):
    """An array without its rate, a container with one, another type: the message has the remedy."""
    with pytest.raises(azstt.ConfigurationError, match=said):
        azstt.transcribe_bytes(source, backend=ScriptedBackend(), **keywords)


def test_nothing_is_no_recording():
    """An empty source is an error, as for every other format."""
    with pytest.raises(azstt.AudioDecodeError, match="0 bytes"):
        azstt.transcribe_bytes(b"", audio=SPEECH, backend=ScriptedBackend())


@pytest.mark.anyio
async def test_floats_in_a_file_are_warned_of(samples):
    """The type is looked at for files as well."""
    data = (samples / 32_768).astype("f4").tobytes()
    with pytest.warns(azstt.AudioFormatWarning, match="32-bit floats"), anyio.fail_after(30):
        await azstt.atranscribe_bytes(data, audio=SPEECH, backend=ScriptedBackend())
