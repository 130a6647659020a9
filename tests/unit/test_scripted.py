from __future__ import annotations

import math
import threading

import pytest

from azstt import (
    AudioFormat,
    AudioGap,
    Ended,
    Failed,
    Final,
    Partial,
    RecognitionOptions,
    Segment,
    ServiceError,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt.testing import Cue, ScriptedBackend, check_backend

AUDIO = AudioFormat()


def final(end: float) -> Final:
    """Make a final that ends here."""
    return Final(segment=Segment(text="x", start=0, end=end))


def session_of(backend: ScriptedBackend):
    """Open a session; give it and the list that its events go to."""
    events: list[object] = []
    return backend.open(RecognitionOptions(), AUDIO, events.append), events


def test_events_come_when_their_audio_has():
    """An event comes once the audio that it speaks of has been written, and not before."""
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


def test_what_the_audio_is_too_short_for_comes_at_the_end():
    """A test needs no audio of the script's length."""
    session, events = session_of(ScriptedBackend.saying("Hello, world.", "Bye."))
    session.start()
    session.finish()
    segments = [event.segment for event in events if isinstance(event, Final)]
    assert [segment.text for segment in segments] == ["Hello, world.", "Bye."]
    assert [word.text for word in segments[0].words] == ["Hello,", "world."]
    assert segments[1].start == segments[0].end == pytest.approx(0.6)


@pytest.mark.parametrize(
    "last", [Failed(error=ServiceError("on purpose")), Ended(position=0.5)], ids=["failed", "ended"]
)
def test_a_script_may_end_the_session(last):
    """After a last word of the script's own nothing follows."""
    session, events = session_of(ScriptedBackend([Cue(event=last, at=0.5), final(0.8)]))
    session.start()
    session.write(bytes(AUDIO.size(1.0)))
    session.finish()
    assert events == [Started(), last]


def test_start_may_fail():
    """A session that can't be had raises what the test says."""
    session, _ = session_of(ScriptedBackend(start_error=ServiceError("on purpose")))
    with pytest.raises(ServiceError, match="on purpose"):
        session.start()


def test_a_delay_takes_wall_time_and_close_ends_it():
    """A recogniser that hangs is freed by close, and says nothing after."""
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
    """Even events that no audio belongs to have a place."""
    session, events = session_of(ScriptedBackend([Started(model="again")]))
    session.start()
    session.finish()
    assert [event.kind for event in events] == ["started", "started", "ended"]


def test_it_keeps_the_contract():
    """The double is held to the same rules as a real recogniser."""
    check_backend(ScriptedBackend.saying("Hello, world."), speech=bytes(AUDIO.size(1.0)))
