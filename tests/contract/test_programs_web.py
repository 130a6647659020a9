"""Servers of live sessions as people write them: an application gets every word that was sent."""

from __future__ import annotations

import json
import queue
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from time import monotonic

import anyio
import pytest
from simple_websocket import Client

import azstt
from azstt import BlockingWireServer, LiveSession, WireServer

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]

LAST = "americans"
START = json.dumps({"kind": "start", "audio": {"sample_rate": 16_000}})
FINISH, CLOSE = json.dumps({"kind": "finish"}), json.dumps({"kind": "close"})
GONE = None


@pytest.fixture(scope="module")
def recording(audio) -> bytes:
    """A real voice, as PCM; `LAST` is among its last words."""
    with azstt.open_audio(audio / "jfk.wav", end=3.0) as reader:
        return b"".join(reader)


async def until(condition) -> None:
    """Wait until a condition holds."""
    while True:
        if condition():
            return
        await anyio.sleep(0.01)


class Application:
    """An application that keeps the transcript of each session, however it ends."""

    def __init__(self, backend) -> None:
        self.backend = backend
        self.saved: list[azstt.Transcript] = []
        self.failed: list[str] = []

    @asynccontextmanager
    async def session(self, **wishes):
        live = LiveSession(backend=self.backend, **wishes)
        try:
            async with live:
                yield live
        except azstt.AzsttError as error:
            self.failed.append(type(error).__name__)
            raise
        finally:
            self.saved.append(live.transcript)

    def check(self) -> None:
        """Check that one transcript was saved, to the last word."""
        (transcript,) = self.saved
        assert LAST in transcript.text.lower()
        assert transcript.complete
        assert self.failed == []


class Page:
    """A page's connection, which it closes after the last event; `GONE` is the loss of it."""

    def __init__(self, *messages) -> None:
        self._outgoing = queue.SimpleQueue()
        self.events: list[dict] = []
        for message in messages:
            self._outgoing.put(message)

    def take(self, text: str) -> None:
        """Take a message from the server."""
        event = json.loads(text).get("event", {})
        self.events.append(event)
        if event.get("kind") in {"ended", "failed"}:
            self._outgoing.put(CLOSE)

    @property
    def silent(self) -> bool:
        """Whether the server has taken all messages."""
        return self._outgoing.empty()

    def receive(self):
        """Return the next message; for a server in threads."""
        return self._outgoing.get(timeout=60)

    async def async_receive(self):
        """Return the next message; for an async server."""
        await until(lambda: not self.silent)
        return self._outgoing.get()

    async def async_send(self, text: str) -> None:
        """Take a message from an async server."""
        self.take(text)

    @property
    def heard(self) -> str:
        """The words that it got."""
        finals = [event["segment"]["text"] for event in self.events if event.get("kind") == "final"]
        return " ".join(finals).lower()


def pieces(pcm: bytes) -> list[bytes]:
    """Cut audio into pieces, as a page sends it."""
    return [pcm[at : at + 8_000] for at in range(0, len(pcm), 8_000)]


async def test_a_page_finishes(backend, recording):
    """The page and the application both get the whole text."""
    app, page = Application(backend), Page(START, *pieces(recording), FINISH)
    async with WireServer(app.session) as server:
        await server.serve(page.async_receive, page.async_send)
    assert LAST in page.heard
    assert page.events[-1]["kind"] == "ended"
    app.check()


async def test_a_page_that_disappears(backend, recording):
    """After the grace time the application has all that was sent, though nobody finished it."""
    app, page = Application(backend), Page(START, *pieces(recording), GONE)
    async with WireServer(app.session, grace=0.2) as server:
        await server.serve(page.async_receive, page.async_send)
        with anyio.fail_after(60):
            await until(lambda: app.saved)
        app.check()


async def test_a_page_that_is_closed(backend, recording):
    """A page that finishes and closes as it goes leaves its last words at once."""
    app, page = Application(backend), Page(START, *pieces(recording), FINISH, CLOSE)
    async with WireServer(app.session, grace=3600) as server:
        await server.serve(page.async_receive, page.async_send)
        with anyio.fail_after(60):
            await until(lambda: app.saved)
        app.check()


