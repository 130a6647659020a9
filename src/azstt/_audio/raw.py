"""Raw PCM has no header: look at its first bytes for what it is not. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Final

from azstt._audio.formats.containers import declares_itself
from azstt._audio.samples import BEYOND, LOUDEST
from azstt._audio_format import AudioFormat
from azstt._errors import AudioFormatWarning, ConfigurationError, warn

#: Bytes that are looked at, from the first that is not zero: three frames of an MP3 file, and
#: hundreds of samples.
ENOUGH: Final = 4096
#: A run of zero bytes from which it is silence, and not the size of an MP4 box; and the longest
#: sample, whose multiples may be left out.
_SILENCE, _WIDEST = 16, 8
#: The least number of samples to judge by; the share that has to be alike, and that of each sign;
#: and how many different values there are at least.
_LEAST, _MOST, _EACH, _VARIED = 256, 0.99, 0.05, 16
#: Nearly all floats of audio are from here up to 1. Their upper halves are integers that no signal
#: around zero has together: 13,184 to 16,256 and -19,584 to -16,512 for 32 bits.
_QUIETEST: Final = 2.0**-24
#: The upper halves of 32-bit floats from there to 2, without the sign.
_UPPER: Final = range(0x3380, 0x4000)


class RawCheck:
    """Looks at the first bytes of what is declared as raw PCM, chunk by chunk.

    Samples may have any rate and any number of channels: nothing in them tells that these are
    wrong.

    Args:
        audio: the declared format.
        remedy: what to do about a container.
        label: the name of the source in messages, if it has one.

    Attributes:
        done: nothing more will be looked at.
    """

    def __init__(self, audio: AudioFormat, remedy: str, label: str = "") -> None:
        self.done: bool = False
        self._of = f"{label!r}: " if label else ""
        self._audio = audio
        self._remedy = remedy
        self._head = b""

    def look(self, data: bytes) -> None:
        """Look at the next bytes, before anything is done with them; they may be cut anywhere.

        Raises:
            ConfigurationError: this is a container; also for all that follows.

        Warns:
            AudioFormatWarning: these are samples of another type.
        """
        if self.done:
            return
        head = self._head + data
        zeros = len(head) - len(head.lstrip(b"\0"))
        if zeros >= _SILENCE:
            head = head[zeros - zeros % _WIDEST :]
        self._head = head = head[:ENOUGH]
        if (container := declares_itself(head)) is not None:
            raise ConfigurationError(
                f"this is no raw PCM: it begins like {container}; {self._remedy}"
            )
        if len(head) == ENOUGH:
            self.done = True
            if (doubt := self._doubt(head)) is not None:
                warn(self._of + doubt, AudioFormatWarning)

    def _doubt(self, head: bytes) -> str | None:
        """Return why these are not samples of the declared type; None if they may be."""
        audio = self._audio
        paired = audio.floating and audio.channels % 2 == 0  # a silent channel, and another one
        if not paired and _are_floats(head, "d"):
            return (
                f"the audio looks like 64-bit floats, but {audio!r} was declared: convert it to "
                "float32 or int16 first"
            )
        if audio.floating:
            if _are_in_range(head):
                return None
            return (
                f"the audio does not look like floats from -1 to 1, but {audio!r} was declared: "
                f"for integers declare AudioFormat(sample_rate={audio.sample_rate}, "
                f"channels={audio.channels}); floats of another range must be scaled"
            )
        if _are_floats(head, "f"):
            return (
                f"the audio looks like 32-bit floats, but {audio!r} was declared: declare "
                f"AudioFormat(sample_rate={audio.sample_rate}, channels={audio.channels}, "
                "sample_width=4, floating=True)"
            )
        return None


def _are_floats(head: bytes, kind: str) -> bool:
    """Return whether these are floats of a type of `struct`, and certainly no integers."""
    values = [value for value in _unpack(head, kind) if value]
    likely = [value for value in values if _QUIETEST <= abs(value) <= 1]
    positive = sum(value > 0 for value in likely)
    if (
        len(values) < _LEAST
        or len(likely) < _MOST * len(values)
        or min(positive, len(likely) - positive) < _EACH * len(values)
    ):
        return False
    words = struct.unpack(f"<{len(head) // 2}H", head)
    step = struct.calcsize(kind) // 2
    *lower, upper = (words[at::step] for at in range(step))
    # The lower parts are noise, or zero; in shorter samples they would be like the upper one.
    alike = max(sum(word & 0x7FFF in _UPPER for word in part) for part in lower)
    return len(set(upper)) >= _VARIED and alike < len(values) / 2


def _are_in_range(head: bytes) -> bool:
    """Return whether these can be floats from -1 to 1."""
    values = [value for value in _unpack(head, "f") if value]
    beyond = sum(math.isnan(value) or abs(value) > LOUDEST for value in values)
    return len(values) < _LEAST or beyond <= BEYOND * len(values)


def _unpack(head: bytes, kind: str) -> Sequence[float]:
    return struct.unpack(f"<{len(head) // struct.calcsize(kind)}{kind}", head)
