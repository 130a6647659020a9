"""`azstt live` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX pipes and signals")

COMMAND = [sys.executable, "-m", "azstt", "live"]
#: The options for PCM on standard input, and 3 s of it.
RAW = ("-", "--raw", "16000")
SECONDS = bytes(96_000)


def import_path(folder):
    """Return the value of PYTHONPATH with a folder before what is in it."""
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


@contextmanager
def started(*args, plugins, command=COMMAND, **streams):
    """Run the command in a separate process, and wait for its end."""
    process = subprocess.Popen(
        [*command, *map(str, args)],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
        env={**os.environ, "PYTHONPATH": import_path(plugins), "TERM": "xterm", "COLUMNS": "100"},
    )
    with process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise
