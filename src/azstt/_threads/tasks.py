"""Concurrent work: tasks, blocking calls in daemon threads, and sources that are read in either."""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue
from threading import Thread
from typing import Generic, TypeAlias, TypeVar

import anyio
from anyio.lowlevel import current_token

from azstt._errors import SessionStateError
from azstt._threads.loop_queue import LoopQueue, loop_caller

T = TypeVar("T")

AsyncJob: TypeAlias = Callable[[], Awaitable[None]]

#: Seconds between two checks of the clock.
TICK = 0.2
#: Seconds that closing may take before a call that hangs is abandoned.
GRACE = 2.0


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
        raise _canceled()


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


class BackgroundTask:
    """An async function in a task of its own, outside any task group; on the current loop.

    It outlives the task that created it, so its owner must cancel it. The function must not raise.
    """

    def __init__(self, function: AsyncJob, *, name: str) -> None:
        self._scope: anyio.CancelScope = anyio.CancelScope()
        self._over: anyio.Event = anyio.Event()
        native = current_token().native_token
        self._task: object  # the loop itself keeps only a weak reference
        if isinstance(native, AbstractEventLoop):
            self._task = native.create_task(self._run(function), name=name)
        else:
            from trio.lowlevel import spawn_system_task  # noqa: PLC0415 - it runs, so it is there

            self._task = spawn_system_task(self._run, function, name=name, context=copy_context())

    @property
    def running(self) -> bool:
        """Whether it has neither ended nor been canceled."""
        return not (self._scope.cancel_called or self._over.is_set())

    def cancel(self) -> None:
        """Cancel it at its next wait."""
        self._scope.cancel()

    async def over(self) -> None:
        """Wait until it has ended."""
        await self._over.wait()

    async def _run(self, function: AsyncJob) -> None:
        try:
            with self._scope:
                await function()
        finally:
            self._over.set()


class SourceReader(Generic[T]):
    """Pulls items from a source, one at a time; canceling loses none.

    A pull that has begun goes on when nobody waits for it anymore: an iterator cannot be entered
    twice, and its item is there for whoever comes next. An async source is iterated over in a task
    of its own, a blocking one in a thread, which never pulls ahead. Call `close` in the end.
    """

    def __init__(self, source: AsyncIterable[T] | Iterable[T]) -> None:
        self._source: AsyncIterable[T] | Iterable[T] = source
        self._pulled: LoopQueue[tuple[T, ...] | BaseException] = LoopQueue()  # one at most
        self._wanted: SimpleQueue[bool] | LoopQueue[bool] | None = None
        self._task: BackgroundTask | None = None
        self._pulling: bool = False

    @property
    def pulling(self) -> bool:
        """Whether the source has been asked for an item that it has not given yet."""
        return self._pulling and self._pulled.first is None

    @property
    def item(self) -> tuple[T, ...]:
        """The item that was pulled and not taken yet, if there is one."""
        first = self._pulled.first
        return first if isinstance(first, tuple) else ()

    @property
    def failure(self) -> BaseException | None:
        """What the source raised."""
        first = self._pulled.first
        return first if isinstance(first, BaseException) else None

    async def ready(self) -> bool:
        """Wait until there is an item to `take`; return whether there is one, or else no more."""
        if not self._pulling:
            self._pulling = True
            self._pull()
        await self._pulled.ready()
        return bool(self.item)

    def take(self) -> None:
        """Remove the item, so that `ready` waits for the next one."""
        if self.item:
            self._pulled.pop()
            self._pulling = False

    def close(self) -> None:
        """Pull no more, and cancel the task of an async source; does not wait. Idempotent."""
        if self._task is not None:
            self._task.cancel()
        elif self._wanted is not None:
            self._wanted.put(False)

    def abandon(self) -> None:
        """Pull no more; on any thread."""
        if self._wanted is not None:
            self._wanted.put(False)

    async def over(self) -> None:
        """Wait until the task of an async source has ended; a thread is left to itself."""
        if self._task is not None:
            await self._task.over()

    def _pull(self) -> None:
        if self._wanted is not None:
            self._wanted.put(True)
        elif isinstance(self._source, AsyncIterable):
            self._wanted = wanted = LoopQueue[bool]()
            pull = partial(self._pull_async, self._source, wanted)
            self._task = BackgroundTask(pull, name="azstt source")
        else:
            self._wanted = asked = SimpleQueue[bool]()
            pull_blocking = partial(self._pull_blocking, self._source, asked)
            Thread(target=pull_blocking, name="azstt source", daemon=True).start()

    async def _pull_async(self, source: AsyncIterable[T], wanted: LoopQueue[bool]) -> None:
        try:
            async for item in source:
                self._pulled.put((item,))
                if not await wanted.get():
                    return
            self._pulled.put(())
        except anyio.get_cancelled_exc_class():
            self._pulled.put(_canceled())  # matters only if it was not this task that was canceled
            raise
        except BaseException as failure:  # noqa: BLE001 - an exit of the program, too, is the source's
            self._pulled.put(failure)

    def _pull_blocking(self, source: Iterable[T], wanted: SimpleQueue[bool]) -> None:
        try:
            for item in source:
                self._pulled.put((item,))
                if not wanted.get():
                    return
            self._pulled.put(())
        except BaseException as failure:  # noqa: BLE001 - as above
            self._pulled.put(failure)


def _canceled() -> SessionStateError:
    return SessionStateError("canceled from within: what it waited for was canceled elsewhere")
