"""When to connect again after a connection was lost. Pure."""

from __future__ import annotations

from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceUnreachableError
from azstt.backends.azure._limits import ReconnectPolicy

#: Seconds of audio after which a service that answers has got further, with results or without.
#: Time alone does not tell: one that fails at the same place again would be tried without end.
_FURTHER = 10.0


class ReconnectCounter:
    """Counts attempts, the SDK's and a policy's; anew when the service was there in between.

    Args:
        policy: how often, and for how long.
    """

    def __init__(self, policy: ReconnectPolicy) -> None:
        self._policy: ReconnectPolicy = policy
        self._number: int = 0
        self._attempts: int = 0  # of them the policy's
        self._lost_at: float = 0.0
        self._settled: float = 0.0
        self._heard: float = 0.0

    def lost(self, now: float, *, settled: float, heard: float) -> int:
        """Give the number of the attempt that follows a loss, whoever makes it.

        Args:
            now: the time, in seconds of a monotonic clock.
            settled: seconds of audio that the service has dealt with.
            heard: seconds of audio that it had been sent when it last said anything.
        """
        progress = settled > self._settled or heard >= self._heard + _FURTHER
        if self._number == 0 or progress:
            self._number, self._attempts, self._lost_at = 0, 0, now
            self._settled, self._heard = settled, heard
        self._number += 1
        return self._number

    def after(self, error: RecognitionError, now: float, *, stood: bool) -> float:
        """Give the seconds to wait before an attempt of ours.

        Args:
            error: how the last connection ended.
            now: as of `lost`.
            stood: whether there ever was one; what was never reached is not waited for.

        Raises:
            RecognitionError: ``error``, for no attempt is worth it.
        """
        policy = self._policy
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
