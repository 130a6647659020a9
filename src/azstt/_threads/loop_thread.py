"""The way from a thread that has no event loop to one: what all blocking calls go through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from os import getpid
from threading import Lock, Thread, current_thread
from typing import Any, Generic, TypeVar, TypeVarTuple, Unpack

import anyio

from azstt._errors import SessionStateError
from azstt._threads.tasks import TICK

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class LoopThread:
    """Runs async functions for threads, on an event loop in a thread of its own.

    The loop is there while it has a user; the last one out waits for its thread to be gone. Calls
    of many threads run side by side. A caller's own event loop, as in a notebook, makes no
    difference: it is not the one that is used.

    anyio's portal would do, but for Ctrl-C: an interrupt that comes while it starts leaves it
    waiting for a loop that nobody stops, and its calls wait in a way that can miss a signal.

    Args:
        name: what the thread is called.
    """

    def __init__(self, name: str) -> None:
        self._name: str = name
        self._lock: Lock = Lock()
        self._users: set[object] = set()
        self._loop: RunningLoop | None = None

    def enter(self, user: object) -> RunningLoop:
        """Give the loop, which is there from now on until this user leaves.

        Raises:
            OSError: there can be none, as when too many files are open.
        """
        with self._lock:
            if self._loop is not None and self._loop.is_lost:
                self._users.clear()
            if self._loop is None or not self._loop.is_open:
                loop = RunningLoop(self._name)
                loop.start()
                self._loop = loop
            self._users.add(user)
            return self._loop

    def leave(self, user: object) -> None:
        """Need the loop no more; the last user waits for its end."""
        with self._lock:
            self._users.discard(user)
            loop = self._loop
            if self._users or loop is None:
                return
            loop.end()
            self._loop = None
        loop.join()

    def call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Run an async function, as `RunningLoop.call` does, on a loop that is there for it."""
        user = object()
        try:
            return self.enter(user).call(function, *args)
        finally:
            self.leave(user)


class RunningLoop:
    """An asyncio event loop at work in a daemon thread."""

    def __init__(self, name: str) -> None:
        self._begun: Result[None] = Result()
        self._native: asyncio.AbstractEventLoop | None = None
        self._process: int = getpid()
        self._ending: bool = False
        self._over: asyncio.Event = asyncio.Event()
        self._calls: set[_Call[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: Thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin.

        Raises:
            OSError: as of `LoopThread.enter`.
        """
        try:
            self._thread.start()
            self._begun.wait()
        except BaseException:  # an interrupt: the thread is there all the same
            self.end()
            raise
        self._begun.get()

    def end(self) -> None:
        """Take no more calls; may come while the start is still under way."""
        self._ending = True
        self._soon(self._over.set)

    def join(self) -> None:
        """Wait for the thread to be gone."""
        self._thread.join()

    @property
    def is_open(self) -> bool:
        """Whether it takes calls."""
        return not (self._ending or self.is_lost)

    @property
    def is_lost(self) -> bool:
        """Whether it is at work in the process that this one was forked from."""
        return self._process != getpid()

    @property
    def is_here(self) -> bool:
        """Whether this is its own thread."""
        return self._thread is current_thread()

    def call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Run an async function and wait for what it returns or raises.

        Whatever interrupts the wait, which is Ctrl-C or what another signal's handler raises,
        cancels the function, and comes out when that has ended.

        Raises:
            SessionStateError: this is the loop's own thread, which can't wait for itself; or the
                loop has ended.
        """
        if self.is_here:
            raise SessionStateError(
                "a blocking call on the thread of the event loop that it needs, as in a handler; "
                "make it on another thread"
            )
        call = _Call(function, args)
        self._calls.add(call)
        try:
            self._soon(partial(self._spawn, call))
            call.outcome.wait()
        except BaseException:  # an interrupt
            self._soon(call.cancel)
            call.outcome.wait()
            raise
        return call.outcome.get()

    def _soon(self, function: Callable[[], object]) -> None:
        """Have a function called on the loop; in no context, for the caller's is another loop's."""
        native = self._native
        try:
            if native is not None:
                native.call_soon_threadsafe(function, context=Context())
                return
        except RuntimeError:  # it has just been closed
            pass
        self._give_up()

    def _spawn(self, call: _Call[Any]) -> None:
        task = asyncio.create_task(call.run())
        self._tasks.add(task)  # the loop itself would forget it
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._calls.discard(call))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as failure:
            if self._begun.is_there:
                raise
            self._begun.fail(failure)
        # Here, for Python swallows an interrupt that comes within the end of an object.
        self._native = None
        self._give_up()

    async def _serve(self) -> None:
        self._native = asyncio.get_running_loop()
        self._begun.set(None)
        if not self._ending:
            await self._over.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _give_up(self) -> None:
        """Answer the calls that came too late."""
        with suppress(KeyError):  # which says that there are none left
            while True:
                call = self._calls.pop()
                if not call.outcome.is_there:
                    call.outcome.fail(SessionStateError("the live session was closed meanwhile"))


class Result(Generic[T]):
    """What another thread will tell; waiting for it may be interrupted at any moment.

    A future of the standard library will not do: its lock is shared by both threads and taken by
    Python code, and an interrupt right there leaves it locked for ever.
    """

    def __init__(self) -> None:
        self._told: Lock = Lock()
        self._told.acquire()
        self._value: list[T] = []
        self._failure: BaseException | None = None

    @property
    def is_there(self) -> bool:
        """Whether it was told."""
        return bool(self._value) or self._failure is not None

    def set(self, value: T) -> None:
        """Tell it; once, and on one thread."""
        self._value.append(value)
        self._told.release()

    def fail(self, failure: BaseException) -> None:
        """Tell that there is none."""
        self._failure = failure
        self._told.release()

    def wait(self) -> None:
        """Wait until it was told; only one thread does.

        A wait without a limit misses a signal that comes as it begins, and on Windows all.
        """
        while not self.is_there:
            self._told.acquire(timeout=TICK)

    def get(self) -> T:
        """Give what was told.

        Raises:
            BaseException: there is none.
        """
        if self._failure is not None:
            raise self._failure
        return self._value[0]


class _Call(Generic[T]):
    """An async function under way; all but its outcome belongs to the loop."""

    def __init__(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        self.outcome: Result[T] = Result()
        self._function: Callable[..., Awaitable[T]] = function
        self._args: tuple[Any, ...] = args
        self._scope: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Settle the outcome: with what was raised too, and nothing gets past it."""
        if self.outcome.is_there:  # canceled before it began
            return
        try:
            with anyio.CancelScope() as self._scope:
                self.outcome.set(await self._function(*self._args))
                return
            self.outcome.fail(asyncio.CancelledError())
        except BaseException as failure:  # noqa: BLE001 - raised again by get()
            self.outcome.fail(failure)
        finally:
            # The caller must not be the last to hold the task: an interrupt that comes while its
            # end is noted, in a weak reference's callback, is one that Python swallows.
            self._scope = None

    def cancel(self) -> None:
        """Have it end at its next wait; an interrupt may come before it even began."""
        if self._scope is not None:
            self._scope.cancel()
        elif not self.outcome.is_there:
            self.outcome.fail(asyncio.CancelledError())
