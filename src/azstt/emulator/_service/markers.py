"""Audio that says where in its recording it is, so that a script can follow a client anywhere.

A client that gives a session up and begins another one in the middle of a recording tells nobody
where that is. With marked audio the emulator reads it off the samples, and so a test can tell a
word that was doubled or lost from one that was not.
"""

from __future__ import annotations

import struct

from azstt._audio.formats.riff import wav_header
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt.emulator._service.wire import WaveFormat

_AUDIO = AudioFormat()
#: A mark every 10 ms: a magic number, the mark's number in two halves, and their check.
_EVERY = 160
_MAGIC = 0x5AA5
_MARK = struct.Struct("<4H")
_SIZE = _EVERY * _AUDIO.sample_width
_MAGIC_BYTES = _MAGIC.to_bytes(2, "little")
_FORMAT = WaveFormat(1, 1, 16_000, 32_000, 16)


def marked_wav(seconds: float) -> bytes:
    """Give a WAV file, 16 kHz mono 16-bit, that the emulator knows its way in.

    Its sound is a buzz. It must reach the emulator as it is: nothing may resample it.

    Raises:
        ConfigurationError: it would have no length, or does not fit into a WAV file.
    """
    size = _AUDIO.size(seconds)
    if not 0 < size < 1 << 31:
        raise ConfigurationError(f"a marked recording of {seconds!r} s; give 0.01 to 60,000")
    marks = range(-(-size // _SIZE))
    pcm = b"".join(_mark(number).ljust(_SIZE, b"\0") for number in marks)[:size]
    return wav_header(_AUDIO, size) + pcm


def find_mark(pcm: bytes, form: WaveFormat) -> float | None:
    """Give where in its recording audio begins, in seconds; None when it bears no mark."""
    if form != _FORMAT:
        return None
    at = pcm.find(_MAGIC_BYTES, 0, 2 * _SIZE)
    while 0 <= at <= len(pcm) - _MARK.size:
        high, low = struct.unpack_from("<2H", pcm, at + 2)
        number = high << 16 | low
        if at % _AUDIO.sample_width == 0 and pcm[at : at + _MARK.size] == _mark(number):
            return _AUDIO.seconds(number * _SIZE - at)
        at = pcm.find(_MAGIC_BYTES, at + 1, 2 * _SIZE)
    return None


def _mark(number: int) -> bytes:
    high, low = number >> 16, number & 0xFFFF
    return _MARK.pack(_MAGIC, high, low, _MAGIC ^ high ^ low)
