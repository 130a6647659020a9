"""A clean end of the interpreter at any moment of a session.

A native thread that is inside one of our callbacks while the interpreter ends aborts the process.
So whatever still runs at exit is closed first, side by side.
"""

from __future__ import annotations

import atexit
from threading import Lock, Thread
from time import monotonic
from typing import Protocol

#: Seconds that all of it may take.
_LIMIT = 5.0


class Closable(Protocol):
    """What can be closed."""

    def close(self) -> None:
        """Let go of everything."""
        ...


_open: set[Closable] = set()
_lock = Lock()


def watch(session: Closable) -> None:
    """Close a session at exit, unless it is forgotten before."""
    with _lock:
        _open.add(session)


def forget(session: Closable) -> None:
    """Take note that a session is closed."""
    with _lock:
        _open.discard(session)


@atexit.register
def _close_all() -> None:
    with _lock:
        left = list(_open)
    threads = [Thread(target=session.close, daemon=True) for session in left]
    for thread in threads:
        thread.start()
    deadline = monotonic() + _LIMIT
    for thread in threads:
        thread.join(max(0.0, deadline - monotonic()))
