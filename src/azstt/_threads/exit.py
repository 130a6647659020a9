"""A clean interpreter exit at any moment.

A thread that is inside native code (libav, onnxruntime, the Speech SDK, pydantic's core) when the
interpreter is finalized is killed as soon as it wants to run Python again, and where it unwinds
through C++ or Rust, that aborts the process. Daemon threads are not joined before that, so
whatever runs one registers itself here, and is closed at exit.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from functools import partial
from threading import TIMEOUT_MAX, Event, Thread, current_thread
from time import monotonic
from typing import Any, TypeVar
from weakref import ref

from azstt._errors import SessionStateError
from azstt._threads.tasks import BlockingCall

T = TypeVar("T")

#: Seconds that closing may take, except for what ends by itself.
LIMIT = 5.0

#: What is open: how to close it, and whether that ends by itself.
_open: dict[ref[Any], tuple[Callable[[Any], object], bool]] = {}
_exiting = Event()
_held: set[Thread] = set()


def at_exit(owner: T, close: Callable[[T], object], *, ends: bool = False) -> None:
    """Call ``close(owner)`` when the interpreter exits, unless `forget` comes first.

    All that is open is closed side by side, each in a thread, within 5 s. Each call must
    return only when its threads have ended or will never run Python again. An owner that nothing
    refers to any more, and so no thread, is forgotten.

    It never waits, and may be called with a lock that ``close`` needs. What registers too late is
    closed by its owner: whoever starts something of its own calls `check` first.

    Args:
        owner: what is open.
        close: closes it.
        ends: whether that ends by itself, however slow the machine is: no caller's code is waited
            for. Then the exit waits for as long as it takes.
    """
    for key in tuple(_open):
        if key() is None:
            _open.pop(key, None)
    _open[ref(owner)] = close, ends


def forget(owner: object) -> None:
    """Take back `at_exit`: there is nothing left to close. Idempotent."""
    _open.pop(ref(owner), None)


def is_open(owner: object) -> bool:
    """Return whether there is something to close, and threads may still be started for that."""
    return ref(owner) in _open and not _exiting.is_set()


def check() -> None:
    """Let nothing new begin while the interpreter exits.

    A daemon thread stops here for good: an error would only make it print a traceback, which can
    itself abort an interpreter that is exiting.

    Raises:
        SessionStateError: the interpreter is exiting, and this is not a daemon thread.
    """
    if _exiting.is_set():
        if current_thread().daemon:
            _held.add(current_thread())
            Event().wait()
        raise SessionStateError("the interpreter is exiting; close sessions before that")


def is_held(thread: Thread) -> bool:
    """Return whether `check` has stopped a thread for good."""
    return thread in _held


@atexit.register
def _close_all() -> None:
    """Close what is open; Python has joined all non-daemon threads before."""
    _exiting.set()
    deadline = monotonic() + LIMIT
    closing = [
        (BlockingCall(partial(close, owner), name="azstt exit"), ends)
        for key, (close, ends) in tuple(_open.items())
        if (owner := key()) is not None
    ]
    for call, ends in closing:
        call.join(TIMEOUT_MAX if ends else deadline - monotonic())


if hasattr(os, "register_at_fork"):  # a forked child has none of these threads
    os.register_at_fork(after_in_child=_open.clear)
