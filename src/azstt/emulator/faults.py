"""What goes wrong on purpose, and when.

A fault strikes one connection, counted from 0 in the order in which they arrive, or with
``connection=None`` every one; an outage strikes whoever is there. Faults with a time strike when
the audio of the session comes from before that time to it: all that was said up to there is sent
first.
"""

from __future__ import annotations

from os import PathLike
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from azstt._models import FrozenModel
from azstt._result import Seconds
from azstt.emulator.script import read_model


class _Fault(FrozenModel):
    """What all faults have in common.

    Attributes:
        connection: which connection it strikes, counted from 0; None is every one.
    """

    connection: Annotated[int, Field(ge=0)] | None = 0


class Refuse(_Fault):
    """Answer the upgrade with a status instead.

    Attributes:
        status: the HTTP status.
        retry_after: seconds, for the header `Retry-After`.
        location: where a redirect leads.
        body: what the response says.
    """

    kind: Literal["refuse"] = "refuse"
    status: Annotated[int, Field(ge=300, le=599)]
    retry_after: Annotated[int, Field(ge=0)] | None = None
    location: str | None = None
    body: str = "refused by the emulator's script"


class Stall(_Fault):
    """Say nothing, before or after the upgrade; before it, go on after ``seconds``.

    Attributes:
        when: before the answer to the upgrade, or after it, where nothing is answered any more.
        seconds: how long, before the upgrade; None is for ever.
    """

    kind: Literal["stall"] = "stall"
    when: Literal["before_upgrade", "after_upgrade"] = "before_upgrade"
    seconds: Seconds | None = None


class Outage(FrozenModel):
    """Be gone for a while: every connection is cut, and none is made.

    Several come one after the other, each counted from when somebody is connected again.

    Attributes:
        after: seconds, of the clock and not of audio, that somebody has been connected.
        seconds: how long it lasts.
        how: cut by a reset or by a FIN.
    """

    kind: Literal["outage"] = "outage"
    after: Seconds
    seconds: Seconds
    how: Literal["reset", "fin"] = "reset"


class Close(_Fault):
    """Close the WebSocket with a code."""

    kind: Literal["close"] = "close"
    at: Seconds
    code: Annotated[int, Field(ge=1000, le=4999)] = 1011
    reason: Annotated[str, Field(max_length=120)] = ""


class Drop(_Fault):
    """End the TCP connection without a close frame, by a reset or by a FIN."""

    kind: Literal["drop"] = "drop"
    at: Seconds
    how: Literal["reset", "fin"] = "reset"


class Expire(_Fault):
    """The credential of the connection expires: it is closed, and refused with 401 from then on."""

    kind: Literal["expire"] = "expire"
    at: Seconds


class Mute(_Fault):
    """Say nothing from then on, while taking audio. At 0 only `turn.start` is sent."""

    kind: Literal["mute"] = "mute"
    at: Seconds = 0.0


class EndTurn(_Fault):
    """End the turn in the middle of the audio; a client begins another one."""

    kind: Literal["end_turn"] = "end_turn"
    at: Seconds


class NoTurnEnd(_Fault):
    """Never send `turn.end`."""

    kind: Literal["no_turn_end"] = "no_turn_end"


class NoAcks(_Fault):
    """Acknowledge no audio during silence."""

    kind: Literal["no_acks"] = "no_acks"


class Delay(_Fault):
    """Send every message so many seconds late."""

    kind: Literal["delay"] = "delay"
    seconds: Seconds


class Malformed(_Fault):
    """Break the JSON of a phrase, counted from 0 within the connection."""

    kind: Literal["malformed"] = "malformed"
    phrase: Annotated[int, Field(ge=0)] = 0


class BadStatus(_Fault):
    """Give a phrase another `RecognitionStatus`."""

    kind: Literal["bad_status"] = "bad_status"
    phrase: Annotated[int, Field(ge=0)] = 0
    status: str = "Error"


class Duplicate(_Fault):
    """Send a phrase twice."""

    kind: Literal["duplicate"] = "duplicate"
    phrase: Annotated[int, Field(ge=0)] = 0


class Reorder(_Fault):
    """Send a phrase after the message that follows it."""

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
    """A script of faults."""

    faults: tuple[Fault, ...] = ()

    @classmethod
    def of(cls, *faults: Fault) -> Faults:
        """Make a script of these."""
        return cls(faults=faults)

    @classmethod
    def read(cls, path: str | PathLike[str]) -> Faults:
        """Read a script of faults from JSON.

        Raises:
            ConfigurationError: the file can't be read, or is no script of faults.
        """
        return read_model(cls, path)

    @property
    def outages(self) -> tuple[Outage, ...]:
        """Those that strike everybody, in order."""
        return tuple(f for f in self.faults if isinstance(f, Outage))

    def on(self, connection: int) -> tuple[Fault, ...]:
        """Give those that strike a connection."""
        return tuple(
            f
            for f in self.faults
            if not isinstance(f, Outage) and f.connection in {None, connection}
        )
