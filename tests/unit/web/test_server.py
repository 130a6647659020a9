from __future__ import annotations

import json
import math
import os
import queue
import threading
from collections import deque
from contextlib import asynccontextmanager
from functools import partial

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azstt import (
    ConfigurationError,
    Failed,
    Final,
    LiveSession,
    Partial,
    Segment,
    SessionStateError,
    ThrottledError,
)
from azstt._events import Ended
from azstt._web.messages import MAX_AUDIO, CommandError
from azstt._web.replay import ReplayBuffer
from azstt._web.server import BlockingWireServer, WireServer
from azstt.backends import Capabilities
from azstt.testing import Cue, ScriptedBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]

SECOND = bytes(32_000)
START = {"kind": "start", "audio": {"sample_rate": 16_000}}
FINISH = {"kind": "finish"}
#: A word every tenth of a second, each a partial and a final.
TALK = [
    event
    for at in range(10)
    for event in (
        Partial(text=f"w{at}", start=at / 10, end=at / 10 + 0.05),
        Final(segment=Segment(text=f"w{at}", start=at / 10, end=at / 10 + 0.1)),
    )
]


def opener(backend, **options):
    """Return a factory of sessions with a backend, for whatever a client asks for."""
    return partial(LiveSession, backend=backend, **options)


def talking() -> ScriptedBackend:
    """Return a backend that recognizes a word every tenth of a second."""
    return ScriptedBackend(TALK)


class Client:
    """The client's end of a connection: sends JSON or audio, and receives JSON."""

    def __init__(self) -> None:
        self._outgoing, self._from_client = anyio.create_memory_object_stream[str | bytes](math.inf)
        self._to_client, self._incoming = anyio.create_memory_object_stream[str](math.inf)

    async def receive(self):
        """Return the next message to the server, or None; the server calls it."""
        try:
            return await self._from_client.receive()
        except anyio.EndOfStream:
            return None

    async def send(self, text):
        """Take text from the server; the server calls it."""
        await self._to_client.send(text)

    async def submit(self, *messages):
        """Send commands and audio."""
        for message in messages:
            text = message if isinstance(message, str | bytes) else json.dumps(message)
            await self._outgoing.send(text)

    async def next(self):
        """Wait for a message from the server."""
        return json.loads(await self._incoming.receive())

    async def wait_for(self, kind):
        """Wait for an event of a kind; return the kinds up to it, and the event."""
        kinds = []
        while True:
            event = (await self.next())["event"]
            kinds.append(event["kind"])
            if event["kind"] == kind:
                return kinds, event

    def disconnect(self):
        """Close the connection without a word."""
        for stream in (self._outgoing, self._from_client, self._to_client, self._incoming):
            stream.close()


@asynccontextmanager
async def connected(server, *messages):
    """Connect a client; leaving the block waits for the server to end the connection."""
    client = Client()
    client.over = anyio.Event()

    async def serve():
        await server.serve(client.receive, client.send)
        client.over.set()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            await client.submit(*messages)
            with anyio.fail_after(10):
                yield client
                await client.over.wait()
    finally:
        client.disconnect()


async def test_a_client_receives_events():
    """Audio in, numbered events out, and the end once the client has acknowledged them all."""
    async with WireServer(opener(talking())) as server, connected(server, START) as client:
        opened = await client.next()
        assert (opened["kind"], opened["received"], opened["grace"]) == ("opened", 0, 60)
        await client.submit(SECOND[:16_000], b"", SECOND[16_000:], FINISH)
        events = [await client.next() for _ in range(22)]
        assert [message["seq"] for message in events] == list(range(1, 23))
        kinds = [message["event"]["kind"] for message in events]
        assert kinds == ["started", *["partial", "final"] * 10, "ended"]
        await client.submit({"kind": "ping", "seen": 21})
        assert await client.next() == {"kind": "ack", "received": 4}
        assert not client.over.is_set()
        await client.submit({"kind": "ping", "seen": 22})


class RoamingClient:
    """A client that loses its connection repeatedly, and counts as the protocol says."""

    def __init__(self, audio) -> None:
        self.queue = deque([*audio, json.dumps(FINISH)])
        self.received = self.seen = 0
        self.session = None
        self.events = []

    async def run(self, server, cuts):
        """Run the session, over as many connections as it takes."""
        async with anyio.create_task_group() as group:
            for cut in [*cuts, math.inf]:
                connection = CutConnection(self, cut)
                group.start_soon(server.serve, connection.receive, connection.send)
                await connection.lost.wait()
                if self.over:
                    break

    @property
    def over(self):
        """Whether the last event has arrived."""
        return bool(self.events) and self.events[-1]["kind"] == "ended"

    def take(self, message):
        """Take a message: each event once and in order."""
        if message["kind"] == "opened":
            self.session = message["session"]
            for _ in range(message["received"] - self.received):
                self.queue.popleft()
            self.received = message["received"]
        else:
            assert message["seq"] == self.seen + 1
            self.seen += 1
            self.events.append(message["event"])


