"""One turn of the protocol: turns an engine's events into the service's messages. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt._units import seconds_to_ticks
from azstt.emulator._script import Utterance
from azstt.emulator._service.bodies import Body, hypothesis, phrase, result_id, span
from azstt.emulator._service.request import TurnRequest
from azstt.emulator.engines._port import EngineEvent, Phrase, Processed

#: Acknowledges audio, on a message of any path; a path unknown to clients raises no event.
_ACK_HEADER = "X_Continuation_Audio_Streams_1_Offset"
ACK_PATH = "audio.ack"


@dataclass(frozen=True)
class Outgoing:
    """A message of the service, without the turn's id.

    Attributes:
        path: the kind of message.
        body: its JSON; None is no body.
        headers: additional headers; underscores in their names become hyphens.
        raw: text to send instead of the body.
    """

    path: str
    body: Body | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    raw: str | None = None

    @property
    def text(self) -> str:
        """The body as text."""
        if self.raw is not None:
            return self.raw
        return "" if self.body is None else json.dumps(self.body, ensure_ascii=False)


class Turn:
    """Decides what the service sends in one turn.

    Times are in seconds from the turn's first sample.

    Attributes:
        over: whether the turn has ended; it yields no more messages then.
    """

    def __init__(self, request: TurnRequest, tag: str, *, channels: int = 1) -> None:
        self.over: bool = False
        self._request: TurnRequest = request
        self._tag: str = tag
        self._family: str = "speech" if request.targets is None else "translation"
        self._language: str | None = None  # the language that was identified last
        self._silence_is_over: bool = False  # speech began, or the initial silence was reported
        self._has_result: bool = False  # a phrase was sent, with or without text
        self._acked: float = 0.0
        self._processed: dict[int, float] = dict.fromkeys(range(channels), 0.0)

    def begin(self) -> Iterator[Outgoing]:
        """Start the turn."""
        yield Outgoing("turn.start", {"context": {"serviceTag": self._tag}})

    def handle(self, event: EngineEvent, channel: int = 0) -> Iterator[Outgoing]:
        """Yield the messages for an engine's event."""
        if self.over:
            return
        match event:
            case SpeechStarted(at=at):
                yield from self.advance(at)  # a lot of audio may have come at once
                if self.over:
                    return
                self._silence_is_over = True
                yield Outgoing("speech.startDetected", {"Offset": seconds_to_ticks(at)})
            case Partial():
                language = self._identify(event.language)
                body = hypothesis(event, self._request, channel, language)
                yield Outgoing(f"{self._family}.hypothesis", body)
            case Phrase(utterance=utterance):
                yield from self._phrase(utterance)
            case SpeechEnded():
                pass  # the service reports it only at the end of a turn
            case Processed(until=until):
                yield from self._acknowledge(until, channel)

    def advance(self, position: float) -> Iterator[Outgoing]:
        """Report the initial silence if it reaches its limit at this position of the audio."""
        limit = self._request.initial_silence
        if limit is None or self._silence_is_over or self.over or position < limit:
            return
        self._silence_is_over = True  # reported only once
        yield from self._no_result("InitialSilenceTimeout", limit)
        if self._request.mode == "interactive":
            yield from self._end(limit)

    def finish(self, position: float) -> Iterator[Outgoing]:
        """End the turn: all audio, up to ``position``, was processed."""
        if self.over:
            return
        if self._request.mode == "interactive" and not self._has_result:
            yield from self._no_result(
                "NoMatch" if self._silence_is_over else "InitialSilenceTimeout", position
            )
        yield from self._end(position)

    def end_early(self) -> Iterator[Outgoing]:
        """End the turn in the middle of the audio, as the service may."""
        if not self.over:
            self.over = True
            yield Outgoing("turn.end", {})

    def _phrase(self, utterance: Utterance) -> Iterator[Outgoing]:
        self._silence_is_over = self._has_result = True
        self._acked = max(self._acked, utterance.end)
        body = phrase(utterance, self._request, self._identify(utterance.language))
        yield Outgoing(f"{self._family}.phrase", body)
        if self._request.mode == "interactive":
            yield from self._end(utterance.end)

    def _acknowledge(self, until: float, channel: int) -> Iterator[Outgoing]:
        """Acknowledge audio that no channel needs anymore; the client may discard it."""
        self._processed[channel] = until
        until = min(self._processed.values())
        if until > self._acked:
            self._acked = until
            yield Outgoing(ACK_PATH, headers={_ACK_HEADER: str(seconds_to_ticks(until))})

    def _no_result(self, status: str, position: float) -> Iterator[Outgoing]:
        """Report that nothing was recognized up to ``position``."""
        self._has_result = True
        self._acked = max(self._acked, position)
        body: Body = {
            "Id": result_id(self._request.base, position, status),
            "RecognitionStatus": status,
            **span(0.0, position),
        }
        yield Outgoing(f"{self._family}.phrase", body)

    def _end(self, position: float) -> Iterator[Outgoing]:
        """End the speech, acknowledge all audio and end the turn.

        Clients truncate the acknowledged time to whole milliseconds and would send the rest of the
        last one again, in another turn; so it is rounded up.
        """
        self.over = True
        position = math.ceil(round(position * 1000, 6)) / 1000
        yield Outgoing("speech.endDetected", {"Offset": seconds_to_ticks(position)})
        if self._request.mode != "interactive":
            body: Body = {
                "Id": result_id(self._request.base, position, "end"),
                "RecognitionStatus": "EndOfDictation",
                **span(position, position),
            }
            yield Outgoing("speech.phrase", body)
        yield Outgoing("turn.end", {})

    def _identify(self, language: str | None) -> str:
        """Return the language to report: the candidate that matches the one that was spoken."""
        candidates = self._request.candidates
        if not candidates:
            return language or self._request.language
        if self._language is not None and self._request.at_start:
            return self._language
        known = {candidate.lower(): candidate for candidate in candidates}
        open_range = "und" in known
        spoken = language or ("en-US" if open_range else candidates[0])
        self._language = spoken if open_range else known.get(spoken.lower(), candidates[0])
        return self._language
