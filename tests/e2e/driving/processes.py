"""Servers as real processes, and their ports."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Seconds that anything may take, even on a busy machine.
TIMEOUT = 40.0
#: Variables from a developer's environment that must not affect the tests.
_FOREIGN = ("AZURE_SPEECH_", "SPEECH_", "AZSTT_WEB_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return this process's environment without variables that would misconfigure a server."""
    own = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)
    }
    return {**own, **extra}


def free_port() -> int:
    """Find an unused port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(condition: Callable[[], object], what: str, timeout: float = TIMEOUT) -> None:
    """Wait for a condition; on a timeout, fail with its description."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        time.sleep(0.02)


@contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, *, cwd: Path, **extra: str
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server for the duration of the block, and wait until it listens.

    Args:
        command: its program and arguments.
        port: the port it listens on.
        log: the file for its output, shown if it does not start.
        cwd: its working directory.
        **extra: environment variables to add to ours.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=cwd,
            env=environment(extra),
        )
    try:
        until(lambda: _listens(port) or process.poll() is not None, f"{command[0]} listens")
        assert process.poll() is None, log.read_text(errors="replace")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