class CutConnection:
    """One of a roaming client's connections, cut after a number of messages from both sides."""

    def __init__(self, client, left) -> None:
        self.client, self.left = client, left
        self.lost, self.changed = anyio.Event(), anyio.Event()
        self.sent = None  # messages of the queue; None before the first command

    def count(self):
        self.left -= 1
        if self.left < 0 or self.lost.is_set():
            self.lost.set()
            raise ConnectionResetError

    async def receive(self):
        if self.sent is None:
            self.count()
            self.sent = math.inf
            resume = {"kind": "resume", "session": self.client.session, "seen": self.client.seen}
            return json.dumps(resume if self.client.session else START)
        while self.sent >= len(self.client.queue) and not self.client.over:
            self.changed = anyio.Event()
            await self.changed.wait()
        if self.client.over:
            self.lost.set()
            return json.dumps({"kind": "ping", "seen": self.client.seen})
        self.count()
        self.sent += 1
        return self.client.queue[self.sent - 1]

    async def send(self, text):
        self.count()
        message = json.loads(text)
        self.client.take(message)
        if message["kind"] == "opened":
            self.sent = 0
        self.changed.set()


class Recorded:
    """A backend that keeps the PCM it receives."""

    def __init__(self, backend) -> None:
        self._backend = backend
        self.name, self.capabilities = backend.name, backend.capabilities
        self.pcm = b""

    def open(self, options, audio, emit):
        session = self._backend.open(options, audio, emit)
        write = session.write

        def keep(pcm):
            self.pcm += pcm
            write(pcm)

        session.write = keep
        return session


