"""The JavaScript client as pages use it, against a server as applications run it."""

from __future__ import annotations

import random
import time

import pytest

from azstt import Failed, Final, LiveSession, Partial, Segment, ThrottledError
from azstt.backends import Capabilities
from azstt.backends.local import LocalBackend
from azstt.testing import Cue, ScriptedBackend
from tests.beeps import mkv

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
FAST = {"backoff": [1, 4]}


def kinds(result) -> list[str]:
    """Return the kinds of the events."""
    return [event["kind"] for event in result["events"]]


def test_words_arrive(serve, run_session, recorded):
    """Audio in any type of buffer is sent unchanged; each event updates the transcript."""
    backend = recorded(ScriptedBackend(TALK))
    result = run_session(serve(backend), AUDIO, chunks=[3200, 1, 799, 5000])
    assert bytes(backend.pcm) == AUDIO
    assert kinds(result) == KINDS
    assert result["texts"][:4] == ["", "word", "word 0", "Word 0."]
    assert result["transcript"] == result["texts"][-1] == " ".join(WORDS)
    assert result["events"][2]["stable"] + result["events"][2]["tail"] == "word 0"
    assert (result["over"], result["connections"]) == (True, ["connected"])


@pytest.mark.parametrize("seed", range(3))
def test_lost_connections_lose_and_duplicate_nothing(serve, run_session, recorded, seed):
    """Wherever they are cut, the recognizer gets every byte once, and the page every event."""
    chance = random.Random(seed)  # noqa: S311 - reproducible
    cuts = [chance.randint(2, 40), *(chance.randint(0, 20) for _ in range(5))]
    backend = recorded(ScriptedBackend(TALK))
    result = run_session(serve(backend, cuts=cuts), AUDIO, chunks=[3200, 1, 799], tuning=FAST)
    assert bytes(backend.pcm) == AUDIO
    assert kinds(result) == KINDS
    assert result["transcript"] == " ".join(WORDS)
    assert result["connections"].count("disconnected") >= len(cuts)


def test_a_dead_connection_is_replaced(serve, run_session, recorded):
    """A connection that accepts everything but never answers is detected by its silence."""
    backend = recorded(ScriptedBackend(TALK))
    pages = serve(backend, cuts=[5], deaf=[1])
    result = run_session(pages, AUDIO, tuning={**FAST, "heartbeat": 100})
    assert pages.connections >= 3
    assert bytes(backend.pcm) == AUDIO
    assert kinds(result) == KINDS


def test_send_waits_for_room_in_the_buffer(serve, run_session, recorded):
    """Code that awaits send() can send at full speed, in chunks of any size."""
    backend = recorded(ScriptedBackend())
    result = run_session(
        serve(backend, cuts=[9]), AUDIO * 40, chunks=[3_000_000, 10_000], tuning={"limit": 1 << 22}
    )
    assert "error" not in result, result["error"]
    assert bytes(backend.pcm) == AUDIO * 40
    assert (result["transcript"], result["buffered"]) == ("", 0)


def test_a_full_send_buffer_fails_the_session(serve, run_session):
    """Audio with a gap is useless: the page learns at once, and may start again."""
    pages = serve(ScriptedBackend())
    result = run_session(pages, AUDIO, chunks=[60_000], tuning={"limit": 100_000}, hasty=True)
    assert result["error"]["type"] == "BufferFullError"
    assert (
        result["error"]["message"]
        == "send buffer is full: 120000 bytes not acknowledged, at most 100000"
    )
    assert kinds(result)[-1] == "failed"


def test_commands_reach_the_recognizer_in_order(serve, run_session):
    """They follow the audio that was sent before them, even if connections are lost."""
    backend = ScriptedBackend.saying("one two three four five six", seconds_a_word=0.5)
    acts = {9: ["commit"], 19: ["update", {"language": "de-DE", "phrases": ["Anna"]}]}
    result = run_session(serve(backend, cuts=[14, 14]), AUDIO, acts=acts, tuning=FAST)
    assert result["transcript"] == "one two three four five six"
    assert result["finals"] == 2
    assert [(asked.language, asked.phrases) for asked in backend.asked] == [
        ((), ()),
        (("de-DE",), ("Anna",)),
    ]


def test_commands_that_the_recognizer_does_not_support(serve, run_session):
    """The page gets an event, and the session goes on."""
    acts = {1: ["commit"], 3: ["update", {"language": "de-DE"}]}
    backend = ScriptedBackend(TALK, capabilities=Capabilities(partials=True))
    result = run_session(serve(backend), AUDIO, acts=acts)
    refused = [event for event in result["events"] if event["kind"] == "refused"]
    assert [event["command"] for event in refused] == ["commit", "update"]
    assert result["transcript"] == " ".join(WORDS)


