"""Events between the loop that they come to and the one who reads them."""

from __future__ import annotations

from collections import deque

import anyio
from anyio.lowlevel import checkpoint

from azstt._errors import SessionStateError
from azstt._events import AudioGap, Event, Partial

#: Unread events from which on a partial replaces the one before it, as it would on the screen, and
#: a gap is one with the gap that it goes on from.
_MANY = 256
#: Two gaps closer than this, in seconds, are one.
_JOIN = 1e-6


class EventQueue:
    """A queue of events with one reader; no event is lost, and hours unread are no burden."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._news: anyio.Event = anyio.Event()
        self._reading: bool = False

    def put(self, event: Event) -> None:
        """Add an event; on the loop."""
        last = self._events[-1] if len(self._events) > _MANY else None
        match last, event:
            case Partial(delta=before), Partial(delta=delta):
                self._events.pop()
                event = event.model_copy(update={"delta": before + delta})
            case AudioGap(start=start, end=end, reason=why), AudioGap(start=at, reason=reason) if (
                reason == why and abs(at - end) < _JOIN
            ):
                self._events.pop()
                event = event.model_copy(update={"start": start})
            case _:
                pass
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """Have the reader look."""
        self._news.set()

    async def get(self, timeout: float) -> Event | None:  # noqa: ASYNC109 - it is no failure
        """Take the next event; None if it was woken for nothing or ``timeout`` seconds went by.

        Raises:
            SessionStateError: somebody else is waiting for it.
        """
        if self._reading:
            raise SessionStateError("the events of a live session have one reader at a time")
        self._reading = True
        try:
            await checkpoint()
            if not self._events:
                self._news = anyio.Event()
                with anyio.move_on_after(timeout):
                    await self._news.wait()
        finally:
            self._reading = False
        return self._events.popleft() if self._events else None
