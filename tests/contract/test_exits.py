"""The exit campaign: the interpreter ends at any moment of any session, cleanly.

``pytest -m campaign`` runs all the exits; otherwise it is a sample.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, itertools, sys, threading, time
import azstt
from azstt.backends.azure import AzureBackend, AzureLimits
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.local import LocalBackend
from azstt.testing import ScriptedBackend

name, shape, moment, recording, host = sys.argv[1:]
moment = int(moment)
PCM = bytes(3_200)
if name == "scripted":
    backend = ScriptedBackend.saying(*["one two three four"] * 20, seconds_a_word=0.05)
elif name == "local":
    backend = LocalBackend()
else:
    backend = AzureBackend(AzureSettings(host=host), limits=AzureLimits(pace=50))
with open(recording, "rb") as file:
    speech = file.read()[44:]

def in_background(function, *args):
    threading.Thread(target=function, args=args, daemon=True).start()

def chop():
    for at in itertools.count(0, 16_000):
        yield speech[at % len(speech) : at % len(speech) + 16_000]

def send(live):
    for chunk in chop():
        live.send(chunk)

def read(live):
    for _ in live:
        pass

class Socket:
    def __init__(self):
        start = '{"kind": "start", "audio": {"sample_rate": 16000}}'
        self.messages = itertools.chain([start], chop())

    def receive(self):
        time.sleep(0.01)
        return next(self.messages)

    def send(self, text):
        pass

def serve():
    make = lambda **asked: azstt.LiveSession(audio=asked["audio"], backend=backend)
    azstt.BlockingWireServer(make).serve(Socket().receive, Socket().send)

async def leave_open():
    live = azstt.LiveSession(backend=backend)
    await live.start()
    for _ in range(5 * moment):
        await live.send(next(chop()))

def transcribe():
    while True:
        azstt.transcribe_file(recording, backend=backend)

if shape == "files":
    in_background(transcribe)
elif shape == "wire":
    in_background(serve)
elif shape == "async":
    asyncio.run(leave_open())
    sys.exit()
else:
    live = azstt.BlockingLiveSession(backend=backend, partials=shape == "partials")
    if shape == "starting":
        in_background(live.start)
        time.sleep(0.05 * moment)
        sys.exit()
    live.start()
    if shape != "idle":
        in_background(send, live)
        in_background(read, live)
time.sleep((0.02, 0.3, 0.8, 1.6)[moment])
if shape == "raises":
    raise LookupError("on purpose")
"""

BACKENDS = ("scripted", "local", "azure")
SHAPES = ("idle", "starting", "sending", "partials", "raises", "files", "wire", "async")
#: Each shape with each backend, left at four moments.
EXITS = [(b, s, m) for m in range(4) for s in SHAPES for b in BACKENDS]
#: As users run it: a tracer's own work at the interpreter's end is not what is under test.
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def leave(backend: str, shape: str, moment: int, *places: str) -> tuple[int, str]:
    """Run the program until it exits; return its exit code and what it said on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend, shape, str(moment), *places],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=UNTRACED,
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def host(azure):
    """The address of an emulator that hears four words again and again."""
    script = 'Script.saying(*["one two three four"] * 50, seconds_a_word=0.2)'
    return azure("script", script)._settings.host


@pytest.mark.campaign("exit_", whole=EXITS, sample=EXITS[1::13])
def test_the_interpreter_exits_cleanly(host, audio, exit_):
    """Whatever is open, the process ends in seconds, with its own exit code and nothing else."""
    backend, shape, moment = exit_
    code, errors = leave(backend, shape, moment, str(audio / "jfk.wav"), host)
    if shape == "raises":
        assert (code, errors.splitlines()[-1]) == (1, "LookupError: on purpose")
    else:
        assert (code, errors) == (0, "")
