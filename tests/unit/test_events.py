from __future__ import annotations

from pydantic import TypeAdapter

from azstt import Event, Failed, Final, Segment, ThrottledError

events = TypeAdapter(Event)


def test_an_event_reads_back_by_its_kind():
    """JSON made of an event is enough to make it again."""
    event = Final(segment=Segment(text="hello", start=0, end=1))
    assert events.validate_json(events.dump_json(event)) == event


def test_a_failure_is_data_too():
    """A failure in JSON says what it was, and whether trying again helps."""
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
