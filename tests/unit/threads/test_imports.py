from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from types import ModuleType

import pytest

from azstt import MissingDependencyError
from azstt._threads.imports import guarded_import, is_installed, require


@pytest.fixture
def slow_package(tmp_path, monkeypatch):
    """A package that takes a while to import."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "slow_package.py").write_text("import time\ntime.sleep(0.3)\nready = True\n")
    yield "slow_package"
    sys.modules.pop("slow_package", None)


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    """The message says what needs the package and holds the line that installs it."""
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    expected = (
        "the microphone needs 'sounddevice', which is not installed: pip install 'azstt[mic]'"
    )
    with (
        pytest.raises(MissingDependencyError) as caught,
        guarded_import("sounddevice", needed_by="the microphone", extra="mic"),
    ):
        pytest.fail("the body must not run")
    assert str(caught.value) == expected
    with pytest.raises(MissingDependencyError) as caught:
        require("sounddevice", needed_by="the microphone", extra="mic")
    assert str(caught.value) == expected


def test_a_dependency_that_is_missing_is_installed_by_its_own_name(monkeypatch):
    """What no extra brings is installed by itself."""
    monkeypatch.setitem(sys.modules, "av", None)
    with (
        pytest.raises(MissingDependencyError, match=r"azstt needs 'av', .* pip install av$"),
        guarded_import("av"),
    ):
        pytest.fail("the body must not run")


def test_a_missing_module_of_our_own_is_not_a_missing_package(monkeypatch):
    """A broken installation shows as what it is."""
    monkeypatch.setitem(sys.modules, "azstt._audio.files.decoders", None)
    with pytest.raises(ModuleNotFoundError, match="decoders") as caught, guarded_import("json"):
        import azstt._audio.files.decoders  # noqa: F401, PLC0415
    assert not isinstance(caught.value, MissingDependencyError)


def test_an_import_may_import_late_itself():
    """The lock is reentrant."""
    with guarded_import("json"), guarded_import("csv"):
        pass


def test_only_one_thread_imports_at_a_time(slow_package):
    """A second thread waits for the import of the first, whatever it imports itself."""

    def first():
        with guarded_import(slow_package):
            pass

    thread = threading.Thread(target=first)
    thread.start()
    while slow_package not in sys.modules:
        time.sleep(0.001)
    with guarded_import("json"):
        assert sys.modules[slow_package].ready
    thread.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_fork_waits_for_an_import_under_way(slow_package):
    """A child never inherits half a package, nor a lock that nobody releases."""
    code = f"""
import os, sys, threading, time
from azstt._threads.imports import guarded_import
started = threading.Event()

def load():
    with guarded_import("json"):
        started.set()
        import {slow_package}

threading.Thread(target=load).start()
started.wait()
child = os.fork()
with guarded_import({slow_package!r}):
    assert sys.modules[{slow_package!r}].ready
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    path = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],  # a fork with threads
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_half_removed_package_counts_as_not_installed(monkeypatch):
    """A module without a specification, such as a stub in the interpreter, is none."""
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    assert not is_installed("onnxruntime")
    assert is_installed("json")
