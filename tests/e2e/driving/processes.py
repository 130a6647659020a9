"""Servers as real processes, and the ports that they listen on."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

#: Seconds that anything on this machine may take, however busy it is.
PATIENCE = 40.0
#: What a developer's own environment may hold, and no test may depend on.
_FOREIGN = ("AZURE_SPEECH_", "SPEECH_", "AZSTT_WEB_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Give this process's environment without what would lead a server elsewhere."""
    own = {
        name: value for name, value in os.environ.items() if not name.upper().startswith(_FOREIGN)
    }
    return {**own, **extra}


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def until(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Wait for a condition; fails naming what did not come about."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s"
        time.sleep(0.02)


@contextmanager
def running(
    command: Sequence[str | Path], port: int, log: Path, *, cwd: Path, **extra: str
) -> Generator[subprocess.Popen[bytes]]:
    """Run a server for as long as the block lasts, and wait until it listens.

    Args:
        command: its program and arguments.
        port: where it listens.
        log: the file for what it prints; shown if it does not come up.
        cwd: where it runs.
        **extra: its environment, beside ours.
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
