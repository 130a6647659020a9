"""Live sessions over what stands in for a WebSocket; the real one is tested in production."""

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
from examples.flask_app.sockets import PostedSocket, unpack
from examples.flask_app.tests.conftest import JFK, SAID, Browser, until

START = json.dumps({"kind": "start", "audio": "wav"})
FINISH = json.dumps({"kind": "finish"})


def speak(browser, id_="a", start=START, sound=JFK):
    """Run a live session to its end; its messages."""
    socket = browser.socket(f"/live/{id_}/socket")
    socket.send(start)
    socket.send(sound, FINISH)
    return list(socket.events())


def test_what_is_said_is_kept(browser):
    """The words come back as they are recognized, and the transcript is found by the page's id."""
    messages = speak(browser)
    finals = [
        m["event"]["segment"]["text"] for m in messages if m.get("event", {}).get("kind") == "final"
    ]
    assert finals == list(SAID)
    assert browser.get("/live/a").get_json() == {"saved": True}
    assert browser.transcript("a").text == " ".join(SAID)
    assert browser.get("/transcripts").get_json()[0]["kind"] == "live"


def test_a_session_is_resumed_over_another_connection(browser):
    """What was sent before a connection was lost is not sent again, and no word is missing."""
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
    assert browser.get("/live/a").get_json() == {"saved": True}
    assert browser.transcript("a").text == " ".join(SAID)
    assert len(browser.get("/transcripts").get_json()) == 1


def test_nobody_resumes_anothers_session(make):
    """Not even with the session's id: it is another browser's."""
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


def test_a_page_that_goes_away_leaves_its_words(make):
    """After the grace time the session ends, its words are kept and its place is free."""
    browser = Browser(make(grace=0.2, per_client=1))
    socket = browser.socket("/live/a/socket")
    socket.send(START, JFK)
    until(lambda: any('"final"' in text for text in socket.receive()))
    browser.delete(socket.path)
    assert browser.get("/live/a").get_json() == {"saved": True}
    assert SAID[0] in browser.transcript("a").text
    assert speak(browser, "b")[-1]["event"]["kind"] == "ended"


def test_a_browser_has_so_many_sessions_at_once(make):
    """One more is refused in words that the page shows."""
    browser = Browser(make(per_client=1))
    upload = browser.announce(len(JFK)).get_json()["id"]
    (refused,) = speak(browser)
    assert refused["error"]["message"].startswith("this browser has 1 recordings at work")
    browser.delete(f"/uploads/{upload}")
    until(lambda: browser.watch(upload)["state"] == "error")
    until(lambda: speak(browser)[-1]["kind"] == "event")


def test_a_browser_has_so_many_connections_at_once(browser):
    """One more stand-in for a WebSocket is refused; one that is closed makes room."""
    sockets = [browser.socket(f"/live/{n}/socket") for n in range(8)]
    assert browser.post("/live/9/socket").status_code == 429
    browser.delete(sockets[0].path)
    assert browser.post("/live/9/socket").status_code == 201
    for socket in sockets[1:]:
        browser.delete(socket.path)


def test_a_session_begins_once(browser):
    """Its id can't be used for another one meanwhile, which would not be kept."""
    first = browser.socket("/live/a/socket")
    first.send(START)
    first.receive()
    (refused,) = speak(browser, "a")
    assert refused["kind"] == "refused"
    first.send(JFK, FINISH)
    list(first.events())
    assert browser.get("/live/a").get_json() == {"saved": True}


def test_a_session_that_goes_on_too_long_is_cut_off(make, monkeypatch):
    """A page that does not end at the limit is not served beyond it; its words are kept."""
    monkeypatch.setattr(live, "_LENIENCE", 0.0)
    browser = Browser(make(max_seconds=0.5, grace=0.1))
    socket = browser.socket("/live/a/socket")
    socket.send(START, JFK)
    until(lambda: any('"final"' in text for text in socket.receive()))
    time.sleep(0.5)
    socket.send(JFK)
    assert browser.get("/live/a").get_json() == {"saved": True}
    assert browser.transcript("a").text


def test_what_the_recognizer_can_not_do_is_refused(make):
    """The page is told which option it is."""
    able = azstt.backends.Capabilities(languages=frozenset({"en"}))
    browser = Browser(make(ScriptedBackend(capabilities=able)))
    (refused,) = speak(browser, start=json.dumps({"kind": "start", "language": ["de-DE"]}))
    assert "'de-DE'" in refused["error"]["message"]
    assert browser.get("/live/a").get_json() == {"saved": False}


def test_a_request_that_comes_twice_counts_once():
    """What may have been lost on the way is sent again, and nothing is doubled."""
    socket = PostedSocket()
    assert socket.take(0, ["a", b"b"]) == 2
    assert socket.take(0, ["a", b"b"]) == 2
    assert socket.take(1, [b"b", "c"]) == 3
    assert socket.take(7, ["from the future"]) == 3
    assert [socket.receive() for _ in range(3)] == ["a", b"b", "c"]


def test_messages_are_kept_until_they_are_seen():
    """An answer that was lost on the way is given again."""
    socket = PostedSocket()
    socket.send("one")
    socket.send("two")
    assert socket.give(0) == ["one", "two"]
    assert socket.give(0) == ["one", "two"]
    socket.close()
    assert socket.give(1) == ["two"]
    assert socket.give(2) is None


@given(st.lists(st.one_of(st.binary(max_size=20), st.text(max_size=20))))
def test_messages_come_apart_as_they_were_put_together(messages):
    """Any messages, of any length."""
    body = b""
    for message in messages:
        data = message if isinstance(message, bytes) else message.encode()
        body += bytes([isinstance(message, bytes)]) + len(data).to_bytes(4, "big") + data
    assert list(unpack(body)) == messages


@given(st.binary(max_size=200))
def test_nonsense_is_refused(body):
    """Whatever comes is messages or a bad request."""
    try:
        messages = list(unpack(body))
    except BadRequest:
        return
    assert 5 * len(messages) <= len(body)


@pytest.mark.parametrize("body", [b"\x01", b"\x01\x00\x00\x00\x05abc", b"\x07\x00\x00\x00\x00"])
def test_what_is_cut_off_is_refused(body):
    """Part of a message is none."""
    with pytest.raises(BadRequest):
        list(unpack(body))
