"""Uploads: the protocol, and all kinds of errors."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager

import pytest

import azstt
from azstt.testing import Cue, ScriptedBackend
from examples.flask_app import transcripts
from examples.flask_app.tests.conftest import AUDIO, JFK, SAID, TUS, Browser, until

TEXT = " ".join(SAID)
_spies = []
sys.addaudithook(lambda event, args: [spy(event, args) for spy in _spies])


def test_an_upload_becomes_a_transcript(browser):
    """An upload is recognized segment by segment, and saved under its ID."""
    last = browser.transcribe()
    assert last["state"] == "done"
    assert last["texts"] == list(SAID)
    assert last["recognized"] == pytest.approx(11, abs=0.1)
    assert browser.transcript(last["transcript"]).text == TEXT


@pytest.mark.parametrize(
    "name", ["containers/aac.m4a", "containers/h264_mp3.mkv", "two_tracks.mkv"]
)
def test_any_container_works(browser, name):
    """Video, and files whose index comes last, are transcribed like any other."""
    assert browser.transcribe((AUDIO / name).read_bytes())["state"] == "done"


def test_a_recording_that_is_cut_off_says_so(make):
    """What there is is transcribed, and the saved transcript says how much is missing."""
    browser = Browser(make())
    last = browser.transcribe(JFK[: 44 + 176_000])
    assert last["state"] == "done"
    (gap,) = browser.transcript(last["transcript"]).ledger.gaps
    assert (gap.at, gap.seconds) == pytest.approx((5.5, 5.5), abs=0.01)
    assert gap.reason == "truncated"


def test_pieces_give_the_same_transcript(browser):
    """The server reports how much it has, and accepts the rest."""
    upload = browser.announce(len(JFK)).get_json()["id"]
    for at in range(0, len(JFK), 100_000):
        assert browser.offset(upload) == at
        answer = browser.append(upload, at, JFK[at : at + 100_000])
    assert answer.status_code == 204
    assert answer.headers["Upload-Offset"] == str(len(JFK))
    assert browser.watch(upload)["texts"] == list(SAID)


def test_a_repeated_piece_counts_once(browser):
    """Sending the same bytes again is refused, and changes nothing."""
    upload = browser.announce(len(JFK)).get_json()["id"]
    assert browser.append(upload, 0, JFK[:100_000]).status_code == 204
    again = browser.append(upload, 0, JFK[:100_000])
    assert (again.status_code, browser.offset(upload)) == (409, 100_000)
    assert "do not fit" in again.get_json()["error"]
    browser.append(upload, 100_000, JFK[100_000:])
    assert browser.watch(upload)["texts"] == list(SAID)


def test_a_proxy_without_patch_is_no_obstacle(browser):
    """POST works as well: the protocol's way around proxies that know no PATCH."""
    upload = browser.announce(len(JFK)).get_json()["id"]
    kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    override = {"X-HTTP-Method-Override": "PATCH"}
    answer = browser.post(f"/uploads/{upload}", JFK, **TUS, **kind, **override)
    assert answer.status_code == 204
    assert browser.watch(upload)["state"] == "done"


def test_the_protocol_is_announced(browser):
    """A tus client learns the version, the extensions, and the limit."""
    headers = browser.web.options("/uploads").headers
    assert headers["Tus-Version"] == headers["Tus-Resumable"] == "1.0.0"
    assert headers["Tus-Extension"] == "creation,termination"
    assert headers["Tus-Max-Size"] == "200000000"
    assert browser.post("/uploads").status_code == 412
    upload = browser.announce(10).get_json()["id"]
    assert browser.append(upload, 0, b"x", **{"Content-Type": "audio/wav"}).status_code == 415


def test_the_same_recording_is_transcribed_once(make):
    """Sent again, it joins the upload in progress, or opens its transcript; other options count."""
    backend = ScriptedBackend.saying(*SAID)
    browser = Browser(make(backend))
    same = {"fingerprint": "ab" * 32}
    first = browser.announce(len(JFK), **same)
    assert (first.status_code, first.get_json()["done"]) == (201, False)
    upload = first.get_json()["id"]
    browser.append(upload, 0, JFK[:100_000])
    assert browser.announce(len(JFK), **same, name="other.wav").get_json() == first.get_json()
    browser.append(upload, browser.offset(upload), JFK[100_000:])
    assert browser.watch(upload)["transcript"] == upload
    assert browser.announce(len(JFK), **same).get_json() == {"id": upload, "done": True}
    assert len(browser.get("/transcripts").get_json()) == 1
    other = browser.announce(len(JFK), **same, language=["en-US"]).get_json()
    assert (other["id"] != upload, other["done"]) == (True, False)
    browser.cancel(other["id"])
    browser.delete(f"/transcripts/{upload}")
    assert browser.announce(len(JFK), **same).get_json() == {"id": upload, "done": False}


