"""The JavaScript client, as a page has it, against a server as an application has it."""

from __future__ import annotations

import random
import time

import pytest

from azstt import Failed, Final, LiveSession, Partial, Segment, ThrottledError
from azstt.backends import Capabilities
from azstt.backends.local import LocalBackend
from azstt.testing import Cue, ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")

WORDS = [f"Word {n}." for n in range(10)]
TALK = [
    event
    for n, text in enumerate(WORDS)
    for event in (
        Partial(text="word", start=n / 2, end=n / 2 + 0.1),
        Partial(text=f"word {n}", start=n / 2, end=n / 2 + 0.2),
        Final(segment=Segment(text=text, start=n / 2, end=n / 2 + 0.4)),
    )
]
KINDS = ["started", *["partial", "partial", "final"] * 10, "ended"]
AUDIO = bytes(n * n % 251 for n in range(160_000))  # five seconds
HASTE = {"backoff": [1, 4]}


def kinds(said) -> list[str]:
    """Give the kinds of the events."""
    return [event["kind"] for event in said["events"]]


def test_words_arrive(serve, hold, recorded):
    """Audio of any shape goes out as it is; each event comes with what it changes."""
    backend = recorded(ScriptedBackend(TALK))
    said = hold(serve(backend), AUDIO, pieces=[3200, 1, 799, 5000])
    assert bytes(backend.pcm) == AUDIO
    assert kinds(said) == KINDS
    assert said["texts"][:4] == ["", "word", "word 0", "Word 0."]
    assert said["transcript"] == said["texts"][-1] == " ".join(WORDS)
    assert said["events"][2]["stable"] + said["events"][2]["tail"] == "word 0"
    assert (said["over"], said["connections"]) == (True, ["connected"])


@pytest.mark.parametrize("seed", range(3))
def test_lost_connections_lose_and_double_nothing(serve, hold, recorded, seed):
    """Wherever they are cut, the recognizer gets every byte once and the page every event."""
    chance = random.Random(seed)  # noqa: S311 - to be had again
    cuts = [chance.randint(2, 40), *(chance.randint(0, 20) for _ in range(5))]
    backend = recorded(ScriptedBackend(TALK))
    said = hold(serve(backend, cuts=cuts), AUDIO, pieces=[3200, 1, 799], tuning=HASTE)
    assert bytes(backend.pcm) == AUDIO
    assert kinds(said) == KINDS
    assert said["transcript"] == " ".join(WORDS)
    assert said["connections"].count("disconnected") >= len(cuts)


def test_a_connection_that_is_dead_is_made_anew(serve, hold, recorded):
    """One that takes all and answers nothing is found out by its silence."""
    backend = recorded(ScriptedBackend(TALK))
    pages = serve(backend, cuts=[5], deaf=[1])
    said = hold(pages, AUDIO, tuning={**HASTE, "heartbeat": 100})
    assert pages.connections >= 3
    assert bytes(backend.pcm) == AUDIO
    assert kinds(said) == KINDS


def test_more_than_may_wait_is_sent_as_there_is_room(serve, hold, recorded):
    """Whoever awaits send() may send as fast as it goes, in pieces of any size."""
    backend = recorded(ScriptedBackend())
    said = hold(
        serve(backend, cuts=[9]), AUDIO * 40, pieces=[3_000_000, 10_000], tuning={"limit": 1 << 22}
    )
    assert "error" not in said, said["error"]
    assert bytes(backend.pcm) == AUDIO * 40
    assert (said["transcript"], said["buffered"]) == ("", 0)


def test_what_can_not_be_kept_ends_the_session(serve, hold):
    """A session whose audio has a hole is none: the page learns at once, and may start anew."""
    pages = serve(ScriptedBackend())
    said = hold(pages, AUDIO, pieces=[60_000], tuning={"limit": 100_000}, hasty=True)
    assert said["error"]["type"] == "BufferFullError"
    assert said["error"]["message"] == "120000 bytes wait for the server; no more than 100000 may"
    assert kinds(said)[-1] == "failed"


def test_commands_reach_the_recognizer_in_order(serve, hold):
    """They come after the audio that was sent before them, whatever becomes of connections."""
    backend = ScriptedBackend.saying("one two three four five six", seconds_a_word=0.5)
    acts = {9: ["commit"], 19: ["update", {"language": "de-DE", "phrases": ["Anna"]}]}
    said = hold(serve(backend, cuts=[14, 14]), AUDIO, acts=acts, tuning=HASTE)
    assert said["transcript"] == "one two three four five six"
    assert said["finals"] == 2
    assert [(asked.language, asked.phrases) for asked in backend.asked] == [
        ((), ()),
        (("de-DE",), ("Anna",)),
    ]


