"""Reading the text: what is in sight on screens of all sizes, and what screen readers announce."""

from __future__ import annotations

from pathlib import Path

import pytest
from driving.app import app
from driving.speech import write_wav

from azstt import emulator
from azstt.emulator import Script

pytestmark = pytest.mark.e2e

SIZES = {
    "laptop": (1366, 641),
    "tablet": (1280, 800),
    "monitor": (1920, 1080),
    "phone": (360, 740),
}
EACH_SIZE = pytest.mark.parametrize("size", SIZES)
#: As many lines as an hour of talk, followed by sentences at the speed of speech.
LINES = 320
SPEECH = [f"This is line {number} of the talk." for number in range(1, LINES + 1)]
SLOW = ["And from now on the speaker goes on and on at leisure."] * 40
SENTENCES = ["He turned sharply to the left.", "Gregson was across the table.", "He said no more."]
ANNOUNCE = (Path(__file__).parent / "driving" / "announce.js").read_text(encoding="utf-8")

#: Whether elements, or the visible text in them, are within the window and not covered.
IN_SIGHT = """(selectors) => selectors.every((selector) => {
    const element = document.querySelector(selector);
    const range = document.createRange();
    range.selectNodeContents(element);
    const { top, bottom, left, right } = range.getBoundingClientRect();
    const hit = (y) => element.contains(document.elementFromPoint((left + right) / 2, y)) ||
        document.elementFromPoint(left + 2, y)?.contains(element);
    return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth &&
        bottom > top && hit(top + 2) && hit(bottom - 2);
})"""
#: Whether the last final line and the partial are within the paper, which is within the window.
NEWEST_IN_SIGHT = """() => {
    const box = (id) => document.getElementById(id).getBoundingClientRect();
    const last = document.getElementById("transcript").lastElementChild.getBoundingClientRect();
    const [paper, partial] = [box("paper"), box("partial")];
    return paper.top >= 0 && paper.bottom <= innerHeight && scrollY === 0 &&
        last.top >= paper.top && last.bottom <= partial.top &&
        partial.height > 0 && partial.bottom <= paper.bottom;
}"""
#: How many lines are printed over the one before.
OVERLAPS = """() => {
    const lines = [...document.querySelectorAll("#transcript p, #partial")];
    const boxes = lines.map((line) => line.getBoundingClientRect());
    return boxes.filter(({ top }, at) => at && top < boxes[at - 1].bottom - 0.5).length;
}"""


def script(sentences, seconds_a_word, start=1.0):
    """Return the utterances of these sentences."""
    return Script.saying(*sentences, start=start, seconds_a_word=seconds_a_word).segments


@pytest.fixture(scope="module")
def talk(tmp_path_factory):
    """The app, with a recognizer that hears hundreds of lines in a few seconds."""
    fast = script(SPEECH, 0.0015)
    slow = script(SLOW, 0.3, start=fast[-1].end + 0.5)
    with (
        emulator.serve(script=Script(segments=(*fast, *slow))) as service,
        app(tmp_path_factory.mktemp("talk"), AZURE_SPEECH_HOST=service.host) as running,
    ):
        yield running


@pytest.fixture
def listen(visit, talk):
    """Transcribe the talk live, up to the first of the slow sentences."""

    def begin(size):
        width, height = SIZES[size]
        page = visit(talk.url, viewport={"width": width, "height": height})
        page["live"].click()
        page.wait("live")
        page.wait_for_words(f"line {LINES} of the talk")
        page.wait_for_words("from now on")
        return page

    return begin


def wait_for_more(page):
    """Wait until the page shows a few more words."""
    length = "() => (({ transcript, partial }) => (transcript + partial).length)(seen.at(-1))"
    count = page.tab.evaluate(length)
    page.until(f"count => ({length})() > count + 40", count, "more words")


@EACH_SIZE
def test_the_newest_text_is_in_sight_unless_the_reader_scrolls_up(listen, size):
    """After hundreds of lines, the last final line and the partial are visible as they come.

    New text does not move older text that the reader has scrolled up to; a button leads back.
    """
    page = listen(size)
    page.until(NEWEST_IN_SIGHT, None, "the newest text in sight")
    assert page.tab.evaluate(IN_SIGHT, ["#stop", "#status", "#timer"])
    assert page["newest"].is_hidden()
    assert page.tab.evaluate(OVERLAPS) == 0
    heard = [f"This is{line}".strip() for line in page.text.split("This is")[1:]]
    assert heard[: LINES - 1] == SPEECH[:-1], "each line once"

    page["paper"].hover()
    page.tab.mouse.wheel(0, -1500)
    page["newest"].wait_for()
    page.tab.wait_for_timeout(500)  # the wheel scrolls smoothly
    at = "() => document.getElementById('paper').scrollTop"
    before = page.tab.evaluate(at)
    wait_for_more(page)
    assert page.tab.evaluate(at) == before
    assert page.tab.evaluate(IN_SIGHT, ["#newest"])

    page["newest"].click()
    page.until(NEWEST_IN_SIGHT, None, "the newest text in sight")
    wait_for_more(page)
    page.until(NEWEST_IN_SIGHT, None, "the newest text in sight, again")
    assert page["newest"].is_hidden()