def test_a_failed_upload_can_be_sent_again(make):
    """Under the same ID, from its beginning."""
    browser = Browser(make(grace=0.1))
    same = {"fingerprint": "cd" * 32}
    upload = browser.announce(len(JFK), **same).get_json()["id"]
    browser.append(upload, 0, JFK[:100_000])
    last = browser.watch(upload)
    assert (last["state"], last["retryable"]) == ("error", True)
    assert browser.announce(len(JFK), **same).get_json() == {"id": upload, "done": False}
    assert browser.append(upload, 0, JFK).status_code == 204
    last = browser.watch(upload)
    assert (last["state"], last["transcript"]) == ("done", upload)
    (entry,) = browser.get("/transcripts").get_json()
    assert (entry["id"], entry["state"]) == (upload, "done")


@pytest.mark.parametrize("ending", ["error", "deleted"])
def test_what_is_made_again_stays(make, monkeypatch, ending):
    """After a failure or a deletion it is as new; corrections are among its versions."""
    monkeypatch.setattr(transcripts, "_UNDO", 0.2)
    browser = Browser(make(grace=0.1))
    same = {"fingerprint": "ef" * 32}
    upload = browser.announce(len(JFK), **same).get_json()["id"]
    browser.append(upload, 0, JFK if ending == "deleted" else JFK[:100_000])
    browser.watch(upload)
    path = f"/transcripts/{upload}"
    assert browser.patch(path, text="A correction.", version=0).status_code == 204
    if ending == "deleted":
        browser.delete(path)
    assert browser.transcribe(**same, name="again.wav")["state"] == "done"
    time.sleep(0.5)  # what is deleted is gone by then
    (entry,) = browser.get("/transcripts").get_json()
    assert (entry["id"], entry["state"], entry["name"]) == (upload, "done", "again.wav")
    assert browser.transcript(upload).text == entry["preview"] == TEXT
    versions = browser.get(f"{path}/versions").get_json()
    assert (versions["current"], len(versions["versions"])) == (0, 2)


def test_more_bytes_than_announced_are_refused(browser):
    """An upload can exceed neither its announced size nor the limit."""
    upload = browser.announce(100).get_json()["id"]
    answer = browser.append(upload, 0, JFK)
    assert answer.status_code == 409
    assert "do not fit" in answer.get_json()["error"]


def test_a_file_without_audio_is_named_in_plain_words(browser):
    """The error says what the file is instead."""
    last = browser.transcribe(b"%PDF-1.7 a document" * 100)
    assert last["state"] == "error"
    assert last["error"].startswith("'talk.wav' is a PDF document, not audio")
    assert last["texts"] == []
    assert not last["retryable"], "it will not be audio the next time"


def test_an_upload_that_is_too_large_is_refused_before_it_is_sent(make):
    """The error names both sizes."""
    browser = Browser(make())
    answer = browser.announce(250_000_000)
    assert answer.status_code == 413
    assert answer.get_json()["error"] == "'talk.wav' is too large: 250 MB of at most 200 MB"
    assert browser.append("any", 0, bytes(20_000)).status_code == 404
    assert browser.announce(1, phrases=["x" * 5_000_000]).status_code == 413


def test_a_recording_that_is_too_long_is_refused(make):
    """The limit is in seconds, whatever the size; the error names it."""
    last = Browser(make(max_seconds=5.0)).transcribe()
    assert last["state"] == "error"
    assert last["error"] == "the recording is longer than 0:00:05, the limit of this server"


def test_an_upload_that_stalls_fails(make):
    """A page that is closed during an upload frees its slot."""
    browser = Browser(make(grace=0.2, per_client=1))
    upload = browser.announce(len(JFK)).get_json()["id"]
    last = browser.watch(upload)
    assert "the upload stopped" in last["error"]
    assert browser.transcribe()["state"] == "done"


