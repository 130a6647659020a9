"""Transcripts in progress: stored as they come, watched, interrupted, and continued."""

from __future__ import annotations

import json

import pytest

import azstt
from examples.flask_app import upload
from examples.flask_app.parts import assembled, joined
from examples.flask_app.tests.conftest import JFK, SAID, Browser, until

START = json.dumps({"kind": "start", "audio": "wav"})
FINISH = json.dumps({"kind": "finish"})


def begin(browser, id_="a"):
    """Start a live session, and wait for its first segment; return its socket."""
    socket = browser.socket(f"/live/{id_}/socket")
    socket.send(START, JFK[:64_000])
    until(lambda: browser.get(f"/jobs/{id_}?after=-1").get_json().get("segments"))
    return socket


def restart(make, browser):
    """Return the same browser at a new server with the same data."""
    again = Browser(make())
    again.web.set_cookie("azstt", browser.web.get_cookie("azstt").value)
    again.headers = browser.headers
    return again


def balance(transcript):
    """Return how many seconds the ledger does not account for."""
    ledger = transcript.ledger
    missing = sum(gap.span for gap in ledger.gaps)
    return ledger.sent - ledger.recognized - ledger.silent - missing


def test_a_transcript_is_there_from_its_start(browser):
    """While it is live it is in the list, and can be watched and downloaded."""
    socket = begin(browser)
    (entry,) = browser.get("/transcripts").get_json()
    assert (entry["state"], entry["preview"]) == ("live", SAID[0])
    assert browser.get("/transcripts/a/txt").data.decode().strip() == SAID[0]
    socket.send(JFK[64_000:], FINISH)
    assert browser.watch("a")["texts"] == list(SAID)
    assert browser.get("/transcripts").get_json()[0]["state"] == "done"


def test_a_beacon_ends_a_session(make):
    """A page that is left has no headers to send: its token is the body."""
    browser = Browser(make(per_client=1))
    begin(browser)
    kind = {"Content-Type": "text/plain;charset=UTF-8"}
    token = browser.headers["X-CSRF-Token"]
    assert browser.web.post("/live/a/end", data="guessed", headers=kind).status_code == 403
    assert browser.get("/jobs/a?after=-1").get_json()["state"] == "live"
    assert browser.web.post("/live/a/end", data=token, headers=kind).status_code == 204
    assert browser.watch("a")["state"] == "done"
    assert SAID[0] in browser.transcript("a").text


def test_an_abandoned_session_gives_way(make):
    """A session without a connection ends when its browser needs the slot, and not before."""
    browser = Browser(make(per_client=1))
    socket = begin(browser)
    assert browser.announce(len(JFK)).status_code == 429
    browser.delete(socket.path)
    until(lambda: browser.announce(len(JFK)).status_code == 201)
    assert browser.watch("a")["state"] == "done"
    assert SAID[0] in browser.transcript("a").text


def test_an_abandoned_upload_gives_way(make, monkeypatch):
    """An upload that nothing comes for any more ends when its browser needs the slot."""
    monkeypatch.setattr(upload, "_ABANDONED_AFTER", 0.0)
    browser = Browser(make(per_client=1))
    for _ in range(3):
        assert browser.announce(len(JFK)).status_code == 201
    assert browser.transcribe()["state"] == "done"


def test_what_a_restart_interrupts_is_kept(make):
    """The new server has the segments so far, and says that the rest is missing."""
    browser = Browser(make())
    begin(browser)
    sending = browser.announce(len(JFK)).get_json()["id"]
    again = restart(make, browser)
    assert again.watch(sending)["state"] == "interrupted"
    last = again.watch("a")
    assert (last["state"], last["texts"]) == ("interrupted", [SAID[0]])
    transcript = again.transcript("a")
    (gap,) = transcript.ledger.gaps
    assert (gap.at, gap.seconds, gap.reason) == (transcript.segments[0].end, None, "restarted")
    assert not transcript.complete


def test_an_interrupted_session_goes_on(make):
    """A session under the same ID continues the transcript, at the time that it is now."""
    browser = Browser(make())
    begin(browser)
    again = restart(make, browser)
    socket = again.socket("/live/a/socket")
    socket.send(START, JFK, FINISH)
    list(socket.events())
    assert again.watch("a")["texts"] == [SAID[0], *SAID]
    transcript = again.transcript("a")
    first, second, _ = transcript.segments
    (gap,) = transcript.ledger.gaps
    assert (gap.at, gap.reason) == (first.end, "restarted")
    assert second.start >= gap.at + gap.seconds
    assert second.words[0].start == second.start
    assert balance(transcript) == pytest.approx(0, abs=0.01)
    (entry,) = again.get("/transcripts").get_json()
    assert (entry["state"], entry["seconds"]) == ("done", transcript.duration)


def test_a_deleted_session_stays_deleted(browser):
    """Deleting a transcript in progress ends the work, and nothing of it comes back."""
    begin(browser)
    assert browser.delete("/transcripts/a").status_code == 204
    until(lambda: browser.get("/jobs/a?after=-1").status_code == 404)
    assert browser.get("/transcripts").get_json() == []


def test_a_later_transcript_follows_an_earlier_one():
    """Times of segments, words and gaps begin where the earlier one ends; the ledger balances."""
    word = azstt.Word(start=1.0, end=2.0, text="two")
    segment = azstt.Segment(start=1.0, end=2.0, text="two", words=(word,))
    gap = azstt.Gap(at=2.0, seconds=0.5, reason="dropped")
    earlier = assembled("scripted", [azstt.Segment(start=0.5, end=1.0, text="one")], 3.0)
    later = assembled("scripted", [segment, gap], 4.0)
    both = joined(earlier, later)
    assert [part.start for part in both.segments] == [0.5, 4.0]
    assert both.segments[1].words[0].end == 5.0
    assert both.ledger.gaps[0].at == 5.0
    assert both.duration == 7.0
    assert balance(both) == pytest.approx(0)
