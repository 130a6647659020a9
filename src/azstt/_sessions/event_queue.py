"""Events that wait for their reader, on the event loop."""

from __future__ import annotations

from collections import deque

import anyio
from anyio.lowlevel import checkpoint

from azstt._assembly.ledger import join
from azstt._errors import SessionStateError
from azstt._events import AudioGap, Event, Partial

#: With more unread events than this a partial replaces the partial before it, as it would on a
#: screen, and a gap is merged with the gap that it continues.
_MERGE_ABOVE = 256


class EventQueue:
    """A queue of events with one reader; loses none, and stays small if unread for hours."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self._changed: anyio.Event = anyio.Event()
        self._reading: bool = False

    def put(self, event: Event) -> None:
        """Add an event; on the loop."""
        last = self._events[-1] if len(self._events) > _MERGE_ABOVE else None
        match last, event:
            case Partial(delta=before), Partial(delta=delta):
                self._events.pop()
                event = event.model_copy(update={"delta": before + delta})
            case AudioGap(), AudioGap() if (joined := join(last, event)) is not None:
                self._events.pop()
                event = joined
            case _:
                pass
        self._events.append(event)
        self.wake()

    def wake(self) -> None:
        """Make the reader return, even without an event."""
        self._changed.set()

    async def get(self, timeout: float) -> Event | None:  # noqa: ASYNC109 - it is no failure
        """Take the next event; None after ``timeout`` seconds, or if woken without an event.

        Raises:
            SessionStateError: another reader is waiting.
        """
        if self._reading:
            raise SessionStateError("the events of a live session have one reader at a time")
        self._reading = True
        try:
            await checkpoint()
            if not self._events:
                self._changed = anyio.Event()
                with anyio.move_on_after(timeout):
                    await self._changed.wait()
        finally:
            self._reading = False
        return self._events.popleft() if self._events else None
