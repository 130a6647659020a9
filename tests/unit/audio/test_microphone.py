"""The microphone, with the real PortAudio below it."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
import wave

import anyio
import pytest

import azstt
from azstt._audio.microphone import microphone
from azstt._audio.portaudio import devices


@pytest.fixture(scope="module")
def pcm(audio):
    """Some seconds of speech."""
    with wave.open(str(audio / "jfk.wav")) as file:
        return file.readframes(32_000)


def read(mic, size):
    """Read at least `size` bytes."""
    heard = b""
    for piece in mic:
        heard += piece
        if len(heard) >= size:
            break
    return heard


@pytest.mark.usefixtures("no_thread_left")
def test_what_is_said_is_heard(speaker, pcm):
    """Every sample arrives, in order and in chunks of the requested length."""
    speaker.say(pcm)
    with microphone(block=0.05) as mic:
        first = next(mic)
        heard = first + read(mic, len(pcm) + 3_200)
        assert mic.overflows == 0
    assert len(first) == 1_600
    assert pcm in heard


@pytest.mark.anyio
async def test_what_is_said_is_heard_on_a_loop(speaker, pcm):
    """Async code gets the same audio, whether the block is async or not."""
    speaker.say(pcm)
    heard = b""
    async with microphone() as mic:
        async for piece in mic:
            heard += piece
            if len(heard) > len(pcm) + 6_400:
                break
    assert pcm in heard
    with microphone() as mic:
        assert await anext(mic) == bytes(3_200)


@pytest.mark.anyio
async def test_canceling_loses_no_piece(speaker, pcm):
    """Canceling the wait for a chunk, again and again, loses no audio."""
    speaker.say(pcm, pace=0.003)
    heard, given_up = b"", 0
    async with microphone() as mic:
        while len(heard) <= len(pcm) + 6_400:
            with anyio.move_on_after(0.002) as scope:
                heard += await anext(mic)
            given_up += scope.cancelled_caught
    assert pcm in heard
    assert given_up


@pytest.mark.usefixtures("speaker")
@pytest.mark.parametrize(
    ("audio", "size"),
    [
        (azstt.AudioFormat(sample_rate=48_000, channels=2), 19_200),
        (azstt.AudioFormat(sample_rate=8_000, sample_width=4), 3_200),
        (azstt.AudioFormat(sample_width=4, floating=True), 6_400),
        (azstt.AudioFormat(sample_width=3), 4_800),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_the_format_is_what_was_asked_for(audio, size):
    """A chunk is a tenth of a second by default, in any format."""
    with microphone(audio=audio) as mic:
        assert len(next(mic)) == size
        assert mic.audio == audio


@pytest.mark.usefixtures("speaker")
def test_closing_ends_the_iteration():
    """Closing from another thread ends the iteration after what was recorded."""
    with microphone() as mic:
        threading.Timer(0.1, mic.close).start()
        pieces = list(mic)
    assert pieces
    assert next(mic, None) is None
    mic.close()


@pytest.mark.anyio
@pytest.mark.usefixtures("speaker")
async def test_closing_ends_the_async_iteration():
    """Closing from another thread ends the async iteration, for good."""
    async with microphone() as mic:
        threading.Timer(0.1, mic.close).start()
        pieces = [piece async for piece in mic]
        assert pieces
        assert await anext(mic, None) is None


@pytest.mark.usefixtures("speaker")
def test_a_microphone_that_stops_by_itself():
    """A microphone that stops without being closed is an error, not the end of the audio."""
    with microphone() as mic:
        next(mic)
        mic._stream.abort()  # as PortAudio does when a device is gone
        with pytest.raises(azstt.AudioSourceError, match="stopped unexpectedly"):
            list(mic)
        assert list(mic) == []


def test_a_reader_that_is_too_slow(line_in):
    """A minute of audio is buffered; what comes after it is lost, with a warning and a count."""
    pipe = os.open(line_in, os.O_RDWR)
    minute = threading.Thread(target=lambda: [os.write(pipe, bytes(32_000)) for _ in range(64)])
    minute.start()
    with microphone(block=1.0) as mic:
        minute.join()
        deadline = time.monotonic() + 20
        while not mic.overflows and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.warns(RuntimeWarning, match="too slow to process it") as warned:
            pieces = [next(mic) for _ in range(60)]
        os.close(pipe)
    assert b"".join(pieces) == bytes(60 * 32_000)
    assert warned[0].filename == __file__


@pytest.mark.usefixtures("speaker")
def test_what_portaudio_lost_is_counted():
    """An overflow that PortAudio reports raises a warning and is counted."""
    with microphone() as mic:
        next(mic)
        mic._on_audio(bytes(2), 1, None, mic._portaudio.CallbackFlags(2))
        assert mic.overflows == 1
        with pytest.warns(RuntimeWarning, match="was lost"):
            next(mic)


@pytest.mark.usefixtures("speaker")
def test_the_devices():
    """The list has the devices and their formats; a device can be selected in several ways."""
    found = {device.name: device for device in devices()}
    assert {name: device.is_default for name, device in found.items()} == {
        "default": True,
        "stereo": False,
    }
    assert (found["stereo"].channels, found["stereo"].sample_rate) == (2, 44_100)
    for name in (found["default"].number, "default", "DEF"):
        with microphone(device=name) as mic:
            next(mic)


@pytest.mark.usefixtures("speaker")
@pytest.mark.parametrize("device", [7, -3, "no such thing"])
def test_a_device_that_is_not_there(device):
    """A device that does not exist is an error that names it and says how to list the others."""
    with (
        pytest.raises(azstt.ConfigurationError, match=r"no microphone.*azstt live --devices"),
        microphone(device=device),
    ):
        pass


@pytest.mark.anyio
@pytest.mark.usefixtures("speaker")
async def test_opening_on_a_loop_may_fail_or_be_canceled():
    """An async block raises what the sync one does; canceled, it leaves no open device."""
    with pytest.raises(azstt.ConfigurationError, match="matches no microphone"):
        async with microphone(device="no such thing"):
            pass
    mic = microphone()
    with anyio.move_on_after(0) as scope:
        async with mic:
            pass
    assert scope.cancelled_caught
    with anyio.fail_after(20):
        _ = [piece async for piece in mic]  # which ends when all is closed
    assert mic._stream is None


@pytest.mark.usefixtures("line_in")
def test_a_format_that_the_device_does_not_record():
    """A format that the device does not support is an error that says how to list what it does."""
    with (
        pytest.raises(azstt.ConfigurationError, match=r"not support AudioFormat\(.*channels=8"),
        microphone(device="stereo", audio=azstt.AudioFormat(channels=8)),
    ):
        pass


@pytest.mark.parametrize("block", [0, -1, math.nan])
def test_a_block_must_be_positive(block):
    """A block without a length is refused before anything is opened."""
    with pytest.raises(azstt.ConfigurationError, match="must be a number of seconds above 0"):
        microphone(block=block)


@pytest.mark.usefixtures("speaker")
def test_it_is_opened_once():
    """Reading before it is open, and opening it again, are refused."""
    mic = microphone()
    with pytest.raises(azstt.SessionStateError, match="not open"):
        next(mic)
    with mic:
        pass
    with pytest.raises(azstt.SessionStateError, match="opened only once"):
        mic.__enter__()


def alone(code, **env):
    """Run code in a separate interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.rstrip("\n")


@pytest.mark.usefixtures("line_in")
def test_no_microphone_at_all(tmp_path):
    """A machine without a microphone is an error that says so."""
    config = tmp_path / "asound.conf"
    config.write_text("pcm.default { type hw card 9 }\n")
    code = """
import azstt
from azstt._audio.microphone import microphone
from azstt._audio.portaudio import devices
print(devices())
try:
    with microphone(): pass
except azstt.AudioSourceError as error:
    print(error)
"""
    assert alone(code, ALSA_CONFIG_PATH=str(config)) == "[]\nno microphone found; connect one"


@pytest.mark.parametrize(
    ("without", "said"),
    [
        ("sys.modules['sounddevice'] = None", "pip install 'azstt[mic]'"),
        ("ctypes.util.find_library = lambda name: None", "apt-get install libportaudio2"),
    ],
)
def test_what_is_missing_is_named(without, said):
    """A missing binding, or library below it, is an error with the command that installs it."""
    code = f"""
import ctypes.util, sys
{without}
import azstt
from azstt._audio.microphone import microphone
try:
    microphone()
except azstt.MissingDependencyError as error:
    print(error)
"""
    assert said in alone(code)
