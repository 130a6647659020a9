"""Decide whether and when to reconnect after a connection was lost. Pure."""

from __future__ import annotations

from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceUnreachableError
from azstt.backends.azure._limits import ReconnectPolicy

#: Seconds of audio after which a service that responds has made progress, with results or without.
#: Time alone is no measure: a service that fails at the same place again would be tried forever.
_PROGRESS = 10.0


class ReconnectCounter:
    """Counts reconnection attempts, the SDK's and ours; starts over once the service recovered.

    Args:
        policy: how many attempts, and for how long.
    """

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._policy: ReconnectPolicy = policy
        self._number: int = 0  # attempts, the SDK's included
        self._attempts: int = 0  # of those, ours: the ones that the policy limits
        self._lost_at: float = 0.0
        self._settled: float = 0.0
        self._last_response: float = 0.0

    def lost(self, now: float, *, settled: float, last_response: float) -> int:
        """Return the number of the attempt that follows a loss, whether the SDK's or ours.

        Args:
            now: the time, in seconds of a monotonic clock.
            settled: seconds of audio that the service has processed.
            last_response: seconds of audio that it had been sent when it last responded.
        """
        progress = settled > self._settled or last_response >= self._last_response + _PROGRESS
        if self._number == 0 or progress:
            self._number, self._attempts, self._lost_at = 0, 0, now
            self._settled, self._last_response = settled, last_response
        self._number += 1
        return self._number

    def next_delay(self, error: RecognitionError, now: float, *, was_connected: bool) -> float:
        """Return the seconds to wait before our next attempt.

        Args:
            error: why the last connection ended.
            now: see `lost`.
            was_connected: whether there ever was a connection; a service that was never reached
                is not retried.

        Raises:
            RecognitionError: ``error``, if there is no further attempt.
        """
        policy = self._policy
        self._attempts += 1
        delay = policy.delay(self._attempts, error.retry_after)
        unreached = isinstance(error, ServiceUnreachableError | RecognitionTimeoutError)
        if (
            not error.retryable
            or (unreached and not was_connected)
            or self._attempts > policy.attempts
            or now - self._lost_at + delay > policy.total
        ):
            raise error
        return delay

    def postpone(self, seconds: float) -> None:
        """Exclude a wait that a hook added from the policy's ``total``."""
        self._lost_at += max(0.0, seconds)
