from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import time
from pathlib import Path

import pytest
from hypothesis import settings

# Neither profile has a deadline: a slow machine makes no property wrong.
settings.register_profile("daily", deadline=None, max_examples=30)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "daily")

AUDIO = Path(__file__).parent / "audio"


@pytest.fixture
def anyio_backend() -> str:
    """The event loop that async tests run on,; contracts, threads and a smoke set add trio."""
    return "asyncio"


@pytest.fixture(scope="session")
def audio() -> Path:
    """The folder of the test recordings."""
    return AUDIO


@pytest.fixture(scope="session")
def manifest() -> dict[str, dict[str, object]]:
    """What is known of every test recording, by file name."""
    return {entry["file"]: entry for entry in json.loads((AUDIO / "manifest.json").read_text())}


@pytest.fixture(scope="session")
def npm_install(tmp_path_factory, worker_id):
    """Return a function that copies files and installs their packages once for all workers."""
    npm = shutil.which("npm")
    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent

    def install(name: str, *files: Path) -> Path:
        if npm is None:
            pytest.skip("the test's packages need npm, which is not on the PATH")
        folder, done = shared / name, shared / f"{name} is installed"
        try:
            folder.mkdir()
        except FileExistsError:  # by another worker
            deadline = time.monotonic() + 200
            while not done.exists():
                assert time.monotonic() < deadline, f"npm has not installed {name}"
                time.sleep(0.1)
        else:
            for file in files:
                shutil.copy(file, folder)
            options = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            command = [npm, "install", *options]
            ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            done.write_text(ran.stderr if ran.returncode else "")
        if error := done.read_text():
            pytest.skip(f"npm could not install the packages of {name}: {error[-200:]}")
        return folder

    return install


@pytest.fixture
def no_thread_left():
    """Fail the test if a thread outlives it; trio's own cache ends its threads when it likes."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 5
    while left := [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.name.startswith("Trio thread")
    ]:
        assert time.monotonic() < deadline, f"threads are left behind: {left}"
        time.sleep(0.01)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a campaign its whole range where it is asked for by its marker, and else a sample."""
    marker = metafunc.definition.get_closest_marker("campaign")
    if marker is not None:
        whole = metafunc.config.option.markexpr == "campaign"
        metafunc.parametrize(*marker.args, marker.kwargs["whole" if whole else "sample"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001 - pytest's signature
    """Where CI asks for it, a test that is skipped has failed: a missing tool hides nothing."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and "AZSTT_NO_SKIPS" in os.environ:
        report.outcome = "failed"
    return report
