"""The clock of a connection: what is waited for, since when, and until when. Pure."""

from __future__ import annotations

from threading import Lock

from azstt.backends.azure._limits import AzureLimits

#: Seconds of audio without an answer from which silence is the service's and not the speaker's:
#: with less, a live source may just be pausing.
_ENOUGH = 10.0


class Deadlines:
    """Knows when to stop waiting. Told of events on any thread.

    Args:
        limits: how long each wait may be.
        now: the time, in seconds of a monotonic clock.
        position: seconds of audio at which the connection begins.
    """

    def __init__(self, limits: AzureLimits, now: float, position: float) -> None:
        self._limits: AzureLimits = limits
        self._lock: Lock = Lock()
        self._connecting_since: float | None = now
        self._answered: bool = False
        self._waiting_since: float | None = None
        self._answered_at: float = position

    @property
    def heard(self) -> float:
        """Seconds of audio that had been read when the service last said anything."""
        with self._lock:
            return self._answered_at

    def connected(self, now: float) -> None:
        """The connection stands."""
        with self._lock:
            self._connecting_since = None
            if self._waiting_since is not None:
                self._waiting_since = now

    def disconnected(self, now: float) -> None:
        """The connection is lost; the SDK makes another, which has to answer anew."""
        with self._lock:
            self._connecting_since = now
            self._answered = False

    def message(self, position: float) -> None:
        """The service sent something when the audio had been read up to ``position``."""
        with self._lock:
            self._answered = True
            self._waiting_since = None
            self._answered_at = position

    def expect(self, now: float) -> None:
        """An answer is due from now on, as after the first audio."""
        with self._lock:
            self._answered = False
            self._waiting_since = now

    def silent(self, position: float) -> bool:
        """Whether the service has answered before, but nothing since much audio was read."""
        with self._lock:
            return self._answered and self._is_enough(position)

    def overdue(self, now: float, position: float, *, over: bool) -> str | None:
        """Say what has been waited for too long, if anything has.

        Args:
            now: the time.
            position: seconds up to which audio was read.
            over: whether that is the end of the audio.
        """
        with self._lock:
            if self._connecting_since is not None:
                waited, limit = now - self._connecting_since, self._limits.connect
                return f"no connection within connect={limit:g} s" if waited > limit else None
            if position <= self._answered_at and not over:
                return None
            if self._waiting_since is None:
                self._waiting_since = now
            waited = now - self._waiting_since
            if not self._answered:
                limit = self._limits.first_response
                return f"no answer within first_response={limit:g} s" if waited > limit else None
            if (over or self._is_enough(position)) and waited > self._limits.idle:
                return f"not a word for idle={self._limits.idle:g} s"
            return None

    def _is_enough(self, position: float) -> bool:
        return position - self._answered_at >= _ENOUGH
