"""The crossing from native threads into the event loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar, cast

import anyio
from anyio.lowlevel import checkpoint, current_token

T = TypeVar("T")

#: Runs a function on the loop soon; called on any thread; returns at once; never raises.
Soon: TypeAlias = Callable[[Callable[[], object]], None]


def loop_caller() -> Soon:
    """Make a crossing into the loop that this is called in.

    It never waits for the loop: anyio's own ways from a thread do, and an SDK whose callbacks wait
    for a loop that waits for the SDK is deadlocked. A loop that has closed drops what comes, for
    nobody is left to read it.
    """
    native = cast("Any", current_token().native_token)  # an asyncio loop or a TrioToken
    schedule: Callable[[Callable[[], object]], object] = (
        getattr(native, "call_soon_threadsafe", None) or native.run_sync_soon
    )

    def soon(function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has closed
            schedule(function)

    return soon


class LoopQueue(Generic[T]):
    """A queue from any thread into the loop that it was made in."""

    def __init__(self) -> None:
        self._soon: Soon = loop_caller()
        self._items: deque[T] = deque()
        self._ready: anyio.Event = anyio.Event()

    def put(self, item: T) -> None:
        """Add an item: on any thread, at once, without raising."""
        self._items.append(item)
        self._soon(self._wake)

    async def get(self) -> T:
        """Take the next item; canceling loses none."""
        await checkpoint()
        while not self._items:
            self._ready = anyio.Event()
            if not self._items:
                await self._ready.wait()
        return self._items.popleft()

    def _wake(self) -> None:
        self._ready.set()
