"""The engine that plays a script in step with the audio."""

from __future__ import annotations

from collections import deque

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt.emulator._script import Script, Utterance
from azstt.emulator._service.forms import lexical
from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat
from azstt.emulator.engines._port import (
    EngineCallback,
    EngineEvent,
    EngineSession,
    Phrase,
    Processed,
)

#: Seconds of silence between two acknowledgments.
_ACK_INTERVAL = 2.0


class ScriptEngine:
    """Plays a script, starting where the turn continues the session."""

    def __init__(self, script: Script) -> None:
        self._script: Script = script

    def open(
        self, request: TurnRequest, audio: StreamFormat, emit: EngineCallback, channel: int
    ) -> EngineSession:
        """Open a session that plays the rest of the script."""
        remaining = [
            rest.shifted(request.base)
            for utterance in self._script.segments
            if utterance.channel == channel
            and utterance.end > request.base
            and (rest := utterance.since(request.base))
        ]
        return _ScriptSession(remaining, audio, emit)


class _ScriptSession:
    def __init__(
        self, utterances: list[Utterance], audio: StreamFormat, emit: EngineCallback
    ) -> None:
        self._emit = emit
        self._audio = audio
        self._written = 0
        self._processed = 0.0
        self._closed = False
        # events, each with the seconds of audio that it takes; words may be emitted late
        self._cues: deque[tuple[float, EngineEvent]] = deque()
        # without a phrase yet: their audio must not be acknowledged
        self._remaining: deque[Utterance] = deque(utterances)
        for utterance in utterances:
            self._cues.extend(_cues(utterance))

    def write(self, audio: bytes, /) -> None:
        self._written += len(audio)
        position = self._audio.seconds(self._written)
        while self._cues and self._cues[0][0] <= position:
            self._send(self._cues.popleft()[1])
        until = min(position, self._remaining[0].start) if self._remaining else position
        if until - self._processed >= _ACK_INTERVAL:
            self._processed = until
            self._send(Processed(until=until))

    def finish(self) -> None:
        """Emit the part of an unfinished utterance that lies before the end of the audio."""
        position = self._audio.seconds(self._written)
        for utterance in tuple(self._remaining):
            if cut := utterance.until(position):
                self._send(Phrase(utterance=cut))
                self._send(SpeechEnded(at=cut.end))

    def close(self) -> None:
        self._closed = True

    def _send(self, event: EngineEvent) -> None:
        if isinstance(event, Phrase):
            self._processed = max(self._processed, self._remaining.popleft().end)
        if not self._closed:
            self._emit(event)


def _cues(utterance: Utterance) -> list[tuple[float, EngineEvent]]:
    """Return the events of an utterance, whose partials grow word by word, with their times."""
    start, end = utterance.start, utterance.end
    if utterance.status != "Success":
        return [(end, Phrase(utterance=utterance))]
    cues: list[tuple[float, EngineEvent]] = [(start, SpeechStarted(at=start))]
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
