"""Concurrent work: two tasks that fail together, and blocking calls in daemon threads."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from functools import partial
from threading import Event, Semaphore, Thread
from typing import Generic, TypeAlias, TypeVar

import anyio

from azstt._errors import SessionStateError
from azstt._threads.loop_queue import LoopQueue, loop_caller

T = TypeVar("T")

AsyncJob: TypeAlias = Callable[[], Awaitable[None]]

#: Seconds between two checks of the clock.
TICK = 0.2
#: Seconds that closing may take before a call that hangs is abandoned.
GRACE = 2.0
#: How many items the thread of a blocking source may read ahead.
_AHEAD = 8


async def both(first: AsyncJob, second: AsyncJob) -> None:
    """Run two jobs; when one fails, cancel the other and raise the failure bare.

    A task group would raise an ExceptionGroup, which the caller of a plain function does not
    expect.

    Raises:
        SessionStateError: a job was canceled by something that it waited for, and not from
            outside, so that it did not do its work.
    """
    failures: list[BaseException] = []
    done: list[AsyncJob] = []

    async with anyio.create_task_group() as group:

        async def guard(job: AsyncJob) -> None:
            try:
                await job()
                done.append(job)
            except (anyio.get_cancelled_exc_class(), GeneratorExit):
                raise
            except BaseException as failure:  # noqa: BLE001 - raised again below, outside the group
                failures.append(failure)
                group.cancel_scope.cancel("the other job failed")

        group.start_soon(guard, first)
        group.start_soon(guard, second)
    if failures:
        raise failures[0]
    if len(done) < 2:  # noqa: PLR2004 - both
        raise SessionStateError("canceled from within: what it waited for was canceled elsewhere")


class BlockingCall(Generic[T]):
    """A blocking function running in a daemon thread of its own.

    Unlike one of anyio's worker threads it can be abandoned: a function that hangs in somebody
    else's ``read`` delays neither the caller nor the interpreter's exit. Await it on any event
    loop, or `join` it from a thread.
    """

    def __init__(self, function: Callable[[], T], *, name: str) -> None:
        self._function: Callable[[], T] = function
        self._value: list[T] = []
        self._failure: BaseException | None = None
        self._done: bool = False
        self._waiters: list[Callable[[], None]] = []
        self._thread: Thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    async def wait(self) -> T:
        """Wait for the function and return its value; canceling leaves it running.

        Raises:
            BaseException: whatever the function raised.
        """
        await self.over()
        return self.result()

    async def over(self) -> None:
        """Wait until the function has ended in any way and its thread is gone."""
        done = anyio.Event()
        self._waiters.append(partial(loop_caller(), done.set))
        if self._done:  # before the thread could see the waiter
            done.set()
        await done.wait()
        self._thread.join()

    def join(self, seconds: float) -> bool:
        """Block for at most ``seconds``; return whether the function has ended."""
        self._thread.join(max(0.0, seconds))
        return self._done

    def result(self) -> T:
        """Return the value of a function that has ended.

        Raises:
            BaseException: whatever the function raised.
        """
        if self._failure is not None:
            raise self._failure
        return self._value[0]

    def _run(self) -> None:
        try:
            self._value.append(self._function())
        except BaseException as failure:  # noqa: BLE001 - raised again in result()
            self._failure = failure
        self._done = True
        for wake in tuple(self._waiters):
            wake()


async def each(source: AsyncIterable[T] | Iterable[T]) -> AsyncGenerator[T]:
    """Iterate over an async source, or over a blocking one in a thread."""
    if isinstance(source, AsyncIterable):
        async for item in source:
            yield item
        return
    items: LoopQueue[T | _End] = LoopQueue()
    room, abandoned = Semaphore(_AHEAD), Event()

    def pull() -> None:
        try:
            for item in source:
                room.acquire()
                if abandoned.is_set():
                    return
                items.put(item)
        finally:
            items.put(_End())

    pulling = BlockingCall(pull, name="azstt source")
    try:
        while not isinstance(pulled := await items.get(), _End):
            yield pulled
            room.release()
        await pulling.wait()  # raises what the source raised
    finally:
        abandoned.set()
        room.release()


class _End:
    """Marks the end of a source."""
