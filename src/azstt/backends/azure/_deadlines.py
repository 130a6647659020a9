"""Deadlines of a connection: for connecting, the first response, and idle time. Pure."""

from __future__ import annotations

from threading import Lock

from azstt.backends.azure._limits import AzureLimits

#: Seconds of audio without a response that count as the service being silent: with less, a live
#: source may just be pausing.
_MIN_UNANSWERED = 10.0


class Deadlines:
    """Decides when to stop waiting. Thread-safe.

    Args:
        limits: how long each wait may be.
        now: the time, in seconds of a monotonic clock.
        position: seconds of audio at which the connection begins.
    """

    def __init__(self, limits: AzureLimits, now: float, position: float) -> None:
        self._limits: AzureLimits = limits
        self._lock: Lock = Lock()
        self._connecting_since: float | None = now
        self._responded: bool = False
        self._waiting_since: float | None = None
        self._last_response: float = position

    @property
    def last_response(self) -> float:
        """Seconds of audio that had been read when the service last sent a message."""
        with self._lock:
            return self._last_response

    def connected(self, now: float) -> None:
        """Record that the connection is established."""
        with self._lock:
            self._connecting_since = None
            if self._waiting_since is not None:
                self._waiting_since = now

    def disconnected(self, now: float) -> None:
        """Record that the connection is lost; the SDK opens another, which has to respond again."""
        with self._lock:
            self._connecting_since = now
            self._responded = False

    def message(self, position: float) -> None:
        """Record a message of the service, when the audio had been read up to ``position``."""
        with self._lock:
            self._responded = True
            self._waiting_since = None
            self._last_response = position

    def expect_response(self, now: float) -> None:
        """Require a response from now on, as after the first audio."""
        with self._lock:
            self._responded = False
            self._waiting_since = now

    def silent(self, position: float) -> bool:
        """Whether the service has responded before, but not for a long stretch of audio."""
        with self._lock:
            return self._responded and self._is_silent(position)

    def overdue(self, now: float, position: float, *, at_end: bool) -> str | None:
        """Return a description of the limit that has passed, or None.

        Args:
            now: the time.
            position: seconds up to which audio was read.
            at_end: whether that is the end of the audio.
        """
        with self._lock:
            limits = self._limits
            if self._connecting_since is not None:
                late = now - self._connecting_since > limits.connect
                return f"no connection within {limits.connect:g} s (connect)" if late else None
            if position <= self._last_response and not at_end:
                return None
            if self._waiting_since is None:
                self._waiting_since = now
            waited, first = now - self._waiting_since, limits.first_response
            if not self._responded:
                return (
                    f"no response within {first:g} s (first_response)" if waited > first else None
                )
            if (at_end or self._is_silent(position)) and waited > limits.idle:
                return f"no message for {limits.idle:g} s (idle)"
            return None

    def _is_silent(self, position: float) -> bool:
        return position - self._last_response >= _MIN_UNANSWERED
