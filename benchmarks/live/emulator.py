"""The service that benchmarks/live.py holds its contenders against, in a process of its own.

It is azstt's emulator with an engine of its own, which knows without listening what is said: an
utterance of four seconds, growing five times a second, then a second of silence. Each text ends
with two times of the machine's monotonic clock, which all processes share: when the client gave
the audio that led to it, which stands in the audio itself; and when the text was put on the wire.
So whoever receives a text can tell how long it took, and nothing is looked up afterwards.
"""

from __future__ import annotations

import sys
import time

from aiohttp import web

from azstt._events import Partial, SpeechStarted
from azstt.emulator import serve
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat
from azstt.emulator.engines import Listen, Phrase
from azstt.emulator.script import Utterance

#: Bytes of the time at the beginning of each piece of audio, and what stands for it in a text.
STAMP = 8
_DIGITS = 19
_ON_THE_WIRE = "0" * _DIGITS
#: Seconds of an utterance, of the silence after it, and from one text to the next.
UTTERANCE, PAUSE, STEP = 4.0, 1.0, 0.2
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten") * 2


class StampingResponse(web.WebSocketResponse):
    """Writes the time into a text when it is sent, and not when it was thought of."""

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send text, with the time in it."""
        await super().send_str(data.replace(_ON_THE_WIRE, f"{time.monotonic_ns():019}"), compress)


class CountingEngine:
    """Says how far the audio has come.

    Args:
        piece: seconds of audio that clients give at once.
    """

    def __init__(self, piece: float) -> None:
        self._piece = piece

    def open(self, _: TurnRequest, audio: WaveFormat, listen: Listen, channel: int) -> _Session:
        """Begin to count."""
        if channel or audio.sample_bits != 16:  # noqa: PLR2004 - what the contenders send
            raise ValueError("one channel of 16-bit PCM")
        return _Session(audio, listen, audio.size(self._piece))


class _Session:
    def __init__(self, audio: WaveFormat, listen: Listen, piece: int) -> None:
        self._audio = audio
        self._listen = listen
        self._piece = piece
        self._written = 0
        self._kept = bytearray()  # the last audio: a piece may come in two parts
        self._step = 1
        self._steps = round(UTTERANCE / STEP)

    def write(self, audio: bytes, /) -> None:
        self._kept += audio
        self._written += len(audio)
        while (at := self._due()) <= self._written:
            self._say(at)
            self._step += 1
        del self._kept[: -4 * self._piece]

    def finish(self) -> None:
        """End an utterance that is under way where the audio ends."""
        number = (self._step - 1) % self._steps
        if number:
            start = self._audio.seconds(self._due() - self._audio.size((number + 1) * STEP))
            end = self._audio.seconds(self._written)
            text = " ".join((*WORDS[:number], "0", _ON_THE_WIRE))
            self._listen(Phrase(utterance=Utterance(text=text, start=start, end=end)))

    def close(self) -> None:
        """Nothing is held."""

    def _due(self) -> int:
        """Give the byte of the audio with which the next text is due."""
        pauses = (self._step - 1) // self._steps
        return self._audio.size(self._step * STEP + pauses * PAUSE)

    def _say(self, at: int) -> None:
        number = (self._step - 1) % self._steps + 1
        end = self._audio.seconds(at)
        start = self._audio.seconds(at - self._audio.size(number * STEP))
        if number == 1:
            self._listen(SpeechStarted(at=start))
        text = " ".join((*WORDS[:number], self._given(at), _ON_THE_WIRE))
        if number < self._steps:
            self._listen(Partial(start=start, end=end, text=text))
        else:
            self._listen(Phrase(utterance=Utterance(text=text, start=start, end=end)))

    def _given(self, at: int) -> str:
        """Read when the client gave the piece that ends at a byte of the audio."""
        begin = at - self._piece - (self._written - len(self._kept))
        stamp = int.from_bytes(self._kept[begin : begin + STAMP], "little")
        return f"{stamp:019}"


def main() -> None:
    """Serve until the parent closes the pipe; the argument is the seconds of a piece."""
    web.WebSocketResponse = StampingResponse  # type: ignore[misc]  # all that is changed about it
    with serve(engine=CountingEngine(float(sys.argv[1]))) as emulator:
        print(emulator.host, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
