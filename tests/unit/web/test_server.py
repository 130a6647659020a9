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
from azstt._web.messages import MAX_PIECE, CommandError
from azstt._web.replay import ReplayBuffer
from azstt._web.server import BlockingWireServer, WireServer
from azstt.backends import Capabilities
from azstt.testing import Cue, ScriptedBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]

SECOND = bytes(32_000)
START = {"kind": "start", "audio": {"sample_rate": 16_000}}
FINISH = {"kind": "finish"}
#: Says a word every tenth of a second: a partial and a final each.
TALK = [
    event
    for at in range(10)
    for event in (
        Partial(text=f"w{at}", start=at / 10, end=at / 10 + 0.05),
        Final(segment=Segment(text=f"w{at}", start=at / 10, end=at / 10 + 0.1)),
    )
]


def opener(backend, **options):
    """Give what opens a session with a backend for whatever a page asks."""
    return partial(LiveSession, backend=backend, **options)


def talking() -> ScriptedBackend:
    """A recognizer that hears a word every tenth of a second."""
    return ScriptedBackend(TALK)


class Page:
    """A page at one end of a connection: what it sends is JSON or audio, what it hears JSON."""

    def __init__(self) -> None:
        self._up, self._from_page = anyio.create_memory_object_stream[str | bytes](math.inf)
        self._to_page, self._down = anyio.create_memory_object_stream[str](math.inf)

    async def receive(self):
        """The server's: the next message, or None."""
        try:
            return await self._from_page.receive()
        except anyio.EndOfStream:
            return None

    async def send(self, text):
        """The server's: sends text."""
        await self._to_page.send(text)

    async def say(self, *messages):
        """Send commands and audio."""
        for message in messages:
            text = message if isinstance(message, str | bytes) else json.dumps(message)
            await self._up.send(text)

    async def hear(self):
        """Wait for a message."""
        return json.loads(await self._down.receive())

    async def hear_until(self, kind):
        """Wait for an event of a kind; give the kinds up to it, and the event."""
        kinds = []
        while True:
            event = (await self.hear())["event"]
            kinds.append(event["kind"])
            if event["kind"] == kind:
                return kinds, event

    def leave(self):
        """Be gone."""
        for stream in (self._up, self._from_page, self._to_page, self._down):
            stream.close()


@asynccontextmanager
async def visiting(server, *messages):
    """Have a page on a connection of its own; the block is left when the server has let it go."""
    page = Page()
    page.over = anyio.Event()

    async def serve():
        await server.serve(page.receive, page.send)
        page.over.set()

    try:
        async with anyio.create_task_group() as group:
            group.start_soon(serve)
            await page.say(*messages)
            with anyio.fail_after(10):
                yield page
                await page.over.wait()
    finally:
        page.leave()


async def test_a_page_is_told_what_is_heard():
    """Audio in, numbered events out, and the end when the page has it all."""
    async with visiting(WireServer(opener(talking())), START) as page:
        opened = await page.hear()
        assert (opened["kind"], opened["received"], opened["grace"]) == ("opened", 0, 60)
        await page.say(SECOND[:16_000], b"", SECOND[16_000:], FINISH)
        told = [await page.hear() for _ in range(22)]
        assert [message["seq"] for message in told] == list(range(1, 23))
        kinds = [message["event"]["kind"] for message in told]
        assert kinds == ["started", *["partial", "final"] * 10, "ended"]
        await page.say({"kind": "ping", "seen": 21})
        assert await page.hear() == {"kind": "ack", "received": 4}
        assert not page.over.is_set()
        await page.say({"kind": "ping", "seen": 22})


class Wanderer:
    """A page that loses its connection again and again, and counts as the protocol says."""

    def __init__(self, pieces) -> None:
        self.queue = deque([*pieces, json.dumps(FINISH)])
        self.received = self.seen = 0
        self.session = None
        self.events = []

    async def live(self, server, cuts):
        """Go through the session, over as many connections as it takes."""
        async with anyio.create_task_group() as group:
            for cut in [*cuts, math.inf]:
                connection = Connection(self, cut)
                group.start_soon(server.serve, connection.receive, connection.send)
                await connection.lost.wait()
                if self.over:
                    break

    @property
    def over(self):
        """Whether there is nothing left to hear."""
        return bool(self.events) and self.events[-1]["kind"] == "ended"

    def hear(self, message):
        """Take a message: each event once, each in its turn."""
        if message["kind"] == "opened":
            self.session = message["session"]
            for _ in range(message["received"] - self.received):
                self.queue.popleft()
            self.received = message["received"]
        else:
            assert message["seq"] == self.seen + 1
            self.seen += 1
            self.events.append(message["event"])


