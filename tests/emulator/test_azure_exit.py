"""Exiting the interpreter at any moment of a session, and many sessions in a row.

``pytest -m campaign`` runs all the moments and sessions; otherwise it is a sample.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import azstt
from azstt import emulator as emulators
from azstt.emulator import Faults, Script
from azstt.emulator.faults import Mute, Stall

PROGRAM = """
import contextlib, sys, threading, time
import azstt
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.azure import AzureBackend, AzureLimits

host, moment = sys.argv[1:]
backend = AzureBackend(AzureSettings(host=host), limits=AzureLimits(pace=50))
got = threading.Event()

def take(event):
    if moment == "inside a callback":
        got.set()
        time.sleep(0.05)
    elif event.kind == "partial":
        got.set()

session = backend.open(azstt.RecognitionOptions(partials=True), azstt.AudioFormat(), take)
if moment == "while connecting":
    threading.Thread(target=session.start, daemon=True).start()
    time.sleep(0.3)
    sys.exit()
session.start()
if moment == "after the start":
    sys.exit()

def feed():
    with contextlib.suppress(azstt.SessionStateError):
        while True:
            session.write(bytes(3200))

threading.Thread(target=feed, daemon=True).start()
if moment == "while waiting":
    time.sleep(0.5)
else:
    got.wait(5)
if moment == "after finish":
    session.finish()
if moment == "by an exception":
    raise SystemExit(0)
"""

MOMENTS = [
    "while connecting",
    "after the start",
    "while writing",
    "inside a callback",
    "while waiting",
    "after finish",
    "by an exception",
]

#: Without coverage, whose own work at exit is not what is under test.
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


@pytest.mark.campaign("moment", whole=MOMENTS, sample=MOMENTS[::3])
def test_the_interpreter_exits_cleanly(moment):
    """Whatever a session is doing, the process exits with 0 and no output."""
    faults = {
        "while connecting": Faults.of(Stall(connection=None)),
        "while waiting": Faults.of(Mute()),
    }.get(moment)
    script = Script.saying(*["one two three four"] * 50, seconds_a_word=0.2)
    with emulators.serve(script=script, faults=faults) as emulator:
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, emulator.host, moment],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
                env=UNTRACED,
            )
            assert (done.returncode, done.stderr) == (0, "")


HANDLES = Path("/proc/self/fd")


def handles() -> int:
    """Count the open files and sockets."""
    return len(list(HANDLES.iterdir()))


@pytest.mark.campaign("sessions", whole=[300], sample=[30])
@pytest.mark.skipif(not HANDLES.is_dir(), reason="counts handles through /proc")
def test_many_sessions_leave_nothing_behind(azure, run, sessions):
    """After many sessions there are no more threads, files and connections than after ten."""
    with emulators.serve(script=Script.saying("Hello.")) as emulator:
        backend = azure(emulator)
        for number in range(sessions):
            assert run(backend, bytes(6_400)).events[-1] == azstt.Ended(position=0.2)
            if number == 9:
                before = threading.active_count(), handles()
        after = threading.active_count(), handles()
    assert after[0] <= before[0] + 4
    assert after[1] <= before[1] + 4
    assert {record.closed for record in emulator.requests} == {"client 1000"}
