"""Reconnecting: how often, how long, and after which delay."""

from __future__ import annotations

import pytest

from azstt import ServiceError, ServiceUnreachableError
from azstt.backends.azure._limits import ReconnectPolicy
from azstt.backends.azure._reconnect_counter import ReconnectCounter

POLICY = ReconnectPolicy(attempts=3, total=50, first_delay=1, longest_delay=8, jitter=0)


def lose(counter: ReconnectCounter, *, at=0.0, settled=0.0, last_response=0.0, **error) -> float:
    """Lose a connection; return the delay before the next attempt."""
    counter.lost(at, settled=settled, last_response=last_response)
    return counter.next_delay(ServiceError("lost", **error), at, was_connected=True)


def test_attempts_are_counted_and_run_out():
    """Each attempt waits longer; after the last one the error is raised."""
    counter = ReconnectCounter(POLICY)
    assert [lose(counter), lose(counter), lose(counter)] == [1, 2, 4]
    with pytest.raises(ServiceError, match="lost"):
        lose(counter)


def test_attempts_end_with_the_time():
    """No attempt is made after ``total``, which does not include a delay that a hook added."""
    counter = ReconnectCounter(POLICY)
    lose(counter)
    counter.postpone(1000)
    assert lose(counter, at=1048.0) == 2
    with pytest.raises(ServiceError):
        lose(counter, at=1049.0)


@pytest.mark.parametrize("progress", [{"settled": 1.0}, {"last_response": 10.0}])
def test_the_count_starts_over_when_the_service_has_recovered(progress):
    """After a result, or a response to 10 s more of the audio, it is another outage."""
    counter = ReconnectCounter(POLICY)
    lose(counter)
    assert lose(counter, last_response=9.0) == 2
    assert lose(counter, at=500.0, **progress) == 1
    assert lose(counter, at=500.0, **progress) == 2


def test_permanent_errors_are_not_retried():
    """A rejection is final, and so is a service that was never reached."""
    with pytest.raises(ServiceError):
        lose(ReconnectCounter(POLICY), retryable=False)
    never = ServiceUnreachableError("nobody there")
    with pytest.raises(ServiceUnreachableError):
        ReconnectCounter(POLICY).next_delay(never, 0.0, was_connected=False)
    assert ReconnectCounter(POLICY).next_delay(never, 0.0, was_connected=True) == 1


def test_all_attempts_of_an_outage_are_numbered():
    """The SDK's attempts are numbered too, but do not count against the policy's limit."""
    counter = ReconnectCounter(POLICY)
    assert [counter.lost(0.0, settled=0.0, last_response=0.0) for _ in range(9)] == list(
        range(1, 10)
    )
    assert lose(counter) == 1
    assert counter.lost(0.0, settled=0.0, last_response=0.0) == 11
    assert counter.lost(0.0, settled=0.0, last_response=10.0) == 1


def test_delays_grow_and_have_jitter():
    """The delay doubles up to the maximum, minus a random share; a longer Retry-After wins."""
    policy = ReconnectPolicy(first_delay=1, longest_delay=5, jitter=0.5)
    for attempt, longest in enumerate([1, 2, 4, 5, 5], start=1):
        assert longest / 2 <= policy.delay(attempt) <= longest
    assert policy.delay(1, retry_after=9) == 9
    assert policy.delay(10_000) <= 5
