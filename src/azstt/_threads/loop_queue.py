"""From threads into an event loop, without ever blocking the thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar, cast

import anyio
from anyio.lowlevel import checkpoint, current_token

T = TypeVar("T")

#: Schedules a function on the loop: from any thread, without blocking and without raising.
CallSoon: TypeAlias = Callable[[Callable[[], object]], None]


def loop_caller() -> CallSoon:
    """Return a function that schedules callbacks on the running loop from any thread.

    It never waits for the loop. anyio's own ways from a thread do, and an SDK whose callbacks wait
    for a loop that in turn waits for the SDK is a deadlock. Once the loop has closed, callbacks
    are dropped: there is no reader left.
    """
    native = cast("Any", current_token().native_token)  # an asyncio loop or a TrioToken
    schedule: Callable[[Callable[[], object]], object] = (
        getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
    )

    def call_soon(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has closed
            schedule(function)

    return call_soon


class LoopQueue(Generic[T]):
    """An unbounded queue from any thread to the event loop that it was created on."""

    def __init__(self) -> None:
        self._call_soon: CallSoon = loop_caller()
        self._items: deque[T] = deque()
        self._ready: anyio.Event = anyio.Event()

    def put(self, item: T) -> None:
        """Add an item from any thread; does not block and does not raise."""
        self._items.append(item)
        self._call_soon(self._wake)

    @property
    def first(self) -> T | None:
        """The next item, which stays in the queue; None if there is none yet."""
        return self._items[0] if self._items else None

    async def ready(self) -> None:
        """Wait until there is an item."""
        await checkpoint()
        while not self._items:
            if self._ready.is_set():
                self._ready = anyio.Event()
            if not self._items:
                await self._ready.wait()

    def pop(self) -> T:
        """Take the next item, which must be there."""
        return self._items.popleft()

    async def get(self) -> T:
        """Wait for the next item; canceling loses none."""
        await self.ready()
        return self.pop()

    def _wake(self) -> None:
        self._ready.set()
