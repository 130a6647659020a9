"""Runs an emulator on an event loop in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal, TypeAlias

from azstt._errors import ConfigurationError
from azstt._options import check_seconds, check_whole
from azstt._threads.imports import guarded_import
from azstt._threads.loop_thread import LoopThread
from azstt.emulator._script import Script
from azstt.emulator._service.records import RequestRecord
from azstt.emulator.engines._port import Engine
from azstt.emulator.engines._script import ScriptEngine
from azstt.emulator.faults import Faults

if TYPE_CHECKING:
    from azstt.emulator._service.server import Server

FilePath: TypeAlias = str | PathLike[str]
#: Seconds between two checks for open connections.
_POLL_INTERVAL = 0.01
EngineName: TypeAlias = Literal["script", "local"]


class Emulator:
    """A running emulator, started by `serve`.

    Attributes:
        host: for `AzureSettings(host=...)` and `SpeechConfig(host=...)`, as with a container.
        endpoint: for `endpoint=...`, which uses the universal path.
        url: for REST.
    """

    def __init__(self, server: Server, host: str, *, tls: bool) -> None:
        name = f"[{host}]" if ":" in host else host
        authority = f"{name}:{server.port}"
        self.host: str = f"{'wss' if tls else 'ws'}://{authority}"
        self.endpoint: str = self.host
        self.url: str = f"{'https' if tls else 'http'}://{authority}"
        self._server = server

    @property
    def requests(self) -> Sequence[RequestRecord]:
        """What clients sent, in order; the records of open connections keep growing."""
        return tuple(self._server.requests)

    def complaints(self, grace: float = 0.0) -> Sequence[str]:
        """Return what clients did wrong: connections left open and protocol violations.

        Args:
            grace: seconds to wait for open connections to close.
        """
        end = time.monotonic() + grace
        while self._server.has_clients and time.monotonic() < end:
            time.sleep(_POLL_INTERVAL)
        complaints: list[str] = []
        for record in self.requests:
            if record.violation is not None:
                complaints.append(
                    f"connection {record.number} violated the protocol: {record.violation}"
                )
            elif record.is_open:
                complaints.append(f"connection {record.number} to {record.path} was left open")
        return complaints

    def __repr__(self) -> str:
        """Show the address."""
        return f"Emulator({self.host!r})"


@contextmanager
def serve(  # noqa: PLR0913 - each is one thing to set up, by name
    *,
    engine: EngineName | Engine = "script",
    script: Script | FilePath | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float | None = None,
    quota: int | None = None,
    key: str | None = None,
    token: str | None = None,
    tls: tuple[FilePath, FilePath] | None = None,
    faults: Faults | FilePath | None = None,
) -> Generator[Emulator]:
    """Run an emulator in a thread of its own until the block ends.

    Args:
        engine: ``"script"`` plays the script, ``"local"`` recognizes the audio with the embedded
            recognizer (extra ``local``); or an engine of your own.
        script: what is said and when; None means that nothing is said.
        host: the address to listen on.
        port: the port to listen on; 0 picks a free one.
        speed: seconds of audio to accept per second; None is as fast as the engine can.
        quota: maximum number of concurrent connections; any more are refused with 429 and
            `Retry-After`.
        key: the only subscription key to accept.
        token: the only bearer token to accept, besides those from issueToken.
        tls: paths of the certificate and its key.
        faults: faults to inject.

    Raises:
        ConfigurationError: an argument is invalid, a file can't be read, or the port can't be
            opened.
        MissingDependencyError: an extra is not installed.
    """
    with guarded_import("aiohttp", needed_by="the emulator", extra="emulator"):
        from azstt.emulator._service.server import Server, ServerSettings  # noqa: PLC0415 - optional
    check_seconds("speed", speed, endless=True)
    check_whole("quota", quota)
    check_whole("port", port, least=0)
    settings = ServerSettings(
        engine=_make_engine(engine, script),
        host=host,
        port=port,
        speed=speed,
        quota=quota,
        key=key,
        token=token,
        tls=None if tls is None else (fspath(tls[0]), fspath(tls[1])),
        faults=_load_faults(faults),
    )
    with _running(Server(settings), f"{host}:{port}") as server:
        yield Emulator(server, host, tls=tls is not None)


@contextmanager
def _running(server: Server, address: str) -> Generator[Server]:
    """Run a server on an event loop in a thread."""
    loop_thread = LoopThread("azstt-emulator")
    loop = loop_thread.enter(server)
    try:
        try:
            loop.call(server.start)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"the emulator can't listen on {address}: {error}; "
                "choose another port, or 0 for a free one, and check the certificate"
            ) from error
        try:
            yield server
        finally:
            loop.call(server.stop)
    finally:
        loop_thread.leave(server)


def _make_engine(engine: EngineName | Engine, script: Script | FilePath | None) -> Engine:
    if engine == "script":
        chosen = script if isinstance(script, Script | None) else Script.read(script)
        return ScriptEngine(chosen or Script())
    if script is not None:
        raise ConfigurationError("script requires engine='script'; remove one of the two arguments")
    if engine == "local":
        from azstt.emulator.engines._local import LocalEngine  # noqa: PLC0415 - optional

        return LocalEngine()
    if not isinstance(engine, str):
        return engine
    raise ConfigurationError(
        f"unknown engine: {engine!r}; use 'script', 'local', or an object with an open() method"
    )


def _load_faults(faults: Faults | FilePath | None) -> Faults:
    if faults is None:
        return Faults()
    return faults if isinstance(faults, Faults) else Faults.read(faults)
