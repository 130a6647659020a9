"""Uploads and recordings: from a file or the microphone to a saved transcript."""

from __future__ import annotations

import io
import re
import wave
from array import array
from fractions import Fraction

import av
import pytest
from driving.speech import words, write_wav

import azstt

pytestmark = pytest.mark.e2e

BACKENDS = pytest.mark.parametrize("backend", ["azure", "local"])
#: Whether an element is wholly on the screen.
IN_SIGHT = """id => {
    const { top, bottom } = document.getElementById(id).getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
}"""


def silence(hours: float) -> bytes:
    """Return a small FLAC file of hours of silence."""
    file, rate = io.BytesIO(), 8_000
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=rate, layout="mono", format="s16")
        frame = av.AudioFrame(format="s16", layout="mono", samples=60 * rate)
        frame.sample_rate = rate
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        for minute in range(round(60 * hours)):
            frame.pts = minute * 60 * rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def drop(page, *paths):
    """Drop files onto the page, as from a file manager."""
    given = [{"name": path.name, "bytes": list(path.read_bytes())} for path in paths]
    transfer = page.tab.evaluate_handle(
        """(files) => {
            const transfer = new DataTransfer();
            for (const { name, bytes } of files)
                transfer.items.add(new File([new Uint8Array(bytes)], name));
            return transfer;
        }""",
        given,
    )
    for event in "dragover", "drop":
        page["drop"].dispatch_event(event, {"dataTransfer": transfer})


@BACKENDS
def test_an_upload_gives_what_the_library_gives(apps, backends, visit, recordings, shoot, backend):
    """A file gives the same text as `transcribe_file`, with progress on the way."""
    page = visit(apps[backend].url)
    shoot(page, "idle")
    page.upload(recordings["both"].path)
    page.wait("done")
    shoot(page, "web-upload" if backend == "local" else "upload-azure")
    expected = azstt.transcribe_file(recordings["both"].path, backend=backends[backend])
    assert words(page.text) == words(expected.text) == recordings["both"].reference
    assert page.states[0] == "idle"
    assert page.states[-2:] == ["recognizing", "done"]
    early = [entry for entry in page.seen if entry["state"] == "recognizing"]
    assert any(re.search(r"\d of 9 s", entry["figures"]) for entry in early)
    if backend == "azure":
        heard = [len(words(entry["transcript"] + entry["partial"])) for entry in early]
        assert any(0 < count < len(recordings["both"].reference) for count in heard)


def test_what_is_missing_is_shown(apps, visit, audio, tmp_path, shoot):
    """A file that is cut off is transcribed, and the page says what is missing and where."""
    cut = tmp_path / "cut.wav"
    cut.write_bytes((audio / "jfk.wav").read_bytes()[: 44 + 176_000])
    page = visit(apps["local"].url)
    page.upload(cut)
    page.wait("done")
    assert "americans" in words(page.text)
    said = "5.5 s of audio is missing at 0:05: the recording ends too early."
    assert page["notice"].text_content() == said
    shoot(page, "missing")


def test_a_text_that_is_probably_wrong_is_doubted(apps, visit, audio):
    """The page says so if the recognizer does not know the language that was spoken."""
    page = visit(apps["local"].url)
    page.upload(audio / "es_mls_13697.ogg")
    page.wait("done")
    assert page["notice"].text_content().startswith("The text is probably wrong")


def test_other_tracks_and_reversed_channels_are_told(apps, visit, audio, tmp_path):
    """The page says which of two tracks was transcribed, and that its channels cancel out."""
    with wave.open(str(audio / "jfk.wav")) as speech:
        left = array("h", speech.readframes(speech.getnframes()))
    stereo = array("h", [sample for value in left for sample in (value, max(-value, -32_767))])
    reversed_ = tmp_path / "reversed.mkv"
    with av.open(str(reversed_), "w") as container:
        tracks = [container.add_stream("pcm_s16le", rate=16_000, layout="stereo") for _ in "12"]
        frame = av.AudioFrame("s16", "stereo", len(left))
        frame.planes[0].update(stereo.tobytes())
        frame.sample_rate, frame.time_base, frame.pts = 16_000, Fraction(1, 16_000), 0
        for track in tracks:
            container.mux(track.encode(frame))
    page = visit(apps["local"].url)
    page.upload(reversed_)
    page.wait("done")
    assert "americans" in words(page.text)
    which, canceled = page["notice"].text_content().split(". ")
    assert which == "This is audio track 0 of 2, counted from 0"
    assert re.fullmatch(
        r"1?\d\.\d s of the channels cancel each other, and one was taken there\.", canceled
    )


def test_progress_is_shown_and_can_be_canceled(apps, visit, audio):
    """The page shows how much is decoded and recognized; and the upload can be canceled."""
    page = visit(apps["local"].url)
    page.upload(audio / "long.ogg")
    progress = "() => /^[1-9]\\d* s; [1-9]\\d* s decoded/.test(seen.at(-1).figures)"
    page.until(progress, None, "the progress")
    page["cancel"].click()
    page.wait("idle")


