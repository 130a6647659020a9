"""Saved transcripts: listed, corrected, downloaded, deleted and back; from many threads."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest

import azstt
from examples.flask_app import transcripts
from examples.flask_app.store import Start, Store
from examples.flask_app.tests.conftest import SAID, Browser, until


def spoken(*texts):
    """Return a transcript with one segment per second."""
    segments = tuple(
        azstt.Segment(start=at, end=at + 1, text=text, speaker=f"Guest-{at}")
        for at, text in enumerate(texts)
    )
    return azstt.Transcript(backend="scripted", segments=segments, duration=float(len(texts)))


def save(store, id_, text):
    """Save a transcript of ann's."""
    start = {"client": "ann", "id": id_, "kind": "upload", "name": "a.wav", "backend": "scripted"}
    store.begin(Start(**start, state="uploading"))
    store.end("ann", id_, "done", spoken(text))


def test_the_history_has_time_and_kind(browser):
    """The latest comes first, with its kind and the beginning of its text."""
    browser.transcribe(kind="record", name="recording")
    browser.transcribe()
    second, first = browser.get("/transcripts").get_json()
    assert (first["kind"], second["kind"]) == ("record", "upload")
    assert first["created"] < second["created"]
    assert second["preview"] == " ".join(SAID)
    assert second["name"] == "talk.wav"
    assert second["seconds"] == pytest.approx(11, abs=0.1)


def test_each_format_can_be_downloaded(browser):
    """TXT, SRT, VTT, CSV, and JSON are those of azstt, named after the recording."""
    saved = browser.transcribe()["transcript"]
    transcript = browser.transcript(saved)
    expected = {
        "txt": transcript.to_txt(),
        "srt": transcript.to_srt(),
        "vtt": transcript.to_vtt(),
        "csv": transcript.to_csv(),
    }
    for name, text in expected.items():
        answer = browser.get(f"/transcripts/{saved}/{name}")
        assert answer.data.decode() == text
        assert f"filename=talk.{name}" in answer.headers["Content-Disposition"]
    answer = browser.get(f"/transcripts/{saved}/json")
    assert azstt.Transcript.model_validate_json(answer.data) == transcript
    assert browser.get(f"/transcripts/{saved}/exe").status_code == 404


def test_a_malicious_name_is_harmless(browser):
    """A recording's name can inject neither a path nor a header into a download."""
    saved = browser.transcribe(name='../..\\x\r\nX-Mine: "a".wav')["transcript"]
    answer = browser.get(f"/transcripts/{saved}/txt")
    assert answer.status_code == 200
    assert "X-Mine" not in answer.headers
    assert "/" not in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("name", ["議事録.wav", "réunion.wav"])
def test_a_name_may_be_in_any_script(browser, name):
    """The header is ASCII: a server would break off the download otherwise."""
    saved = browser.transcribe(name=name)["transcript"]
    disposition = browser.get(f"/transcripts/{saved}/srt").headers["Content-Disposition"]
    assert disposition.isascii()
    assert f"filename*=UTF-8''{quote(name[:-4])}.srt" in disposition


def test_downloads_contain_corrections(browser):
    """A corrected word is in all formats, and every other word keeps its time."""
    saved = browser.transcribe()["transcript"]
    before = browser.transcript(saved)
    text = f"{SAID[0].replace('not', 'now')}\n\n{SAID[1]}\n"
    assert browser.patch(f"/transcripts/{saved}", text=text, version=0).status_code == 204
    now = browser.transcript(saved)
    assert [segment.text for segment in now.segments] == ["Ask now what your country", SAID[1]]
    assert [(w.start, w.end) for w in now.words] == [(w.start, w.end) for w in before.words]
    rows = list(csv.DictReader(browser.get(f"/transcripts/{saved}/csv").data.decode().splitlines()))
    assert rows[0]["text"] == "Ask now what your country"
    assert "Ask now what" in browser.get(f"/transcripts/{saved}/srt").data.decode()
    assert browser.get("/transcripts").get_json()[0]["preview"].startswith("Ask now")


def test_every_save_is_a_version(browser):
    """Each can be read and used again, even after a save without any text."""
    saved = browser.transcribe()["transcript"]
    path = f"/transcripts/{saved}"
    for version, text in enumerate(["one", "two", ""]):
        assert browser.patch(path, text=text, version=version).status_code == 204
    assert browser.transcript(saved).text == ""
    versions = browser.get(f"{path}/versions").get_json()
    assert versions["current"] == 3
    assert [one["number"] for one in versions["versions"]] == [0, 1, 2, 3]
    texts = [browser.get(f"{path}?version={at}").get_json()["segments"] for at in range(4)]
    assert [" ".join(one["text"] for one in text) for text in texts] == [
        " ".join(SAID), "one", "two", "",
    ]  # fmt: skip
    assert browser.put(f"{path}/version", version=1).status_code == 204
    assert browser.transcript(saved).text == "one"
    assert browser.get("/transcripts").get_json()[0]["preview"] == "one"
    assert browser.put(f"{path}/version", version=0).status_code == 204
    assert browser.transcript(saved).text == " ".join(SAID)
    for missing in 4, -1:
        assert browser.put(f"{path}/version", version=missing).status_code == 404
    assert browser.get(f"{path}?version=4").status_code == 404


