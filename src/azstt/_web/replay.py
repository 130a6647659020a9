"""What a page was told, kept until it has it. Pure."""

from __future__ import annotations

from collections import deque

from azstt._errors import AzsttError, ConfigurationError, SessionStateError
from azstt._events import ErrorInfo, Event
from azstt._web.messages import CommandError, EventMessage


class ReplayBuffer:
    """What a page was told and has not acknowledged.

    Args:
        limit: characters of it that are kept at most.
    """

    def __init__(self, limit: int = 1 << 22) -> None:
        self._limit: int = limit
        self._size: int = 0
        self._kept: deque[str] = deque()
        self._last: int = 0

    def __len__(self) -> int:
        """Count the events that are not acknowledged."""
        return len(self._kept)

    def add(self, event: Event | CommandError) -> str:
        """Number an event; give the message that tells it."""
        self._last += 1
        text = EventMessage(seq=self._last, event=event).model_dump_json()
        self._kept.append(text)
        self._size += len(text)
        while self._size > self._limit:
            self._drop()
        return text

    def forget(self, seen: int) -> None:
        """Let go of what a page has.

        Raises:
            ConfigurationError: there was no such event.
        """
        if seen > self._last:
            raise ConfigurationError(f"seen={seen} is more than the {self._last} events there are")
        while self._kept and self._last - len(self._kept) < seen:
            self._drop()

    def since(self, seen: int) -> tuple[str, ...]:
        """Give what came after an event, which is forgotten with those before it.

        Raises:
            ConfigurationError: there was no such event.
            SessionStateError: some of it is no longer kept.
        """
        self.forget(seen)
        if self._last - len(self._kept) > seen:
            raise SessionStateError(
                f"the events after seen={seen} are no longer kept; start another session"
            )
        return tuple(self._kept)

    def _drop(self) -> None:
        self._size -= len(self._kept.popleft())


def refusal(command: str | None, error: AzsttError) -> CommandError:
    """Say that a command was not carried out."""
    problem = ErrorInfo(
        type=type(error).__name__,
        message=str(error),
        code=getattr(error, "code", None),
        retryable=getattr(error, "retryable", False),
    )
    return CommandError(command=command, error=problem)