@pytest.mark.parametrize("cut", [6, 12, 20])
def test_an_invalid_command_is_counted(serve, run_session, recorded, cut):
    """The page gets one event, and no audio is lost or duplicated after a cut."""
    backend = recorded(ScriptedBackend(TALK))
    acts = {3: ["update", {"language": "no language"}]}
    result = run_session(serve(backend, cuts=[cut]), AUDIO, acts=acts, tuning=FAST)
    assert bytes(backend.pcm) == AUDIO
    (refused,) = [event for event in result["events"] if event["kind"] == "refused"]
    assert "update.language.0" in refused["error"]["message"]
    assert result["connections"].count("resumed") == 1


def test_closing_ends_it_everywhere(serve, run_session):
    """The server drops a session that the page closes without finishing it."""
    pages = serve(ScriptedBackend(TALK), grace=60)
    result = run_session(pages, AUDIO, acts={3: ["close"]})
    assert result["error"]["message"] == "the session was closed"
    assert result["over"] is True
    assert len(pages.sessions) == 1
    assert pages.all_dropped()


class Slow(ScriptedBackend):
    """A recognizer that is slow to start."""

    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        start = session.start
        session.start = lambda: time.sleep(0.3) or start()
        return session


def test_closing_before_the_answer_ends_it_too(serve, run_session):
    """A page that closes while the recognizer starts leaves no session behind."""
    pages = serve(Slow(TALK), grace=60)
    result = run_session(pages, AUDIO, closed="before the answer")
    assert result["error"]["message"] == "the session was closed"
    assert len(pages.sessions) == 1
    assert pages.all_dropped()


def test_a_client_that_was_closed_does_not_connect(serve, run_session):
    """A client that is closed before connect() opens no session."""
    pages = serve(ScriptedBackend(TALK))
    result = run_session(pages, AUDIO, closed="before connect")
    assert result["error"]["message"] == "the session was closed"
    assert pages.connections == 0


def test_a_recognizer_that_fails(serve, run_session):
    """The page learns what failed and whether to retry."""
    error = ThrottledError("too many sessions", code="429")
    result = run_session(
        serve(ScriptedBackend([*TALK, Cue(event=Failed(error=error), at=1.0)])), AUDIO
    )
    assert result["events"][-1]["error"]["code"] == "429"
    assert result["error"]["retryable"] is True
    assert result["error"]["type"] == "ThrottledError"


def test_a_session_that_is_refused(serve, run_session):
    """connect() rejects with the reason."""
    result = run_session(serve(ScriptedBackend()), connect={"language": "x"})
    assert result["error"]["name"] == "LiveError"
    assert result["error"]["type"] == "ConfigurationError"
    assert "start.language.0" in result["error"]["message"]
    assert kinds(result) == ["failed"]


def test_an_unreachable_server(serve, run_session):
    """connect() rejects with a retryable error."""
    result = run_session(serve(ScriptedBackend()), url="http://127.0.0.1:9/live")
    assert (result["error"]["type"], result["error"]["retryable"]) == (
        "ServiceUnreachableError",
        True,
    )


def test_a_session_that_the_server_lost(serve, run_session):
    """A page whose session is gone, as after a restart, fails instead of retrying forever."""
    result = run_session(serve(ScriptedBackend(TALK), cuts=[9], anew=[1]), AUDIO, tuning=FAST)
    assert kinds(result)[-1] == "failed"
    assert result["error"]["type"] == "SessionStateError"
    assert "unknown or expired session" in result["error"]["message"]


def test_a_server_that_stays_away(serve, run_session):
    """A page retries for as long as the server would keep its session, and fails then."""
    pages = serve(ScriptedBackend(TALK), cuts=[9, *[0] * 500], grace=0.3)
    result = run_session(pages, AUDIO, tuning={"backoff": [1, 20]})
    assert pages.connections > 2
    assert (result["error"]["type"], result["error"]["retryable"]) == (
        "ServiceUnreachableError",
        True,
    )
    why = f"no connection to {pages.url}/live for 0.3 s: ".replace("http", "ws")
    assert result["error"]["message"].startswith(why)


def test_what_is_missing_reaches_the_page(serve, run_session):
    """A hole in the audio that was sent is an event, which the client keeps."""
    holed = mkv(bytes(96_000), holes=[(1.0, 2.5)])
    result = run_session(serve(ScriptedBackend()), holed, connect={})
    assert kinds(result) == ["started", "audio_gap", "ended"]
    (gap,) = result["gaps"]
    assert (gap["start"], gap["end"], gap["seconds"]) == pytest.approx((1, 3.5, 2.5))
    assert gap["reason"] == "absent"


def test_a_container_is_decoded(serve, run_session, audio):
    """A recording by a browser's MediaRecorder is transcribed; its container is detected."""
    file = audio / "mediarecorder.webm"
    pages = serve(LocalBackend(align=False))
    result = run_session(pages, file.read_bytes(), chunks=[4000], connect={})
    words = result["transcript"].lower()
    assert "your country can do for you" in words
    (session,) = pages.sessions
    assert isinstance(session, LiveSession)
    assert session.transcript.text == result["transcript"]