def test_a_save_does_not_overwrite_another_tabs(browser):
    """The later of two tabs is told, and both texts are kept; a second save is a decision."""
    saved = browser.transcribe()["transcript"]
    path = f"/transcripts/{saved}"
    browser.patch(path, text="first tab", version=0)
    answer = browser.patch(path, text="second tab", version=0)
    assert answer.status_code == 409
    assert "changed in another tab" in answer.get_json()["error"]
    assert browser.transcript(saved).text == "first tab"
    assert browser.get(f"{path}?version=2").get_json()["segments"][0]["text"] == "second tab"
    assert browser.patch(path, text="both tabs", version=1).status_code == 204
    assert browser.transcript(saved).text == "both tabs"


def test_old_versions_are_dropped_and_the_one_in_use_is_not(tmp_path):
    """However often somebody saves, the database does not grow for ever."""
    store = Store(tmp_path / "transcripts.sqlite3")
    save(store, "1", "said")
    for number in range(60):
        store.correct("ann", "1", f"text {number + 1}", 0)  # the first is in use, as of all others
    kept = store.versions("ann", "1")
    assert kept.current == 1
    assert [one.number for one in kept.versions] == [0, 1, *range(11, 61)]
    assert store.find("ann", "1").transcript.text == "text 1"
    assert store.use("ann", "1", 60)
    assert store.find("ann", "1").transcript.text == "text 60"


def test_versions_are_private(browser, make):
    """Another browser can neither read nor change them, nor undo a deletion."""
    saved = browser.transcribe()["transcript"]
    other = Browser(make())
    path = f"/transcripts/{saved}"
    assert other.get(f"{path}/versions").status_code == 404
    assert other.patch(path, text="mine", version=0).status_code == 404
    assert other.put(f"{path}/version", version=0).status_code == 404
    browser.delete(path)
    assert other.post(f"{path}/undelete").status_code == 404


def test_a_transcript_can_be_deleted(browser):
    """It is gone from the list and under its ID; deleting it again is an error."""
    saved = browser.transcribe()["transcript"]
    path = f"/transcripts/{saved}"
    assert browser.delete(path).status_code == 204
    assert browser.get("/transcripts").get_json() == []
    for gone in path, f"{path}/versions", f"{path}/srt":
        assert browser.get(gone).status_code == 404
    assert browser.patch(path, text="", version=0).status_code == 404
    assert browser.put(f"{path}/version", version=0).status_code == 404
    assert browser.delete(path).status_code == 404


def test_a_deletion_can_be_undone(browser):
    """For a minute it is all there again: the text, and its versions."""
    saved = browser.transcribe()["transcript"]
    path = f"/transcripts/{saved}"
    browser.patch(path, text="corrected", version=0)
    browser.delete(path)
    assert browser.post(f"{path}/undelete").status_code == 204
    assert browser.transcript(saved).text == "corrected"
    assert len(browser.get(f"{path}/versions").get_json()["versions"]) == 2
    assert browser.post(f"{path}/undelete").status_code == 404


def test_what_is_deleted_is_overwritten_soon(make, tmp_path, monkeypatch):
    """After the time to undo it, or when the server starts again, nothing of it is on the disk."""
    monkeypatch.setattr(transcripts, "_UNDO", 0.2)
    browser = Browser(make())

    def delete():
        saved = browser.transcribe()["transcript"]
        browser.patch(f"/transcripts/{saved}", text="a well-kept secret", version=0)
        browser.delete(f"/transcripts/{saved}")

    delete()
    until(lambda: b"well-kept" not in everything(tmp_path / "data"))
    monkeypatch.setattr(transcripts, "_UNDO", 60)
    delete()
    assert b"well-kept" in everything(tmp_path / "data")
    make()
    assert b"well-kept" not in everything(tmp_path / "data")


def test_transcripts_outlive_the_server(make):
    """After a restart a browser finds its transcripts."""
    before = Browser(make())
    before.transcribe()
    web = make().test_client()
    web.set_cookie("azstt", before.web.get_cookie("azstt").value)
    assert len(web.get("/transcripts").get_json()) == 1


def test_no_write_is_lost(tmp_path):
    """Transcripts saved from many threads at once are all stored."""
    path = tmp_path / "transcripts.sqlite3"

    def write(number):
        store = Store(path)
        save(store, str(number), f"number {number}")
        store.correct("ann", str(number), f"corrected {number}", 0)
        if number % 4 == 0:
            store.delete("ann", str(number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(80)))
    store = Store(path)
    assert {int(entry.id) for entry in store.entries("ann")} == {n for n in range(80) if n % 4}
    assert store.find("ann", "7").transcript.text == "corrected 7"
    assert store.entries("bob") == []


def everything(folder):
    """Return the bytes of all files in a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())
