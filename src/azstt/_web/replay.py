"""Events sent to a client, kept until it acknowledges them. Pure."""

from __future__ import annotations

from collections import deque

from azstt._errors import AzsttError, ConfigurationError, SessionStateError
from azstt._events import ErrorInfo, Event
from azstt._web.messages import CommandError, EventMessage


class ReplayBuffer:
    """Numbered events that a client has not acknowledged, as JSON.

    Args:
        limit: the most characters to keep; beyond that the oldest events are dropped.
    """

    def __init__(self, limit: int = 1 << 22) -> None:
        self._limit: int = limit
        self._size: int = 0
        self._kept: deque[str] = deque()
        self._last: int = 0

    def __len__(self) -> int:
        """Return the number of events that are kept."""
        return len(self._kept)

    def add(self, event: Event | CommandError) -> str:
        """Number an event and return the message to send."""
        self._last += 1
        text = EventMessage(seq=self._last, event=event).model_dump_json()
        self._kept.append(text)
        self._size += len(text)
        while self._size > self._limit:
            self._drop()
        return text

    def acknowledge(self, seen: int) -> None:
        """Drop the events up to the one with this number.

        Raises:
            ConfigurationError: no event has that number.
        """
        if seen > self._last:
            raise ConfigurationError(f"seen={seen} exceeds the {self._last} events sent so far")
        while self._kept and self._last - len(self._kept) < seen:
            self._drop()

    def since(self, seen: int) -> tuple[str, ...]:
        """Acknowledge the events up to the one with this number, and return those after it.

        Raises:
            ConfigurationError: no event has that number.
            SessionStateError: some of the events after it have been dropped.
        """
        self.acknowledge(seen)
        if self._last - len(self._kept) > seen:
            raise SessionStateError(
                f"the events after seen={seen} are no longer available; start a new session"
            )
        return tuple(self._kept)

    def _drop(self) -> None:
        self._size -= len(self._kept.popleft())


def command_error(command: str | None, error: AzsttError) -> CommandError:
    """Return the message for a command that failed."""
    info = ErrorInfo(
        type=type(error).__name__,
        message=str(error),
        code=getattr(error, "code", None),
        retryable=getattr(error, "retryable", False),
    )
    return CommandError(command=command, error=info)