AUDIO = bytes(n * 7 % 251 for n in range(32_000))


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
@settings(max_examples=40)
@given(
    # The session must have started before the first cut: without its ID nothing can be resumed.
    first=st.integers(2, 40),
    cuts=st.lists(st.integers(0, 20), max_size=6),
    sizes=st.lists(st.sampled_from([1, 999, 3200, 9000]), min_size=1, max_size=4),
)
def test_nothing_is_lost_or_duplicated_wherever_connections_are_cut(loop, first, cuts, sizes):
    """The recognizer gets the audio byte for byte, and the client every event once, in order."""
    pieces, at = [], 0
    while at < len(AUDIO):
        size = max(sizes[len(pieces) % len(sizes)], len(AUDIO) // 20)
        pieces.append(AUDIO[at : at + size])
        at += size
    backend = Recorded(talking())
    client = RoamingClient(pieces)

    async def run():
        async with WireServer(opener(backend)) as server:
            await client.run(server, [first, *cuts])

    anyio.run(run, backend=loop)
    assert backend.pcm == AUDIO
    kinds = [event["kind"] for event in client.events]
    assert kinds == ["started", *["partial", "final"] * 10, "ended"]


async def test_a_client_may_pause():
    """Its connection tells that it lives, so silence does not end its session."""
    async with connected(WireServer(opener(talking(), idle_timeout=0.1)), START) as client:
        assert (await client.next())["kind"] == "opened"
        await anyio.sleep(1.2)
        await client.submit(SECOND, FINISH)
        assert (await client.wait_for("ended"))[1]["position"] == 1.0
        await client.submit({"kind": "close"})


async def test_a_session_expires_after_the_grace_time():
    """It is finished, and can't be resumed."""
    async with WireServer(opener(talking()), grace=0.05) as server:
        async with connected(server, START) as client:
            session = (await client.next())["session"]
            client.disconnect()
        await server._host.wait_closed()
        resume = {"kind": "resume", "session": session, "seen": 0}
        async with connected(server, resume) as client:
            refused = await client.next()
    assert (refused["kind"], refused["command"]) == ("refused", "resume")
    assert refused["error"]["type"] == "SessionStateError"
    assert "unknown or expired session" in refused["error"]["message"]
    assert session not in json.dumps(refused)


async def test_a_client_cannot_acknowledge_events_that_were_not_sent():
    """A client whose count is ahead of the server's is refused."""
    async with WireServer(opener(talking())) as server, connected(server, START) as client:
        session = (await client.next())["session"]
        async with connected(server, {"kind": "resume", "session": session, "seen": 99}) as other:
            assert "seen=99 exceeds" in (await other.next())["error"]["message"]


@pytest.mark.filterwarnings("ignore::azstt.BackendFallbackWarning")  # it is issued once per process
async def test_the_configured_backend_is_the_default(monkeypatch, tmp_path):
    """A server needs no arguments; the client's options become the session's."""
    monkeypatch.chdir(tmp_path)  # a folder without .env
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    start = {**START, "language": ["en-US"], "diarize": True}
    async with WireServer() as server, connected(server, start) as client:
        refused = await client.next()
    assert "the 'local' backend does not support option 'diarize'" in refused["error"]["message"]


@pytest.mark.parametrize("grace", [0, -1.0, math.inf, math.nan])
def test_grace_must_be_positive_and_finite(grace):
    """A session that can't be resumed, or that is kept forever, is a mistake."""
    with pytest.raises(ConfigurationError, match="must be a number of seconds above 0"):
        WireServer(grace=grace)


async def test_a_new_connection_takes_the_session_over():
    """A client that reconnects is served at once, even if its old connection still seems alive."""
    async with (
        WireServer(opener(talking())) as server,
        connected(server, START, SECOND[:3200]) as old,
    ):
        session = (await old.next())["session"]
        await old.wait_for("final")
        async with connected(server, {"kind": "resume", "session": session, "seen": 1}) as new:
            assert (await new.next())["received"] == 1
            await old.over.wait()
            assert (await new.next())["seq"] == 2
            await new.submit({"kind": "close"})


async def test_close_ends_the_session_at_once():
    """A client that closes its session without finishing it wants no more results."""
    sessions = []

    def opened(**wishes):
        sessions.append(LiveSession(backend=talking(), **wishes))
        return sessions[-1]

    async with WireServer(opened) as server, connected(server, START, SECOND) as client:
        assert (await client.next())["kind"] == "opened"
        await client.submit({"kind": "close"})
        with anyio.fail_after(10):
            await server._host.wait_closed()
    with pytest.raises(SessionStateError, match="after the session was closed"):
        await sessions[0].send(b"12")


async def test_canceling_the_server_ends_the_session():
    """A server that is canceled leaves no session open."""
    with anyio.move_on_after(5) as scope:
        async with WireServer(opener(talking())) as server, connected(server, START) as client:
            await client.next()
            scope.cancel()
            await anyio.sleep(5)
    assert not server._host._sessions


async def test_a_server_is_entered_once():
    """Its block belongs to one life of the application."""
    server = WireServer(opener(talking()))
    async with server:
        with pytest.raises(SessionStateError, match="entered once"):
            await server.__aenter__()


async def test_a_server_without_a_block():
    """The call that opens a session hosts it then."""
    server = WireServer(opener(talking()))
    async with connected(server, START) as client:
        assert (await client.next())["kind"] == "opened"
        await client.submit({"kind": "close"})
    assert not server._host._sessions


async def test_a_server_that_closes_opens_no_sessions():
    """A client that comes too late is refused, and may try again later."""
    async with WireServer(opener(talking())) as server:
        server._host.close()
        async with connected(server, START) as client:
            error = (await client.next())["error"]
    assert (error["message"][:27], error["retryable"]) == ("the server is shutting down", True)


async def test_the_number_of_sessions_is_limited():
    """One more is refused, and the client may retry."""
    async with WireServer(opener(talking()), limit=1) as server, connected(server, START) as client:
        await client.next()
        async with connected(server, START) as other:
            error = (await other.next())["error"]
        assert (error["type"], error["retryable"]) == ("ThrottledError", True)
        await client.submit({"kind": "close"})


@pytest.mark.parametrize(
    ("first", "command", "why"),
    [
        (b"audio", None, "the first message must be 'start' or 'resume'"),
        ({"kind": "commit"}, None, "the first message must be 'start' or 'resume'"),
        ("{", None, "Invalid JSON"),
        ({"kind": "start", "language": ["xx-YY"]}, "start", "does not recognize language 'xx-YY'"),
    ],
)
async def test_an_invalid_first_message_is_refused(first, command, why):
    """The client learns why, and the connection ends."""
    able = Capabilities(languages=frozenset({"en"}), offline=True)

    async with (
        WireServer(opener(ScriptedBackend(capabilities=able))) as server,
        connected(server, first) as client,
    ):
        refused = await client.next()
    assert (refused["command"], refused["error"]["type"]) == (command, "ConfigurationError")
    assert why in refused["error"]["message"]


async def test_a_silent_connection_is_dropped():
    """A connection without a first message is not kept forever."""
    async with WireServer(opener(talking()), grace=0.05) as server, connected(server):
        pass


async def test_rejected_commands_are_reported():
    """As events, so that they survive a lost connection; the session goes on."""
    able = Capabilities(offline=True, partials=True)
    async with (
        WireServer(opener(ScriptedBackend(TALK, capabilities=able))) as server,
        connected(
            server, START, {"kind": "update", "phrases": ["x"]}, {"kind": "commit"}
        ) as client,
    ):
        await client.next()
        refused = [(await client.wait_for("refused"))[1] for _ in range(2)]
        assert [event["command"] for event in refused] == ["update", "commit"]
        await client.submit(bytes(MAX_AUDIO + 1))
        _, event = await client.wait_for("refused")
        assert "audio message is too long: 1048577 bytes, at most 1048576" in str(event)
        await client.submit(START)
        assert "'start' must be the first message" in (await client.next())["error"]["message"]
        await client.submit("nonsense")
        _, event = await client.wait_for("refused")
        assert "Invalid JSON" in event["error"]["message"]
        await client.submit(FINISH, SECOND)
        _, event = await client.wait_for("refused")
        assert (event["command"], event["error"]["type"]) == ("audio", "SessionStateError")
        await client.wait_for("ended")
        await client.submit({"kind": "ping", "seen": 99})
        assert "seen=99 exceeds the 27 events" in (await client.next())["error"]["message"]
        await client.submit({"kind": "ping", "seen": 27})


async def test_commit_and_update_reach_the_recognizer():
    """A client can end a segment and change options, as with a session in the same process."""
    backend = ScriptedBackend.saying("one two three four", seconds_a_word=0.25)
    update = {"kind": "update", "language": ["de-DE"], "phrases": ["Anna"]}
    async with (
        WireServer(opener(backend)) as server,
        connected(server, START, SECOND[:16_000]) as client,
    ):
        await client.next()
        await client.submit({"kind": "commit"}, update, SECOND[16_000:], FINISH)
        finals = [(await client.wait_for("final"))[1]["segment"]["text"] for _ in range(2)]
        await client.submit({"kind": "close"})
    assert finals == ["one two", "three four"]
    assert [asked.language for asked in backend.asked] == [(), ("de-DE",)]


async def test_null_in_an_update_changes_nothing():
    """As the schema says, null leaves an option as it is; the others are changed."""
    backend = ScriptedBackend.saying("one two", seconds_a_word=0.5)
    async with WireServer(opener(backend)) as server, connected(server, START) as client:
        await client.next()
        await client.submit(
            {"kind": "update", "language": None, "phrases": ["Anna"]}, SECOND, FINISH
        )
        kinds, _ = await client.wait_for("ended")
        await client.submit({"kind": "close"})
    assert "refused" not in kinds
    assert [asked.phrases for asked in backend.asked] == [(), ("Anna",)]


async def test_a_failed_recognizer_is_reported():
    """The client learns what failed and whether to retry; later messages do no harm."""
    error = ThrottledError("too many sessions", code="429")
    backend = ScriptedBackend([Cue(event=Failed(error=error), at=0.05)])
    async with (
        WireServer(opener(backend)) as server,
        connected(server, START, SECOND, SECOND, FINISH) as client,
    ):
        await client.next()
        _, event = await client.wait_for("failed")
        assert event["error"] == {
            "type": "ThrottledError",
            "message": "too many sessions",
            "code": "429",
            "retryable": True,
        }
        await client.submit({"kind": "close"})


async def test_undecodable_audio_is_reported():
    """Audio that can't be decoded is the client's error."""
    start = {"kind": "start", "audio": "wav"}
    async with (
        WireServer(opener(talking())) as server,
        connected(server, start, b"no audio" * 9999, FINISH) as client,
    ):
        await client.next()
        _, event = await client.wait_for("failed")
        assert (event["error"]["type"], event["error"]["retryable"]) == ("RequestError", False)
        assert event["error"]["code"] in {"AudioDecodeError", "NoAudioStreamError"}
        await client.submit({"kind": "close"})


async def test_an_internal_error_at_the_start_is_reported(caplog):
    """A client does not wait for a session that will never start; the details stay private."""

    def broken(**_wishes):
        raise KeyError("a detail")

    async with WireServer(broken) as server, connected(server, START) as client:
        refused = await client.next()
    assert refused["command"] == "start"
    assert refused["error"]["message"] == "internal server error in this session"
    assert "a detail" in caplog.text


async def test_an_internal_error_reveals_no_details(caplog):
    """The server's own errors are for its own log."""
    live = LiveSession(backend=talking())

    def handler(_event):
        raise KeyError("a detail")

    live.on(Final, handler)
    async with WireServer(lambda **_wishes: live) as server, connected(server, START) as client:
        await client.next()
        await client.submit(SECOND)
        _, event = await client.wait_for("failed")
        assert event["error"]["message"] == "internal server error in this session"
        await client.submit({"kind": "close"})
    assert "a detail" in caplog.text


def test_events_are_kept_until_they_are_acknowledged():
    """Numbering continues after events have been dropped."""
    buffer = ReplayBuffer()
    texts = [buffer.add(Ended(position=n)) for n in range(4)]
    assert [json.loads(text)["seq"] for text in texts] == [1, 2, 3, 4]
    buffer.acknowledge(2)
    buffer.acknowledge(1)
    assert buffer.since(2) == tuple(texts[2:])
    assert len(buffer) == 2
    assert buffer.since(4) == ()
    with pytest.raises(SessionStateError, match="seen=2 are no longer available"):
        buffer.since(2)
    with pytest.raises(ConfigurationError, match="seen=5 exceeds the 4 events"):
        buffer.acknowledge(5)


def test_the_replay_buffer_is_bounded():
    """A client that acknowledges nothing costs a bounded amount of memory."""
    buffer = ReplayBuffer(limit=1000)
    for n in range(100):
        buffer.add(Ended(position=n))
    assert sum(map(len, buffer.since(100 - len(buffer)))) <= 1000
    with pytest.raises(SessionStateError):
        buffer.since(0)


@pytest.mark.parametrize("answer", ["none", "error"])
def test_handlers_in_threads_are_served(answer):
    """Blocking handlers work and resume, however the transport reports a lost connection."""
    server = BlockingWireServer(opener(talking()))
    outbox, inboxes = queue.Queue(), [queue.Queue(), queue.Queue()]

    def take(inbox):
        message = inbox.get(timeout=10)
        if message is None and answer == "error":
            raise OSError("gone")
        return message

    threads = [
        threading.Thread(target=server.serve, args=(lambda inbox=inbox: take(inbox), outbox.put))
        for inbox in inboxes
    ]
    threads[0].start()
    for message in (json.dumps(START), SECOND[:16_000]):
        inboxes[0].put(message)
    opened = json.loads(outbox.get(timeout=10))
    for _ in range(11):  # started, and five words
        last = json.loads(outbox.get(timeout=10))
    inboxes[0].put(None)
    resume = {"kind": "resume", "session": opened["session"], "seen": last["seq"]}
    threads[1].start()
    for message in (json.dumps(resume), SECOND[16_000:], json.dumps(FINISH)):
        inboxes[1].put(message)
    assert json.loads(outbox.get(timeout=10))["received"] == 1
    rest = [json.loads(outbox.get(timeout=10))["event"] for _ in range(11)]
    assert rest[-1] == {"kind": "ended", "position": 1.0}
    inboxes[1].put(json.dumps({"kind": "close"}))
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_connection_takes_two_threads_for_any_number_of_messages():
    """A hundred pieces of audio and their events take one thread to receive and one to send."""
    server = BlockingWireServer(opener(talking()))
    inbox, outbox = queue.Queue(), queue.Queue()
    receiving, sending = set(), set()

    def receive():
        receiving.add(threading.current_thread())
        return inbox.get(timeout=10)

    def send(text):
        sending.add(threading.current_thread())
        outbox.put(text)

    for message in (json.dumps(START), *[SECOND[:320]] * 100, json.dumps(FINISH)):
        inbox.put(message)
    handler = threading.Thread(target=server.serve, args=(receive, send))
    handler.start()
    while '"ended"' not in outbox.get(timeout=10):
        pass
    inbox.put(json.dumps({"kind": "close"}))
    handler.join(10)
    assert not handler.is_alive()
    assert (len(receiving), len(sending)) == (1, 1)
    assert not receiving & sending


def test_a_handler_in_a_thread_does_not_wait_for_a_blocked_receive():
    """A silent connection is dropped after the grace time, while its receive() still blocks."""
    server = BlockingWireServer(opener(talking()), grace=0.05)
    released = threading.Event()
    try:
        server.serve(lambda: released.wait(30) and None, print)
        assert not released.is_set()
    finally:
        released.set()


def test_command_errors_are_numbered_like_events():
    """A command that failed is reported under a number of its own."""
    refused = CommandError(command="commit", error={"type": "X", "message": "y"})
    assert json.loads(ReplayBuffer().add(refused))["seq"] == 1
