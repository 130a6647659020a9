"""Simulated browsers: they keep cookies, read the page's token, and send the page's requests."""

from __future__ import annotations

import json
import re
import struct
import time
from itertools import count
from pathlib import Path

import pytest

import azstt
from azstt.testing import ScriptedBackend
from examples.flask_app import create_app
from examples.flask_app.config import Config

AUDIO = Path(__file__).parents[3] / "tests" / "audio"
JFK = (AUDIO / "jfk.wav").read_bytes()
TUS = {"Tus-Resumable": "1.0.0"}
SAID = ("Ask not what your country", "can do for you.")
_fingerprints = count()


class Browser:
    """One visitor of the app."""

    def __init__(self, app) -> None:
        self.web = app.test_client()
        page = self.web.get("/")
        assert page.status_code == 200
        self.page = page.get_data(as_text=True)
        token = re.search('name="csrf-token" content="([^"]+)"', self.page)[1]
        self.headers = {"X-CSRF-Token": token, "Origin": "http://localhost"}

    def get(self, path):
        return self.web.get(path, buffered=True)

    def post(self, path, body=b"", **headers):
        return self.web.post(path, data=body, headers={**self.headers, **headers})

    def patch(self, path, **fields):
        return self.web.patch(path, json=fields, headers=self.headers)

    def put(self, path, **fields):
        return self.web.put(path, json=fields, headers=self.headers)

    def delete(self, path):
        return self.web.delete(path, headers=self.headers)

    def announce(self, size, **fields):
        """Create an upload. Unless a fingerprint is given, its content differs from all others."""
        new = next(_fingerprints)
        asked = {"kind": "upload", "name": "talk.wav", "fingerprint": f"{new:032x}", **fields}
        headers = {**self.headers, **TUS, "Upload-Length": str(size)}
        return self.web.post("/uploads", json=asked, headers=headers)

    def append(self, upload, offset, data, **headers):
        """Send the next bytes."""
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        headers = {**self.headers, **TUS, **kind, **headers}
        return self.web.patch(f"/uploads/{upload}", data=data, headers=headers)

    def offset(self, upload):
        """Return how many bytes the server has."""
        return int(self.web.head(f"/uploads/{upload}", headers=TUS).headers["Upload-Offset"])

    def cancel(self, upload):
        return self.web.delete(f"/uploads/{upload}", headers={**self.headers, **TUS}).get_json()

    def watch(self, id_, until=("done", "canceled", "error", "interrupted")):
        """Poll until a state, by default the end; return the last answer, with all texts."""
        texts, now = [], {"version": -1}
        while now.get("state") not in until:
            query = f"after={now['version']}&segments={len(texts)}"
            now = self.get(f"/jobs/{id_}?{query}").get_json()
            texts += [segment["text"] for segment in now["segments"]]
        return {**now, "texts": texts, "transcript": id_}

    def transcribe(self, audio=JFK, **fields):
        upload = self.announce(len(audio), **fields).get_json()["id"]
        self.append(upload, 0, audio)
        return self.watch(upload)

    def transcript(self, id_):
        return azstt.Transcript.model_validate_json(self.get(f"/transcripts/{id_}/json").data)

    def socket(self, path):
        """Open a polling socket, the fallback for a WebSocket."""
        return PollingClient(self, self.post(path).get_json()["socket"])


class PollingClient:
    """The page's end of a polling socket."""

    def __init__(self, browser, id_) -> None:
        self.browser, self.path = browser, f"/sockets/{id_}"
        self.sent = self.seen = 0

    def send(self, *messages, number=None):
        """Send messages in one request; return how many have been received."""
        body = b"".join(
            struct.pack(">BI", isinstance(message, bytes), len(data)) + data
            for message in messages
            for data in [message if isinstance(message, bytes) else message.encode()]
        )
        number = self.sent if number is None else number
        answer = self.browser.post(self.path, body, **{"X-Number": str(number)})
        self.sent = answer.get_json()["received"]
        return self.sent

    def receive(self):
        """Fetch new messages; None is the end."""
        messages = self.browser.get(f"{self.path}?seen={self.seen}").get_json()["messages"]
        self.seen += len(messages or ())
        return messages

    def events(self):
        """Yield a live session's messages up to the last event."""
        while (messages := self.receive()) is not None:
            for message in map(json.loads, messages):
                yield message
                if message["kind"] == "refused":
                    return
                if message.get("event", {}).get("kind") in {"ended", "failed"}:
                    self.send(json.dumps({"kind": "close"}))
                    return


@pytest.fixture
def make(tmp_path):
    """Create an app with a recognizer that says `SAID`, or with another one."""

    def make(backend=None, **settings):
        config = Config(data=tmp_path / "data", **settings)
        app = create_app(config, backend=backend or ScriptedBackend.saying(*SAID))
        app.testing = True
        return app

    return make


@pytest.fixture
def browser(make):
    """Return a visitor of a new app."""
    return Browser(make())


def until(condition, seconds=10):
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
