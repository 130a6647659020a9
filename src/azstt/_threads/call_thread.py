"""Blocking calls of a coroutine, all in one thread."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self, TypeVar

from azstt._threads.loop_queue import LoopQueue

T = TypeVar("T")


class CallThread:
    """A daemon thread that makes blocking calls for coroutines, one after another.

    Leaving the block ends the thread, but does not wait for a call in progress: a call that hangs
    holds up neither the event loop nor the interpreter's exit.

    Args:
        name: the thread's name.
    """

    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread: Thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread once its current call returns."""
        self._calls.put(None)

    async def call(self, function: Callable[[], T]) -> T:
        """Call a function in the thread and return its result.

        Canceling abandons the call: it goes on in the thread, and its result is discarded.

        Raises:
            BaseException: whatever the function raised.
        """
        outcome: LoopQueue[tuple[T] | BaseException] = LoopQueue()

        def run() -> None:
            try:
                outcome.put((function(),))
            except BaseException as failure:  # noqa: BLE001 - raised again below, on the loop
                outcome.put(failure)

        self._calls.put(run)
        result = await outcome.get()
        if isinstance(result, BaseException):
            raise result
        return result[0]

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            call()
