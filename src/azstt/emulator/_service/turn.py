"""One turn of the protocol: what was heard goes in, the service's messages come out. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from azstt._events import Partial, SpeechEnded, SpeechStarted
from azstt._units import seconds_to_ticks
from azstt.emulator._service.bodies import Body, hypothesis, phrase, result_id, span
from azstt.emulator._service.request import TurnRequest
from azstt.emulator.engines import Heard, Phrase, Quiet
from azstt.emulator.script import Utterance

#: Acknowledges audio on any message; a path that no client knows raises no event.
_ACK_HEADER = "X_Continuation_Audio_Streams_1_Offset"
ACK_PATH = "audio.ack"


@dataclass(frozen=True)
class Outgoing:
    """A message of the service, but for the turn's id.

    Attributes:
        path: its path.
        body: its JSON; None is no body.
        headers: further headers; an underscore in a name stands for a hyphen.
        raw: sent instead of the body.
    """

    path: str
    body: Body | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    raw: str | None = None

    @property
    def text(self) -> str:
        """The body as it is sent."""
        if self.raw is not None:
            return self.raw
        return "" if self.body is None else json.dumps(self.body, ensure_ascii=False)


class Turn:
    """What the service says in one turn. Times are seconds from the turn's first sample."""

    def __init__(self, request: TurnRequest, tag: str, *, channels: int = 1) -> None:
        self.over: bool = False
        self._request: TurnRequest = request
        self._tag: str = tag
        self._family: str = "speech" if request.targets is None else "translation"
        self._language: str | None = None  # told once, where it is told at the start
        self._spoken: bool = False  # anything was heard but silence, or silence was told of
        self._answered: bool = False  # a phrase was sent, with text or without
        self._acked: float = 0.0
        self._quiet: dict[int, float] = dict.fromkeys(range(channels), 0.0)

    def begin(self) -> Iterator[Outgoing]:
        """Open the turn."""
        yield Outgoing("turn.start", {"context": {"serviceTag": self._tag}})

    def hear(self, heard: Heard, channel: int = 0) -> Iterator[Outgoing]:
        """Say what follows from what was heard; nothing once the turn is over."""
        if self.over:
            return
        match heard:
            case SpeechStarted(at=at):
                yield from self.pass_silence(at)  # much audio may have come at once
                if self.over:
                    return
                self._spoken = True
                yield Outgoing("speech.startDetected", {"Offset": seconds_to_ticks(at)})
            case Partial():
                language = self._told(heard.language)
                body = hypothesis(heard, self._request, channel, language)
                yield Outgoing(f"{self._family}.hypothesis", body)
            case Phrase(utterance=utterance):
                yield from self._phrase(utterance)
            case SpeechEnded():
                pass  # the service speaks of it at the end of a turn only
            case Quiet(until=until):
                yield from self._silence(until, channel)

    def pass_silence(self, position: float) -> Iterator[Outgoing]:
        """Say that nobody has spoken yet, when that has lasted long enough."""
        limit = self._request.initial_silence
        if limit is None or self._spoken or self.over or position < limit:
            return
        self._spoken = True  # said once
        yield from self._nothing("InitialSilenceTimeout", limit)
        if self._request.mode == "interactive":
            yield from self._close(limit)

    def finish(self, position: float) -> Iterator[Outgoing]:
        """End the turn: all the audio, up to ``position``, was heard."""
        if self.over:
            return
        if self._request.mode == "interactive" and not self._answered:
            yield from self._nothing(
                "NoMatch" if self._spoken else "InitialSilenceTimeout", position
            )
        yield from self._close(position)

    def end_early(self) -> Iterator[Outgoing]:
        """End the turn in the middle, as the service may."""
        if not self.over:
            self.over = True
            yield Outgoing("turn.end", {})

    def _phrase(self, utterance: Utterance) -> Iterator[Outgoing]:
        self._spoken = self._answered = True
        self._acked = max(self._acked, utterance.end)
        body = phrase(utterance, self._request, self._told(utterance.language))
        yield Outgoing(f"{self._family}.phrase", body)
        if self._request.mode == "interactive":
            yield from self._close(utterance.end)

    def _silence(self, until: float, channel: int) -> Iterator[Outgoing]:
        """Acknowledge what no channel needs any more, so that the client need not keep it."""
        self._quiet[channel] = until
        until = min(self._quiet.values())
        if until > self._acked:
            self._acked = until
            yield Outgoing(ACK_PATH, headers={_ACK_HEADER: str(seconds_to_ticks(until))})

    def _nothing(self, status: str, position: float) -> Iterator[Outgoing]:
        """Say that nothing was recognized up to here."""
        self._answered = True
        self._acked = max(self._acked, position)
        body: Body = {
            "Id": result_id(self._request.base, position, status),
            "RecognitionStatus": status,
            **span(0.0, position),
        }
        yield Outgoing(f"{self._family}.phrase", body)

    def _close(self, position: float) -> Iterator[Outgoing]:
        """End speech, acknowledge everything and end the turn.

        Clients count acknowledged audio in whole milliseconds, cut off: what is left of the last
        one they would send again, in another turn.
        """
        self.over = True
        position = math.ceil(round(position * 1000, 6)) / 1000
        yield Outgoing("speech.endDetected", {"Offset": seconds_to_ticks(position)})
        if self._request.mode != "interactive":
            dictated: Body = {
                "Id": result_id(self._request.base, position, "end"),
                "RecognitionStatus": "EndOfDictation",
                **span(position, position),
            }
            yield Outgoing("speech.phrase", dictated)
        yield Outgoing("turn.end", {})

    def _told(self, language: str | None) -> str:
        """Tell the language of what was heard from the candidates."""
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
