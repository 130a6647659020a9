"""The service of the live benchmark, in a process of its own.

It is azstt's emulator with a special engine, which ignores the content of the audio: it reports an
utterance of four seconds, which grows five times a second, and then a second of silence. Each text
ends with two times of the machine's monotonic clock, which all processes share: the time when the
client sent the audio that led to it, read from the audio itself, and the time when the text was
written to the socket. So the receiver of a text knows its latency from the text alone.
"""

from __future__ import annotations

import sys
import time

from aiohttp import web

from azstt._events import Partial, SpeechStarted
from azstt.emulator import serve
from azstt.emulator._script import Utterance
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat
from azstt.emulator.engines import EngineCallback, EngineSession, Phrase

#: Bytes of the time stamp at the start of each chunk, and its placeholder in a text.
STAMP = 8
_DIGITS = 19
_ON_THE_WIRE = "0" * _DIGITS
#: Seconds of an utterance, of the silence after it, and between texts.
UTTERANCE, PAUSE, STEP = 4.0, 1.0, 0.2
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten") * 2


class StampingResponse(web.WebSocketResponse):
    """Puts the time into a text when it is sent, not when it is created."""

    async def send_str(self, data: str, compress: int | None = None) -> None:
        """Send a text with the current time in it."""
        await super().send_str(data.replace(_ON_THE_WIRE, f"{time.monotonic_ns():019}"), compress)


class CountingEngine:
    """Reports the position in the audio as words.

    Args:
        chunk: seconds of audio that clients send at once.
    """

    def __init__(self, chunk: float) -> None:
        self._chunk = chunk

    def open(
        self, request: TurnRequest, audio: StreamFormat, emit: EngineCallback, channel: int
    ) -> EngineSession:
        """Start a session; only one channel of 16-bit PCM is supported."""
        del request
        if channel or audio.sample_bits != 16:  # noqa: PLR2004 - what the contenders send
            raise ValueError("only one channel of 16-bit PCM is supported")
        return _Session(audio, emit, audio.size(self._chunk))


class _Session:
    def __init__(self, audio: StreamFormat, emit: EngineCallback, chunk: int) -> None:
        self._audio = audio
        self._emit = emit
        self._chunk = chunk
        self._written = 0
        self._kept = bytearray()  # recent audio: a chunk may arrive in two parts
        self._step = 1
        self._steps = round(UTTERANCE / STEP)

    def write(self, audio: bytes, /) -> None:
        self._kept += audio
        self._written += len(audio)
        while (at := self._due()) <= self._written:
            self._say(at)
            self._step += 1
        del self._kept[: -4 * self._chunk]

    def finish(self) -> None:
        """End an unfinished utterance at the end of the audio."""
        number = (self._step - 1) % self._steps
        if number:
            start = self._audio.seconds(self._due() - self._audio.size((number + 1) * STEP))
            end = self._audio.seconds(self._written)
            text = " ".join((*WORDS[:number], "0", _ON_THE_WIRE))
            self._emit(Phrase(utterance=Utterance(text=text, start=start, end=end)))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _due(self) -> int:
        """Return the byte offset at which the next text is due."""
        pauses = (self._step - 1) // self._steps
        return self._audio.size(self._step * STEP + pauses * PAUSE)

    def _say(self, at: int) -> None:
        number = (self._step - 1) % self._steps + 1
        end = self._audio.seconds(at)
        start = self._audio.seconds(at - self._audio.size(number * STEP))
        if number == 1:
            self._emit(SpeechStarted(at=start))
        text = " ".join((*WORDS[:number], self._stamp(at), _ON_THE_WIRE))
        if number < self._steps:
            self._emit(Partial(start=start, end=end, text=text))
        else:
            self._emit(Phrase(utterance=Utterance(text=text, start=start, end=end)))

    def _stamp(self, at: int) -> str:
        """Return the time stamp of the chunk that ends at a byte offset."""
        begin = at - self._chunk - (self._written - len(self._kept))
        stamp = int.from_bytes(self._kept[begin : begin + STAMP], "little")
        return f"{stamp:019}"


def main() -> None:
    """Serve until the parent closes the pipe; the argument is the seconds of a chunk."""
    # This is the only change to the emulator. Type checkers allow no assignment to a class name.
    setattr(web, "WebSocketResponse", StampingResponse)  # noqa: B010
    with serve(engine=CountingEngine(float(sys.argv[1]))) as emulator:
        print(emulator.host, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