async def test_a_handler_returns_when_its_page_is_gone(backend, recording):
    """A web server that shuts down need not wait for the grace time of lost connections."""
    app, page = Application(backend), Page(START, *pieces(recording), GONE)
    async with WireServer(app.session, grace=3600) as server:
        await server.serve(page.async_receive, page.async_send)
        assert not app.saved
        left = monotonic()
    assert monotonic() - left < 8
    app.check()


async def test_a_server_that_stops_while_a_page_speaks(backend, recording):
    """The page gets the text up to there and the end, and the application has it too."""
    app, page = Application(backend), Page(START, *pieces(recording))
    async with anyio.create_task_group() as group, WireServer(app.session) as server:
        group.start_soon(server.serve, page.async_receive, page.async_send)
        with anyio.fail_after(60):
            await until(lambda: page.silent)
    app.check()
    assert LAST in page.heard
    assert page.events[-1]["kind"] == "ended"


async def test_a_page_that_sends_nonsense(backend):
    """Page and application learn that it was no audio."""
    start = json.dumps({"kind": "start", "audio": "wav"})
    app, page = Application(backend), Page(start, b"no audio" * 9999, FINISH)
    async with WireServer(app.session) as server:
        await server.serve(page.async_receive, page.async_send)
    assert page.events[-1]["error"]["type"] == "RequestError"
    (transcript,) = app.saved
    assert transcript.text == ""


def test_in_threads_a_page_finishes(backend, recording):
    """The same with a handler in a thread."""
    app, page = Application(backend), Page(START, *pieces(recording), FINISH)
    with BlockingWireServer(app.session) as server:
        server.serve(page.receive, page.take)
    assert LAST in page.heard
    app.check()


def test_in_threads_a_page_that_disappears(backend, recording):
    """The handler returns after the grace time, and then the application has all that was sent."""
    app, page = Application(backend), Page(START, *pieces(recording), GONE)
    BlockingWireServer(app.session, grace=0.2).serve(page.receive, page.take)
    app.check()


def test_in_threads_a_server_that_stops(backend, recording):
    """`close` finishes the sessions of lost connections, and their handlers return."""
    app, page = Application(backend), Page(START, *pieces(recording), GONE)
    server = BlockingWireServer(app.session, grace=3600)
    handler = threading.Thread(target=server.serve, args=(page.receive, page.take))
    handler.start()
    while not page.silent:
        handler.join(0.01)
    server.close()
    handler.join(10)
    assert not handler.is_alive()
    app.check()


AIOHTTP = """
import sys
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import WSMsgType, web

import azstt
from azstt.testing import ScriptedBackend


@asynccontextmanager
async def session(**wishes):
    live = azstt.LiveSession(backend=ScriptedBackend.saying("The last words."), **wishes)
    try:
        async with live:
            yield live
    finally:
        print(live.transcript.text, live.transcript.complete, flush=True)


server = azstt.WireServer(session)


async def lifespan(app):
    async with server:
        yield


async def live(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)

    async def receive():
        message = await socket.receive()
        return message.data if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} else None

    await server.serve(receive, socket.send_str)
    return socket


app = web.Application()
app.cleanup_ctx.append(lifespan)
app.router.add_get("/live", live)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=partial(print, flush=True))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to handle")
def test_a_web_server_that_is_terminated():
    """SIGTERM ends a web server within seconds, and lost connections keep their last words."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", AIOHTTP, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert "Running" in server.stdout.readline()
        page = Client.connect(f"ws://127.0.0.1:{port}/live")
        page.send(START)
        assert json.loads(page.receive(30))["kind"] == "opened"
        page.send(bytes(96_000))
        page.receive(30)
        page.close()
        page.thread.join(10)
        page.sock.close()
        began = monotonic()
        server.terminate()
        said, _ = server.communicate(timeout=60)
    assert monotonic() - began < 10
    assert said.splitlines()[-1] == "The last words. True"
