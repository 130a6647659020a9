"""Records of what clients sent, for a test's assertions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import StreamFormat

_UPGRADED = 101


@dataclass
class TurnRecord:
    """What a client sent in one turn.

    Attributes:
        request_id: the turn's id, spelled as the client did.
        context: the body of `speech.context`.
        request: the options in the context and the URL, parsed.
        position: where in its recording the turn's audio begins, in seconds, if the audio is
            marked (see `marked_wav`); ``request.base`` has the same value then.
        audio_format: the format of the audio; None until some has arrived.
        audio_bytes: how much audio arrived, without the header.
        audio_ended: whether the client marked the end of its audio.
        committed: how many times the client sent `audio.commit`.
        phrases: how many phrases were sent to the client.
        ended: whether `turn.end` was sent.
    """

    request_id: str
    context: Mapping[str, object] = field(repr=False)
    request: TurnRequest = field(repr=False)
    position: float | None = None
    audio_format: StreamFormat | None = None
    audio_bytes: int = 0
    audio_ended: bool = False
    committed: int = 0
    phrases: int = 0
    ended: bool = False

    @property
    def audio_seconds(self) -> float:
        """How much audio arrived, in seconds."""
        return 0.0 if self.audio_format is None else self.audio_format.seconds(self.audio_bytes)


@dataclass
class RequestRecord:
    """What a client sent in one connection or REST request.

    Attributes:
        number: its position in the order of arrival, from 0; connections and REST requests are
            counted separately.
        method: the HTTP method; GET for a connection.
        path: the URL's path.
        query: the URL's parameters, spelled as the client did; may contain a browser's key.
        headers: by lower-case name. Like the query, they may hold credentials, and are left out of
            the repr.
        status: the HTTP status of the answer; None before it is sent.
        config: the body of `speech.config`.
        turns: what was sent in each turn, in order.
        messages: the paths of all messages, in order; consecutive audio messages count as one.
        telemetry: the bodies of `telemetry`.
        violation: how the client violated the protocol; None if it did not.
        closed: how the connection ended: ``"client 1000"``, ``"server 1011"``, ``"reset"``,
            ``"fin"``, ``"lost"``, ``"left open"``; None while it is open, and for REST.
    """

    number: int
    method: str
    path: str
    query: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    status: int | None = None
    config: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    turns: list[TurnRecord] = field(default_factory=list[TurnRecord])
    messages: list[str] = field(default_factory=list[str])
    telemetry: list[Mapping[str, object]] = field(
        default_factory=list[Mapping[str, object]], repr=False
    )
    violation: str | None = None
    closed: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether this is an open connection."""
        return self.status == _UPGRADED and self.closed is None

    @property
    def context(self) -> Mapping[str, object]:
        """The body of the first turn's `speech.context`; empty without a turn."""
        return self.turns[0].context if self.turns else {}

    @property
    def audio_seconds(self) -> float:
        """How much audio arrived in all turns, in seconds."""
        return sum(turn.audio_seconds for turn in self.turns)
