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
    Ack,
    Close,
    Command,
    CommandError,
    Commit,
    ErrorInfo,
    EventMessage,
    Finish,
    Message,
    Opened,
    Ping,
    Resume,
    Start,
    Update,
    parse_command,
    schema,
)

MODELS = schema()["$defs"]
PROBLEM = ErrorInfo(type="RequestError", message="it was refused")
HELLO = Segment(text="hello", start=0, end=1, words=(Word(text="hello", start=0, end=1),))
MESSAGES = [
    Opened(session="x", received=0, grace=60),
    Ack(received=3),
    CommandError(command=None, error=PROBLEM),
    *(
        EventMessage(seq=1, event=event)
        for event in (
            events.Started(model="m"),
            events.SpeechStarted(at=0),
            events.Partial(text="hel", start=0, end=1),
            events.Final(segment=HELLO),
            events.SpeechEnded(at=1),
            events.Reconnecting(attempt=1, delay=0.5, reason="it broke"),
            events.AudioGap(start=1, end=2, reason="dropped"),
            events.Ended(position=2),
            events.Failed(error=ThrottledError("too many", code="429")),
            CommandError(command="update", error=PROBLEM),
        )
    ),
]
COMMANDS = [
    ('{"kind": "start"}', Start()),
    (
        (
            '{"kind": "start", "audio": {"sample_rate": 48000, "channels": 2}, '
            '"language": ["en-US"], "diarize": true, "phrases": ["Contoso"]}'
        ),
        Start(
            audio=AudioFormat(sample_rate=48_000, channels=2),
            language=("en-US",),
            diarize=True,
            phrases=("Contoso",),
        ),
    ),
    ('{"kind": "resume", "session": "x", "seen": 3}', Resume(session="x", seen=3)),
    ('{"kind": "update", "phrases": []}', Update(phrases=())),
    ('{"kind": "commit"}', Commit()),
    ('{"kind": "finish"}', Finish()),
    ('{"kind": "ping", "seen": 0}', Ping(seen=0)),
    ('{"kind": "close"}', Close()),
]


def kinds(union) -> set[str]:
    """Give the kinds of a union's models."""
    return {model.model_fields["kind"].default for model in get_args(get_args(union)[0])}


@pytest.mark.parametrize(("text", "command"), COMMANDS, ids=[text[:30] for text, _ in COMMANDS])
def test_a_command_is_read(text, command):
    """JSON from a page becomes the command that it is."""
    assert parse_command(text) == command


def test_every_command_is_tried():
    """The list above leaves none out."""
    assert {command.kind for _, command in COMMANDS} == kinds(Command)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the message: Invalid JSON"),
        ("[1]", "the message: Input should be an object"),
        ("{}", "Unable to extract tag using discriminator 'kind'"),
        ('{"kind": "stop"}', "'start', 'resume', 'update', 'commit', 'finish', 'ping', 'close'"),
        ('{"kind": "start", "diarize": "yes"}', "start.diarize: Input should be a valid boolean"),
        ('{"kind": "start", "audio": "ape"}', "Input should be 'auto', 'webm', 'ogg', 'mp4'"),
        ('{"kind": "start", "audio": {"channels": 0}}', "channels: Input should be greater than"),
        ('{"kind": "start", "language": ["x y"]}', "start.language.0: String should match"),
        ('{"kind": "start", "key": "k"}', "start.key: Extra inputs are not permitted"),
        ('{"kind": "ping", "seen": -1}', "ping.seen: Input should be greater than"),
        ('{"kind": "ping", "seen": 9007199254740992}', "ping.seen: Input should be less than"),
        ("[" * 5000, "recursion limit exceeded"),
        (f'{{"kind": "commit", "x": "{"x" * MAX_COMMAND}"}}', "at most 131072 characters, not"),
    ],
)
def test_what_is_no_command_is_refused(text, why):
    """The message says what is wrong and where."""
    with pytest.raises(ConfigurationError, match=why.replace("[", r"\[")):
        parse_command(text)


def test_a_refusal_shows_no_phrase():
    """Phrases may be confidential: neither the error nor a repr shows them."""
    name = "Project Bluebird"
    with pytest.raises(ConfigurationError) as caught:
        parse_command(json.dumps({"kind": "start", "phrases": [name, 1]}))
    assert name not in str(caught.value)
    assert name not in repr(Start(phrases=(name,)))
    assert name not in repr(Resume(session=name, seen=0))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_nothing_else_comes_of_rubbish(text):
    """A page that sends rubbish gets the one error, whatever it is."""
    with pytest.raises(ConfigurationError):
        parse_command(text)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_is_written_as_the_schema_says(message):
    """Every field that the schema requires is there, and no other."""

    def check(value, model):
        assert set(value) == set(model["properties"]) == set(model["required"])
        for name, rule in model["properties"].items():
            if isinstance(value[name], dict) and "additionalProperties" not in rule:
                refs = [rule.get("$ref") or rule["discriminator"]["mapping"][value[name]["kind"]]]
                check(value[name], MODELS[refs[0].removeprefix("#/$defs/")])

    check(json.loads(message.model_dump_json()), MODELS[type(message).__name__])


def test_every_message_is_tried():
    """The list above leaves none out, and the schema has them all."""
    told = {message.event.kind for message in MESSAGES if isinstance(message, EventMessage)}
    assert told == kinds(Event) | {"refused"}
    assert {message.kind for message in MESSAGES} == kinds(Message)
    for union in (Event, Command, Message):
        assert {model.__name__ for model in get_args(get_args(union)[0])} <= set(MODELS)


def test_a_message_reads_back():
    """What a server writes can be read in Python too, as by another server in between."""
    message = EventMessage(seq=2, event=Final(segment=HELLO))
    assert TypeAdapter(Message).validate_json(message.model_dump_json()) == message


def test_the_schema_stands_alone():
    """It names its dialect, and everything that it refers to is in it."""
    text = json.dumps(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    refs = {ref.partition('"')[0] for ref in text.split('"#/$defs/')[1:]}
    assert refs <= set(MODELS)
    assert {"Command", "Message"} <= refs


def test_the_command_prints_the_schema():
    """A generator of types gets it from a pipe."""
    command = [sys.executable, "-m", "azstt", "schema"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert json.loads(done.stdout) == schema()


def test_a_failure_shows_no_more_than_it_must():
    """A page learns what failed and whether to try again; not the service's own ids or hints."""
    error = ThrottledError("too many", code="429", session_id="abc", backend="azure")
    told = json.loads(EventMessage(seq=1, event=Failed(error=error)).model_dump_json())
    assert told["event"]["error"] == {
        "type": "ThrottledError",
        "message": "too many",
        "code": "429",
        "retryable": True,
    }
