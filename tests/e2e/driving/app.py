"""The web app as users run it: a separate process, configured by its environment."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from driving.processes import free_port, running

ROOT = Path(__file__).parents[3]

#: Flask's development server, and the one for production.
Server: TypeAlias = Literal["flask", "gunicorn"]
Tls: TypeAlias = tuple[Path, Path] | None


class App:
    """A running app. Made by `app`."""

    def __init__(self, url: str, run: Callable[[], AbstractContextManager[object]]) -> None:
        self.url = url
        self._run = run
        self._running = ExitStack()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return urlsplit(self.url).port

    def start(self) -> None:
        """Start it."""
        self._running.enter_context(self._run())

    def stop(self) -> None:
        """Stop it. It can be started again on the same port."""
        self._running.close()


@contextmanager
def app(
    folder: Path,
    server: Server = "flask",
    *,
    tls: Tls = None,
    limit: int | None = None,
    **settings: str,
) -> Generator[App]:
    """Run the app for the duration of the block.

    Args:
        folder: for its transcripts and its log.
        server: the server to use.
        tls: a certificate and its key, for gunicorn.
        limit: the largest file that it may write, in bytes.
        **settings: its environment.
    """
    folder.mkdir(exist_ok=True)
    port = free_port()
    command = [] if limit is None else ["prlimit", f"--fsize={limit}"]
    command += [sys.executable, "-m", server, *_arguments(server, port, tls)]
    settings = {"AZSTT_WEB_DATA": str(folder / "data"), **settings}
    ours = App(
        f"{'https' if tls else 'http'}://127.0.0.1:{port}/",
        lambda: running(command, port, folder / "log", cwd=ROOT, **settings),
    )
    ours.start()
    try:
        yield ours
    finally:
        ours.stop()


def _arguments(server: Server, port: int, tls: Tls) -> list[str]:
    if server == "flask":
        return ["--app", "examples/flask_app", "run", "--port", str(port)]
    certificate = ["--certfile", str(tls[0]), "--keyfile", str(tls[1])] if tls else []
    where = ["--bind", f"127.0.0.1:{port}", "--threads", "100"]
    return [*where, *certificate, "examples.flask_app:create_app()"]
