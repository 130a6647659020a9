"""The smallest real backend: it reports how long the audio is."""

from __future__ import annotations

from azstt import AudioFormat, Ended, Final, RecognitionOptions, Segment, SessionStateError, Started
from azstt.backends import Capabilities, Emit, RecognizerSession


class CountingBackend:
    """Recognizes any audio as its number of seconds."""

    name = "counting"
    capabilities = Capabilities(languages=frozenset({"en"}), offline=True)

    def open(
        self, options: RecognitionOptions, audio: AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session."""
        return _Session(audio, emit)


class _Session:
    def __init__(self, audio: AudioFormat, emit: Emit) -> None:
        self._audio = audio
        self._emit = emit
        self._size = 0
        self._finished = False
        self._closed = False

    def start(self) -> None:
        self._emit(Started())

    def write(self, pcm: bytes, /) -> None:
        if self._finished and not self._closed:
            raise SessionStateError("write after finish")
        self._size += len(pcm)

    def finish(self) -> None:
        self._finished = True
        seconds = self._audio.seconds(self._size)
        if seconds:
            text = f"{seconds:.0f} seconds"
            self._emit(Final(segment=Segment(text=text, start=0.0, end=seconds)))
        self._emit(Ended(position=seconds))

    def close(self) -> None:
        self._closed = True
