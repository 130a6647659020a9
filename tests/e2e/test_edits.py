"""Corrections: they keep the times of words, and nothing that is done to a text is final."""

from __future__ import annotations

import json

import pytest
from driving.app import app
from driving.speech import words

from azstt import emulator
from azstt.emulator import Script

pytestmark = pytest.mark.e2e

SIZES = [(1366, 641), (1280, 800), (1920, 1080), (360, 740)]

#: Selects the first occurrence of some text in the transcript.
SELECT = """said => {
    const transcript = document.getElementById("transcript");
    const walker = document.createTreeWalker(transcript, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const node = walker.currentNode;
        const at = node.data.indexOf(said);
        if (at < 0) continue;
        transcript.focus();
        getSelection().setBaseAndExtent(node, at, node, at + said.length);
        return;
    }
    throw new Error(`not found: ${said}`);
}"""
#: Seeks, and checks which words are highlighted.
HIGHLIGHTED = """([time, said]) => {
    const player = document.getElementById("player");
    if (player.currentTime !== time) player.currentTime = time;
    return [...(CSS.highlights.get("now") ?? [])].map(String).join() === said;
}"""


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    """The app with a recognizer that says two sentences, whatever it hears."""
    script = Script.saying("The wizard turned sharply to his friend.", "Was that a loud complaint?")
    folder = tmp_path_factory.mktemp("scripted")
    with (
        emulator.serve(script=script) as service,
        app(folder, "gunicorn", AZURE_SPEECH_HOST=service.host) as running,
    ):
        yield running


@pytest.fixture
def corrected(scripted, visit, recordings):
    """Return a page with a transcript of two sentences, ready to be corrected."""

    def open_page(**options):
        page = visit(scripted.url, **options)
        page.upload(recordings["both"].path)
        page.wait("done")
        return page

    return open_page


def replace(page, said, text):
    """Replace some words by typing."""
    page.tab.evaluate(SELECT, said)
    page.tab.keyboard.type(text)


def save(page):
    """Save the corrections, and wait until they are saved."""
    page["save"].click()
    page["saved"].get_by_text("Saved.").wait_for()


def downloaded(page, name="JSON"):
    """Return what a download contains."""
    with page.tab.expect_download() as saving:
        page["keep"].get_by_text(name, exact=True).click()
    return saving.value.path().read_text(encoding="utf-8")


def timed(page):
    """Return the (text, start, end) of all words of the transcript."""
    segments = json.loads(downloaded(page))["segments"]
    return [(word["text"], word["start"], word["end"]) for one in segments for word in one["words"]]


def test_a_save_that_failed_is_made_up_for(corrected):
    """The error says why, changes nothing else, and goes once it is saved."""
    page = corrected(expected_errors="Failed to load resource")
    page.write(" So he did.")
    page.tab.context.set_offline(True)
    page["save"].click()
    page["error"].wait_for()
    assert "offline" in page["error"].text_content()
    assert page["status"].text_content() == "Done."
    page.tab.context.set_offline(False)
    save(page)
    page["error"].wait_for(state="hidden")
    assert "So he did." in downloaded(page, "TXT")


def test_a_corrected_word_leaves_all_others_their_times(corrected):
    """After a correction the other words keep their times, in the download and in the captions."""
    page = corrected()
    before, captions = timed(page), downloaded(page, "SRT")
    said = before[3][0]
    replace(page, said, "Oz")
    save(page)
    assert timed(page) == [("Oz" if text == said else text, *at) for text, *at in before]
    assert [line for line in downloaded(page, "SRT").splitlines() if "-->" in line] == [
        line for line in captions.splitlines() if "-->" in line
    ]


def test_the_word_being_played_is_highlighted_after_corrections(corrected):
    """While the text is edited, after it was saved, and when it is undone."""
    page = corrected()
    before = timed(page)
    (first, *_), (said, start, end), (last, late, _) = before[0], before[3], before[-1]
    at, later = (start + end) / 2, late + 0.01
    page.until(HIGHLIGHTED, [at, said], "the word")
    replace(page, first, "Something else and")
    page.until(HIGHLIGHTED, [at, said], "the word while the text is edited")
    replace(page, said, "Oz")
    save(page)
    page.until(HIGHLIGHTED, [at, "Oz"], "the new word")
    page.until(HIGHLIGHTED, [later, last], "a word of the other segment")
    page.tab.evaluate(SELECT, "Oz")
    page.tab.keyboard.press("ArrowLeft")
    page["transcript"].evaluate("it => it.click()")
    assert page["player"].evaluate("player => player.currentTime") == pytest.approx(start)


def test_edits_can_be_undone_before_and_after_they_are_saved(corrected):
    """Ctrl+Z works as everywhere; with nothing left to save, there is nothing to save."""
    page = corrected()
    text = page.text
    said = timed(page)[3][0]
    replace(page, said, "Oz")
    assert page["save"].is_enabled()
    undo(page, text)
    page.until("() => document.getElementById('save').disabled", None, "nothing to save")
    replace(page, said, "Oz")
    save(page)
    assert page["save"].is_disabled()
    page["transcript"].focus()
    undo(page, text)
    assert page["save"].is_enabled(), "the saved text is the other one"
    save(page)
    page.tab.reload()
    page.wait("done")
    assert words(page.text) == words(text)


