"""Faults to inject: which connection they affect, and when.

A fault affects one connection, counted from 0 in the order of arrival, or every one with
``connection=None``. An outage affects all clients that are connected. A fault with a time is
applied when the session's audio reaches that time; all results up to there are sent first.
"""

from __future__ import annotations

from os import PathLike
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from azstt._models import FrozenModel
from azstt._result import Seconds
from azstt.emulator._script import read_model

__all__ = [
    "BadStatus",
    "Close",
    "Delay",
    "Drop",
    "Duplicate",
    "EndTurn",
    "Expire",
    "Fault",
    "Faults",
    "Malformed",
    "Mute",
    "NoAcks",
    "NoTurnEnd",
    "Outage",
    "Refuse",
    "Reorder",
    "Stall",
    "TimedFault",
]


class _Fault(FrozenModel):
    """The base of the faults that affect a connection.

    Attributes:
        connection: the connection to affect, counted from 0; None is every one.
    """

    connection: Annotated[int, Field(ge=0)] | None = 0


class Refuse(_Fault):
    """Refuse the upgrade with an HTTP status.

    Attributes:
        status: the HTTP status.
        retry_after: seconds for the header `Retry-After`.
        location: the target of a redirect.
        body: the message in the response.
    """

    kind: Literal["refuse"] = "refuse"
    status: Annotated[int, Field(ge=300, le=599)]
    retry_after: Annotated[int, Field(ge=0)] | None = None
    location: str | None = None
    body: str = "refused by an injected fault"


class Stall(_Fault):
    """Do not respond, before or after the upgrade.

    Attributes:
        when: ``"before_upgrade"`` holds the answer to the upgrade back; ``"after_upgrade"`` never
            sends a message.
        seconds: how long to hold the upgrade back; None is forever.
    """

    kind: Literal["stall"] = "stall"
    when: Literal["before_upgrade", "after_upgrade"] = "before_upgrade"
    seconds: Seconds | None = None


class Outage(FrozenModel):
    """Be unreachable for a while: all connections are cut and new ones are reset.

    Several outages happen one after another; each is timed from the first connection after the
    previous one.

    Attributes:
        after: seconds of wall-clock time between that connection and the outage.
        seconds: how long the outage lasts.
        how: whether to cut connections by a reset or a FIN.
    """

    kind: Literal["outage"] = "outage"
    after: Seconds
    seconds: Seconds
    how: Literal["reset", "fin"] = "reset"


class Close(_Fault):
    """Close the WebSocket with a close code."""

    kind: Literal["close"] = "close"
    at: Seconds
    code: Annotated[int, Field(ge=1000, le=4999)] = 1011
    reason: Annotated[str, Field(max_length=120)] = ""


class Drop(_Fault):
    """End the TCP connection without a close frame, by a reset or a FIN."""

    kind: Literal["drop"] = "drop"
    at: Seconds
    how: Literal["reset", "fin"] = "reset"


class Expire(_Fault):
    """Close the connection and refuse its credential with 401 from then on."""

    kind: Literal["expire"] = "expire"
    at: Seconds


class Mute(_Fault):
    """Send nothing from then on, but keep accepting audio. At 0 only `turn.start` is sent."""

    kind: Literal["mute"] = "mute"
    at: Seconds = 0.0


class EndTurn(_Fault):
    """End the turn in the middle of the audio; clients then start another one."""

    kind: Literal["end_turn"] = "end_turn"
    at: Seconds


class NoTurnEnd(_Fault):
    """Never send `turn.end`."""

    kind: Literal["no_turn_end"] = "no_turn_end"


class NoAcks(_Fault):
    """Do not acknowledge audio during silence."""

    kind: Literal["no_acks"] = "no_acks"


class Delay(_Fault):
    """Send every message ``seconds`` late."""

    kind: Literal["delay"] = "delay"
    seconds: Seconds


class Malformed(_Fault):
    """Break the JSON of a phrase; phrases are counted from 0 within the connection."""

    kind: Literal["malformed"] = "malformed"
    phrase: Annotated[int, Field(ge=0)] = 0


class BadStatus(_Fault):
    """Replace the `RecognitionStatus` of a phrase."""

    kind: Literal["bad_status"] = "bad_status"
    phrase: Annotated[int, Field(ge=0)] = 0
    status: str = "Error"


class Duplicate(_Fault):
    """Send a phrase twice."""

    kind: Literal["duplicate"] = "duplicate"
    phrase: Annotated[int, Field(ge=0)] = 0


class Reorder(_Fault):
    """Send a phrase after the message that should follow it."""

    kind: Literal["reorder"] = "reorder"
    phrase: Annotated[int, Field(ge=0)] = 0


TimedFault: TypeAlias = Close | Drop | Expire | Mute | EndTurn
Fault: TypeAlias = Annotated[
    Refuse
    | Stall
    | Outage
    | TimedFault
    | NoTurnEnd
    | NoAcks
    | Delay
    | Malformed
    | BadStatus
    | Duplicate
    | Reorder,
    Field(discriminator="kind"),
]


class Faults(FrozenModel):
    """The faults to inject."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, *faults: Fault) -> Faults:
        """Return a collection of these faults."""
        return cls(faults=faults)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Faults:
        """Read faults from a JSON file.

        Raises:
            ConfigurationError: the file can't be read or is invalid.
        """
        return read_model(cls, path)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """The outages, in order."""
        return tuple(f for f in self.faults if isinstance(f, Outage))

    def on(self, connection: int) -> tuple[Fault, ...]:
        """Return the faults that affect a connection, other than outages."""
        return tuple(
            f
            for f in self.faults
            if not isinstance(f, Outage) and f.connection in {None, connection}
        )
