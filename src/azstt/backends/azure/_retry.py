"""When to connect again after a connection was lost. Pure."""

from __future__ import annotations

from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceUnreachableError
from azstt.backends.azure._limits import ReconnectPolicy

#: Seconds of audio after which a service that answers has got further, with results or without.
#: Time alone does not tell: one that fails at the same place again would be tried without end.
_FURTHER = 10.0


class Retry:
    """Counts a policy's attempts, and begins anew when the service was there in between.

    Args:
        policy: how often, and for how long.
    """

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._policy: ReconnectPolicy = policy
        self._attempts: int = 0
        self._lost_at: float = 0.0
        self._settled: float = 0.0
        self._heard: float = 0.0

    def after(
        self, error: RecognitionError, now: float, *, stood: bool, settled: float, heard: float
    ) -> float:
        """Give the seconds to wait before the next attempt.

        Args:
            error: how the last connection ended.
            now: the time, in seconds of a monotonic clock.
            stood: whether there ever was one; what was never reached is not waited for.
            settled: seconds of audio that the service has dealt with.
            heard: seconds of audio that it had been sent when it last said anything.

        Raises:
            RecognitionError: ``error``, for no attempt is worth it.
        """
        policy = self._policy
        progress = settled > self._settled or heard >= self._heard + _FURTHER
        if self._attempts == 0 or progress:
            self._attempts, self._lost_at = 0, now
            self._settled, self._heard = settled, heard
        self._attempts += 1
        delay = policy.delay(self._attempts, error.retry_after)
        unreached = isinstance(error, ServiceUnreachableError | RecognitionTimeoutError)
        if (
            not error.retryable
            or (unreached and not stood)
            or self._attempts > policy.attempts
            or now - self._lost_at + delay > policy.total
        ):
            raise error
        return delay

    def postpone(self, seconds: float) -> None:
        """Take note of a longer wait that somebody else wants: the policy's clock stands still."""
        self._lost_at += max(0.0, seconds)
