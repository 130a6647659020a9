"""Every backend of the library, for tests of what all of them must do."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, contextmanager

import pytest

import azstt
from azstt.backends import resolve
from azstt.backends.azure import AzureBackend, AzureLimits
from azstt.backends.azure._settings import AzureSettings
from azstt.testing import ScriptedBackend

SENTENCES = ("And so, my fellow Americans:", "ask not what your country can do for you.")
#: Azure on an emulator: faster than real time, with short time limits.
QUICK = AzureLimits(connect=5, first_response=10, idle=20, pace=100)


@contextmanager
def emulator(engine, script):
    """Run an emulator in a process of its own, so that its threads don't count as the backend's."""
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


@pytest.fixture(scope="session")
def azure():
    """Return a factory of Azure backends; equal engine and script share an emulator."""
    with ExitStack() as running:
        hosts: dict[tuple[str, str], str] = {}

        def make(engine: str, script: str = "None") -> AzureBackend:
            if (engine, script) not in hosts:
                hosts[engine, script] = running.enter_context(emulator(engine, script))
            return AzureBackend(AzureSettings(host=hosts[engine, script]), limits=QUICK)

        yield make


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    """Both event loops."""
    return request.param


def pytest_generate_tests(metafunc):
    """Hold every backend to the contract; Azure on the local engine, the slowest, in campaigns."""
    if "backend" in metafunc.fixturenames:
        backends = ["scripted", "local", "azure on a script"]
        if metafunc.config.option.markexpr == "campaign":
            backends = [pytest.param("azure on the local engine", marks=pytest.mark.campaign)]
        metafunc.parametrize("backend", backends, indirect=True)


@pytest.fixture
def backend(request, azure):
    """Every backend that there is."""
    match request.param:
        case "scripted":
            return ScriptedBackend.saying(*SENTENCES)
        case "local":
            return resolve("local")
        case "azure on a script":
            return azure("script", f"Script.saying(*{SENTENCES!r})")
        case _:
            return azure("local")


@pytest.fixture(scope="module")
def speech(audio):
    """A few seconds of a real voice, as PCM."""
    with azstt.open_audio(audio / "jfk.wav", end=5.0) as reader:
        return b"".join(reader)


@pytest.fixture
def silent(backend, azure):
    """The backend, set up to recognize nothing in silence."""
    if isinstance(backend, ScriptedBackend):
        return ScriptedBackend()
    return azure("script") if isinstance(backend, AzureBackend) else backend
