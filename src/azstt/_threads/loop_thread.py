"""An event loop in a thread, for callers that have none: every blocking call goes through it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context
from functools import partial
from os import getpid
from threading import Event, Lock, Thread, current_thread
from typing import Any, Generic, TypeVar, TypeVarTuple, Unpack

import anyio

from azstt._errors import SessionStateError
from azstt._threads import exit as exits
from azstt._threads.tasks import TICK

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class LoopThread:
    """Runs async functions for threads, on an asyncio loop in a thread of its own.

    The loop runs while it has users; the last one to leave waits until its thread has ended. Calls
    from several threads run concurrently. The caller's own event loop, as in a notebook, is not
    used.

    anyio's portal would do, except for Ctrl-C: an interrupt while it starts leaves it waiting for
    a loop that nothing stops, and its calls wait in a way that can miss a signal.

    Args:
        name: the name of the thread.
    """

    def __init__(self, name: str) -> None:
        self._name: str = name
        self._lock: Lock = Lock()
        self._users: set[object] = set()
        self._loop: RunningLoop | None = None

    def enter(self, user: object) -> RunningLoop:
        """Return the loop, started if necessary; it runs until this user leaves. Idempotent.

        Raises:
            OSError: no loop can be created, for example because too many files are open.
            SessionStateError: the interpreter is exiting.
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
        """Stop using the loop; the last user waits until it has ended. Idempotent."""
        with self._lock:
            self._users.discard(user)
            loop = self._loop
            if self._users or loop is None:
                return
            loop.end()
            self._loop = None
        loop.join()

    def call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Enter, run an async function as `RunningLoop.call` does, and leave."""
        user = object()
        try:
            return self.enter(user).call(function, *args)
        finally:
            self.leave(user)


class RunningLoop:
    """An asyncio event loop running in a daemon thread.

    At the interpreter's exit the thread is suspended for good, wherever it is: calls under way
    never return, which does no harm to the daemon threads that wait for them.
    """

    def __init__(self, name: str) -> None:
        self._started: Result[None] = Result()
        self._native: asyncio.AbstractEventLoop | None = None
        self._process: int = getpid()
        self._ending: bool = False
        self._over: asyncio.Event = asyncio.Event()
        self._calls: set[_Call[Any]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: Thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread and wait until the loop runs.

        Raises:
            OSError: see `LoopThread.enter`.
            SessionStateError: the interpreter is exiting.
        """
        exits.check()
        exits.at_exit(self, RunningLoop._suspend)
        try:
            self._thread.start()
            self._started.wait()
        except BaseException:  # an interrupt: the thread has started all the same
            self.end()
            raise
        self._started.get()

    def end(self) -> None:
        """Take no more calls; may be called while the loop still starts."""
        self._ending = True
        self._call_soon(self._over.set)

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    @property
    def is_open(self) -> bool:
        """Whether it takes calls."""
        return not (self._ending or self.is_lost)

    @property
    def is_lost(self) -> bool:
        """Whether it runs in the process that this one was forked from."""
        return self._process != getpid()

    @property
    def is_here(self) -> bool:
        """Whether the caller is on the loop's own thread."""
        return self._thread is current_thread()

    def call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Run an async function and wait for its result.

        Whatever interrupts the wait, Ctrl-C or what another signal handler raises, cancels the
        function and is raised once that has ended.

        Raises:
            SessionStateError: this is the loop's own thread, which cannot wait for itself; the
                loop has ended; or the interpreter is exiting.
        """
        if self.is_here:
            raise SessionStateError(
                "a blocking call on the thread of the event loop that it needs, as in a handler; "
                "make it on another thread"
            )
        exits.check()
        call = _Call(function, args)
        self._calls.add(call)
        try:
            self._call_soon(partial(self._spawn, call))
            call.result.wait()
        except BaseException:  # an interrupt
            self._call_soon(call.cancel)
            call.result.wait()
            raise
        return call.result.get()

    def _call_soon(self, function: Callable[[], object]) -> None:
        """Schedule a function on the loop, in an empty context: the caller's is another loop's."""
        native = self._native
        try:
            if native is not None:
                native.call_soon_threadsafe(function, context=Context())
                return
        except RuntimeError:  # it has just been closed
            pass
        self._fail_calls()

    def _spawn(self, call: _Call[Any]) -> None:
        task = asyncio.create_task(call.run())
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: self._calls.discard(call))

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._run_until_over(runner.get_loop())
        except Exception as failure:
            if self._started.is_set:
                raise
            self._started.fail(failure)
        # Here, because Python swallows an interrupt that comes within an object's finalizer.
        self._native = None
        self._fail_calls()
        exits.forget(self)

    def _run_until_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run the loop; an exit in somebody's callback or task does not end it for all others."""
        serving = loop.create_task(self._serve())
        while not serving.done():
            try:
                loop.run_until_complete(serving)
            except (SystemExit, KeyboardInterrupt) as error:
                what = f"{type(error).__name__} on the thread {self._thread.name!r}"
                loop.call_exception_handler({"message": what, "exception": error})

    async def _serve(self) -> None:
        self._native = asyncio.get_running_loop()
        self._started.set(None)
        if not self._ending:
            await self._over.wait()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _fail_calls(self) -> None:
        """Fail the calls that came too late."""
        with suppress(KeyError):  # none are left
            while True:
                call = self._calls.pop()
                if not call.result.is_set:
                    call.result.fail(SessionStateError("the live session was closed meanwhile"))

    def _suspend(self) -> None:
        """Keep the thread from ever running Python again; at exit, on another thread."""
        suspended = Event()

        def suspend() -> None:
            suspended.set()
            Event().wait()

        native = self._native
        if native is not None:
            with suppress(RuntimeError):  # it has just been closed
                native.call_soon_threadsafe(suspend)
        while self._thread.is_alive() and not exits.is_held(self._thread):
            if suspended.wait(TICK):
                return


