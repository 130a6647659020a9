"""The protocol between a browser and a live session on a server.

It runs over a WebSocket, or over any transport that preserves message boundaries and order. Binary
messages are audio, split at any byte. Text messages are JSON objects with a ``kind``::

    client                                      server
    {"kind": "start", "audio": "webm"}    ->
                                          <-    {"kind": "opened", "session": ..., "received": 0}
    audio, audio, ...                     ->
                                          <-    {"kind": "event", "seq": 1, "event": {...}}
    {"kind": "ping", "seen": 1}           ->
                                          <-    {"kind": "ack", "received": 2}
    (the connection is lost, and the client reconnects)
    {"kind": "resume", "session": ..., "seen": 1}
                                          ->
                                          <-    {"kind": "opened", "session": ..., "received": 3}
    the fourth message and those after it ->
                                          <-    {"kind": "event", "seq": 2, "event": {...}}
    {"kind": "finish"}                    ->
                                          <-    {"kind": "event", "seq": 3, "event": ...ended}

Both sides count messages. The server numbers its events. The client counts what it sends into the
session: every audio message, ``commit``, ``update`` and ``finish``, but not ``start``, ``resume``,
``ping`` or ``close``; a text message that can't be parsed counts too. Each side keeps what the
other has not acknowledged, and sends it again after a resume. The client pings every few seconds,
which also tells it whether the connection is alive; ``ping`` and ``ack`` let both sides discard
what has arrived.

The session ID is a secret: whoever has it controls the session. The server keeps a session for
``grace`` seconds after its connection is lost, and after it has ended until the last events are
acknowledged. A session whose client stays away for longer is finished. ``close`` after ``finish``
leaves the last results to the server; without ``finish`` it discards them.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._events import ErrorInfo, Event
from azstt._models import FrozenModel
from azstt._options import Language
from azstt._result import Seconds

#: The longest command, in characters, and the longest audio message, in bytes.
MAX_COMMAND = 1 << 17
MAX_AUDIO = 1 << 20

Count = Annotated[int, Field(ge=0, lt=1 << 53)]
#: More than any client needs.
Languages = Annotated[tuple[Language, ...], Field(max_length=10)]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=500)]
SessionId = Annotated[str, StringConstraints(min_length=1, max_length=100), Field(repr=False)]


class _ProtocolModel(FrozenModel):
    """A message of the protocol. Its validator is built on first use, to keep imports fast."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


class _ClientCommand(_ProtocolModel):
    """A message from the client. Values are not coerced."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)


class StartCommand(_ClientCommand):
    """Start a session. The first message on its first connection.

    Attributes:
        audio: the audio to come: a container, or the format of raw PCM.
        language: BCP-47 tags. Several are candidates to detect; none means the server's default.
        diarize: distinguish the speakers.
        phrases: words and names to expect.
    """

    kind: Literal["start"] = "start"
    audio: Container | AudioFormat = "auto"
    language: Languages = ()
    diarize: bool = False
    phrases: Annotated[Phrases, Field(repr=False)] = ()


class ResumeCommand(_ClientCommand):
    """Continue a session. The first message on a new connection, which replaces the old one.

    Attributes:
        session: the session ID, from `OpenedMessage`.
        seen: the number of the last event received; 0 if none.
    """

    kind: Literal["resume"] = "resume"
    session: SessionId
    seen: Count


class UpdateCommand(_ClientCommand):
    """Change options for the audio that follows. Those left out, or null, stay as they are."""

    kind: Literal["update"] = "update"
    language: Languages | None = None
    phrases: Annotated[Phrases | None, Field(repr=False)] = None


class CommitCommand(_ClientCommand):
    """End the open segment here."""

    kind: Literal["commit"] = "commit"


class FinishCommand(_ClientCommand):
    """Signal the end of the audio. The last events follow."""

    kind: Literal["finish"] = "finish"


class PingCommand(_ClientCommand):
    """Acknowledge events, and ask for an `AckMessage`.

    Attributes:
        seen: the number of the last event received; 0 if none.
    """

    kind: Literal["ping"] = "ping"
    seen: Count


class CloseCommand(_ClientCommand):
    """Send no more events. Without `FinishCommand` before it, end the session now."""

    kind: Literal["close"] = "close"


Command: TypeAlias = Annotated[
    StartCommand
    | ResumeCommand
    | UpdateCommand
    | CommitCommand
    | FinishCommand
    | PingCommand
    | CloseCommand,
    Field(discriminator="kind"),
]


class OpenedMessage(_ProtocolModel):
    """The session accepts audio: the answer to `StartCommand` and `ResumeCommand`.

    Attributes:
        session: the session ID, a secret that resumes the session.
        received: how many of the client's messages the session has received.
        grace: seconds that the session is kept without a connection.
    """

    kind: Literal["opened"] = "opened"
    session: SessionId
    received: Count
    grace: Seconds


class CommandError(_ProtocolModel):
    """A command failed. After a `StartCommand` or a `ResumeCommand` the connection ends.

    Attributes:
        command: the command's kind; None if it could not be parsed.
        error: the reason.
    """

    kind: Literal["refused"] = "refused"
    command: str | None
    error: ErrorInfo


class EventMessage(_ProtocolModel):
    """An event of the session. Sent again after a resume if it was not acknowledged.

    Attributes:
        seq: the event's number, counted from 1.
        event: the event.
    """

    kind: Literal["event"] = "event"
    seq: Annotated[int, Field(ge=1)]
    event: Annotated[Event | CommandError, Field(discriminator="kind")]


class AckMessage(_ProtocolModel):
    """How many of the client's messages the session has received: the answer to `PingCommand`."""

    kind: Literal["ack"] = "ack"
    received: Count


ServerMessage: TypeAlias = Annotated[
    OpenedMessage | EventMessage | AckMessage | CommandError, Field(discriminator="kind")
]

_DEFERRED = ConfigDict(defer_build=True)
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Command, config=_DEFERRED)
_MESSAGES: TypeAdapter[ServerMessage] = TypeAdapter(ServerMessage, config=_DEFERRED)


def parse_command(text: str) -> Command:
    """Parse a text message from a client.

    Raises:
        ConfigurationError: it is too long or not a command. The message says why, and repeats
            no value but a wrong language.
    """
    if len(text) > MAX_COMMAND:
        raise ConfigurationError(
            f"command is too long: {len(text)} characters, at most {MAX_COMMAND}; send audio in "
            "binary messages"
        )
    try:
        return _COMMANDS.validate_json(text)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        deepest = max(errors, key=lambda one: len(one["loc"]))  # the likeliest branch of a union
        where = ".".join(str(part) for part in deepest["loc"]) or "message"
        why = deepest["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"invalid command: {where[:100]}: {why[:200]}") from None


def schema() -> dict[str, object]:
    """Return the JSON Schema of all commands and messages, each as its sender writes it."""
    refs, parts = TypeAdapter.json_schemas(
        [("Command", "validation", _COMMANDS), ("ServerMessage", "serialization", _MESSAGES)]
    )
    models = parts["$defs"]
    for model in models.values():
        if "kind" in model["properties"]:  # the discriminator: required though it has a default
            model["required"] = sorted({"kind", *model.get("required", ())})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages between azstt's live clients and servers",
        "anyOf": [{"$ref": "#/$defs/Command"}, {"$ref": "#/$defs/ServerMessage"}],
        "$defs": {
            **models,
            "Command": refs["Command", "validation"],
            "ServerMessage": refs["ServerMessage", "serialization"],
        },
    }
