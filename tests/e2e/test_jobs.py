"""Transcripts in progress: each has a URL, and outlives its page, its tab, and its server.

The grace time is that of production, a minute: nothing here waits for it.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from driving.speech import write_wav

from azstt import emulator
from azstt.emulator import Script

pytestmark = pytest.mark.e2e

#: Console errors while a server is unreachable, or a page is left.
UNREACHABLE = "Failed to load resource|WebSocket connection to"
#: Makes a page that has no WebSockets, as behind some proxies.
NO_WEBSOCKETS = "globalThis.WebSocket = class { constructor() { throw new Error('blocked'); } };"


@pytest.fixture(scope="module")
def counting():
    """An Azure Speech service that hears numbers, and takes eight seconds of audio a second."""
    script = Script.saying(*(f"Number {n}." for n in range(200)), start=0.5, pause=0.4)
    with emulator.serve(script=script, speed=8.0) as running:
        yield {"AZURE_SPEECH_HOST": running.host}


@pytest.fixture
def speak(visit):
    """Speak; return the page after three segments are final."""

    def begin(app, script=None):
        page = visit(app.url, expected_errors=UNREACHABLE)
        if script:
            page.tab.add_init_script(script)
            page.tab.reload()
        page.speak()
        page.wait("live")
        page.wait_for_words(r"Number 2\.")
        return page

    return begin


@pytest.fixture
def meeting(tmp_path):
    """A recording of a minute."""
    path = tmp_path / "meeting.wav"
    write_wav(path, bytes(60 * 32_000))
    return path


def entries(page):
    """Return the states of the transcripts in the list, latest first."""
    rows = page["history"].locator("li")
    return [row.get_attribute("data-state") for row in rows.all()]


def wait_for_entry(page, *states):
    """Wait until the list has entries in these states."""
    script = """states => [...document.querySelectorAll("#history li")]
        .map((row) => row.dataset.state).join() === states.join()"""
    page.until(script, states, f"the entries {states}")


def numbers(page):
    """Return the numbers that the transcript shows, and their times."""
    lines = page.tab.evaluate(
        """() => [...document.querySelectorAll("#transcript p")]
            .map((line) => [line.textContent.match(/\\d+/), Number(line.dataset.start)])"""
    )
    return [(int(number[0]), start) for number, start in lines if number]  # one may be cut off


@pytest.mark.parametrize("script", [None, NO_WEBSOCKETS], ids=["socket", "polling"])
def test_a_reload_in_mid_live_shows_the_transcript(run_app, counting, speak, script):
    """The session ends at once, and the reloaded page shows its transcript; no slot is taken."""
    page = speak(run_app(**counting, AZSTT_WEB_PER_CLIENT="1"), script)
    assert re.search(r"/t/\w+$", page.tab.url)
    for _ in range(2):
        page.tab.reload()
        page.wait("done")
        assert [number for number, _ in numbers(page)][:3] == [0, 1, 2]
    assert entries(page) == ["done"]
    page.speak()
    page.wait("live")


def test_other_tabs_list_what_a_tab_does(run_app, counting, visit):
    """Another tab lists a session as soon as it begins, and its transcript once it is closed."""
    page = visit(run_app(**counting).url)
    other = page.beside()
    wait_for_entry(other)
    page.speak()
    wait_for_entry(other, "live")
    page.wait_for_words(r"Number 2\.")
    page.tab.close(run_before_unload=True)
    wait_for_entry(other, "done")
    assert "Number 0. Number 1. Number 2." in other["history"].text_content()


def test_a_crashed_tab_gives_its_slot_back(run_app, counting, speak):
    """A session that its page has left is ended when the same browser needs its slot."""
    page = speak(run_app(**counting, AZSTT_WEB_PER_CLIENT="1"))
    other = page.beside()
    page.crash()
    other.speak()
    other.wait("live")
    wait_for_entry(other, "live", "done")


def test_a_session_is_followed_and_ended_in_another_tab(run_app, counting, speak):
    """Its URL shows the text as it is spoken there, too, and Stop ends it in both."""
    page = speak(run_app(**counting))
    other = page.beside(page.tab.url)
    other.wait("live")
    other.wait_for_words(r"Number 4\.")
    other["stop"].click()
    for tab in page, other:
        tab.wait("done")
        assert [number for number, _ in numbers(tab)][:5] == [0, 1, 2, 3, 4]
        assert tab["keep"].is_visible()


def test_a_reload_in_mid_transcription_shows_its_progress(run_app, counting, visit, meeting):
    """The page shows how far it is, the text so far, and the result; so does any other tab."""
    page = visit(run_app(**counting).url)
    page.upload(meeting)
    page.wait_for_words(r"Number 2\.")
    page.tab.reload()
    page.wait("recognizing")
    page.wait_for_words(r"Number 4\.")
    other = page.beside(page.tab.url)
    other.wait_for_words(r"Number 6\.")
    for tab in page, other:
        progress = "() => seen.some(({ figures }) => /\\d of 60 s/.test(figures))"
        tab.until(progress, None, "the progress")
    for tab in page, other:
        tab.wait("done")
        assert [number for number, _ in numbers(tab)] == list(range(len(numbers(tab))))
        assert len(numbers(tab)) > 50
        wait_for_entry(tab, "done")


def test_back_and_forward_work(run_app, counting, visit, recordings):
    """The address bar follows the transcript on the page, and the page the address bar."""
    page = visit(run_app(**counting).url)
    expected = {page.tab.url: ""}
    for name in "gregson", "wizard":  # three and five seconds
        page.upload(recordings[name].path)
        page.until("length => history.length > length", len(expected) + 1, "an entry")
        page.wait("done")
        expected[page.tab.url] = page.text
    urls = list(expected)
    for move, at in (page.tab.go_back, 1), (page.tab.go_back, 0), (page.tab.go_forward, 1):
        move()
        script = "text => seen.at(-1).transcript === text"
        page.until(script, expected[urls[at]], "the transcript of the address")
        assert page.tab.url == urls[at]
    assert len(set(expected.values())) == 3


def test_a_server_restart_in_mid_live_is_survived(run_app, counting, speak, shoot):
    """What was final is kept, the page says what is missing, and goes on on the same timeline."""
    app = run_app(**counting)
    page = speak(app)
    url = page.tab.url
    app.stop()
    app.start()
    page["notice"].wait_for()
    shoot(page, "restarted")
    notice = page["notice"].text_content()
    assert re.search(r"server was restarted: what was said from 0:0\d to 0:\d\d is missing", notice)
    assert page["transcript"].get_attribute("data-state") == "live"
    page["history"].locator("li[data-state=live]").wait_for(state="attached")
    known = len(numbers(page))
    page.until(
        "count => document.querySelectorAll('#transcript p').length > count", known + 2, "new text"
    )
    page["stop"].click()
    for _ in range(2):
        page.wait("done")
        heard = [number for number, _ in numbers(page)]
        again = heard.index(0, 1)  # the service counts from 0 in each session
        assert heard == [*range(again), *range(len(heard) - again)]
        assert 3 <= again < len(heard) - 2
        starts = [start for _, start in numbers(page)]
        assert all(one < other for one, other in pairwise(starts))
        assert page["notice"].text_content() == notice
        page.tab.reload()
    assert page.tab.url == url
    wait_for_entry(page, "done")


def test_an_interrupted_transcript_says_so(run_app, counting, speak):
    """Stop works without a server, too: what was final is there, and what is missing is said."""
    app = run_app(**counting)
    page = speak(app)
    app.stop()
    page.until("() => /lost/.test(seen.at(-1).status)", None, "a notice of the lost connection")
    page["stop"].click()
    app.start()
    for _ in range(2):
        page.wait("done")
        assert [number for number, _ in numbers(page)][:3] == [0, 1, 2]
        notice = page["notice"].text_content()
        assert re.search(r"server was restarted: what was said after 0:0\d is missing", notice)
        wait_for_entry(page, "interrupted")
        page.tab.reload()
