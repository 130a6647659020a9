"""The page itself: keyboard, screen readers, small screens, and privacy."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from driving.speech import words

from azstt import emulator
from azstt.emulator import Script

pytestmark = pytest.mark.e2e

PHONE = {"width": 360, "height": 740}
WIDTHS = pytest.mark.parametrize("width", [320, 760, 1400])


@WIDTHS
def test_nothing_overflows_the_page(apps, visit, recordings, width):
    """At any width the page fits without horizontal scrolling, even with a transcript."""
    page = visit(apps["local"].url, viewport={"width": width, "height": 740})
    page.upload(recordings["both"].path)
    page.wait("done")
    page["history"].locator("li").wait_for()
    page["more"].evaluate("more => (more.open = true)")
    over = page.tab.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((element) => {
            const { left, right, width } = element.getBoundingClientRect();
            return width > 1 && (left < 0 || right > document.documentElement.clientWidth + 0.5);
        }).map((element) => element.outerHTML.slice(0, 80))"""
    )
    assert over == []


def test_a_phone_in_dark_mode(apps, visit, recordings, shoot):
    """In dark mode the page has a dark background and light text."""
    page = visit(apps["local"].url, viewport=PHONE, color_scheme="dark")
    page.upload(recordings["gregson"].path)
    page.wait("done")
    shoot(page, "web-phone")
    paper, letters = page.tab.evaluate(
        """() => {
            const style = getComputedStyle(document.body);
            return [style.backgroundColor, style.color].map((color) =>
                color.match(/\\d+/g).slice(0, 3).map(Number).reduce((a, b) => a + b));
        }"""
    )
    assert paper < 200
    assert letters > 500


def test_the_keyboard_is_enough(apps, visit, microphone, recordings):
    """Without a mouse a user reaches each control in order, speaks, and stops."""
    microphone.plays(recordings["gregson"])
    page = visit(apps["local"].url)
    reached = []
    for _ in range(12):
        page.tab.keyboard.press("Tab")
        reached.append(page.tab.evaluate("() => document.activeElement.id"))
        if reached[-1] == "live":
            break
    assert [name for name in reached if name] == ["audio-file", "record", "live"]
    page.tab.keyboard.press("Enter")
    page.wait("live")
    assert page.tab.evaluate("() => document.activeElement.id") == "stop", "the next control"
    page.wait_for_settled(len(recordings["gregson"].reference))
    page.tab.keyboard.press("Enter")
    page.wait("done")
    assert words(page.text) == recordings["gregson"].reference


def test_external_tests_can_drive_it(apps, visit, recordings):
    """Each ID can be used, and each state waited for, without opening anything first."""
    page = visit(apps["azure"].url)
    page.tab.select_option("#language", ["en-US", "de-DE"])
    page.tab.check("#diarize")
    page.tab.set_input_files("#audio-file", recordings["gregson"].path)
    page.tab.click("#transcribe")
    page.tab.wait_for_selector("#transcript[data-state=done]")
    assert words(page.tab.inner_text("#transcript")) == recordings["gregson"].reference
    page.tab.click("#record")
    page.tab.wait_for_selector("#transcript[data-state=recording]")
    page.tab.wait_for_function("() => document.getElementById('timer').textContent >= '0:01'")
    page.tab.click("#stop")
    page.tab.wait_for_selector("#transcript[data-state=done]")
    page.tab.locator("#history li").nth(1).wait_for()
    assert page.tab.locator("#history li").count() == 2


def test_screen_readers_are_supported(apps, visit, recordings):
    """Every control has a name; states and errors are announced."""
    page = visit(apps["azure"].url)
    page.upload(recordings["gregson"].path)
    page.wait("done")
    page["history"].locator("li").wait_for()
    page["more"].evaluate("more => (more.open = true)")
    nameless = page.tab.evaluate(
        """() => [...document.querySelectorAll("button, input, select, textarea, a, meter, audio")]
            .filter((it) => !it.hidden && !it.labels?.length && !it.getAttribute("aria-label") &&
                !it.getAttribute("aria-labelledby") && !it.textContent.trim())
            .map((it) => it.outerHTML.slice(0, 80))"""
    )
    assert nameless == []
    assert page["status"].get_attribute("role") == "status"
    assert page["error"].get_attribute("role") == "alert"
    assert page.tab.locator("html").get_attribute("lang") == "en"


def test_the_key_stays_on_the_server_and_nothing_is_loaded_from_other_sites(
    run_app, visit, recordings
):
    """Neither answers nor cookies contain the key; the browser contacts no other server."""
    key = "0123456789abcdef0123456789abcdef"
    with emulator.serve(script=Script.saying("He turned sharply."), key=key) as service:
        app = run_app("gunicorn", AZURE_SPEECH_HOST=service.host, SPEECH_KEY=key)
        page = visit(app.url)
        requested, answers, texts = set(), [], [page.tab.content()]

        def answer(response):
            answers.append(response)

        def record(frame):
            texts.append(frame)

        page.tab.on("request", lambda request: requested.add(request.url))
        page.tab.on("response", answer)
        page.tab.on("websocket", lambda socket: socket.on("framereceived", record))
        page.upload(recordings["gregson"].path)
        page.wait("done")
        page.speak()
        page.wait("live")
        page["stop"].click()
        page.wait("done")
        texts += map(body, answers)
        texts += map(str, page.tab.context.cookies())
    assert key in service.requests[0].headers.values(), "the key in use"
    assert len(texts) > 10
    assert all(key not in str(text) for text in texts)
    ours = f"127.0.0.1:{app.port}"
    assert {urlsplit(url).netloc for url in requested if not url.startswith("blob:")} == {ours}


def body(response) -> str:
    """Return a response's headers and body, if it has one."""
    headers = str(response.all_headers())
    return headers + (response.text() if response.status in {200, 201} else "")
