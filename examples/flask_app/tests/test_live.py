"""Live sessions over polling sockets; WebSockets are tested in test_production."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest

import azstt
from azstt.testing import ScriptedBackend
from examples.flask_app import live
from examples.flask_app.sockets import PollingSocket, unpack
from examples.flask_app.tests.conftest import JFK, SAID, Browser, until

START = json.dumps({"kind": "start", "audio": "wav"})
FINISH = json.dumps({"kind": "finish"})


def speak(browser, id_="a", start=START, audio=JFK):
    """Run a live session to its end, and return its messages."""
    socket = browser.socket(f"/live/{id_}/socket")
    socket.send(start)
    socket.send(audio, FINISH)
    return list(socket.events())


def test_a_live_transcript_is_saved(browser):
    """The text arrives as it is recognized, and the transcript is saved under the page's ID."""
    messages = speak(browser)
    finals = [
        m["event"]["segment"]["text"] for m in messages if m.get("event", {}).get("kind") == "final"
    ]
    assert finals == list(SAID)
    assert browser.watch("a")["state"] == "done"
    assert browser.transcript("a").text == " ".join(SAID)
    assert browser.get("/transcripts").get_json()[0]["kind"] == "live"


def test_a_session_is_resumed_over_another_connection(browser):
    """Audio received before the connection was lost is not sent again, and no word is missing."""
    first = browser.socket("/live/a/socket")
    first.send(START)
    opened = json.loads(first.receive()[0])
    first.send(JFK[:100_000])
    browser.delete(first.path)
    second = browser.socket("/live/a/socket")
    second.send(json.dumps({"kind": "resume", "session": opened["session"], "seen": 0}))
    arrived = json.loads(second.receive()[0])["received"]
    second.send(*[JFK[:100_000], JFK[100_000:], FINISH][arrived:])
    list(second.events())
    assert browser.watch("a")["state"] == "done"
    assert browser.transcript("a").text == " ".join(SAID)
    assert len(browser.get("/transcripts").get_json()) == 1


def test_a_session_cannot_be_resumed_by_another_browser(make):
    """Not even with the session's ID."""
    app = make()
    mine, other = Browser(app), Browser(app)
    socket = mine.socket("/live/a/socket")
    socket.send(START)
    session = json.loads(socket.receive()[0])["session"]
    stolen = other.socket("/live/a/socket")
    stolen.send(json.dumps({"kind": "resume", "session": session, "seen": 0}))
    (refused,) = stolen.events()
    assert refused["kind"] == "refused"
    socket.send(FINISH)
    list(socket.events())


def test_a_closed_page_leaves_its_transcript(make):
    """After the grace time the session ends, its transcript is saved, and its slot is free."""
    browser = Browser(make(grace=0.2, per_client=1))
    socket = browser.socket("/live/a/socket")
    socket.send(START, JFK)
    until(lambda: any('"final"' in text for text in socket.receive()))
    browser.delete(socket.path)
    assert browser.watch("a")["state"] == "done"
    assert SAID[0] in browser.transcript("a").text
    assert speak(browser, "b")[-1]["event"]["kind"] == "ended"


def test_sessions_per_browser_are_limited(make):
    """Another one is refused with a message that the page shows."""
    browser = Browser(make(per_client=1))
    upload = browser.announce(len(JFK)).get_json()["id"]
    (refused,) = speak(browser)
    assert refused["error"]["message"].startswith("this browser has 1 recordings in progress")
    browser.delete(f"/uploads/{upload}")
    until(lambda: browser.watch(upload)["state"] == "error")
    until(lambda: speak(browser)[-1]["kind"] == "event")


def test_connections_per_browser_are_limited(browser):
    """Another polling socket is refused; closing one makes room."""
    sockets = [browser.socket(f"/live/{n}/socket") for n in range(8)]
    assert browser.post("/live/9/socket").status_code == 429
    browser.delete(sockets[0].path)
    assert browser.post("/live/9/socket").status_code == 201
    for socket in sockets[1:]:
        browser.delete(socket.path)


def test_a_session_starts_once(browser):
    """Its ID can't be reused while it runs, as the second transcript would not be saved."""
    first = browser.socket("/live/a/socket")
    first.send(START)
    first.receive()
    (refused,) = speak(browser, "a")
    assert refused["kind"] == "refused"
    first.send(JFK, FINISH)
    list(first.events())
    assert browser.watch("a")["state"] == "done"


def test_a_session_past_the_time_limit_is_cut_off(make, monkeypatch):
    """If the page does not end it, the server does; the transcript is saved."""
    monkeypatch.setattr(live, "_OVERTIME", 0.0)
    browser = Browser(make(max_seconds=0.5, grace=0.1))
    socket = browser.socket("/live/a/socket")
    socket.send(START, JFK)
    until(lambda: any('"final"' in text for text in socket.receive()))
    time.sleep(0.5)
    socket.send(JFK)
    assert browser.watch("a")["state"] == "done"
    assert browser.transcript("a").text


def test_unsupported_options_are_refused(make):
    """The error names the option."""
    able = azstt.backends.Capabilities(languages=frozenset({"en"}))
    browser = Browser(make(ScriptedBackend(capabilities=able)))
    (refused,) = speak(browser, start=json.dumps({"kind": "start", "language": ["de-DE"]}))
    assert "'de-DE'" in refused["error"]["message"]
    assert browser.get("/jobs/a").status_code == 404


def test_a_repeated_request_counts_once():
    """Messages that may have been lost are sent again, and nothing is duplicated."""
    socket = PollingSocket()
    assert socket.push(0, ["a", b"b"]) == 2
    assert socket.push(0, ["a", b"b"]) == 2
    assert socket.push(1, [b"b", "c"]) == 3
    assert socket.push(7, ["from the future"]) == 3
    assert [socket.receive() for _ in range(3)] == ["a", b"b", "c"]


def test_messages_are_kept_until_they_are_acknowledged():
    """An answer that was lost is sent again."""
    socket = PollingSocket()
    socket.send("one")
    socket.send("two")
    assert socket.poll(0) == ["one", "two"]
    assert socket.poll(0) == ["one", "two"]
    socket.close()
    assert socket.poll(1) == ["two"]
    assert socket.poll(2) is None


@given(st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=20))))
def test_unpacking_reverses_packing(messages):
    """Messages of any type and length survive a request."""
    body = b""
    for message in messages:
        data = message if isinstance(message, bytes) else message.encode()
        body += bytes([isinstance(message, bytes)]) + len(data).to_bytes(4, "big") + data
    assert list(unpack(body)) == messages


@given(st.binary(max_size=200))
def test_an_invalid_body_is_refused(body):
    """Any bytes are either messages or a bad request."""
    try:
        messages = list(unpack(body))
    except BadRequest:
        return
    assert 5 * len(messages) <= len(body)


@pytest.mark.parametrize("body", [b"\x01", b"\x01\x00\x00\x00\x05abc", b"\x07\x00\x00\x00\x00"])
def test_a_truncated_body_is_refused(body):
    """An incomplete message is a bad request."""
    with pytest.raises(BadRequest):
        list(unpack(body))
