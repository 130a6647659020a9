"""Transcripts in progress: each has a URL, and outlives its page, its tab, and its server.

The grace time is that of production, a minute: nothing here waits for it.
"""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from driving.processes import until
from driving.speech import words, write_wav

pytestmark = pytest.mark.e2e

#: Console errors while a server is unreachable, or a page is left.
UNREACHABLE = "Failed to load resource|WebSocket connection to"
#: Makes a page that has no WebSockets, as behind some proxies.
NO_WEBSOCKETS = "globalThis.WebSocket = class { constructor() { throw new Error('blocked'); } };"


@pytest.fixture(scope="session")
def talk(recordings, tmp_path_factory):
    """A minute of speech: one sentence, and then another one again and again."""
    folder, said = tmp_path_factory.mktemp("talk"), recordings["wizard"]
    for at in range(14):
        said = said.then(recordings["gregson"], folder / f"{at}.wav")
    return said


@pytest.fixture
def speak(visit, microphone, recordings, talk):
    """Speak; return the page after the first sentence is final."""

    def begin(app, transport="", script=None):
        microphone.plays(talk)
        page = visit(app.url, expected_errors=UNREACHABLE)
        if script:
            page.tab.add_init_script(script)
            page.tab.reload()
        page.speak(transport)
        page.wait("live")
        page.wait_for_settled(len(recordings["wizard"].reference))
        return page

    return begin


@pytest.fixture
def long(tmp_path, recordings):
    """A recording that takes a while: six minutes of speech."""
    path = tmp_path / "meeting.wav"
    write_wav(path, (recordings["both"].pcm + bytes(32_000)) * 36)
    return path


def entries(page):
    """Return the states of the transcripts in the list, latest first."""
    rows = page["history"].locator("li")
    return [row.get_attribute("data-state") for row in rows.all()]


@pytest.mark.parametrize("script", [None, NO_WEBSOCKETS], ids=["socket", "polling"])
def test_a_reload_in_mid_live_shows_the_transcript(run_app, settings, speak, recordings, script):
    """The session ends at once, and the reloaded page shows its transcript; no slot is taken."""
    app = run_app(**settings["local"], AZSTT_WEB_PER_CLIENT="1")
    page = speak(app, "pcm", script)
    assert re.search(r"/t/\w+$", page.tab.url)
    for _ in range(2):
        page.tab.reload()
        page.wait("done")
        assert words(page.text)[: len(recordings["wizard"].reference)] == (
            recordings["wizard"].reference
        )
    assert entries(page) == ["done"]
    page.speak()
    page.wait("live")


def test_a_closed_tab_is_in_the_list_of_another(run_app, settings, speak, visit):
    """The list of another tab shows the session while it goes on, and its transcript after that."""
    app = run_app(**settings["local"])
    page = speak(app)
    other = page.beside()
    other.until("() => document.querySelector('#history [data-state=live]')", None, "the session")
    page.tab.close(run_before_unload=True)
    done = "() => /wizard/i.test(document.querySelector('#history [data-state=done]')?.textContent)"
    other.until(done, None, "its transcript")


def test_a_crashed_tab_gives_its_slot_back(run_app, settings, speak):
    """A session that its page has left is ended when the same browser needs its slot."""
    app = run_app(**settings["local"], AZSTT_WEB_PER_CLIENT="1")
    page = speak(app)
    other = page.beside()
    page.crash()
    other.speak()
    other.wait("live")
    assert entries(other) == ["live", "done"]


def test_a_reload_in_mid_transcription_shows_its_progress(apps, visit, long):
    """The page shows how far it is, the text so far, and the result; so does any other tab."""
    page = visit(apps["local"].url)
    page.upload(long)
    page.wait("recognizing")
    page.wait_for_settled(10)
    page.tab.reload()
    page.wait("recognizing")
    page.wait_for_settled(10)
    other = page.beside(page.tab.url)
    for watching in page, other:
        watching.until("() => seen.some(({ status }) => / of \\d+ s/.test(status))", None, "progress")
    for watching in page, other:
        watching.wait("done")
        assert len(words(watching.text)) > 36 * 15
        assert watching["keep"].is_visible()
        assert entries(watching)[0] == "done"


def test_back_and_forward_work(apps, visit, recordings):
    """The address bar follows the transcript on the page, and the page the address bar."""
    page = visit(apps["local"].url)
    urls = [page.url]
    for name in "gregson", "wizard":
        page.upload(recordings[name].path)
        page.wait_for_words(recordings[name].reference[-1])
        page.wait("done")
        urls.append(page.tab.url)
    assert len(set(urls)) == 3
    page.tab.go_back()
    page.wait_for_words(recordings["gregson"].reference[-1])
    page.tab.go_back()
    page.wait("idle")
    assert page.text == ""
    page.tab.go_forward()
    page.wait_for_words(recordings["gregson"].reference[-1])
    assert page.tab.url == urls[1]


def test_a_server_restart_in_mid_live_is_survived(
    run_app, settings, speak, recordings, shoot
):
    """What was final is kept, the page says what is missing, and goes on on the same timeline."""
    app = run_app(**settings["local"])
    page = speak(app)
    url = page.tab.url
    app.stop()
    app.start()
    page["notice"].wait_for()
    shoot(page, "restarted")
    said = page["notice"].text_content()
    assert re.search(r"server was restarted: what was said from 0:0\d to 0:\d\d is missing", said)
    first = recordings["wizard"].reference
    assert words(page.text)[: len(first)] == first
    assert page["transcript"].get_attribute("data-state") == "live"
    known = len(words(page.text))
    page.wait_for_settled(known + len(recordings["gregson"].reference))
    page["stop"].click()
    page.wait("done")
    for _ in range(2):
        assert words(page.text)[: len(first)] == first
        assert "gregson" in words(page.text)[known:]
        assert "server was restarted" in page["notice"].text_content()
        starts = page.tab.evaluate(
            "() => [...document.querySelectorAll('#transcript p')].map((p) => +p.dataset.start)"
        )
        assert all(one < other for one, other in pairwise(starts))
        page.tab.reload()
        page.wait("done")
    assert page.tab.url == url
    assert entries(page) == ["done"]


def test_an_interrupted_transcript_says_so(run_app, settings, speak, recordings):
    """After a crash of the server, and of the page, what was final is there, and what is not."""
    app = run_app(**settings["local"])
    page = speak(app)
    other = page.beside()
    app.stop()
    page.crash()
    app.start()
    other.tab.reload()
    until(lambda: entries(other) == ["interrupted"], "the entry")
    other["history"].get_by_role("button").first.click()
    other.wait("done")
    first = recordings["wizard"].reference
    assert words(other.text)[: len(first)] == first
    said = other["notice"].text_content()
    assert re.search(r"server was restarted: what was said after 0:0\d is missing", said)