@EACH_SIZE
def test_the_transcript_stays_on_the_screen_after_stop(listen, size):
    """After Stop, the last lines are in sight, and so are the buttons to save and download."""
    page = listen(size)
    page["stop"].click()
    page.wait("done")
    page["history"].locator("li").first.wait_for()
    page.tab.wait_for_timeout(300)  # anything that scrolls has done so
    wanted = ["#transcript p:last-child", "#save", "#keep a:last-child"]
    assert page.tab.evaluate(IN_SIGHT, wanted)


@EACH_SIZE
def test_an_uploaded_recording_is_shown_from_its_first_line(talk, visit, tmp_path, size):
    """The first line, the state, and the buttons to save and download are in sight."""
    width, height = SIZES[size]
    page = visit(talk.url, viewport={"width": width, "height": height})
    path = tmp_path / "talk.wav"
    write_wav(path, bytes(32_000 * 2))
    page.upload(path)
    page.wait("done")
    page["history"].locator("li").first.wait_for()
    page.tab.wait_for_timeout(300)
    keep = ["#save", "#keep a:last-child"]
    assert page.tab.evaluate(IN_SIGHT, ["#transcript p:first-child", "#status", *keep])
    page.tab.evaluate("() => scrollBy(0, 1500)")
    assert page.tab.evaluate(IN_SIGHT, keep), "also farther down"


@pytest.fixture(scope="module")
def short_talk(tmp_path_factory):
    """The app, with a recognizer that hears three sentences."""
    with (
        emulator.serve(script=Script(segments=script(SENTENCES, 0.25))) as service,
        app(tmp_path_factory.mktemp("short"), AZURE_SPEECH_HOST=service.host) as running,
    ):
        yield running


@pytest.fixture
def announced(short_talk, visit):
    """Visit the page with something like a screen reader; `announced(page)` is what it said."""

    def say(page, region):
        return [text for where, text in page.tab.evaluate("announced") if where == region]

    page = visit(short_talk.url)
    page.tab.add_init_script(ANNOUNCE)
    page.tab.reload()
    page.tab.evaluate("() => announced.splice(0)")  # the page as it was loaded
    return page, lambda region: say(page, region)


def nodes(page, role):
    """Return the nodes of the accessibility tree with a role: each one's name and properties."""
    session = page.tab.context.new_cdp_session(page.tab)
    tree = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return {
        node["name"]["value"]: {it["name"]: it["value"].get("value") for it in node["properties"]}
        for node in tree
        if node.get("role", {}).get("value") == role
    }


def test_a_screen_reader_reads_each_final_once(announced):
    """Live, each final is announced once and partials are not, nor the saved transcript again."""
    page, said = announced
    page["live"].click()
    page.wait("live")
    page.wait_for_words("no more")
    assert nodes(page, "log")["Transcript"]["live"] == "polite"
    page["stop"].click()
    page.wait("done")
    assert any("turned" in entry["partial"] for entry in page.seen), "there were partials"
    assert said("transcript") == SENTENCES
    assert said("partial") == []
    assert said("status") == [
        "Waiting for the microphone…",
        "Connecting…",
        "Listening…",
        "Recognizing…",
        "Done.",
    ]
    assert nodes(page, "log") == {}
    assert "Transcript" in nodes(page, "textbox")


def test_a_screen_reader_hears_of_an_upload_when_its_state_changes(announced, tmp_path):
    """An upload is announced once per state; its progress can be read, but is not announced."""
    page, said = announced
    path = tmp_path / "talk.wav"
    write_wav(path, bytes(32_000 * 12))
    page.upload(path)
    page["progress"].wait_for()
    page.wait("done")
    assert len({entry["figures"] for entry in page.seen}) > 2, "the progress was visible"
    assert said("status") == ["Uploading…", "Recognizing…", "Done."]
    assert said("transcript") == [], "the user reads it at will"
