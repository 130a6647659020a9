"""The web app as people run it: a process of its own, told by its environment what to do."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from driving.processes import free_port, running

ROOT = Path(__file__).parents[3]

#: Flask's own server, and the one that is for production.
Server: TypeAlias = Literal["flask", "gunicorn"]


class App:
    """A running app. Made by `app`."""

    def __init__(self, server: Server, folder: Path, stack: ExitStack, **settings: str) -> None:
        self.port = free_port()
        self.log = folder / "log"
        self.data = folder / "data"
        self._server = server
        self._stack = stack
        self._settings = {"AZSTT_WEB_DATA": str(self.data), **settings}
        self.start()

    @property
    def url(self) -> str:
        """Where its page is."""
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        """Run it."""
        started = running(self._command(), self.port, self.log, cwd=ROOT, **self._settings)
        self._stack.enter_context(started)

    def restart(self) -> None:
        """End it, and run it anew at the same place."""
        self._stack.close()
        self.start()

    def _command(self) -> list[str]:
        if self._server == "flask":
            arguments = ["--app", "examples/flask_app", "run", "--port", str(self.port)]
        else:
            arguments = ["--chdir", "examples", "--bind", f"127.0.0.1:{self.port}"]
            arguments += ["--threads", "32", "flask_app:create_app()"]
        return [sys.executable, "-m", self._server, *arguments]


@contextmanager
def app(folder: Path, server: Server = "flask", **settings: str) -> Generator[App]:
    """Run the app for as long as the block lasts.

    Args:
        folder: for its transcripts and its log.
        server: what serves it.
        **settings: its environment.
    """
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        yield App(server, folder, stack, **settings)
