"""The README's production command, with real connections and the real recognizer."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path

import pytest
from simple_websocket import Client, ConnectionClosed

import azstt
from azstt.backends.local import LocalBackend
from examples.flask_app.tests.conftest import JFK, TUS, until

README = Path(__file__).parents[1] / "README.md"
ROOT = README.parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn runs only on POSIX")


class Visitor:
    """A browser's connections to a server on a port."""

    def __init__(self, port) -> None:
        self.port = port
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as page:
            self.cookie = page.headers["Set-Cookie"].split(";")[0]
            token = re.search(rb'csrf-token" content="([^"]+)"', page.read())[1].decode()
        self.headers = {"Cookie": self.cookie, "X-CSRF-Token": token}

    @contextmanager
    def connection(self):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()

    def ask(self, method, path, body=None, **headers):
        with self.connection() as connection:
            connection.request(method, path, body, {**self.headers, **headers})
            return json.loads(connection.getresponse().read() or b"null")

    def watch(self, id_):
        """Wait until a transcript is done."""
        now = {"version": -1, "state": ""}
        while now["state"] != "done":
            now = self.ask("GET", f"/jobs/{id_}?after={now['version']}")

    def transcript(self, id_):
        return azstt.Transcript.model_validate(self.ask("GET", f"/transcripts/{id_}/json"))

    @contextmanager
    def socket(self, path):
        headers = {
            "Cookie": self.cookie,
            "Origin": "http://127.0.0.1",
        }  # the client sends Host without the port
        client = Client.connect(f"ws://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            yield client
        finally:
            with suppress(ConnectionClosed):
                client.close()
            client.thread.join(10)
            client.sock.close()


@pytest.fixture(scope="module")
def visitor(tmp_path_factory):
    """Return a visitor of the app, served as the README says except for the port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = re.search(r"^gunicorn .*", README.read_text(), re.MULTILINE)[0]
    command = [sys.executable, "-m", *shlex.split(command.replace(":8000", f":{port}"))]
    data = tmp_path_factory.mktemp("data")
    environment = {**os.environ, "AZSTT_WEB_DATA": str(data), "AZSTT_WEB_BACKEND": "local"}
    log = data / "log"
    with log.open("w") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=file)
        try:
            until(lambda: "Listening" in log.read_text(), 30)
            yield Visitor(port)
        finally:
            server.terminate()
            assert server.wait(30) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.fixture(scope="module")
def expected():
    """Return the text that azstt recognizes without the app."""
    return azstt.transcribe_bytes(JFK, backend=LocalBackend()).text


def test_an_upload_gives_the_same_text_as_the_library(visitor, expected):
    """A file whose first piece breaks off midway is resumed, and transcribed as by the library."""
    asked = {"kind": "upload", "name": "jfk.wav", "fingerprint": "0" * 64}
    kind = {"Content-Type": "application/json", "Upload-Length": str(len(JFK))}
    upload = visitor.ask("POST", "/uploads", json.dumps(asked), **TUS, **kind)["id"]
    half = len(JFK) // 2
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    with visitor.connection() as lost:
        lost.putrequest("PATCH", f"/uploads/{upload}")
        headers = {**visitor.headers, **TUS, **kind, "Content-Length": str(len(JFK))}
        for name, value in headers.items():
            lost.putheader(name, value)
        lost.endheaders(JFK[:half])

    def offset():
        with visitor.connection() as connection:
            connection.request("HEAD", f"/uploads/{upload}", headers={**visitor.headers, **TUS})
            return connection.getresponse().headers["Upload-Offset"]

    until(lambda: offset() == str(half))
    kind["Upload-Offset"] = str(half)
    assert visitor.ask("PATCH", f"/uploads/{upload}", JFK[half:], **TUS, **kind) is None
    visitor.watch(upload)
    assert visitor.transcript(upload).text == expected


def test_live_text_survives_a_lost_websocket(visitor):
    """A session whose WebSocket is lost once gives partials, finals, and a saved transcript."""
    pcm = b"".join(azstt.open_audio(JFK))
    with visitor.socket("/live/one/socket") as first:
        first.send(json.dumps({"kind": "start", "audio": {}}))
        session = json.loads(first.receive(60))["session"]
        first.send(pcm[:128_000])
    kinds = []
    with visitor.socket("/live/one/socket") as second:
        second.send(json.dumps({"kind": "resume", "session": session, "seen": 0}))
        while "ended" not in kinds:
            message = json.loads(second.receive(60))
            if message["kind"] == "opened":
                pieces = [pcm[:128_000], pcm[128_000:], json.dumps({"kind": "finish"})]
                for piece in pieces[message["received"] :]:
                    second.send(piece)
            kinds.append(message.get("event", {}).get("kind"))
        second.send(json.dumps({"kind": "close"}))
        visitor.watch("one")
    assert {"partial", "final"} <= set(kinds)
    transcript = visitor.transcript("one")
    assert transcript.duration == pytest.approx(11, abs=0.1)
    assert "your country" in transcript.text


def test_websockets_per_browser_are_limited(visitor):
    """Another one is closed, so that idle connections can't use up all threads."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(visitor.socket(f"/live/{n}/socket")) for n in range(9)]
        until(lambda: sum(not socket.connected for socket in sockets) == 1)