def test_what_was_recognized_before_a_cancel_is_saved(make):
    """A canceled upload leaves what was recognized until then, and nothing if that is nothing."""
    browser = Browser(make())
    upload = browser.announce(len(JFK)).get_json()["id"]
    assert browser.cancel(upload) == {"saved": False}
    assert browser.get("/transcripts").get_json() == []
    upload = browser.announce(len(JFK)).get_json()["id"]
    browser.append(upload, 0, JFK[:-1000])
    until(lambda: len(browser.get(f"/jobs/{upload}").get_json()["segments"]) == len(SAID))
    assert browser.cancel(upload) == {"saved": True}
    assert browser.watch(upload)["state"] == "canceled"
    assert browser.transcript(upload).text == TEXT


def test_one_browser_cannot_take_all_slots(make):
    """A third simultaneous upload is refused; another browser's is not."""
    app = make(per_client=2)
    greedy, other = Browser(app), Browser(app)
    uploads = [greedy.announce(len(JFK)).get_json()["id"] for _ in range(2)]
    answer = greedy.announce(len(JFK))
    assert answer.status_code == 429
    assert "this browser has 2 recordings in progress" in answer.get_json()["error"]
    assert other.transcribe()["state"] == "done"
    greedy.cancel(uploads[0])
    until(lambda: greedy.announce(len(JFK)).status_code == 201)


def test_all_browsers_together_have_a_limit(make):
    """The server's memory is bounded."""
    app = make(at_once=1)
    Browser(app).announce(len(JFK))
    answer = Browser(app).announce(len(JFK))
    assert answer.status_code == 429
    assert "the server has 1 recordings in progress" in answer.get_json()["error"]


def test_what_was_recognized_before_a_failure_is_saved(make):
    """An error comes with the transcript so far."""
    error = azstt.ServiceError("the service went away", hint="try again")
    said = ScriptedBackend.saying(SAID[0])._script
    browser = Browser(make(ScriptedBackend([*said, Cue(event=azstt.Failed(error=error), at=5.0)])))
    last = browser.transcribe()
    assert last["error"] == "the service went away; try again"
    assert browser.transcript(last["transcript"]).text == SAID[0]


def test_a_full_disk_ends_an_upload(make, tmp_path):
    """If the transcript can't be saved, the page gets an error instead of waiting."""
    browser = Browser(make())
    upload = browser.announce(len(JFK)).get_json()["id"]
    for file in (tmp_path / "data").glob("*.sqlite3*"):
        file.unlink()
    (tmp_path / "data" / "transcripts.sqlite3").mkdir()
    browser.append(upload, 0, JFK)
    last = browser.watch(upload)
    assert (last["error"], last["texts"]) == (
        "internal server error; see the server's log",
        list(SAID),
    )


def test_unsupported_options_are_reported(make):
    """An option that the recognizer lacks gives an error that names it."""
    able = azstt.backends.Capabilities(languages=frozenset({"en"}))
    last = Browser(make(ScriptedBackend(capabilities=able))).transcribe(language=["de-DE"])
    assert "does not recognize language 'de-DE'" in last["error"]


@pytest.mark.parametrize(
    "asked",
    [
        {"size": 0},
        {"size": "many"},
        {"kind": "theft"},
        {"phrases": ["x"] * 501},
        {"name": "x" * 201},
    ],
)
def test_an_invalid_announcement_is_refused(browser, asked):
    """The error names the field."""
    answer = browser.announce(**{"size": 10, **asked})
    assert answer.status_code == 400
    assert answer.get_json()["error"].startswith(next(iter(asked)))


def test_audio_is_never_written_to_disk(browser):
    """Not even for a large piece, or for many."""
    audio = JFK * 5  # more than what web frameworks keep in memory
    with written_files() as files:
        assert browser.transcribe(audio)["state"] == "done"
        upload = browser.announce(len(audio)).get_json()["id"]
        for at in range(0, len(audio), 500_000):
            browser.append(upload, at, audio[at : at + 500_000])
        assert browser.watch(upload)["state"] == "done"
    assert files == []


@contextmanager
def written_files():
    """Record the files that are opened for writing, and temporary ones."""
    files = []

    def spy(event, args):
        if event in {"tempfile.mkstemp", "tempfile.mkdtemp"}:
            files.append(args[0])
        if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
            files.append(args[0])

    _spies.append(spy)
    try:
        yield files
    finally:
        _spies.remove(spy)


def test_the_spy_sees_files(tmp_path):
    """The test above would notice a file."""
    with written_files() as files:
        (tmp_path / "file").write_text("x")
    assert files