def undo(page, text):
    """Press Ctrl+Z until the text is back."""
    for _ in range(10):
        if page.text == text:
            return
        page.tab.keyboard.press("Control+z")
    assert page.text == text


def test_a_text_that_was_deleted_and_saved_is_one_click_away(corrected):
    """Select all, Delete, Save: the recognized text is still there, with its times."""
    page = corrected()
    text, before = page.text, timed(page)
    page["transcript"].focus()
    for key in "Control+a", "Delete":
        page.tab.keyboard.press(key)
    save(page)
    assert json.loads(downloaded(page))["segments"] == []
    assert page["version"].locator("option").first.text_content() == "Recognized"
    page["version"].select_option("Recognized")
    page.until("text => seen.at(-1).transcript === text", text, "the text")
    assert timed(page) == before
    said, start, end = before[3]
    page.until(HIGHLIGHTED, [(start + end) / 2, said], "the word")


def test_every_save_can_be_returned_to(corrected):
    """The versions are listed by time, also after a reload, and so is what was not saved."""
    page = corrected()
    for text in " One.", " Two.":
        page.write(text)
        save(page)
    page.write(" Three.")
    page["version"].select_option(index=1)
    page.until("() => seen.at(-1).transcript.endsWith('One.')", None, "the first correction")
    page.tab.reload()
    page.wait("done")
    assert page.text.endswith("One.")
    assert page["version"].locator("option").count() == 4
    page["version"].select_option(index=3)
    page.until("() => seen.at(-1).transcript.endsWith('One. Two. Three.')", None, "the last one")


def test_another_tab_does_not_overwrite_a_correction(corrected):
    """The second tab is told, and each text is a version."""
    page = corrected()
    page.wait("done")
    expected = "409"
    other = type(page)(page.tab.context, page.tab.url, expected_errors=expected)
    other.wait("done")
    page.write(" One.")
    save(page)
    other.write(" Two.")
    other["save"].click()
    other["saved"].get_by_text("changed in another tab").wait_for()
    assert "Two." not in downloaded(other, "TXT")
    assert other.text.endswith("Two.")
    other["version"].select_option(index=1)
    other.until("() => seen.at(-1).transcript.endsWith('One.')", None, "the first tab's text")
    other["version"].select_option(index=2)
    other.until("() => seen.at(-1).transcript.endsWith('Two.')", None, "the second tab's text")
    assert "Two." in downloaded(other, "TXT")
    assert other.errors == []


def test_a_deletion_can_be_undone(corrected):
    """A deleted transcript can be brought back, with what was not saved yet."""
    page = corrected()
    page.write(" Not saved.")
    entry = page["history"].locator("li")
    page["history"].get_by_role("button", name="Delete").click()
    entry.wait_for(state="detached")
    page.wait("idle")
    page["undo"].click()
    entry.wait_for()
    page.wait("done")
    assert page.text.endswith("Not saved.")
    assert page["deleted"].is_hidden()


def test_the_offer_to_undo_is_in_sight(scripted, visit):
    """Also when the last one of a long list is deleted."""
    ours = {"X-Azstt": "1"}
    entry = {"created": 0, "kind": "live", "name": "", "state": "done", "error": None}
    entry |= {"seconds": 1, "preview": "One."}
    entries = [{"id": f"{number:032x}", **entry} for number in range(30)]
    page = visit(scripted.url, viewport={"width": 360, "height": 740})
    page.tab.route("**/transcripts", lambda route: route.fulfill(json=entries, headers=ours))
    page.tab.route("**/transcripts/*", lambda route: route.fulfill(status=204, headers=ours))
    page.tab.reload()
    page["history"].get_by_role("button", name="Delete").last.click()
    page["undo"].wait_for()
    box = page["undo"].bounding_box()
    assert 0 <= box["y"] <= 740 - box["height"]


def test_lines_that_are_divided_are_shown_as_they_are_saved(corrected):
    """A line break inside of a segment is a space in it, on the page as in the downloads."""
    page = corrected()
    text = page.text
    page.tab.evaluate(SELECT, timed(page)[3][0])
    page.tab.keyboard.press("ArrowLeft")
    page.tab.keyboard.press("Enter")
    save(page)
    page.until("text => seen.at(-1).transcript === text", text, "the lines as they were")
    page.write(" So he did.")
    save(page)
    assert "So he did." in downloaded(page, "TXT")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_saved_is_said_where_one_looks(corrected, size):
    """Whatever the screen, it stands beside the button, in sight."""
    width, height = size
    page = corrected(viewport={"width": width, "height": height})
    page.write(" So he did." * 40)
    save(page)
    button, said = page["save"].bounding_box(), page["saved"].bounding_box()
    assert abs(button["y"] + button["height"] / 2 - said["y"] - said["height"] / 2) < 30
    assert said["y"] >= 0
    assert said["y"] + said["height"] <= height
