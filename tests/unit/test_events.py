from __future__ import annotations

from pydantic import TypeAdapter

from azstt import Event, Failed, Final, Segment, ThrottledError

events = TypeAdapter(Event)


def test_an_event_survives_json():
    """An event that was written as JSON reads back equal, by its kind."""
    event = Final(segment=Segment(text="hello", start=0, end=1))
    assert events.validate_json(events.dump_json(event)) == event


def test_a_failure_as_json():
    """A failure in JSON says what failed, and whether a retry may help."""
    failed = Failed(error=ThrottledError("too many sessions", code="429"))
    assert failed.model_dump() == {
        "kind": "failed",
        "error": {
            "type": "ThrottledError",
            "message": "too many sessions",
            "code": "429",
            "retryable": True,
        },
    }
