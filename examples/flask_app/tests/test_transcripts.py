"""Saved transcripts: listed, corrected, downloaded, deleted; from many threads at once."""

from __future__ import annotations

import csv
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import azstt
from examples.flask_app.corrections import corrected
from examples.flask_app.store import Start, Store
from examples.flask_app.tests.conftest import SAID, Browser

WORDS = st.lists(st.sampled_from(["one", "two", "three", "Ā", "ŋ", "one,"]), max_size=8)


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
    """A corrected word is in all formats, in its segment; the other segment keeps its words."""
    saved = browser.transcribe()["transcript"]
    text = f"{SAID[0].replace('not', 'now')}\n\n{SAID[1]}\n"
    assert browser.patch(f"/transcripts/{saved}", text=text).status_code == 204
    now = browser.transcript(saved)
    assert [segment.text for segment in now.segments] == ["Ask now what your country", SAID[1]]
    assert now.segments[1].words
    rows = list(csv.DictReader(browser.get(f"/transcripts/{saved}/csv").data.decode().splitlines()))
    assert rows[0]["text"] == "Ask now what your country"
    assert "Ask now what" in browser.get(f"/transcripts/{saved}/srt").data.decode()
    assert browser.get("/transcripts").get_json()[0]["preview"].startswith("Ask now")


def test_a_transcript_can_be_deleted(browser):
    """It is gone from the list and under its ID; deleting it again is an error."""
    saved = browser.transcribe()["transcript"]
    assert browser.delete(f"/transcripts/{saved}").status_code == 204
    assert browser.get("/transcripts").get_json() == []
    assert browser.get(f"/transcripts/{saved}").status_code == 404
    assert browser.delete(f"/transcripts/{saved}").status_code == 404


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
        store.correct("ann", str(number), f"corrected {number}")
        if number % 4 == 0:
            store.delete("ann", str(number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(80)))
    store = Store(path)
    assert {int(entry.id) for entry in store.entries("ann")} == {n for n in range(80) if n % 4}
    assert store.find("ann", "7").current.text == "corrected 7"
    assert store.entries("bob") == []


def test_deleted_text_is_not_in_the_file(tmp_path):
    """It is overwritten, not just unlinked."""
    path = tmp_path / "transcripts.sqlite3"
    store = Store(path)
    save(store, "1", "a well-kept secret")
    assert b"well-kept" in everything(tmp_path)
    store.delete("ann", "1")
    assert b"well-kept" not in everything(tmp_path)


def everything(folder):
    """Return the bytes of all files in a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def test_a_correction_stays_in_its_segment():
    """Words added or removed at either end of a line stay in their segment."""
    transcript = spoken("one two", "three four", "five")
    now = corrected(transcript, "zero one two\nthree four and a half\n")
    assert [segment.text for segment in now.segments] == ["zero one two", "three four and a half"]
    assert [segment.speaker for segment in now.segments] == ["Guest-0", "Guest-1"]


@settings(max_examples=20)
@given(place=st.integers(0, 299), text=st.sampled_from(["the end", "of the", "and so of the it"]))
def test_a_correction_of_a_long_transcript_changes_one_segment(place, text):
    """Even if its words are frequent and the transcript is long."""
    texts = [f"and so it was the end of number {at} of the" for at in range(300)]
    now = [*texts[:place], text, *texts[place + 1 :]]
    corrected_ = corrected(spoken(*texts), "\n\n".join(now))
    assert [segment.text for segment in corrected_.segments] == now


def test_a_text_for_silence_is_kept():
    """Text entered where nothing was recognized becomes a segment."""
    silence = azstt.Transcript(backend="scripted", duration=3.0)
    assert [(s.start, s.end, s.text) for s in corrected(silence, "Hello.").segments] == [
        (0, 3, "Hello.")
    ]


@given(before=st.lists(WORDS.map(" ".join), max_size=5), after=st.lists(WORDS, max_size=6))
def test_a_correction_loses_no_word(before, after):
    """All corrected text is in the transcript, in order, on segments in order of time."""
    now = corrected(spoken(*before), "\n".join(map(" ".join, after)))
    assert now.text.split() == [word for line in after for word in line]
    assert [s.start for s in now.segments] == sorted(s.start for s in now.segments)


@given(texts=st.lists(WORDS.map(" ".join), max_size=6))
def test_no_correction_changes_nothing(texts):
    """The unchanged text gives the same transcript, except for empty segments."""
    transcript = spoken(*texts)
    kept = tuple(segment for segment in transcript.segments if segment.text)
    assert corrected(transcript, "\n\n".join(texts)).segments == kept
