from __future__ import annotations

import math
import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import (
    AudioFormat,
    AudioGap,
    Committed,
    Ended,
    Failed,
    Final,
    Partial,
    RecognitionOptions,
    Reconnecting,
    Segment,
    ServiceError,
    SessionStateError,
    SpeechEnded,
    SpeechStarted,
    Started,
    Word,
)
from azstt.testing import Cue, ScriptedBackend, check_backend

AUDIO = AudioFormat()


def final(end: float) -> Final:
    """Make a final that ends at this time."""
    return Final(segment=Segment(text="x", start=0, end=end))


def session_of(backend: ScriptedBackend):
    """Open a session; return it and the list of its events."""
    events: list[object] = []
    return backend.open(RecognitionOptions(), AUDIO, events.append), events


def test_events_follow_their_audio():
    """An event is emitted once the audio that it is about has been written, and not before."""
    script = [
        final(1.5),
        SpeechStarted(at=0.2),
        Partial(text="x", start=0, end=0.7),
        SpeechEnded(at=1.6),
        AudioGap(start=1.6, end=1.7, reason="dropped"),
    ]
    session, events = session_of(ScriptedBackend(script, model="m"))
    session.start()
    kinds = []
    for _ in range(4):
        session.write(bytes(AUDIO.size(0.5)))
        kinds.append([event.kind for event in events])
        events.clear()
    session.finish()
    assert kinds == [
        ["started", "speech_started"],
        ["partial"],
        ["final"],
        ["speech_ended", "audio_gap"],
    ]
    assert events == [Ended(position=2.0)]


def test_events_after_the_audio_are_emitted_at_the_end():
    """A test does not need audio as long as the script; nothing is said beyond the audio."""
    session, events = session_of(ScriptedBackend.saying("Hello, world.", "Bye."))
    session.start()
    session.write(bytes(AUDIO.size(0.5)))
    session.finish()
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert [segment.text for segment in segments] == ["Hello, world.", "Bye."]
    assert [word.text for word in segments[0].words] == ["Hello,", "world."]
    assert [word.end for word in segments[0].words] == [pytest.approx(0.3), 0.5]
    assert segments[1].start == segments[1].end == segments[0].end == 0.5
    assert (
        max(event.at for event in events if isinstance(event, SpeechStarted | SpeechEnded)) == 0.5
    )


@pytest.mark.parametrize(
    "last", [Failed(error=ServiceError("on purpose")), Ended(position=0.5)], ids=["failed", "ended"]
)
def test_a_script_may_end_the_session(last):
    """Nothing follows an Ended or Failed in the script."""
    session, events = session_of(ScriptedBackend([Cue(event=last, at=0.5), final(0.8)]))
    session.start()
    session.write(bytes(AUDIO.size(1.0)))
    session.finish()
    assert events == [Started(), last]


def test_start_may_fail():
    """A session that can't start raises the error that the test chose."""
    session, _ = session_of(ScriptedBackend(start_error=ServiceError("on purpose")))
    with pytest.raises(ServiceError, match="on purpose"):
        session.start()


def test_a_delay_takes_wall_time_and_close_ends_it():
    """Closing unblocks a recognizer that hangs, and no event follows."""
    script = [
        Cue(event=final(0.1), at=0.1, delay=0.01),
        Cue(event=final(0.2), at=0.2, delay=math.inf),
    ]
    session, events = session_of(ScriptedBackend(script))
    session.start()
    writer = threading.Thread(target=session.write, args=[bytes(AUDIO.size(1.0))])
    writer.start()
    writer.join(0.2)
    assert writer.is_alive()
    session.close()
    writer.join(30)
    assert events == [Started(), final(0.1)]


def test_a_started_of_its_own_may_be_scripted():
    """Events that are about no audio can be scripted too."""
    session, events = session_of(ScriptedBackend([Started(model="again")]))
    session.start()
    session.finish()
    assert [event.kind for event in events] == ["started", "started", "ended"]


# Commits, updates, reconnections


def test_a_commit_gives_the_words_that_have_ended():
    """The open segment is split: the words that ended come now, the others at their time."""
    words = tuple(Word(text=text, start=n, end=n + 0.9) for n, text in enumerate("一二三"))
    whole = Segment(text="一二三。", start=0, end=2.9, words=words, translations={"de": "123"})
    session, events = session_of(
        ScriptedBackend([Partial(text="one two three", start=0, end=2.5), Final(segment=whole)])
    )
    session.start()
    session.write(bytes(AUDIO.size(2.0)))
    session.commit()
    session.commit()
    _, first, *answers = events
    assert answers == [Committed(at=2.0)] * 2
    assert first.segment == Segment(text="一二", start=0, end=1.9, words=words[:2])
    session.write(bytes(AUDIO.size(1.0)))
    assert events[-1].segment == Segment(text="三。", start=2, end=2.9, words=words[2:])


