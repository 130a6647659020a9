"""The engine that says what its script tells it, when the audio has come that far."""

from __future__ import annotations

from collections import deque

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt.emulator._service.forms import lexical
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat
from azstt.emulator.engines import EngineSession, Heard, Listen, Phrase, Quiet
from azstt.emulator.script import Script, Utterance

#: Seconds of silence between two acknowledgments.
_QUIET_EVERY = 2.0


class ScriptEngine:
    """Plays a script, from the point where a turn continues the session."""

    def __init__(self, script: Script) -> None:
        self._script: Script = script

    def open(
        self, request: TurnRequest, audio: WaveFormat, listen: Listen, channel: int
    ) -> EngineSession:
        """Make a session that plays what is left of the script."""
        left = [
            rest.shifted(request.base)
            for utterance in self._script.segments
            if utterance.channel == channel
            and utterance.end > request.base
            and (rest := utterance.since(request.base))
        ]
        return _ScriptSession(left, audio, listen)


class _ScriptSession:
    def __init__(self, left: list[Utterance], audio: WaveFormat, listen: Listen) -> None:
        self._listen = listen
        self._audio = audio
        self._written = 0
        self._quiet = 0.0
        self._closed = False
        # what is said, each with the seconds of audio that it takes; words may come late
        self._cues: deque[tuple[float, Heard]] = deque()
        self._left: deque[Utterance] = deque(left)  # not said: must not be acknowledged before
        for utterance in left:
            self._cues.extend(_cues(utterance))

    def write(self, audio: bytes, /) -> None:
        self._written += len(audio)
        position = self._audio.seconds(self._written)
        while self._cues and self._cues[0][0] <= position:
            self._say(self._cues.popleft()[1])
        until = min(position, self._left[0].start) if self._left else position
        if until - self._quiet >= _QUIET_EVERY:
            self._quiet = until
            self._say(Quiet(until=until))

    def finish(self) -> None:
        """Say what there is of an utterance that is under way: the audio is cut there."""
        position = self._audio.seconds(self._written)
        for utterance in tuple(self._left):
            if cut := utterance.until(position):
                self._say(Phrase(utterance=cut))
                self._say(SpeechEnded(at=cut.end))

    def close(self) -> None:
        self._closed = True

    def _say(self, heard: Heard) -> None:
        if isinstance(heard, Phrase):
            self._quiet = max(self._quiet, self._left.popleft().end)
        if not self._closed:
            self._listen(heard)


def _cues(utterance: Utterance) -> list[tuple[float, Heard]]:
    """Give what is heard of an utterance: its text grows word by word."""
    start, end = utterance.start, utterance.end
    if utterance.status != "Success":
        return [(end, Phrase(utterance=utterance))]
    cues: list[tuple[float, Heard]] = [(start, SpeechStarted(at=start))]
    words = utterance.spoken()
    for number, word in enumerate(words[:-1], 1):
        partial = Partial(
            start=start,
            end=max(start, word.end),
            text=" ".join(lexical(word.text) for word in words[:number]),
            speaker=utterance.speaker,
            language=utterance.language,
        )
        cues.append((word.end, partial))
    return [*cues, (end, Phrase(utterance=utterance)), (end, SpeechEnded(at=end))]