def test_a_cancel_keeps_what_was_recognized(apps, visit, audio, shoot):
    """The text stays on the page, can be saved as a file, and is in the list."""
    page = visit(apps["local"].url)
    page.upload(audio / "long.ogg")
    page.wait_for_settled(10)
    page["cancel"].click()
    page.wait("idle")
    assert page["status"].text_content() == "Canceled. This is what was recognized until then."
    assert page["transcript"].evaluate("it => it.getBoundingClientRect().top < innerHeight - 100")
    shoot(page, "canceled")
    text = page.text
    assert len(words(text)) >= 10
    with page.tab.expect_download() as saving:
        page["keep"].get_by_text("TXT", exact=True).click()
    assert words(saving.value.path().read_text(encoding="utf-8")) == words(text)
    page["history"].locator("li").filter(has_text="long.ogg").wait_for()


def test_files_are_transcribed_one_after_the_other(apps, visit, connect, recordings, audio, shoot):
    """Two dropped files, one of them a text, and one dropped meanwhile: each has its result."""
    one, two = recordings["both"].path, recordings["gregson"].path
    between = connect(apps["local"].port, rate=30_000)  # ten seconds for the first
    page = visit(f"http://127.0.0.1:{between.port}/", expected_errors="Failed to load resource")
    drop(page, audio / "manifest.json", one)
    page["transcribe"].click()
    page["waiting"].get_by_text(f"{one.name}: waiting").wait_for()
    drop(page, two)
    page["waiting"].get_by_text(f"{two.name}: waiting").wait_for()
    shoot(page, "queue")
    page["error"].wait_for()
    assert "manifest.json" in page["error"].text_content(), "the one that failed is told at the end"
    assert words(page.text) == recordings["gregson"].reference, "the last one is shown"
    for path in one, two:
        page["history"].locator("li").filter(has_text=path.name).wait_for()


def test_a_drop_is_seen_and_a_failure_is_named(apps, visit, recordings, tmp_path):
    """Dropped on a page that is scrolled down, the files and their button come into sight."""
    empty = tmp_path / "empty.wav"
    empty.touch()
    page = visit(apps["local"].url, viewport={"width": 360, "height": 740})
    page.upload(recordings["gregson"].path)
    page.wait("done")
    drop(page, empty, recordings["gregson"].path)
    page.until(IN_SIGHT, "transcribe", "the button in sight")
    page["transcribe"].click()
    page["error"].wait_for()
    assert page["error"].text_content() == "empty.wav: The file is empty."


def test_a_recording_that_is_sent_again_is_kept(apps, visit, recordings, audio):
    """After a cancel with a correction, and after a deletion, there is a whole transcript."""
    page = visit(apps["local"].url)
    page.upload(audio / "long.ogg")
    page.wait_for_settled(10)
    page["cancel"].click()
    page.wait("idle")
    page.write(" So he did.")
    page["save"].click()
    page["saved"].get_by_text("Saved.").wait_for()
    page["transcribe"].click()
    page["history"].locator("li[data-state=recognizing]").wait_for()
    page.wait_for_settled(10)
    page["cancel"].click()
    page.wait("idle")
    assert page["version"].locator("option").count() == 2, "the correction is kept"

    page.upload(recordings["gregson"].path)
    page.wait("done")
    row = page["history"].locator("li").filter(has_text=recordings["gregson"].path.name)
    row.get_by_role("button", name="Delete").click()
    row.wait_for(state="detached")
    page.upload(recordings["gregson"].path)
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    row.wait_for()
    assert page["deleted"].is_hidden(), "there is nothing to undo any more"


def test_the_same_file_is_transcribed_once(apps, visit, recordings, service):
    """Sent again, also by another tab or with another name, its transcript is opened."""
    page = visit(apps["azure"].url)
    page.upload(recordings["gregson"].path)
    page.wait("done")
    known = len(service.requests)
    page.tab.reload()
    drop(page, recordings["gregson"].path)
    page["transcribe"].click()
    page.wait("done")
    assert page["status"].text_content() == "This recording was transcribed before."
    assert words(page.text) == recordings["gregson"].reference
    assert len(service.requests) == known
    assert page["history"].locator("li").count() == 1


def test_a_video_can_be_dropped(apps, visit, audio, shoot):
    """Any container works, also video, and so does drag and drop."""
    page = visit(apps["local"].url)
    drop(page, audio / "containers" / "h264_aac.mp4")
    page["transcribe"].click()
    page.wait("done")
    shoot(page, "dropped")
    assert "dashwood" in words(page.text)


