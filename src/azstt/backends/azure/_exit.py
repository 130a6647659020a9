"""Close sessions that are still open when the interpreter exits.

A native thread that is inside one of our callbacks while the interpreter exits aborts the process.
So all open sessions are closed first, in parallel.
"""

from __future__ import annotations

import atexit
from threading import Lock, Thread
from time import monotonic
from typing import Protocol

#: Seconds that closing them all may take.
_LIMIT = 5.0


class Closable(Protocol):
    """An object with a `close` method."""

    def close(self) -> None:
        """Release everything."""
        ...


_open: set[Closable] = set()
_lock = Lock()


def watch(session: Closable) -> None:
    """Close a session at exit, unless `forget` is called first."""
    with _lock:
        _open.add(session)


def forget(session: Closable) -> None:
    """Drop a session that is closed."""
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
