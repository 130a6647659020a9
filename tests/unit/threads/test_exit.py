from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from azstt._threads import exit as exits

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def run(code: str) -> tuple[int, str, str]:
    """Run a program until it exits; return its exit code and what it wrote."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=UNTRACED,
    )
    return done.returncode, done.stdout, done.stderr


class Hanging:
    """What takes forever to close."""

    def __init__(self, free):
        self.free = free

    def close(self):
        self.free.wait(10)


def test_closing_at_exit_is_bounded(monkeypatch):
    """However many sessions hang while they are closed, the exit waits once for all of them."""
    monkeypatch.setattr(exits, "LIMIT", 0.2)
    monkeypatch.setattr(exits, "_open", {})  # nothing of other tests
    free = threading.Event()
    hanging = [Hanging(free) for _ in range(30)]
    for one in hanging:
        exits.at_exit(one, Hanging.close)
    try:
        began = time.monotonic()
        exits._close_all()
        assert time.monotonic() - began < 4
    finally:
        exits._exiting.clear()
        free.set()
        for one in hanging:
            exits.forget(one)


def test_what_ends_by_itself_is_waited_for(monkeypatch):
    """A slow machine does not cut native code off, which would abort the process."""
    monkeypatch.setattr(exits, "LIMIT", 0.05)
    monkeypatch.setattr(exits, "_open", {})  # nothing of other tests
    closed = threading.Event()

    class Slow:
        def close(self):
            time.sleep(0.3)
            closed.set()

    slow = Slow()
    exits.at_exit(slow, Slow.close, ends=True)
    try:
        exits._close_all()
        assert closed.is_set()
    finally:
        exits._exiting.clear()
        exits.forget(slow)


def test_what_is_open_is_closed_at_exit_and_nothing_else():
    """Closing runs after the program's last line; not for what was closed or collected before."""
    code = """
from azstt._threads.exit import at_exit, forget

class Session:
    def __init__(self, name):
        self.name = name
        at_exit(self, Session.close)

    def close(self):
        print(self.name, "closed")

left_open, closed_before, collected = Session("left open"), Session("closed"), Session("gone")
forget(closed_before)
forget(closed_before)
del collected
print("done")
"""
    assert run(code) == (0, "done\nleft open closed\n", "")


def test_nothing_begins_while_the_interpreter_exits():
    """A call from an exit handler is refused; a daemon thread that makes one is held, silently."""
    code = """
import atexit, threading, time

def late():
    try:
        azstt.transcribe_bytes(b"", backend=ScriptedBackend())
    except azstt.SessionStateError as error:
        print(error)

atexit.register(late)  # before ours, so it runs after it
import azstt
from azstt._threads.exit import _exiting
from azstt.testing import ScriptedBackend

def in_background():
    _exiting.wait()
    azstt.transcribe_bytes(b"", backend=ScriptedBackend())
    print("never")

threading.Thread(target=in_background, daemon=True).start()
"""
    expected = "the interpreter is exiting; close sessions before that\n"
    assert run(code) == (0, expected, "")


@posix
def test_a_forked_child_closes_nothing_of_its_parents():
    """The threads are in the parent, and so are the sessions."""
    code = """
import os, sys
from azstt._threads.exit import at_exit

class Session:
    def close(self):
        print("closed", flush=True)

session = Session()
at_exit(session, Session.close)
if os.fork() == 0:
    sys.exit()
os.wait()
"""
    assert run(code) == (0, "closed\n", "")
