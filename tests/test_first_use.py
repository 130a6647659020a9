"""The first-use campaign: threads that reach a native library for the first time together.

``pytest -m campaign`` runs fifty fresh processes for each mix; otherwise it is a sample.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

#: What needs no native library is done before, so that the threads get to their imports at the
#: same moment, give or take the 20 ms within which half of a package can be seen.
PROGRAM = """
import random, sys, threading, time
from azstt import AudioFormat, BlockingLiveSession, transcribe_file
from azstt.testing import ScriptedBackend

name, mix, count, wav, *paths = sys.argv[1:]
failures = []

def scripted():
    return ScriptedBackend.saying("Hello.")

def from_file(path, backend):
    return transcribe_file(path, backend=backend)

def live(path, backend, audio="auto"):
    with open(path, "rb") as file, BlockingLiveSession(audio=audio, backend=backend) as session:
        file.seek(44 if isinstance(audio, AudioFormat) else 0)  # behind the header of a WAV
        return session.transcribe(iter(lambda: file.read(4096), b""))

def attempt(call, path, backend):
    try:
        assert call(path, backend).text
    except BaseException as error:
        failures.append(f"{call.__name__}: {error!r}")

from_file(wav, scripted())
live(wav, scripted(), AudioFormat())
assert "av" not in sys.modules
barrier = threading.Barrier(int(count) + 1)

def first(call, path):
    barrier.wait()
    time.sleep(random.uniform(0, 0.02))
    attempt(call, path, name if name == "local" else scripted())

calls = {"file": [from_file], "live": [live], "mixed": [from_file, live]}[mix]
threads = [
    threading.Thread(target=first, args=(calls[i % len(calls)], paths[i % len(paths)]))
    for i in range(int(count))
]
for thread in threads:
    thread.start()
barrier.wait()
if count == "8":
    time.sleep(random.uniform(0, 0.1))
    import av  # as a caller's own code may, which knows nothing of ours
for thread in threads:
    thread.join()
for path in paths:
    attempt(from_file, path, scripted())
    attempt(live, path, scripted())
print(*failures, sep="\\n", end="")
"""

WAV = "jfk.wav"
SOURCES = ["opus.webm", "aac_faststart.m4a", "opus.ogg", "mp3.mp3"]
MIXES = [(mix, threads) for threads in (2, 8) for mix in ("file", "live", "mixed")]
WHOLE = [(*mix, backend) for mix in MIXES for backend in [*["scripted"] * 45, *["local"] * 5]]
SAMPLE = [
    ("mixed", 2, "scripted"),
    ("mixed", 8, "scripted"),
    ("live", 8, "scripted"),
    ("file", 2, "local"),
]

#: As users run it: a tracer changes the order in which threads get to run.
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


@pytest.mark.campaign("mix, threads, backend", whole=WHOLE, sample=SAMPLE)
def test_the_first_calls_of_a_process_may_come_together(audio, mix, threads, backend):
    """In a fresh process, files and live sessions may start in several threads at once."""
    paths = [audio / "containers" / name for name in SOURCES]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend, mix, str(threads), audio / WAV, *paths],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=UNTRACED,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
