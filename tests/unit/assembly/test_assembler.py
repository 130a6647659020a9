from __future__ import annotations

import pytest

from azstt import (
    Ended,
    Failed,
    Final,
    Gap,
    IncompleteTranscriptError,
    Partial,
    Segment,
    ServiceError,
    Started,
    Usage,
)
from azstt._assembly.assembler import Assembler


def final(text: str, start: float, end: float, language: str | None = None) -> Final:
    """Make a final event."""
    return Final(segment=Segment(text=text, start=start, end=end, language=language))


def assembled(*events, sent=10.0, language=None, strict=False):
    """Return an assembler with these events, and the account that goes with it."""
    assembler = Assembler(backend="x", language=language, strict=strict)
    for event in events:
        assembler.add(event)
    account = {
        "begin": 0.0,
        "decoded": sent,
        "sent": sent,
        "missing": (),
        "track": None,
        "usage": Usage(audio_seconds=sent),
        "rest": "unaccounted",
    }
    return assembler, account


def test_finals_become_the_transcript():
    """The transcript contains the finals in order of time, whatever order they arrived in."""
    assembler, account = assembled(
        Started(model="m"),
        Partial(text="wor", start=2, end=3),
        final("world", 2, 3),
        final("", 4, 5),
        final("hello", 0, 1, "en-GB"),
        Ended(position=10),
    )
    transcript = assembler.complete(**account)
    assert transcript.text == "hello world"
    assert (transcript.backend, transcript.model, transcript.language) == ("x", "m", "en-GB")
    assert transcript.duration == 10
    assert assembler.heard == 10


def test_silence_is_an_empty_transcript():
    """Audio without speech is not an error."""
    assembler, account = assembled(Started(), Ended(position=10), language="de-DE")
    transcript = assembler.complete(**account)
    assert (transcript.text, transcript.segments) == ("", ())
    assert transcript.language == "de-DE"


@pytest.mark.parametrize("last", [Ended(position=1), Failed(error=ServiceError("x"))])
def test_the_last_event_ends_the_session(last):
    """A session is over with Ended or Failed, and not before."""
    assembler, _ = assembled(Started(), final("a", 0, 1))
    assert not assembler.over
    assembler.add(last)
    assert assembler.over


def test_a_failure_carries_the_partial_transcript():
    """What was recognized before a failure is not lost."""
    failure = ServiceError("it broke")
    assembler, account = assembled(final("hello", 0, 1), Failed(error=failure))
    with pytest.raises(ServiceError) as caught:
        assembler.complete(**account)
    assert caught.value is failure
    assert caught.value.partial.text == "hello"


def test_a_shortened_transcript_is_an_error():
    """An incomplete transcript is never returned as a complete one."""
    assembler, account = assembled(final("hello", 0, 1), Ended(position=4))
    with pytest.raises(IncompleteTranscriptError, match=r"6\.0 of 10\.0 s of audio") as caught:
        assembler.complete(**account)
    assert caught.value.partial.text == "hello"
    assert caught.value.partial.ledger.unaccounted == 6
    assert "hello" not in str(caught.value)


def test_missing_audio_is_an_error_only_if_strict():
    """A file that is cut off gives its transcript; if strict, with an error that says so."""
    gap = Gap(at=10, seconds=2.5, reason="truncated", span=0)
    missing = r"2\.5 s of audio is missing"
    for strict in (False, True):
        assembler, account = assembled(final("hello", 0, 10), Ended(position=10), strict=strict)
        account["missing"] = (gap,)
        if not strict:
            assert assembler.complete(**account).ledger.gaps == (gap,)
            continue
        with pytest.raises(IncompleteTranscriptError, match=missing) as caught:
            assembler.complete(**account)
        assert caught.value.partial.text == "hello"
    assembler, account = assembled(final("hello", 0, 10), Ended(position=10), strict=True)
    assert assembler.complete(**account).complete
