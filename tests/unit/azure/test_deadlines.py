"""The deadlines of a connection."""

from __future__ import annotations

from azstt.backends.azure._deadlines import Deadlines
from azstt.backends.azure._limits import AzureLimits


def make_deadlines() -> Deadlines:
    """Return deadlines for a connection that starts at 0."""
    return Deadlines(AzureLimits(connect=5, first_response=7, idle=20), 0.0, 0.0)


def test_connecting_has_a_limit():
    """Connecting may take so long, also when the SDK reconnects."""
    deadlines = make_deadlines()
    assert deadlines.overdue(4.9, 0.0, at_end=False) is None
    assert deadlines.overdue(5.1, 0.0, at_end=False) == "no connection within 5 s (connect)"
    deadlines.connected(6.0)
    assert deadlines.overdue(1000.0, 0.0, at_end=False) is None
    deadlines.disconnected(1000.0)
    assert deadlines.overdue(1006.0, 0.0, at_end=False)


def test_the_first_response_has_a_limit():
    """The clock starts with the first audio; without audio no response is due."""
    deadlines = make_deadlines()
    deadlines.connected(0.0)
    assert deadlines.overdue(10.0, 0.1, at_end=False) is None
    assert deadlines.overdue(16.9, 0.1, at_end=False) is None
    assert deadlines.overdue(17.1, 0.1, at_end=False) == "no response within 7 s (first_response)"
    deadlines.connected(17.2)
    assert deadlines.overdue(18.0, 0.1, at_end=False) is None


def test_silence_of_the_service_has_a_limit():
    """The idle limit applies once enough audio is unanswered, or at the end of the audio."""
    deadlines = make_deadlines()
    deadlines.connected(0.0)
    deadlines.message(3.0)
    assert deadlines.overdue(1.0, 3.0, at_end=False) is None
    assert deadlines.overdue(1.0, 5.0, at_end=False) is None
    assert deadlines.overdue(22.0, 5.0, at_end=False) is None
    assert deadlines.overdue(22.0, 13.0, at_end=False) == "no message for 20 s (idle)"
    assert deadlines.overdue(22.0, 5.0, at_end=True) == "no message for 20 s (idle)"
    deadlines.message(13.0)
    assert deadlines.overdue(23.0, 13.0, at_end=False) is None


def test_a_silent_speaker_is_distinguished_from_a_silent_service():
    """A service may send nothing during a long silence, but must respond to the end of audio."""
    deadlines = make_deadlines()
    deadlines.connected(0.0)
    assert not deadlines.silent(50.0)
    deadlines.message(3.0)
    assert not deadlines.silent(5.0)
    assert deadlines.silent(13.0)
    deadlines.expect_response(30.0)
    assert not deadlines.silent(13.0)
    assert deadlines.overdue(36.9, 13.0, at_end=True) is None
    assert deadlines.last_response == 3.0
    assert deadlines.overdue(37.1, 13.0, at_end=True) == "no response within 7 s (first_response)"