@BACKENDS
def test_a_recording_is_transcribed_and_played(apps, visit, microphone, recordings, shoot, backend):
    """Record, then stop: the text is on the page, and a click on a word plays from there."""
    recording = recordings["wizard"]
    microphone.plays(recording)
    page = visit(apps[backend].url)
    page["record"].click()
    page.wait("recording")
    page.until("() => document.getElementById('level').value > 0.3", None, "a loud voice")
    shoot(page, "recording")
    page.until("() => document.getElementById('level').value < 0.1", None, "silence")
    page["stop"].click()
    page.wait("done")
    assert words(page.text) == recording.reference
    length = "() => document.getElementById('player').duration < 60"
    page.until(length, None, "its duration, which the file does not state")
    page.until("() => document.getElementById('player').currentTime === 0", None, "its beginning")
    word = page["transcript"].get_by_text("wizard", exact=False).last
    word.click()
    page.until("() => document.getElementById('player').currentTime > 0.5", None, "playing")
    shoot(page, f"recorded-{backend}")


def test_a_transcript_is_corrected_saved_and_deleted(apps, visit, recordings, shoot):
    """It can be edited, and downloaded in every format after a reload, until it is deleted."""
    page = visit(apps["local"].url)
    page.upload(recordings["gregson"].path)
    page.wait("done")
    page.write(" So he did.")
    page["save"].click()
    page["saved"].get_by_text("Saved.").wait_for()
    page.tab.reload()
    page["history"].get_by_role("button").first.click()
    page.wait("done")
    assert page.text.endswith("So he did.")
    shoot(page, "history")
    for name in "TXT", "SRT", "VTT", "JSON", "CSV":
        with page.tab.expect_download() as saving:
            page["keep"].get_by_text(name, exact=True).click()
        kept = saving.value.path().read_text(encoding="utf-8")
        assert "So he did." in kept, name
        assert (
            saving.value.suggested_filename == f"{recordings['gregson'].path.stem}.{name.lower()}"
        )
    page["history"].get_by_role("button", name="Delete").click()
    page["history"].locator("li").wait_for(state="detached")
    page.tab.reload()
    assert page["history"].locator("li").count() == 0


def test_unsaved_corrections_are_kept(apps, visit, recordings):
    """Starting another recording without saving keeps the edited text."""
    page = visit(apps["local"].url)
    page.upload(recordings["gregson"].path)
    page.wait("done")
    page.write(" So he did.")
    page.upload(recordings["wizard"].path)
    page["history"].locator("li").nth(1).wait_for()
    page.wait("done")
    page["history"].get_by_role("button").filter(has_text="Gregson").first.click()
    page.wait_for_words("So he did")


def test_a_file_without_audio_is_rejected(apps, visit, audio, shoot):
    """The page says that the file is not audio."""
    page = visit(apps["azure"].url)
    page.upload(audio / "manifest.json")
    page["error"].wait_for()
    shoot(page, "no-audio")
    assert page["transcript"].get_attribute("data-state") == "error"
    assert "audio" in page["error"].text_content()
    assert page["again"].is_hidden(), "it would fail again"
    assert page["player"].is_hidden(), "there is nothing to play"


def test_a_file_that_is_too_large_is_rejected(apps, visit, tmp_path):
    """The page says how large it is and may be, in megabytes, and does not offer to try again."""
    path = tmp_path / "film.mkv"
    with path.open("wb") as file:
        file.truncate(250_000_000)
    page = visit(apps["local"].url, expected_errors="Failed to load resource")
    page.upload(path)
    page["error"].wait_for()
    assert page["error"].text_content() == "'film.mkv' is too large: 250 MB of at most 200 MB"
    assert page["again"].is_hidden()


def test_an_empty_file_is_rejected(apps, visit, tmp_path):
    """Nothing is sent, and the page says why."""
    path = tmp_path / "empty.wav"
    path.touch()
    page = visit(apps["local"].url)
    page.upload(path)
    page["error"].wait_for()
    assert page["error"].text_content() == "The file is empty."
    assert page["again"].is_hidden(), "it is still empty then"


def test_a_recording_that_is_too_long_is_rejected(apps, visit, tmp_path, shoot):
    """Three hours exceed the limit of two, and are rejected before recognition."""
    path = tmp_path / "meeting.flac"
    path.write_bytes(silence(3))
    page = visit(apps["azure"].url)
    page.upload(path)
    page["error"].wait_for()
    shoot(page, "too-long")
    assert "longer than 2:00:00" in page["error"].text_content()


def test_no_audio_touches_the_disk(run_app, settings, visit, recordings, tmp_path):
    """A server that can't write files above 500 kB accepts a recording of two megabytes."""
    path = tmp_path / "long.wav"
    write_wav(path, bytes(60 * 32_000) + recordings["gregson"].pcm)
    page = visit(run_app(limit=500_000, **settings["local"]).url)
    page.upload(path)
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
