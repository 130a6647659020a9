"""What clients sent, for the assertions of a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from azstt.emulator._service.request import TurnRequest
from azstt.emulator._service.wire import WaveFormat

_UPGRADED = 101


@dataclass
class TurnRecord:
    """What a client sent in one turn.

    Attributes:
        request_id: the turn's id, as the client spelt it.
        context: the body of `speech.context`.
        request: what that asks for, read.
        position: where in its recording the turn's audio begins, as far as the audio says so (see
            `marked_wav`); ``request.base`` is then this.
        audio_format: the format of the audio; None until there is some.
        audio_bytes: how much audio came, without the header.
        audio_ended: the client said that there is no more.
        committed: how often the client committed what it had sent.
        phrases: how many phrases were sent to it.
        ended: `turn.end` was sent.
    """

    request_id: str
    context: Mapping[str, object] = field(repr=False)
    request: TurnRequest = field(repr=False)
    position: float | None = None
    audio_format: WaveFormat | None = None
    audio_bytes: int = 0
    audio_ended: bool = False
    committed: int = 0
    phrases: int = 0
    ended: bool = False

    @property
    def audio_seconds(self) -> float:
        """How much audio came."""
        return 0.0 if self.audio_format is None else self.audio_format.seconds(self.audio_bytes)


@dataclass
class RequestRecord:
    """What a client sent in one connection, or in one REST request.

    Attributes:
        number: its place in the order of arrival, from 0; REST requests count by themselves.
        method: the HTTP method; a connection's is GET.
        path: the URL's path.
        query: the URL's parameters, as they were spelt; a browser's key is one of them.
        headers: by name in lower case; for the credentials' sake neither is in the repr.
        status: what the upgrade or the request was answered; None while it was not.
        config: the body of `speech.config`.
        turns: what was sent in each turn, in order.
        messages: the paths of all messages, in order; runs of audio count once.
        telemetry: the bodies of `telemetry`.
        violation: how the client violated the protocol; None when it did not.
        closed: how the connection ended: ``"client 1000"``, ``"server 1011"``, ``"reset"``,
            ``"fin"``, ``"lost"``, ``"left open"``; None while it stands, or for REST.
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
        """Whether it is a connection that still stands."""
        return self.status == _UPGRADED and self.closed is None

    @property
    def context(self) -> Mapping[str, object]:
        """The body of the first turn's `speech.context`; empty without a turn."""
        return self.turns[0].context if self.turns else {}

    @property
    def audio_seconds(self) -> float:
        """How much audio came, in all turns."""
        return sum(turn.audio_seconds for turn in self.turns)
