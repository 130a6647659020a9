"""The client's types match the protocol, and accept what users write."""

from __future__ import annotations

import json
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from azstt import Alternative, PronouncedWord, Pronunciation, Segment, ServiceError, Sound, Word
from azstt import _events as events
from azstt._events import ErrorInfo
from azstt._web.messages import AckMessage, CommandError, EventMessage, OpenedMessage, schema

HERE = Path(__file__).parent
CLIENT = resources.files("azstt") / "js"
CHECK = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess"]
TARGET = ["--target", "es2024", "--module", "nodenext", "--lib", "es2024,dom", "--types", "node"]

AT = {"start": 0.0, "end": 1.0}
SOUND = Sound(text="h", accuracy=90.0, **AT)
SEGMENT = Segment(
    text="Hello.",
    words=(Word(text="Hello.", confidence=0.5, text_offset=0, **AT),),
    confidence=0.5,
    speaker="Guest-1",
    language="en-US",
    channel=0,
    alternatives=(Alternative(text="Hello.", lexical="hello", confidence=0.5),),
    translations={"de": "Hallo."},
    pronunciation=Pronunciation(
        overall=90.0,
        words=(PronouncedWord(text="Hello.", phonemes=(SOUND,), syllables=(SOUND,), **AT),),
    ),
    **AT,
)
ERROR = ErrorInfo(type="RequestError", message="it was refused", code="400")
#: Every message; every optional value is once None and once not.
MESSAGES = [
    OpenedMessage(session="x", received=0, grace=60.0),
    AckMessage(received=3),
    CommandError(command=None, error=ERROR),
    *(
        EventMessage(seq=1, event=event)
        for event in (
            events.Started(),
            events.Started(model="m", session_id="s"),
            events.SpeechStarted(at=0.5),
            events.Partial(text="hel", **AT),
            events.Partial(text="hel", stable="h", speaker="Guest-1", language="en", **AT),
            events.Final(segment=Segment(text="", **AT)),
            events.Final(segment=SEGMENT),
            events.SpeechEnded(at=1.0),
            events.Committed(at=1.0),
            events.Reconnecting(attempt=1, delay=0.5, reason="it broke"),
            events.AudioGap(reason="dropped", **AT),
            events.AudioGap(reason="truncated", seconds=None, **AT),
            events.Ended(position=1.0),
            events.Failed(error=ServiceError("it broke")),
            CommandError(command="update", error=ERROR),
        )
    ),
]
COMMANDS = [
    {"kind": "start"},
    {
        "kind": "start",
        "audio": {"sample_rate": 48000, "channels": 2, "sample_width": 4, "floating": True},
        "language": ["en-US", "de-DE"],
        "diarize": True,
        "phrases": ["Contoso"],
    },
    {"kind": "resume", "session": "x", "seen": 3},
    {"kind": "update", "language": None, "phrases": ["x"]},
    {"kind": "commit"},
    {"kind": "finish"},
    {"kind": "ping", "seen": 3},
    {"kind": "close"},
]


def without_each(value):
    """Yield copies of the value, each without one of its keys, at any depth.

    The keys of translations are arbitrary, and are kept.
    """
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        rest = value.copy()
        if isinstance(value, dict):
            del rest[key]
            yield rest
        if isinstance(inner, dict | list) and key != "translations":
            for changed in without_each(inner):
                copy = value.copy()
                copy[key] = changed
                yield copy


def satisfy(values, kind, *, wrong=False) -> list[str]:
    """Return TypeScript that asserts that values are of a type, or are not."""
    lines = [f"({json.dumps(value)}) satisfies {kind};" for value in values]
    return [f"// @ts-expect-error\n{line}" for line in lines] if wrong else lines


def protocol() -> str:
    """Return TypeScript that asserts the type of each message and command.

    With a field missing, or added, it must not match.
    """
    messages = [json.loads(message.model_dump_json()) for message in MESSAGES]
    lines = ['import type { Command, ServerMessage } from "./azstt.js";']
    lines += satisfy(messages, "ServerMessage") + satisfy(COMMANDS, "Command")
    events_ = [message for message in messages if "event" in message]
    wrong = [changed for message in messages for changed in without_each(message)]
    wrong += [{**message, "more": 1} for message in messages]
    wrong += [{**message, "event": {**message["event"], "more": 1}} for message in events_]
    lines += satisfy(wrong, "ServerMessage", wrong=True)
    wrong = [{**command, "more": 1} for command in COMMANDS]
    for command in COMMANDS:
        required = schema()["$defs"][f"{command['kind'].title()}Command"]["required"]
        wrong += [{k: v for k, v in command.items() if k != name} for name in required]
    return "\n".join(lines + satisfy(wrong, "Command", wrong=True))


PAGE = """
import { LiveClient, PCM, recordOpus, recordPcm } from "./azstt.js";
const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
const client = new LiveClient();
client.addEventListener("partial", ({ detail }) => show(detail.stable, detail.tail));
client.addEventListener("anything", (event: Event) => {});
const recording = recordOpus(stream, client, { timeslice: 100 });
await recording.stop();
await client.connect(new URL("https://example.com/live"), { audio: PCM, language: "en" });
const text: string = (await recordPcm(stream, client)).type + await client.finish();
function show(stable: string, tail: string) {}
// @ts-expect-error
client.send("text");
// @ts-expect-error
client.connect("/live", { audio: "vinyl" });
"""


@pytest.fixture(scope="module")
def type_errors(node, npm_install) -> str:
    """Install TypeScript once, and return its errors for all files."""
    folder = npm_install("typescript", HERE / "package.json", HERE / "session.ts")
    (folder / "azstt.d.ts").write_bytes((CLIENT / "azstt.d.ts").read_bytes())
    (folder / "protocol.ts").write_text(protocol())
    (folder / "page.ts").write_text(PAGE)
    files = ["protocol.ts", "page.ts", "session.ts"]
    command = [node, "node_modules/typescript/bin/tsc", *CHECK, *TARGET, *files]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=100, check=False
    )
    return done.stdout + done.stderr


def test_every_event_is_covered():
    """The list above is complete."""
    covered = {message.event.kind for message in MESSAGES if isinstance(message, EventMessage)}
    assert covered == set(
        schema()["$defs"]["EventMessage"]["properties"]["event"]["discriminator"]["mapping"]
    )


def test_the_types_match_the_protocol_and_its_use(type_errors):
    """The types match the schema, and code that uses the client type-checks."""
    assert type_errors == ""
