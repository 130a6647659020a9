"""What goes over a wire between a browser and a server, so that neither loses anything.

One WebSocket carries it, or anything else that keeps messages apart and in order. What is sent
in binary is audio, cut anywhere; what is sent as text is JSON with a ``kind``::

    page                                        server
    {"kind": "start", "audio": "webm"}    ->
                                          <-    {"kind": "opened", "session": ..., "received": 0}
    audio, audio, ...                     ->
                                          <-    {"kind": "event", "seq": 1, "event": {...}}
    {"kind": "ping", "seen": 1}           ->
                                          <-    {"kind": "ack", "received": 2}
    (the connection is lost, and made anew)
    {"kind": "resume", "session": ..., "seen": 1}
                                          ->
                                          <-    {"kind": "opened", "session": ..., "received": 3}
    the fourth message and those after it ->
                                          <-    {"kind": "event", "seq": 2, "event": {...}}
    {"kind": "finish"}                    ->
                                          <-    {"kind": "event", "seq": 3, "event": ...ended}

Each side counts. The server numbers its events. The page counts what it sends into the session:
every piece of audio, ``commit``, ``update`` and ``finish``, but not ``start``, ``resume``,
``ping`` and ``close``; a text that can't be read counts too. Each keeps what the other has not
acknowledged, and after a resume sends it again. A page pings every few seconds, which also shows it
that the connection lives; ``ping`` and ``ack`` are what lets both forget.

The session's id is a secret: whoever has it has the session. The server keeps the session for
``grace`` seconds after a connection is lost, and for the last events after it has ended.
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

#: Characters that a command may have, and bytes that a piece of audio may have.
MAX_COMMAND = 1 << 17
MAX_PIECE = 1 << 20

Count = Annotated[int, Field(ge=0, lt=1 << 53)]
#: As many as a browser, or anyone, has use for.
Languages = Annotated[tuple[Language, ...], Field(max_length=10)]
Phrase = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Phrases = Annotated[tuple[Phrase, ...], Field(max_length=500)]
SessionId = Annotated[str, StringConstraints(min_length=1, max_length=100), Field(repr=False)]


class _Spoken(FrozenModel):
    """What goes over the wire; nobody pays for it who has none."""

    model_config: ClassVar[ConfigDict] = ConfigDict(defer_build=True)


class _Command(_Spoken):
    """What a page sends; nothing is taken for what it is not."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True)


class Start(_Command):
    """Begin a session; the first message of its first connection.

    Attributes:
        audio: what is sent: a container, or the format of PCM.
        language: BCP-47 tags; several are candidates to detect; empty is the server's default.
        diarize: tell the speakers apart.
        phrases: words and names to expect.
    """

    kind: Literal["start"] = "start"
    audio: Container | AudioFormat = "auto"
    language: Languages = ()
    diarize: bool = False
    phrases: Annotated[Phrases, Field(repr=False)] = ()


class Resume(_Command):
    """Go on with a session; the first message of a further connection, which replaces the other.

    Attributes:
        session: its id, from `Opened`.
        seen: the number of the last event that has come; 0 is none.
    """

    kind: Literal["resume"] = "resume"
    session: SessionId
    seen: Count


class Update(_Command):
    """Recognize the audio that follows with other options; those left out, or null, stay."""

    kind: Literal["update"] = "update"
    language: Languages | None = None
    phrases: Annotated[Phrases | None, Field(repr=False)] = None


class Commit(_Command):
    """End the open segment here."""

    kind: Literal["commit"] = "commit"


class Finish(_Command):
    """No more audio comes; the last events follow."""

    kind: Literal["finish"] = "finish"


class Ping(_Command):
    """Ask for an `Ack`, and acknowledge.

    Attributes:
        seen: as of `Resume`.
    """

    kind: Literal["ping"] = "ping"
    seen: Count


class Close(_Command):
    """End the session now; nobody wants the rest."""

    kind: Literal["close"] = "close"


Command: TypeAlias = Annotated[
    Start | Resume | Update | Commit | Finish | Ping | Close, Field(discriminator="kind")
]


class Opened(_Spoken):
    """The session takes audio: the answer to `Start` and `Resume`.

    Attributes:
        session: its id, a secret that resumes it.
        received: how many messages of the page's are in it.
        grace: seconds that it is kept without a connection.
    """

    kind: Literal["opened"] = "opened"
    session: SessionId
    received: Count
    grace: Seconds


class CommandError(_Spoken):
    """A command was not carried out. After a `Start` or a `Resume` the connection ends.

    Attributes:
        command: its kind; None where it could not be read.
        error: why.
    """

    kind: Literal["refused"] = "refused"
    command: str | None
    error: ErrorInfo


class EventMessage(_Spoken):
    """Something happened in the session, and is told again after a resume if it must.

    Attributes:
        seq: counts from 1.
        event: what happened.
    """

    kind: Literal["event"] = "event"
    seq: Annotated[int, Field(ge=1)]
    event: Annotated[Event | CommandError, Field(discriminator="kind")]


class Ack(_Spoken):
    """How many messages of the page's are in the session: the answer to `Ping`."""

    kind: Literal["ack"] = "ack"
    received: Count


Message: TypeAlias = Annotated[
    Opened | EventMessage | Ack | CommandError, Field(discriminator="kind")
]

_LATER = ConfigDict(defer_build=True)
_COMMANDS: TypeAdapter[Command] = TypeAdapter(Command, config=_LATER)
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Message, config=_LATER)


def parse_command(text: str) -> Command:
    """Read what a page sent as text.

    Raises:
        ConfigurationError: it is too long or no command; says why, without showing it.
    """
    if len(text) > MAX_COMMAND:
        raise ConfigurationError(
            f"a command has at most {MAX_COMMAND} characters, not {len(text)}; audio is sent in "
            "binary messages"
        )
    try:
        return _COMMANDS.validate_json(text)
    except ValidationError as error:
        errors = error.errors(include_url=False, include_input=False, include_context=False)
        worst = max(errors, key=lambda one: len(one["loc"]))  # of alternatives the likeliest
        where = ".".join(str(part) for part in worst["loc"]) or "the message"
        raise ConfigurationError(f"no command: {where[:100]}: {worst['msg'][:200]}") from None


def schema() -> dict[str, object]:
    """Give the JSON Schema of all commands and messages, each as its sender writes it."""
    refs, parts = TypeAdapter.json_schemas(
        [("Command", "validation", _COMMANDS), ("Message", "serialization", _MESSAGES)]
    )
    models = parts["$defs"]
    for model in models.values():
        if "kind" in model["properties"]:  # it tells them apart: a default does not stand for it
            model["required"] = sorted({"kind", *model.get("required", ())})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What azstt's pages and servers say to each other",
        "anyOf": [{"$ref": "#/$defs/Command"}, {"$ref": "#/$defs/Message"}],
        "$defs": {
            **models,
            "Command": refs["Command", "validation"],
            "Message": refs["Message", "serialization"],
        },
    }
