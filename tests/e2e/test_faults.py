"""What goes wrong while somebody speaks or sends, and what becomes of it."""

from __future__ import annotations

import pytest
from driving import chromium
from driving.processes import until
from driving.speech import words, write_wav

pytestmark = pytest.mark.e2e

#: What the console says when a server is away.
AWAY = "Failed to load resource|WebSocket connection to"


@pytest.fixture
def speak(visit, microphone, recordings, connect):
    """Begin to speak two sentences, over a network that can fail; goes on after the first words."""

    def begin(app):
        microphone.plays(recordings["both"])
        between = connect(app.port)
        page = visit(f"http://127.0.0.1:{between.port}/", troubles=AWAY)
        page.speak()
        page.wait("live")
        page.wait_for_words("complaint")
        return page, between

    return begin


def finish(page, recording):
    """Stop after the last word, and see that none is missing."""
    page.wait_for_settled(len(recording.reference))
    page["stop"].click()
    page.wait("done")
    assert words(page.text) == recording.reference


def test_a_lost_connection_is_made_anew_and_no_word_is_lost(
    apps, service, speak, recordings, shoot
):
    """Reset in mid-speech, the page says so and resumes: the recognizer notices nothing."""
    known = len(service.requests)
    page, between = speak(apps["azure"])
    between.cut()
    page.until("() => /lost/.test(seen.at(-1).status)", None, "word of the loss")
    shoot(page, "lost")
    between.mend()
    page.until("() => !/lost/.test(seen.at(-1).status)", None, "word of the return")
    finish(page, recordings["both"])
    assert len(service.requests) == known + 1, "one session from the first word to the last"


def test_a_network_that_is_away_for_a_while_costs_no_word(apps, service, speak, recordings):
    """Nothing gets through, and nothing is refused: what was said meanwhile arrives later."""
    known = len(service.requests)
    page, _ = speak(apps["azure"])
    page.tab.context.set_offline(True)
    away = "() => /0:0[89]/.test(document.getElementById('timer').textContent)"
    page.until(away, None, "the second sentence")
    assert "gregson" not in words(page.text + page.seen[-1]["partial"])
    page.tab.context.set_offline(False)
    finish(page, recordings["both"])
    assert len(service.requests) == known + 1


@pytest.mark.parametrize("how", ["closed", "crashed"])
def test_what_was_said_before_the_tab_went_is_kept(
    run_app, settings, service, visit, microphone, recordings, how
):
    """The session ends, within the grace time at the latest, and its transcript is in the list."""
    microphone.plays(recordings["both"])
    page = visit(run_app("gunicorn", AZSTT_WEB_GRACE="2", **settings["azure"]).url)
    page.speak()
    page.wait("live")
    page.wait_for_settled(len(recordings["wizard"].reference))
    session = service.requests[-1]
    assert session.is_open
    other = page.tab.context.new_page()
    if how == "closed":
        page.tab.close()
    else:
        page.crash()
    until(lambda: not session.is_open, "the session's end")

    def listed():
        other.goto(page.url)
        return other.locator("#history li").filter(has_text="wizard").count()

    until(listed, "the transcript in the list")


def test_a_restart_of_the_server_is_told_and_survived(
    run_app, settings, speak, recordings, microphone, shoot
):
    """What is on the page stays there; the same page goes on with the server that is there then."""
    app = run_app(**settings["azure"])
    page, _ = speak(app)
    page.wait_for_settled(len(recordings["wizard"].reference))
    app.stop()
    app.start()
    page["error"].wait_for()
    shoot(page, "restarted")
    assert words(page.text)[: len(recordings["wizard"].reference)] == recordings["wizard"].reference
    microphone.plays(recordings["gregson"])
    page.speak()
    page.wait("live")
    finish(page, recordings["gregson"])


@pytest.mark.parametrize("button", ["record", "live"])
def test_a_refused_microphone_is_told(apps, visit, shoot, button):
    """Who refuses it is told how to allow it, and nothing is left running."""
    page = visit(apps["local"].url, permissions=[])
    page[button].click()
    page["error"].wait_for()
    shoot(page, f"refused-{button}")
    assert "Access to the microphone was denied. Allow it" in page["error"].text_content()
    assert page[button].is_enabled()


def test_a_machine_without_a_microphone_is_told(apps, visit, playwright):
    """Who has none is told so."""
    deaf = chromium.launch(playwright, None)
    try:
        page = visit(apps["local"].url, of=deaf)
        devices = page.tab.evaluate("() => navigator.mediaDevices.enumerateDevices()")
        if any(device["kind"] == "audioinput" for device in devices):
            pytest.skip("this machine has a microphone")
        page["live"].click()
        page["error"].wait_for()
        assert "No microphone was found" in page["error"].text_content()
    finally:
        deaf.close()


@pytest.fixture
def send(visit, recordings, connect, tmp_path):
    """Begin to send two megabytes over a slow network; goes on when some of it has arrived."""
    path = tmp_path / "meeting.wav"
    write_wav(path, bytes(60 * 32_000) + recordings["gregson"].pcm)

    def begin(app):
        between = connect(app.port, rate=400_000)
        page = visit(f"http://127.0.0.1:{between.port}/", troubles=AWAY)
        page.upload(path)
        until(lambda: between.passed > 500_000, "a quarter has arrived")
        return page, between

    return begin


def test_an_upload_goes_on_when_the_network_is_back(apps, send, recordings, shoot):
    """Cut in the middle, the page tells it and sends the rest when it can."""
    page, between = send(apps["local"])
    between.cut()
    page["notice"].wait_for()
    shoot(page, "upload-cut")
    between.mend()
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    page["history"].locator("li").first.wait_for()
    assert page["history"].locator("li").count() == 1


def test_an_upload_begins_anew_with_a_server_that_does_not_know_it(
    run_app, settings, send, recordings
):
    """Restarted in the middle of an upload, the server has it all the same.

    It is Flask's own, which ends at once: gunicorn takes what is under way to its end first.
    """
    app = run_app(**settings["local"])
    page, _ = send(app)
    app.stop()
    app.start()
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    page["history"].locator("li").first.wait_for()
    assert page["history"].locator("li").count() == 1
