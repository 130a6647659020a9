"""Failures during live sessions and uploads, and recovery from them."""

from __future__ import annotations

import pytest
from driving import chromium
from driving.processes import until
from driving.speech import words, write_wav

pytestmark = pytest.mark.e2e

#: Console errors while a server is unreachable.
UNREACHABLE = "Failed to load resource|WebSocket connection to"

#: Whether the page says that the connection is lost.
LOST = "() => /lost/.test(seen.at(-1).status)"


@pytest.fixture
def speak(visit, microphone, recordings, connect):
    """Start to speak two sentences over an unreliable network; return after the first words."""

    def begin(app):
        microphone.plays(recordings["both"])
        between = connect(app.port)
        page = visit(f"http://127.0.0.1:{between.port}/", expected_errors=UNREACHABLE)
        page.speak()
        page.wait("live")
        page.wait_for_words("complaint")
        return page, between

    return begin


def finish(page, recording):
    """Stop after the last word, and check that none is missing."""
    page.wait_for_settled(len(recording.reference))
    page["stop"].click()
    page.wait("done")
    assert words(page.text) == recording.reference


def test_no_word_is_lost_with_a_connection(apps, service, speak, recordings, shoot):
    """If the connection is reset in mid-speech, the page says so and resumes the same session."""
    known = len(service.requests)
    page, between = speak(apps["azure"])
    between.cut()
    page.until(LOST, None, "a notice of the lost connection")
    shoot(page, "lost")
    between.mend()
    page.until("() => !/lost/.test(seen.at(-1).status)", None, "a notice of the new connection")
    finish(page, recordings["both"])
    assert len(service.requests) == known + 1, "one session from the first word to the last"


def test_no_word_is_lost_while_offline(apps, service, speak, recordings):
    """Audio recorded while the network drops everything arrives later."""
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
def test_a_closed_tab_leaves_its_transcript(
    run_app, settings, service, visit, microphone, recordings, how
):
    """The session ends within the grace time, and its transcript is in the list."""
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


@pytest.mark.parametrize("button", ["record", "live"])
def test_a_denied_microphone_is_explained(apps, visit, shoot, button):
    """The page says how to allow it, and nothing is left running."""
    page = visit(apps["local"].url, permissions=[])
    page[button].click()
    page["error"].wait_for()
    shoot(page, f"denied-{button}")
    assert "Access to the microphone was denied. Allow it" in page["error"].text_content()
    assert page[button].is_enabled()


def test_a_missing_microphone_is_explained(apps, visit, playwright):
    """The page says that none was found."""
    without = chromium.launch(playwright, None)
    try:
        page = visit(apps["local"].url, of=without)
        devices = page.tab.evaluate("() => navigator.mediaDevices.enumerateDevices()")
        if any(device["kind"] == "audioinput" for device in devices):
            pytest.skip("this machine has a microphone")
        page["live"].click()
        page["error"].wait_for()
        assert "No microphone was found" in page["error"].text_content()
    finally:
        without.close()


def test_a_session_goes_on_without_the_list(apps, visit, microphone, recordings):
    """If only the list of transcripts does not come, the page says so, and Stop still works."""
    page = visit(apps["local"].url, expected_errors=UNREACHABLE)
    microphone.plays(recordings["both"])
    page.tab.route("**/transcripts", lambda route: route.abort())
    page.speak()
    page["error"].wait_for()
    page.wait_for_words("complaint")
    assert page["transcript"].get_attribute("data-state") == "live"
    page.tab.unroute("**/transcripts")
    page.wait_for_settled(len(recordings["both"].reference))
    page["stop"].click()
    page.until("() => seen.at(-1).state === 'done'", None, "the transcript")
    assert words(page.text) == recordings["both"].reference


@pytest.fixture
def send(visit, recordings, connect, tmp_path):
    """Start to send two megabytes over a slow network; return when some have arrived."""
    path = tmp_path / "meeting.wav"
    write_wav(path, bytes(60 * 32_000) + recordings["gregson"].pcm)

    def begin(app):
        between = connect(app.port, rate=400_000)
        page = visit(f"http://127.0.0.1:{between.port}/", expected_errors=UNREACHABLE)
        page.upload(path)
        until(lambda: between.passed > 500_000, "a quarter has arrived")
        return page, between

    return begin


def test_an_upload_resumes_when_the_network_is_back(apps, send, recordings, shoot):
    """If the network fails midway, the page says so and sends the rest later."""
    page, between = send(apps["local"])
    between.cut()
    page.until(LOST, None, "a notice of the lost connection")
    shoot(page, "upload-cut")
    between.mend()
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    page["history"].locator("li").first.wait_for()
    assert page["history"].locator("li").count() == 1


def test_an_upload_goes_on_after_half_a_minute_offline(apps, send, recordings):
    """The page keeps trying for the whole grace time, of one minute."""
    page, _ = send(apps["local"])
    page.tab.context.set_offline(True)
    page.until(LOST, None, "a notice of the lost connection")
    page.tab.wait_for_timeout(30_000)
    assert page["error"].is_hidden()
    page.tab.context.set_offline(False)
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference


def test_an_answer_that_is_cut_off_is_a_lost_connection(apps, send, recordings):
    """If the network fails between the headers and the body of an answer, the upload resumes."""
    page, between = send(apps["local"])
    between.cut_an_answer()
    page.until(LOST, None, "a notice of the lost connection")
    between.mend()
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference


def test_an_upload_restarts_after_a_server_restart(run_app, settings, send, recordings):
    """If the server is restarted midway, the upload starts over and succeeds.

    It is Flask's development server, which stops at once: gunicorn finishes its requests first.
    """
    app = run_app(**settings["local"])
    page, _ = send(app)
    app.stop()
    app.start()
    again = "() => seen.some(({ status }) => /restarted, so the recording is/.test(status))"
    page.until(again, None, "a notice of the new beginning")
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference
    page["history"].locator("li").first.wait_for()
    assert page["history"].locator("li").count() == 1
