"""Jobs side by side: two tasks that stand or fall together, and blocking calls in threads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from threading import Event, Semaphore, Thread
from typing import TypeAlias, TypeVar

import anyio

from azstt._threads.loop_queue import LoopQueue, loop_caller

T = TypeVar("T")

Job: TypeAlias = Callable[[], Awaitable[None]]

#: Seconds between two looks at the clock.
TICK = 0.2
#: Seconds that closing may take before what hangs is left alone.
GRACE = 2.0
#: Items of a source that its thread may be ahead.
_AHEAD = 8


async def both(first: Job, second: Job) -> None:
    """Run two jobs; when one fails, cancel the other and raise the failure bare.

    A task group would raise an ExceptionGroup, which a caller of a plain function does not expect.
    """
    failures: list[Exception] = []

    async with anyio.create_task_group() as group:

        async def guard(job: Job) -> None:
            try:
                await job()
            except Exception as failure:  # noqa: BLE001 - raised again below, outside the group
                failures.append(failure)
                group.cancel_scope.cancel("the other job failed")

        group.start_soon(guard, first)
        group.start_soon(guard, second)
    if failures:
        raise failures[0]


class BlockingCall:
    """A blocking function at work in a daemon thread of its own.

    Unlike anyio's worker threads it can be left alone: one that hangs in somebody's ``read``
    holds up neither the caller nor the interpreter's exit.
    """

    def __init__(self, function: Callable[[], None], *, name: str) -> None:
        self._function: Callable[[], None] = function
        self._failure: BaseException | None = None
        self._done: anyio.Event = anyio.Event()
        self._soon = loop_caller()
        self._thread: Thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def wait(self) -> None:
        """Wait for the end; canceling leaves the function at work.

        Raises:
            BaseException: whatever the function raised.
        """
        await self.over()
        if self._failure is not None:
            raise self._failure

    async def over(self) -> None:
        """Wait for the end, however it comes, and for the thread to be gone."""
        await self._done.wait()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._function()
        except BaseException as failure:  # noqa: BLE001 - raised again in wait()
            self._failure = failure
        self._soon(self._done.set)


async def each(source: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[T]:
    """Iterate over what is async, or not: then in a thread, for each item may be waited for."""
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
        return
    items: LoopQueue[T | _Over] = LoopQueue()
    room, left = Semaphore(_AHEAD), Event()

    def pull() -> None:
        try:
            for item in source:
                room.acquire()
                if left.is_set():
                    return
                items.put(item)
        finally:
            items.put(_Over())

    pulling = BlockingCall(pull, name="azstt source")
    try:
        while not isinstance(pulled := await items.get(), _Over):
            yield pulled
            room.release()
        await pulling.wait()  # raises what the source raised
    finally:
        left.set()
        room.release()


class _Over:
    """Stands for the end of a source."""
