"""A microphone that records what a test writes to it, through the real PortAudio and ALSA."""

from __future__ import annotations

import ctypes.util
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest

#: ALSA's default device "records" from a named pipe; the other one records silence, in stereo.
ASOUND = """
pcm.null {{ type null }}
pcm.default {{
    type file
    slave.pcm null
    file /dev/null
    infile {fifo}
    format raw
}}
pcm.stereo {{
    type multi
    slaves.a {{ pcm null channels 2 }}
    bindings.0 {{ slave a channel 0 }}
    bindings.1 {{ slave a channel 1 }}
}}
"""
SILENCE = bytes(3_200)


class Speaker:
    """Speech into the microphone, with silence between words: a microphone never stops."""

    def __init__(self, fifo):
        # Open for reading too: opening for writing alone would wait for a reader.
        self._pipe = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        self._words = b""
        self._pace = 0.01
        self._gone = False
        self._thread = threading.Thread(target=self._speak)
        self._thread.start()

    def say(self, pcm, *, pace=0.01):
        """Say this next, a tenth of a second of it every ``pace`` seconds."""
        self._pace = pace
        self._words = pcm

    def go(self):
        """Stop: the microphone records nothing more, not even silence."""
        self._gone = True
        self._thread.join()
        os.close(self._pipe)

    def _speak(self):
        while not self._gone:
            words = self._words
            with suppress(BlockingIOError):  # nothing is recording
                os.write(self._pipe, words[:3_200] or SILENCE)
                if words:
                    self._words = words[3_200:]
            time.sleep(self._pace if words else 0.01)


@pytest.fixture(scope="session")
def line_in(tmp_path_factory):
    """The named pipe that PortAudio's default device records from."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the microphone is made with ALSA, which only Linux has")
    if ctypes.util.find_library("portaudio") is None:
        pytest.skip("PortAudio is not installed: apt-get install libportaudio2")
    folder = tmp_path_factory.mktemp("alsa")
    fifo = folder / "line-in"
    os.mkfifo(fifo)
    (folder / "asound.conf").write_text(ASOUND.format(fifo=fifo))
    os.environ["ALSA_CONFIG_PATH"] = str(folder / "asound.conf")
    return fifo


@pytest.fixture
def speaker(line_in):
    """Speech into the microphone, for the length of a test."""
    with _speaking(line_in) as someone:
        yield someone


@contextmanager
def _speaking(fifo):
    someone = Speaker(fifo)
    try:
        yield someone
    finally:
        someone.go()
