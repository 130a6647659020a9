from __future__ import annotations

import json
import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from azstt import ConfigurationError, Event, Failed, Final, Segment, ThrottledError, Word
from azstt import _events as events
from azstt._audio_format import AudioFormat
from azstt._web.messages import (
    MAX_COMMAND,
    AckMessage,
    CloseCommand,
    Command,
    CommandError,
    CommitCommand,
    ErrorInfo,
    EventMessage,
    FinishCommand,
    OpenedMessage,
    PingCommand,
    ResumeCommand,
    ServerMessage,
    StartCommand,
    UpdateCommand,
    parse_command,
    schema,
)

MODELS = schema()["$defs"]
ERROR = ErrorInfo(type="RequestError", message="it was refused")
HELLO = Segment(text="hello", start=0, end=1, words=(Word(text="hello", start=0, end=1),))
MESSAGES = [
    OpenedMessage(session="x", received=0, grace=60),
    AckMessage(received=3),
    CommandError(command=None, error=ERROR),
    *(
        EventMessage(seq=1, event=event)
        for event in (
            events.Started(model="m"),
            events.SpeechStarted(at=0),
            events.Partial(text="hel", start=0, end=1),
            events.Final(segment=HELLO),
            events.SpeechEnded(at=1),
            events.Committed(at=1),
            events.Reconnecting(attempt=1, delay=0.5, reason="it broke"),
            events.AudioGap(start=1, end=2, reason="dropped"),
            events.AudioGap(start=2, end=2, reason="truncated", seconds=None),
            events.Ended(position=2),
            events.Failed(error=ThrottledError("too many", code="429")),
            CommandError(command="update", error=ERROR),
        )
    ),
]
COMMANDS = [
    ('{"kind": "start"}', StartCommand()),
    (
        (
            '{"kind": "start", "audio": {"sample_rate": 48000, "channels": 2}, '
            '"language": ["en-US"], "diarize": true, "phrases": ["Contoso"]}'
        ),
        StartCommand(
            audio=AudioFormat(sample_rate=48_000, channels=2),
            language=("en-US",),
            diarize=True,
            phrases=("Contoso",),
        ),
    ),
    ('{"kind": "resume", "session": "x", "seen": 3}', ResumeCommand(session="x", seen=3)),
    ('{"kind": "update", "phrases": []}', UpdateCommand(phrases=())),
    ('{"kind": "commit"}', CommitCommand()),
    ('{"kind": "finish"}', FinishCommand()),
    ('{"kind": "ping", "seen": 0}', PingCommand(seen=0)),
    ('{"kind": "close"}', CloseCommand()),
]


def kinds(union) -> set[str]:
    """Return the kinds of a union's models."""
    return {model.model_fields["kind"].default for model in get_args(get_args(union)[0])}


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=[text[:30] for text, _ in COMMANDS])
def test_a_command_is_parsed(text, command):
    """JSON from a client becomes the command that it describes."""
    assert parse_command(text) == command


def test_every_command_is_covered():
    """The list above is complete."""
    assert {command.kind for _, command in COMMANDS} == kinds(Command)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "message: Invalid JSON"),
        ("[1]", "message: Input should be an object"),
        ("{}", "Unable to extract tag using discriminator 'kind'"),
        ('{"kind": "stop"}', "'start', 'resume', 'update', 'commit', 'finish', 'ping', 'close'"),
        ('{"kind": "start", "diarize": "yes"}', "start.diarize: Input should be a valid boolean"),
        ('{"kind": "start", "audio": "ape"}', "Input should be 'auto', 'webm', 'ogg', 'mp4'"),
        ('{"kind": "start", "audio": {"channels": 0}}', "channels: Input should be greater than"),
        ('{"kind": "start", "language": ["x y"]}', "start.language.0: 'x y' is not a BCP-47"),
        ('{"kind": "start", "key": "k"}', "start.key: Extra inputs are not permitted"),
        ('{"kind": "ping", "seen": -1}', "ping.seen: Input should be greater than"),
        ('{"kind": "ping", "seen": 9007199254740992}', "ping.seen: Input should be less than"),
        ("[" * 5000, "recursion limit exceeded"),
        (
            f'{{"kind": "commit", "x": "{"x" * MAX_COMMAND}"}}',
            "too long: .* at most 131072; send",
        ),
    ],
)
def test_an_invalid_command_is_rejected(text, why):
    """The error says what is wrong and where."""
    with pytest.raises(ConfigurationError, match=why.replace("[", r"\[")):
        parse_command(text)


def test_an_error_shows_no_phrase():
    """Phrases may be confidential: neither errors nor reprs show them."""
    name = "Project Bluebird"
    with pytest.raises(ConfigurationError) as caught:
        parse_command(json.dumps({"kind": "start", "phrases": [name, 1]}))
    assert name not in str(caught.value)
    assert name not in repr(StartCommand(phrases=(name,)))
    assert name not in repr(ResumeCommand(session=name, seen=0))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_arbitrary_text_is_rejected(text):
    """Whatever text a client sends that is not a command, it gets the same type of error."""
    with pytest.raises(ConfigurationError):
        parse_command(text)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_messages_match_the_schema(message):
    """A message has every field that the schema requires, and no other."""

    def check(value, model):
        assert set(value) == set(model["properties"]) == set(model["required"])
        for name, rule in model["properties"].items():
            if isinstance(value[name], dict) and "additionalProperties" not in rule:
                refs = [rule.get("$ref") or rule["discriminator"]["mapping"][value[name]["kind"]]]
                check(value[name], MODELS[refs[0].removeprefix("#/$defs/")])

    check(json.loads(message.model_dump_json()), MODELS[type(message).__name__])


def test_every_message_is_covered():
    """The list above is complete, and the schema has them all."""
    sent = {message.event.kind for message in MESSAGES if isinstance(message, EventMessage)}
    assert sent == kinds(Event) | {"refused"}
    assert {message.kind for message in MESSAGES} == kinds(ServerMessage)
    for union in (Event, Command, ServerMessage):
        assert {model.__name__ for model in get_args(get_args(union)[0])} <= set(MODELS)


def test_a_message_reads_back():
    """A server's messages can be parsed in Python too, for example by a proxy."""
    message = EventMessage(seq=2, event=Final(segment=HELLO))
    assert TypeAdapter(ServerMessage).validate_json(message.model_dump_json()) == message


def test_the_schema_is_self_contained():
    """It names its dialect, and every reference resolves within it."""
    text = json.dumps(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    refs = {ref.partition('"')[0] for ref in text.split('"#/$defs/')[1:]}
    assert refs <= set(MODELS)
    assert {"Command", "ServerMessage"} <= refs


def test_the_command_prints_the_schema():
    """`azstt schema` can be piped into a type generator."""
    command = [sys.executable, "-m", "azstt", "schema"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout) == schema()


def test_a_failure_reveals_only_what_a_client_needs():
    """A client learns what failed and whether to retry; not the service's own IDs or hints."""
    error = ThrottledError("too many", code="429", session_id="abc", backend="azure")
    sent = json.loads(EventMessage(seq=1, event=Failed(error=error)).model_dump_json())
    assert sent["event"]["error"] == {
        "type": "ThrottledError",
        "message": "too many",
        "code": "429",
        "retryable": True,
    }
