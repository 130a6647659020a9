"""Audio that encodes its own position, so that a script can follow a client anywhere.

A client that abandons a session and starts another one in the middle of a recording tells the
service nothing about its position. The emulator reads the position from the samples of marked
audio, so a test can detect a word that was repeated or lost.
"""

from __future__ import annotations

import struct

from azstt._audio.formats.riff import wav_header
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt.emulator._service.wire import StreamFormat

_AUDIO = AudioFormat()
#: A mark every 10 ms: a magic number, the mark's number in two halves, and a checksum.
_INTERVAL = 160
_MAGIC = 0x5AA5
_MARK = struct.Struct("<4H")
_SIZE = _INTERVAL * _AUDIO.sample_width
_MAGIC_BYTES = _MAGIC.to_bytes(2, "little")
_FORMAT = StreamFormat.pcm(_AUDIO)


def marked_wav(seconds: float) -> bytes:
    """Return a 16 kHz mono 16-bit WAV file in which the emulator can find its position.

    It sounds like a buzz. It must reach the emulator unchanged: nothing may resample it.

    Raises:
        ConfigurationError: it would be empty or too long for a WAV file.
    """
    size = _AUDIO.size(seconds)
    if not 0 < size < 1 << 31:
        raise ConfigurationError(
            f"the length of a marked recording must be 0.01 to 60,000 s, not {seconds!r} s"
        )
    marks = range(-(-size // _SIZE))
    pcm = b"".join(_mark(number).ljust(_SIZE, b"\0") for number in marks)[:size]
    return wav_header(_AUDIO, size) + pcm


def find_mark(pcm: bytes, audio: StreamFormat) -> float | None:
    """Return where in its recording audio begins, in seconds; None if it has no marks."""
    if audio != _FORMAT:
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
