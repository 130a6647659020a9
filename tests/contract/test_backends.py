"""Every backend keeps the same contract, alone and through the engine, on either loop."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

import azstt
from azstt._settings import AzureSettings
from azstt.backends import resolve
from azstt.backends.azure import AzureBackend, AzureLimits
from azstt.testing import ScriptedBackend, check_backend

JFK = "ask not what your country can do for you"

pytestmark = pytest.mark.usefixtures("no_thread_left")


SENTENCES = ("And so, my fellow Americans:", f"{JFK}.")
#: Azure on an emulator: faster than real time, and with an end to every wait.
QUICK = AzureLimits(connect=5, first_response=10, idle=20, pace=100)


@contextmanager
def emulator(engine, script):
    """Run an emulator in a process of its own: its threads are none of the backend's."""
    code = (
        "import sys; from azstt.emulator import Script, serve\n"
        f"with serve(engine={engine!r}, script={script}) as emulator:\n"
        "    print(emulator.host, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield process.stdout.readline().strip()
        process.stdin.close()


@pytest.fixture(params=["scripted", "local", "azure on a script", "azure on the local engine"])
def backend(request):
    """Every backend that there is."""
    if request.param == "scripted":
        yield ScriptedBackend.saying(*SENTENCES)
    elif request.param == "local":
        yield resolve("local")
    else:
        script = f"Script.saying(*{SENTENCES!r})" if request.param.endswith("script") else "None"
        with emulator("script" if script != "None" else "local", script) as host:
            yield AzureBackend(AzureSettings(host=host), limits=QUICK)


@pytest.fixture(scope="module")
def speech(audio):
    """Some seconds of a real voice."""
    with azstt.open_audio(audio / "jfk.wav", end=5.0) as reader:
        return b"".join(reader)


@pytest.fixture
def silent(backend):
    """The backend, where there is nothing to hear."""
    if isinstance(backend, ScriptedBackend):
        yield ScriptedBackend()
    elif isinstance(backend, AzureBackend):
        with emulator("script", "None") as host:
            yield AzureBackend(AzureSettings(host=host), limits=QUICK)
    else:
        yield backend


def test_the_contract_is_kept(backend, speech):
    """The rules of the port hold."""
    check_backend(backend, speech=speech)


@pytest.mark.anyio
async def test_a_recording_is_transcribed(backend, audio):
    """The same recording gives its words on either loop."""
    transcript = await azstt.atranscribe_file(
        audio / "jfk.wav", backend=backend, segmentation_silence=2.0
    )
    assert JFK in transcript.text.lower().replace(",", "")
    assert transcript.backend == backend.name
    assert transcript.ledger.sent == 11.0
    assert transcript.ledger.unaccounted == 0


@pytest.mark.anyio
async def test_silence_gives_no_words(silent, audio):
    """Silence is an empty transcript, and accounted for."""
    transcript = await azstt.atranscribe_file(audio / "silence.flac", backend=silent)
    assert transcript.text == ""
    assert transcript.ledger.silent == transcript.ledger.sent