class Result(Generic[T]):
    """A value that another thread will set; waiting for it may be interrupted at any moment.

    A future of the standard library will not do: its lock is shared by both threads and taken by
    Python code, and an interrupt at that point leaves it locked forever.
    """

    def __init__(self) -> None:
        self._pending: Lock = Lock()
        self._pending.acquire()
        self._value: list[T] = []
        self._failure: BaseException | None = None

    @property
    def is_set(self) -> bool:
        """Whether there is a value or a failure."""
        return bool(self._value) or self._failure is not None

    def set(self, value: T) -> None:
        """Set the value; once, from one thread."""
        self._value.append(value)
        self._pending.release()

    def fail(self, failure: BaseException) -> None:
        """Set a failure instead."""
        self._failure = failure
        self._pending.release()

    def wait(self) -> None:
        """Wait until it is set; only one thread may.

        A wait without a timeout misses a signal that comes as it begins, and on Windows all.
        """
        while not self.is_set:
            self._pending.acquire(timeout=TICK)

    def get(self) -> T:
        """Return the value.

        Raises:
            BaseException: the failure that was set instead.
        """
        if self._failure is not None:
            raise self._failure
        return self._value[0]


class _Call(Generic[T]):
    """An async function under way; everything except its result belongs to the loop."""

    def __init__(self, function: Callable[..., Awaitable[T]], args: tuple[Any, ...]) -> None:
        self.result: Result[T] = Result()
        self._function: Callable[..., Awaitable[T]] = function
        self._args: tuple[Any, ...] = args
        self._scope: anyio.CancelScope | None = None

    async def run(self) -> None:
        """Set the result, whatever happens: no exception gets past it."""
        if self.result.is_set:  # canceled before it began
            return
        try:
            with anyio.CancelScope() as self._scope:
                self.result.set(await self._function(*self._args))
                return
            self.result.fail(asyncio.CancelledError())
        except BaseException as failure:  # noqa: BLE001 - raised again by get()
            self.result.fail(failure)
        finally:
            # The caller must not hold the last reference to the task: Python swallows an interrupt
            # that comes while a weak reference's callback notes the end of it.
            self._scope = None

    def cancel(self) -> None:
        """Cancel it at its next wait; an interrupt may come before it even began."""
        if self._scope is not None:
            self._scope.cancel()
        elif not self.result.is_set:
            self.result.fail(asyncio.CancelledError())
