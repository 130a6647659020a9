"""Closing open sessions when the interpreter exits."""

from __future__ import annotations

import threading

from azstt.backends.azure import _exit


class Sticky:
    """A session that takes forever to close."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def close(self) -> None:
        self.free.wait(10)


def test_the_exit_waits_once_for_all_sessions(monkeypatch):
    """However many sessions are stuck, the interpreter exits within one limit."""
    monkeypatch.setattr(_exit, "_LIMIT", 0.2)
    stuck = [Sticky() for _ in range(30)]
    for session in stuck:
        _exit.watch(session)
    closing = threading.Thread(target=_exit._close_all, daemon=True)
    closing.start()
    closing.join(4)
    assert not closing.is_alive()
    for session in stuck:
        session.free.set()
        _exit.forget(session)