def test_partials_after_a_commit_are_about_what_follows_it():
    """Partials after a commit repeat nothing that is already final."""
    script = [
        *(Partial(text=text, start=0, end=1.9) for text in ("one", "one two", "one two three")),
        Final(segment=Segment(text="One two three.", start=0, end=2)),
    ]
    session, events = session_of(ScriptedBackend(script))
    session.start()
    session.write(bytes(AUDIO.size(1.5)))
    session.commit()
    session.write(bytes(AUDIO.size(0.5)))
    assert events.pop(2) == Committed(at=1.5)
    texts = [
        event.text if isinstance(event, Partial) else event.segment.text for event in events[1:]
    ]
    assert texts == ["One two", "three", "three."]


def test_a_commit_of_a_late_final_gives_it_at_once():
    """A commit does not wait for a final that has ended, nor touch one that has not begun."""
    late = Cue(event=final(0.5), at=9.0)
    session, events = session_of(ScriptedBackend([late, Partial(text="x", start=0, end=9.0)]))
    session.start()
    session.commit()
    assert events == [Started(), Committed(at=0.0)]
    session.write(bytes(AUDIO.size(1.0)))
    session.commit()
    session.finish()
    assert events[2:] == [final(0.5), Committed(at=1.0), Ended(position=1.0)]


def test_a_word_that_has_not_ended_is_not_split():
    """A commit in the middle of a word leaves the word whole."""
    session, events = session_of(ScriptedBackend([final(2.0), SpeechEnded(at=2.5)]))
    session.start()
    session.write(bytes(AUDIO.size(1.0)))
    session.commit()
    session.write(bytes(AUDIO.size(2.0)))
    session.finish()
    assert events[1] == Committed(at=1.0)
    assert events[2:] == [final(2.0), SpeechEnded(at=2.5), Ended(position=3.0)]


@given(st.lists(st.tuples(st.integers(0, 700), st.booleans()), max_size=12))
def test_commits_lose_and_repeat_nothing(steps):
    """Whenever commits come, the words are the script's, in order and at their times."""
    sentences = ("One two three four.", "Five six.", "Seven eight nine.")
    session, events = session_of(ScriptedBackend.saying(*sentences))
    session.start()
    for milliseconds, commit in steps:
        session.write(bytes(AUDIO.size(milliseconds / 1000)))
        if commit:
            session.commit()
    session.finish()
    finals = [event.segment for event in events if isinstance(event, Final)]
    assert " ".join(segment.text for segment in finals) == " ".join(sentences)
    assert all(before.end <= after.start for before, after in pairwise(finals))
    assert [word.text for segment in finals for word in segment.words] == " ".join(
        sentences
    ).split()


def test_the_options_are_recorded():
    """A test can see which options its program used, at first and in updates."""
    backend = ScriptedBackend()
    session, _ = session_of(backend)
    session.start()
    phrases = RecognitionOptions(phrases="azstt")
    session.update(phrases)
    assert backend.asked == (RecognitionOptions(), phrases)


@pytest.mark.parametrize("call", ["write", "commit", "update", "finish"])
def test_calls_after_finish_are_refused(call):
    """A call after finish is an error that says what to do instead."""
    session, _ = session_of(ScriptedBackend())
    session.start()
    session.finish()
    arguments = {"write": [b""], "update": [RecognitionOptions()]}.get(call, [])
    with pytest.raises(SessionStateError, match=rf"{call}\(\) after finish\(\)"):
        getattr(session, call)(*arguments)


LOST = Reconnecting(attempt=1, delay=5.0, reason="lost")


def reconnecting(answer) -> list[object]:
    """Return the events of a session that loses its connection, with this answer of the hook."""
    session, events = session_of(ScriptedBackend([LOST, final(0.5)], name="double"))

    def hook(event: Reconnecting) -> float | None:
        assert event == LOST
        if isinstance(answer, Exception):
            raise answer
        return answer

    session.on_reconnect(hook)
    session.start()
    session.write(bytes(AUDIO.size(1.0)))
    session.finish()
    return events


@pytest.mark.parametrize(("answer", "delay"), [(None, 5.0), (0.1, 0.1)])
def test_a_hook_is_asked_before_a_reconnection(answer, delay):
    """The event has the delay that the hook returned."""
    planned = LOST.model_copy(update={"delay": delay})
    assert reconnecting(answer) == [Started(), planned, final(0.5), Ended(position=1.0)]


@pytest.mark.parametrize(
    ("answer", "words"), [(False, "lost"), (LookupError(), "on_reconnect failed: LookupError")]
)
def test_a_hook_may_end_the_session(answer, words):
    """A hook ends the session by a veto, or by raising an exception."""
    started, last = reconnecting(answer)
    assert started == Started()
    assert isinstance(last, Failed)
    assert words in str(last.error)
    assert last.error.backend == "double"


def test_it_keeps_the_contract():
    """The test double keeps the same rules as a real recognizer."""
    check_backend(ScriptedBackend.saying("Hello, world."), speech=bytes(AUDIO.size(1.0)))