class Connection:
    """One of a wanderer's connections, cut after so many messages of both sides."""

    def __init__(self, page, left) -> None:
        self.page, self.left = page, left
        self.lost, self.news = anyio.Event(), anyio.Event()
        self.sent = None  # from the queue; none before the server has answered

    def count(self):
        self.left -= 1
        if self.left < 0 or self.lost.is_set():
            self.lost.set()
            raise ConnectionResetError

    async def receive(self):
        if self.sent is None:
            self.count()
            self.sent = math.inf
            resume = {"kind": "resume", "session": self.page.session, "seen": self.page.seen}
            return json.dumps(resume if self.page.session else START)
        while self.sent >= len(self.page.queue) and not self.page.over:
            self.news = anyio.Event()
            await self.news.wait()
        if self.page.over:
            self.lost.set()
            return json.dumps({"kind": "ping", "seen": self.page.seen})
        self.count()
        self.sent += 1
        return self.page.queue[self.sent - 1]

    async def send(self, text):
        self.count()
        message = json.loads(text)
        self.page.hear(message)
        if message["kind"] == "opened":
            self.sent = 0
        self.news.set()


class Recorded:
    """A backend that keeps the PCM it is given."""

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
    # The session must have begun before the first cut: without its id there is nothing to resume.
    first=st.integers(2, 40),
    cuts=st.lists(st.integers(0, 20), max_size=6),
    sizes=st.lists(st.sampled_from([1, 999, 3200, 9000]), min_size=1, max_size=4),
)
def test_nothing_is_lost_or_doubled_wherever_connections_are_cut(loop, first, cuts, sizes):
    """The recognizer gets the audio byte for byte, and the page every event once and in order."""
    pieces, at = [], 0
    while at < len(AUDIO):
        size = max(sizes[len(pieces) % len(sizes)], len(AUDIO) // 20)
        pieces.append(AUDIO[at : at + size])
        at += size
    backend = Recorded(talking())
    page = Wanderer(pieces)
    anyio.run(page.live, WireServer(opener(backend)), [first, *cuts], backend=loop)
    assert backend.pcm == AUDIO
    kinds = [event["kind"] for event in page.events]
    assert kinds == ["started", *["partial", "final"] * 10, "ended"]


async def test_a_page_that_stays_away_is_given_up():
    """After the grace time the session is closed, and can't be resumed."""
    sessions = []
    server = WireServer(
        lambda **wishes: sessions.append(opener(talking())(**wishes)) or sessions[-1], grace=0.05
    )
    async with visiting(server, START) as page:
        name = (await page.hear())["session"]
        page.leave()
    with pytest.raises(SessionStateError, match="after aclose"):
        await sessions[0].send(b"12")
    async with visiting(server, {"kind": "resume", "session": name, "seen": 0}) as page:
        refused = await page.hear()
    assert (refused["kind"], refused["command"]) == ("refused", "resume")
    assert refused["error"]["type"] == "SessionStateError"
    assert "there is no such session" in refused["error"]["message"]
    assert name not in json.dumps(refused)


async def test_a_page_can_not_have_seen_what_was_not_told():
    """One whose count is not ours is not served: nothing good could come of it."""
    server = WireServer(opener(talking()))
    async with visiting(server, START) as page:
        name = (await page.hear())["session"]
        async with visiting(server, {"kind": "resume", "session": name, "seen": 99}) as other:
            assert "seen=99 is more than" in (await other.hear())["error"]["message"]


@pytest.mark.filterwarnings("ignore::azstt.BackendFallbackWarning")  # it comes once a process
async def test_without_a_word_the_configured_backend_serves(monkeypatch, tmp_path):
    """A server needs no argument; what the page asks for is what the session is made of."""
    monkeypatch.chdir(tmp_path)  # where no .env is
    for name in [name for name in os.environ if name.startswith("AZURE_")]:
        monkeypatch.delenv(name)
    start = {**START, "language": ["en-US"], "diarize": True}
    async with visiting(WireServer(), start) as page:
        refused = await page.hear()
    assert "the 'local' backend does not support option 'diarize'" in refused["error"]["message"]


@pytest.mark.parametrize("grace", [0, -1.0, math.inf, math.nan])
def test_grace_is_a_time(grace):
    """A session that nobody could resume, or that is kept for ever, is nobody's wish."""
    with pytest.raises(ConfigurationError, match="not a number of seconds above 0"):
        WireServer(grace=grace)


async def test_the_last_connection_has_the_session():
    """A page that comes again is served at once, though its old connection seems to live."""
    server = WireServer(opener(talking()))
    async with visiting(server, START, SECOND[:3200]) as old:
        name = (await old.hear())["session"]
        await old.hear_until("final")
        async with visiting(server, {"kind": "resume", "session": name, "seen": 1}) as new:
            assert (await new.hear())["received"] == 1
            await old.over.wait()
            assert (await new.hear())["seq"] == 2
            await new.say({"kind": "close"})


async def test_close_lets_go_at_once():
    """A page that wants no more makes room for another."""
    server = WireServer(opener(talking()), limit=1)
    for _ in range(2):
        async with visiting(server, START) as page:
            assert (await page.hear())["kind"] == "opened"
            await page.say({"kind": "close"})


async def test_canceling_ends_the_session():
    """A server that shuts down keeps no session."""
    server = WireServer(opener(talking()), limit=1)
    with anyio.move_on_after(5) as scope:
        async with visiting(server, START) as page:
            await page.hear()
            scope.cancel()
            await anyio.sleep(5)
    assert not server._sessions


async def test_no_more_sessions_than_allowed():
    """One more is refused for now."""
    server = WireServer(opener(talking()), limit=1)
    async with visiting(server, START) as page:
        await page.hear()
        async with visiting(server, START) as other:
            error = (await other.hear())["error"]
        assert (error["type"], error["retryable"]) == ("ThrottledError", True)
        await page.say({"kind": "close"})


@pytest.mark.parametrize(
    ("first", "command", "why"),
    [
        (b"audio", None, "begins with 'start' or 'resume'"),
        ({"kind": "commit"}, None, "begins with 'start' or 'resume'"),
        ("{", None, "Invalid JSON"),
        ({"kind": "start", "language": ["xx-YY"]}, "start", "does not recognize language 'xx-YY'"),
    ],
)
async def test_a_bad_beginning_is_refused(first, command, why):
    """The page learns why, and the connection ends."""
    able = Capabilities(languages=frozenset({"en"}), offline=True)

    async with visiting(WireServer(opener(ScriptedBackend(capabilities=able))), first) as page:
        refused = await page.hear()
    assert (refused["command"], refused["error"]["type"]) == (command, "ConfigurationError")
    assert why in refused["error"]["message"]


async def test_a_page_that_says_nothing_is_let_go():
    """A connection without a first message is not kept for ever."""
    async with visiting(WireServer(opener(talking()), grace=0.05)):
        pass


async def test_what_the_session_does_not_allow_is_told():
    """As an event, so that it is not lost with a connection; the session goes on."""
    able = Capabilities(offline=True, partials=True)
    server = WireServer(opener(ScriptedBackend(TALK, capabilities=able)))
    async with visiting(
        server, START, {"kind": "update", "phrases": ["x"]}, {"kind": "commit"}
    ) as page:
        await page.hear()
        refused = [(await page.hear_until("refused"))[1] for _ in range(2)]
        assert [event["command"] for event in refused] == ["update", "commit"]
        await page.say(bytes(MAX_PIECE + 1))
        _, event = await page.hear_until("refused")
        assert "a piece of audio has at most 1048576 bytes, not 1048577" in str(event)
        await page.say(START)
        assert "'start' comes first on a" in (await page.hear())["error"]["message"]
        await page.say("nonsense")
        _, event = await page.hear_until("refused")
        assert "Invalid JSON" in event["error"]["message"]
        await page.say(FINISH, SECOND)
        _, event = await page.hear_until("refused")
        assert (event["command"], event["error"]["type"]) == ("audio", "SessionStateError")
        await page.hear_until("ended")
        await page.say({"kind": "ping", "seen": 99})
        assert "seen=99 is more than the 27 events" in (await page.hear())["error"]["message"]
        await page.say({"kind": "ping", "seen": 27})


async def test_commit_and_update_reach_the_recognizer():
    """A page may end a segment, and change what is expected, as the session itself."""
    backend = ScriptedBackend.saying("one two three four", seconds_a_word=0.25)
    update = {"kind": "update", "language": ["de-DE"], "phrases": ["Anna"]}
    async with visiting(WireServer(opener(backend)), START, SECOND[:16_000]) as page:
        await page.hear()
        await page.say({"kind": "commit"}, update, SECOND[16_000:], FINISH)
        finals = [(await page.hear_until("final"))[1]["segment"]["text"] for _ in range(2)]
        await page.say({"kind": "close"})
    assert finals == ["one two", "three four"]
    assert [asked.language for asked in backend.asked] == [(), ("de-DE",)]


async def test_an_update_changes_what_it_names():
    """As the schema says, null is left out, and what stands beside it is changed."""
    backend = ScriptedBackend.saying("one two", seconds_a_word=0.5)
    async with visiting(WireServer(opener(backend)), START) as page:
        await page.hear()
        await page.say({"kind": "update", "language": None, "phrases": ["Anna"]}, SECOND, FINISH)
        kinds, _ = await page.hear_until("ended")
        await page.say({"kind": "close"})
    assert "refused" not in kinds
    assert [asked.phrases for asked in backend.asked] == [(), ("Anna",)]


async def test_a_recognizer_that_fails_is_told():
    """With what it was and whether to try again; messages after it do no harm."""
    error = ThrottledError("too many sessions", code="429")
    backend = ScriptedBackend([Cue(event=Failed(error=error), at=0.05)])
    async with visiting(WireServer(opener(backend)), START, SECOND, SECOND, FINISH) as page:
        await page.hear()
        _, event = await page.hear_until("failed")
        assert event["error"] == {
            "type": "ThrottledError",
            "message": "too many sessions",
            "code": "429",
            "retryable": True,
        }
        await page.say({"kind": "close"})


async def test_audio_that_is_none_is_told():
    """What can't be decoded is the page's mistake."""
    start = {"kind": "start", "audio": "wav"}
    async with visiting(WireServer(opener(talking())), start, b"no audio" * 9999, FINISH) as page:
        await page.hear()
        _, event = await page.hear_until("failed")
        assert (event["error"]["type"], event["error"]["retryable"]) == ("RequestError", False)
        assert event["error"]["code"] in {"AudioDecodeError", "NoAudioStreamError"}
        await page.say({"kind": "close"})


async def test_a_server_that_breaks_at_once_says_so():
    """A page does not wait for a session that will never be; the details are for the server."""

    def broken(**_wishes):
        raise KeyError("a detail")

    page = Page()
    await page.say(START)
    with pytest.raises(KeyError):
        await WireServer(broken).serve(page.receive, page.send)
    refused = await page.hear()
    assert refused["command"] == "start"
    assert refused["error"]["message"] == "the server failed in this session"
    page.leave()


async def test_a_server_that_breaks_says_no_more_than_that():
    """Its own errors are for its own log."""
    live = LiveSession(backend=talking())

    def handler(_event):
        raise KeyError("a detail")

    live.on(Final, handler)
    page = Page()
    await page.say(START, SECOND)
    with pytest.raises(KeyError):
        await WireServer(lambda **_wishes: live).serve(page.receive, page.send)
    await page.hear()
    _, event = await page.hear_until("failed")
    assert event["error"]["message"] == "the server failed in this session"
    page.leave()


def test_a_log_keeps_what_is_not_acknowledged():
    """And counts on from what it has let go."""
    log = ReplayBuffer()
    texts = [log.add(Ended(position=n)) for n in range(4)]
    assert [json.loads(text)["seq"] for text in texts] == [1, 2, 3, 4]
    log.forget(2)
    log.forget(1)
    assert log.since(2) == tuple(texts[2:])
    assert len(log) == 2
    assert log.since(4) == ()
    with pytest.raises(SessionStateError, match="seen=2 are no longer kept"):
        log.since(2)
    with pytest.raises(ConfigurationError, match="seen=5 is more than the 4 events"):
        log.forget(5)


def test_a_log_is_bounded():
    """A page that acknowledges nothing costs no more memory than that."""
    log = ReplayBuffer(limit=1000)
    for n in range(100):
        log.add(Ended(position=n))
    assert sum(map(len, log.since(100 - len(log)))) <= 1000
    with pytest.raises(SessionStateError):
        log.since(0)


@pytest.mark.parametrize("answer", ["none", "error"])
def test_a_server_in_threads(answer):
    """Handlers that block are served too, and resume; however a transport says that it is gone."""
    server = BlockingWireServer(opener(talking()))
    heard, says = queue.Queue(), [queue.Queue(), queue.Queue()]

    def take(inbox):
        message = inbox.get(timeout=10)
        if message is None and answer == "error":
            raise OSError("gone")
        return message

    threads = [
        threading.Thread(target=server.serve, args=(lambda inbox=inbox: take(inbox), heard.put))
        for inbox in says
    ]
    threads[0].start()
    for message in (json.dumps(START), SECOND[:16_000]):
        says[0].put(message)
    opened = json.loads(heard.get(timeout=10))
    for _ in range(11):  # started, and five words
        told = json.loads(heard.get(timeout=10))
    says[0].put(None)
    resume = {"kind": "resume", "session": opened["session"], "seen": told["seq"]}
    threads[1].start()
    for message in (json.dumps(resume), SECOND[16_000:], json.dumps(FINISH)):
        says[1].put(message)
    assert json.loads(heard.get(timeout=10))["received"] == 1
    rest = [json.loads(heard.get(timeout=10))["event"] for _ in range(11)]
    assert rest[-1] == {"kind": "ended", "position": 1.0}
    says[1].put(json.dumps({"kind": "close"}))
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_refusal_counts_among_the_events():
    """What is told of a command that failed has a number, too."""
    refused = CommandError(command="commit", error={"type": "X", "message": "y"})
    assert json.loads(ReplayBuffer().add(refused))["seq"] == 1