def test_commands_that_the_recognizer_can_not_carry_out(serve, hold):
    """The page is told, and the session goes on."""
    acts = {1: ["commit"], 3: ["update", {"language": "de-DE"}]}
    backend = ScriptedBackend(TALK, capabilities=Capabilities(partials=True))
    said = hold(serve(backend), AUDIO, acts=acts)
    refused = [event for event in said["events"] if event["kind"] == "refused"]
    assert [event["command"] for event in refused] == ["commit", "update"]
    assert said["transcript"] == " ".join(WORDS)


@pytest.mark.parametrize("cut", [6, 12, 20])
def test_a_command_that_can_not_be_read_is_counted(serve, hold, recorded, cut):
    """The page is told once, and audio around it is neither lost nor doubled after a cut."""
    backend = recorded(ScriptedBackend(TALK))
    acts = {3: ["update", {"language": "no language"}]}
    said = hold(serve(backend, cuts=[cut]), AUDIO, acts=acts, tuning=HASTE)
    assert bytes(backend.pcm) == AUDIO
    (refused,) = [event for event in said["events"] if event["kind"] == "refused"]
    assert "update.language.0" in refused["error"]["message"]
    assert said["connections"].count("resumed") == 1


def test_closing_ends_it_everywhere(serve, hold):
    """The server lets go of a session that the page has closed, though nobody finished it."""
    pages = serve(ScriptedBackend(TALK), grace=60)
    said = hold(pages, AUDIO, acts={3: ["close"]})
    assert said["error"]["message"] == "the session was closed"
    assert said["over"] is True
    assert len(pages.sessions) == 1
    assert pages.forgotten()


class Slow(ScriptedBackend):
    """A recognizer that takes its time to begin."""

    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        start = session.start
        session.start = lambda: time.sleep(0.3) or start()
        return session


def test_closing_before_the_answer_ends_it_too(serve, hold):
    """Whoever changes their mind while the recognizer is made ready keeps no session of it."""
    pages = serve(Slow(TALK), grace=60)
    said = hold(pages, AUDIO, closed="before the answer")
    assert said["error"]["message"] == "the session was closed"
    assert len(pages.sessions) == 1
    assert pages.forgotten()


def test_a_client_that_was_closed_does_not_connect(serve, hold):
    """Who closes first has no session that nobody would end."""
    pages = serve(ScriptedBackend(TALK))
    said = hold(pages, AUDIO, closed="before connect")
    assert said["error"]["message"] == "the session was closed"
    assert pages.connections == 0


def test_a_recognizer_that_fails(serve, hold):
    """The page is told what failed and whether to try again."""
    error = ThrottledError("too many sessions", code="429")
    said = hold(serve(ScriptedBackend([*TALK, Cue(event=Failed(error=error), at=1.0)])), AUDIO)
    assert said["events"][-1]["error"]["code"] == "429"
    assert said["error"]["retryable"] is True
    assert said["error"]["type"] == "ThrottledError"


def test_a_session_that_is_refused(serve, hold):
    """connect() rejects with what is wrong."""
    said = hold(serve(ScriptedBackend()), connect={"language": "x"})
    assert said["error"]["name"] == "LiveError"
    assert said["error"]["type"] == "ConfigurationError"
    assert "start.language.0" in said["error"]["message"]
    assert kinds(said) == ["failed"]


def test_a_server_that_is_not_there(serve, hold):
    """connect() rejects, and says that it may be tried again."""
    said = hold(serve(ScriptedBackend()), url="http://127.0.0.1:9/live")
    assert (said["error"]["type"], said["error"]["retryable"]) == ("ServiceUnreachableError", True)


def test_a_session_that_the_server_lost(serve, hold):
    """A page whose session is gone, as after a restart, is told, and does not go on for ever."""
    said = hold(serve(ScriptedBackend(TALK), cuts=[9], anew=[1]), AUDIO, tuning=HASTE)
    assert kinds(said)[-1] == "failed"
    assert said["error"]["type"] == "SessionStateError"
    assert "there is no such session" in said["error"]["message"]


def test_a_server_that_stays_away(serve, hold):
    """A page tries for as long as the server would keep its session, and is told then."""
    pages = serve(ScriptedBackend(TALK), cuts=[9, *[0] * 500], grace=0.3)
    said = hold(pages, AUDIO, tuning={"backoff": [1, 20]})
    assert pages.connections > 2
    assert (said["error"]["type"], said["error"]["retryable"]) == ("ServiceUnreachableError", True)
    assert said["error"]["message"] == "no connection for 0.3 s"


def test_a_container_is_decoded(serve, hold, audio):
    """What a browser's MediaRecorder makes is heard as the server finds out what it is."""
    file = audio / "mediarecorder.webm"
    pages = serve(LocalBackend(align=False))
    said = hold(pages, file.read_bytes(), pieces=[4000], connect={})
    words = said["transcript"].lower()
    assert "your country can do for you" in words
    (session,) = pages.sessions
    assert isinstance(session, LiveSession)
    assert session.transcript.text == said["transcript"]
