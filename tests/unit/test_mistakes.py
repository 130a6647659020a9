from __future__ import annotations

import asyncio
import re
import warnings
from inspect import currentframe
from pathlib import Path

import anyio
import numpy as np
import pytest

import azstt
from azstt import AudioFormat, BlockingLiveSession, ConfigurationError, LiveSession
from azstt.backends.local import LocalBackend
from azstt.emulator import serve
from azstt.testing import ScriptedBackend

PCM = AudioFormat()
SILENCE = np.zeros(16_000, "i2")
#: Floats that were declared as integers.
FLOATS = np.random.default_rng(3).uniform(-1, 1, 8_000).astype("<f4").tobytes()


@pytest.fixture
def backend() -> ScriptedBackend:
    """Recognize one sentence."""
    return ScriptedBackend.saying("Hello, world.")


async def coroutine(_: object) -> None:
    """Stand for a callback that somebody made async."""


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"start": "1"}, "start='1' must be a number of seconds, 0 or more"),
        ({"start": None}, "start=None must be a number of seconds, 0 or more"),
        ({"end": "x"}, "end='x' must be a number of seconds above 0"),
        ({"start": 2, "end": 1}, "end=1 must be after start=2"),
        ({"max_seconds": True}, "max_seconds=True must be a number of seconds above 0"),
        ({"max_bytes": "3"}, "max_bytes='3' must be a whole number, 1 or more"),
        ({"track": 1.5}, "track=1.5 must be a whole number, 0 or more"),
        ({"timeout": "1"}, "timeout='1' must be a number of seconds above 0"),
        ({"strict": "no"}, "strict='no' must be True or False"),
        ({"timeouut": 1}, "no such option: 'timeouut'; did you mean 'timeout'?"),
        ({"progress": True}, "progress must be a function, not True"),
        ({"progress": coroutine}, "progress must be a plain function, not a coroutine"),
        ({"language": "en_US"}, "option 'language': 'en_US' is not a BCP-47 tag; did you mean"),
        ({"language": "english"}, "'english' is not a BCP-47 tag; use one such as 'en-US'"),
        ({"language": "de_DE.UTF-8"}, "'de_DE.UTF-8' is not a BCP-47 tag; did you mean 'de-DE'?"),
        ({"language": "auto"}, "list the candidates, such as ['en-US', 'de-DE']"),
        ({"language": None}, "option 'language': None is not a language; leave it out"),
        ({"language": ["en", "de_DE"]}, "option 'language[1]': 'de_DE' is not a BCP-47 tag"),
        ({"translate": "de_DE"}, "option 'translate': 'de_DE' is not a BCP-47 tag"),
    ],
)
def test_a_wrong_argument_is_told_before_any_audio_is_read(backend, keywords, message):
    """Whatever is wrong with an argument, the one kind of error names it, and what is possible."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        azstt.transcribe_file("/no/such/file", backend=backend, **keywords)


def test_progress_that_returns_a_coroutine_is_refused(backend):
    """A lambda around an async function would do nothing, so it is an error, not a warning."""

    def progress(now: azstt.Progress) -> object:
        return coroutine(now)

    with pytest.raises(ConfigurationError, match="progress must be a plain function"):
        azstt.transcribe_bytes(SILENCE, audio=PCM, backend=backend, progress=progress)


@pytest.mark.parametrize("session", [LiveSession, BlockingLiveSession])
@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"langage": "en"}, "no such option: 'langage'; did you mean 'language'?"),
        ({"bufr": 3}, "no such option: 'bufr'; did you mean 'buffer'?"),
        ({"buffer": "3"}, "buffer='3' must be a number of seconds above 0"),
        ({"idle_timeout": 0}, "idle_timeout=0 must be a number of seconds above 0"),
        ({"on_reconnect": coroutine}, "on_reconnect must be a plain function"),
    ],
)
def test_a_live_session_says_the_same(backend, session, keywords, message):
    """Both kinds of live sessions name a wrong argument as the functions for files do."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        session(backend=backend, **keywords)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"\0\0", "not bytes; send() it, or put it into a list: transcribe([chunk])"),
        (SILENCE, "not ndarray; send() it, or put it into a list"),
        ("talk.wav", "not str; open the file: transcribe(azstt.open_audio(...))"),
        (Path("talk.wav"), "not PosixPath; open the file"),
        (5, "not int; use a microphone, a generator or a list"),
        ([b"", 5], "audio must be bytes or an array of samples, not int"),
    ],
)
def test_what_is_no_live_source(backend, source, message):
    """A live session that gets a single chunk, or a path, says what to pass instead."""
    with BlockingLiveSession(backend=backend) as live:
        with pytest.raises(ConfigurationError, match=re.escape(message)):
            live.transcribe(source)
        live.close(now=True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SILENCE, "does not take samples; call transcribe_bytes, with audio=AudioFormat("),
        ([SILENCE], "returned ndarray, not bytes; declare an array's format with audio="),
        (["a.wav", "b.wav"], "returned str, not bytes; open a file with mode 'rb', and pass one"),
        ([Path("a.wav")], "returned PosixPath, not bytes; open a file"),
        (b"\0\0", "does not take bytes; call transcribe_bytes"),
        (None, "cannot read audio from 'NoneType'; pass a path, bytes"),
    ],
)
def test_what_is_no_file(backend, source, message):
    """Something else than a recording is refused with what to pass instead."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        azstt.transcribe_file(source, backend=backend)


def test_bytes_that_are_no_recording_may_be_pcm(backend):
    """The message names the way to pass raw PCM, and shows no bytes."""
    noise = np.random.default_rng(1).integers(-3_000, 3_000, 16_000).astype("<i2").tobytes()
    with pytest.raises(azstt.AudioDecodeError) as caught:
        azstt.transcribe_bytes(noise, backend=backend)
    assert "if it is raw PCM, which has no header, pass audio=AudioFormat(" in str(caught.value)
    assert "b'" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ScriptedBackend.saying(["Hello."]), "not list; unpack a list: saying(*sentences)"),
        (
            lambda: ScriptedBackend.saying("Hello.", start=-1),
            "Word.start should be greater than or equal to 0, not -1",
        ),
        (lambda: ScriptedBackend(["Hello."]), "a script takes events such as Final(segment=...)"),
        (lambda: ScriptedBackend("Hello."), "a script is a list of events and cues, not str"),
        (lambda: ScriptedBackend(azstt.SpeechStarted(at=1)), "and cues, not SpeechStarted"),
        (lambda: LocalBackend(max_sessions="3"), "max_sessions='3' must be a whole number"),
        (
            lambda: azstt.LiveSession(strict="no", backend="local"),
            "strict='no' must be True or False",
        ),
        (lambda: azstt.ByteFeed().push("RIFF"), "push() takes bytes, not str"),
        (lambda: azstt.ByteFeed(max_buffered=0), "max_buffered=0 must be a whole number"),
        (lambda: azstt.open_audio(b"", output="wav"), "output='wav' must be an AudioFormat"),
        (lambda: azstt.microphone(audio="wav"), "audio='wav' must be an AudioFormat"),
        (lambda: azstt.microphone(block="1"), "block='1' must be a number of seconds above 0"),
        (lambda: azstt.WireServer(print, limit=0), "limit=0 must be a whole number, 1 or more"),
        (lambda: serve(speed="fast").__enter__(), "speed='fast' must be a number of seconds"),
        (lambda: serve(port="x").__enter__(), "port='x' must be a whole number, 0 or more"),
    ],
)
def test_what_cannot_be_made(make, message):
    """Everything that users make names the wrong argument when it is made."""
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("timeout", [-1, "1", True, float("nan")])
def test_a_timeout_that_makes_no_sense(backend, timeout):
    """Waiting for an event takes a number of seconds."""
    with BlockingLiveSession(backend=backend) as live:
        with pytest.raises(ConfigurationError, match="must be a number of seconds, 0 or more"):
            live.receive(timeout=timeout)
        live.idle_timeout = 5
        with pytest.raises(ConfigurationError, match="idle_timeout='x' must be"):
            live.idle_timeout = "x"


def test_no_event_is_said(backend):
    """A timeout and the end of the events have messages, for whoever logs them."""
    with BlockingLiveSession(backend=backend) as live:
        live.receive()
        with pytest.raises(TimeoutError, match=r"no event within timeout=0\.01 s"):
            live.receive(timeout=0.01)
        live.finish()
        assert len(list(live)) > 1
        with pytest.raises(anyio.EndOfStream, match="no more events"):
            live.receive()


def test_a_closed_reader_is_no_end_of_the_audio():
    """Reading on after the block is an error: silence would be taken for a short recording."""
    with azstt.open_audio(SILENCE, audio=PCM) as reader:
        assert sum(map(len, reader)) == 32_000
        assert not list(reader)
    with pytest.raises(azstt.SessionStateError, match="the reader of '<bytes>' is closed"):
        list(reader)


def line() -> int:
    """Return the line after the one that calls this."""
    frame = currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno + 1


def transcribed(backend, _path):
    """Transcribe floats as integers; return the line."""
    here = line()
    azstt.transcribe_bytes(FLOATS, audio=PCM, backend=backend)
    return here


def transcribed_async(backend, _path):
    """Do so asynchronously."""

    async def program() -> int:
        here = line()
        await azstt.atranscribe_bytes(FLOATS, audio=PCM, backend=backend)
        return here

    return asyncio.run(program())


def opened(_backend, path):
    """Decode a file of them."""
    here = line()
    azstt.open_audio(path, audio=PCM).close()
    return here


def sent(backend, _path):
    """Send them from a thread."""
    with BlockingLiveSession(backend=backend) as live:
        here = line()
        live.send(FLOATS)
    return here


def fed(backend, _path):
    """Have them sent in the background."""
    with BlockingLiveSession(backend=backend) as live:
        here = line()
        live.feed([FLOATS])
        live.wait()
    return here


def fed_async(backend, _path):
    """Have them sent by a task."""

    async def program() -> int:
        async with LiveSession(backend=backend) as live:
            here = line()
            live.feed([FLOATS])
            await live.wait()
        return here

    return asyncio.run(program())


@pytest.mark.parametrize("program", [transcribed, transcribed_async, opened, sent, fed, fed_async])
def test_a_warning_of_the_format_names_the_users_line(backend, tmp_path, program):
    """Whatever thread or task finds it, the warning shows the line that passed the audio."""
    path = tmp_path / "call.raw"
    path.write_bytes(FLOATS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        here = program(backend, path)
    assert [(each.category, each.filename, each.lineno) for each in caught] == [
        (azstt.AudioFormatWarning, __file__, here)
    ]
    assert (str(path) in str(caught[0].message)) == (program is opened)


@pytest.mark.parametrize("convert", [azstt.transcribe_file, azstt.to_wav])
def test_a_warning_of_missing_audio_names_the_file(audio, tmp_path, convert):
    """In a batch of files it must be clear which one is cut off."""
    path = tmp_path / "cut.wav"
    path.write_bytes((audio / "jfk.wav").read_bytes()[:100_000])
    keywords = {"backend": ScriptedBackend()} if convert is azstt.transcribe_file else {}
    with pytest.warns(azstt.IncompleteAudioWarning, match=re.escape(repr(str(path)))) as caught:
        convert(path, **keywords)
    assert caught[0].filename == __file__


def test_the_ledger_can_be_read():
    """Printed, the ledger is a small table, with a line for each gap."""
    gap = azstt.Gap(at=65.5, seconds=2.5, reason="truncated", span=0, channel=1)
    ledger = azstt.AudioLedger(decoded=10, sent=10, recognized=0.1 + 0.2, silent=9.7, gaps=(gap,))
    assert str(ledger).splitlines() == [
        "decoded         10.00 s",
        "sent            10.00 s",
        "recognized       0.30 s",
        "silent           9.70 s",
        "missing          2.50 s at 00:01:05.500 in channel 1: truncated",
    ]
    assert "unknown at" in str(gap.model_copy(update={"seconds": None}))
