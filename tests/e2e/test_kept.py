"""Recordings that are kept in the browser until they are transcribed."""

from __future__ import annotations

import re

import pytest
from driving.speech import words

pytestmark = pytest.mark.e2e


@pytest.fixture
def recording(apps, visit, microphone, recordings):
    """Record until the last word of a sentence; return the page."""
    microphone.plays(recordings["gregson"], lead=2.0)
    page = visit(apps["local"].url)
    page["record"].click()
    page.wait("recording")
    page.until("() => document.getElementById('timer').textContent >= '0:07'", None, "its end")
    return page


def leave(page, how):
    """Reload the page, or crash it and open a new one; return the tab and what it warned of."""
    warnings = []

    def accept(dialog):
        warnings.append(dialog.type)
        dialog.accept()

    page.tab.on("dialog", accept)
    if how == "reloaded":
        page.tab.reload()
        return page.tab, warnings
    tab = page.tab.context.new_page()
    tab.set_default_timeout(40_000)
    page.crash()
    tab.goto(page.url)
    return tab, warnings


@pytest.mark.parametrize("how", ["reloaded", "crashed"])
def test_a_recording_is_not_lost_with_its_page(recording, recordings, how, shoot):
    """The browser warns before it is lost, and the page offers it until it is transcribed."""
    tab, warnings = leave(recording, how)
    assert warnings == (["beforeunload"] if how == "reloaded" else [])
    offer = tab.locator("#kept li")
    offer.wait_for()
    tab.set_viewport_size({"width": 360, "height": 740})
    assert offer.evaluate("it => it.getBoundingClientRect().bottom < innerHeight"), "in sight"
    said = r"A recording of 0:0[6-9] from 1?\d:\d\d [AP]M was not transcribed\. "
    assert re.match(said, offer.text_content().replace("\u202f", " "))
    if how == "reloaded":
        shoot(recording, "kept")
    offer.get_by_role("button", name="Transcribe").click()
    tab.locator("#transcript[data-state=done]").wait_for()
    assert words(tab.locator("#transcript").inner_text()) == recordings["gregson"].reference
    offer.wait_for(state="detached")
    tab.reload()
    tab.locator("#history li").wait_for()
    assert tab.locator("#kept li").count() == 0


def test_a_recording_is_offered_by_no_other_page_and_can_be_discarded(recording):
    """While its page works on it, no other page offers it; after Discard none does."""
    other = recording.tab.context.new_page()
    other.goto(recording.url)
    other.locator("#history").wait_for(state="attached")
    assert other.locator("#kept li").count() == 0
    recording.tab.close()
    other.reload()
    other.get_by_role("button", name="Discard").click()
    other.locator("#kept li").wait_for(state="detached")
    other.reload()
    assert other.locator("#kept li").count() == 0
