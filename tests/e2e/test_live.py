"""Live sessions: text appears as it is spoken."""

from __future__ import annotations

import pytest
from driving import chromium
from driving.speech import Microphone, words

import azstt

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="session")
def on_file(backends):
    """Return the word error rate of an engine on a recording's file, to compare with."""
    known = {}

    def errors(recording, backend):
        if (recording, backend) not in known:
            heard = azstt.transcribe_file(recording.path, backend=backends[backend])
            known[recording, backend] = recording.errors(heard.text)
        return known[recording, backend]

    return errors


@pytest.mark.parametrize(
    ("on", "name"),
    [
        ("azure by opus", "both"),
        ("azure by pcm", "wizard"),
        ("local by opus", "wizard"),
        ("local by pcm", "gregson"),
    ],
)
def test_text_appears_as_it_is_spoken(
    apps, visit, microphone, recordings, on_file, shoot, on, name
):
    """Speech is on the page as it is spoken, with the same errors as from the file."""
    recording, (backend, transport) = recordings[name], on.split(" by ")
    microphone.plays(recording)
    page = visit(apps[backend].url)
    page.speak(transport)
    page.wait("live")
    page.wait_for_words(recording.reference[1])
    if name == "both":
        page.wait_for_settled(5)
        page.wait_for_words("sharply")
    shoot(page, "web-live" if name == "both" else f"live-{backend}-{transport}")
    page.wait_for_settled(len(recording.reference))
    page["stop"].click()
    page.wait("done")
    assert recording.errors(page.text) == on_file(recording, backend)
    assert backend in page["recognizer"].text_content()
    assert page.states == ["idle", "live", "recognizing", "done"]
    grown = [words(entry["partial"]) for entry in page.seen if entry["state"] == "live"]
    assert len({len(heard) for heard in grown}) > 3, "words appeared one after another"
    shoot(page, f"done-{backend}-{transport}")


def test_simultaneous_users_get_only_their_own_text(
    apps, playwright, microphone, visit, recordings, tmp_path
):
    """Two browsers transcribe at the same time, and neither sees the other's text."""
    other = Microphone(tmp_path / "speech.wav")
    second = chromium.launch(playwright, other.path)
    heard = {}
    try:
        speaking = {
            "wizard": (microphone, visit(apps["azure"].url)),
            "gregson": (other, visit(apps["azure"].url, of=second)),
        }
        for name, (its, page) in speaking.items():
            its.plays(recordings[name], lead=3.0)
            page.speak("")
        for name, (_, page) in speaking.items():
            page.wait("live")
            page.wait_for_settled(len(recordings[name].reference))
        for name, (_, page) in speaking.items():
            page["stop"].click()
            page.wait("done")
            heard[name] = words(page.text)
            page["history"].locator("li").first.wait_for()
            assert page["history"].locator("li").count() == 1
    finally:
        second.close()
    assert heard == {name: recordings[name].reference for name in heard}
