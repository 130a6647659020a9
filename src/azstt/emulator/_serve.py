"""An emulator in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from azstt._errors import ConfigurationError
from azstt._threads.imports import guarded_import
from azstt.emulator._service.records import RequestRecord
from azstt.emulator.engines import Engine
from azstt.emulator.engines.script import ScriptEngine
from azstt.emulator.faults import Faults
from azstt.emulator.script import Script

if TYPE_CHECKING:
    from azstt.emulator._service.server import Server

FilePath: TypeAlias = str | PathLike[str]
#: Seconds between two looks at the connections.
_GLANCE = 0.01
_Number = TypeVar("_Number", int | None, float | None)
EngineName: TypeAlias = Literal["script", "local"]


class Emulator:
    """A running emulator, made by `serve`.

    Attributes:
        host: for `AzureSettings(host=...)` and `SpeechConfig(host=...)`: the paths of containers.
        endpoint: for `endpoint=`: the universal path.
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
        """What clients sent, in order; the records of open connections still grow."""
        return tuple(self._server.requests)

    def complaints(self, grace: float = 0.0) -> Sequence[str]:
        """Say what clients did wrong: connections that they left open, the protocol violated.

        Args:
            grace: seconds that connections may take to close.
        """
        end = time.monotonic() + grace
        while self._server.connected and time.monotonic() < end:
            time.sleep(_GLANCE)
        told: list[str] = []
        for record in self.requests:
            if record.violation is not None:
                told.append(f"connection {record.number} violated the protocol: {record.violation}")
            elif record.is_open:
                told.append(f"connection {record.number} to {record.path} was left open")
        return told

    def __repr__(self) -> str:
        """Show where it listens."""
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
    """Run an emulator in a thread of its own, for as long as the block lasts.

    Args:
        engine: ``"script"`` says what the script tells it, ``"local"`` recognizes the audio with
            the embedded recognizer (extra ``local``); or an engine of your own.
        script: what is said when; None is nothing at all.
        host: the address to listen on.
        port: the port; 0 is any that is free.
        speed: seconds of audio taken a second; None is as fast as the engine is.
        quota: connections at once; one more is answered 429 with `Retry-After`.
        key: accept only this subscription key.
        token: accept only this bearer token, and those that issueToken gave.
        tls: a certificate's file and its key's.
        faults: what goes wrong on purpose.

    Raises:
        ConfigurationError: an argument does not fit, a file can't be read, or the port be had.
        MissingDependencyError: an extra is not installed.
    """
    with guarded_import("aiohttp", needed_by="the emulator", extra="emulator"):
        from azstt.emulator._service.server import Server, Settings  # noqa: PLC0415 - optional
    settings = Settings(
        engine=_engine(engine, script),
        host=host,
        port=port,
        speed=_positive("speed", speed),
        quota=_positive("quota", quota),
        key=key,
        token=token,
        tls=None if tls is None else (fspath(tls[0]), fspath(tls[1])),
        faults=_faults(faults),
    )
    with _running(Server(settings), f"{host}:{port}") as server:
        yield Emulator(server, host, tls=tls is not None)


@contextmanager
def _running(server: Server, where: str) -> Generator[Server]:
    """Run a server on a loop in a thread."""
    ready = threading.Event()
    failures: list[Exception] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def run() -> None:
        try:
            await server.start()
        except (OSError, OverflowError) as error:
            failures.append(error)
            return
        finally:
            ready.set()
        await stop.wait()
        await server.stop()

    def main() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=main, name="azstt-emulator", daemon=True)
    thread.start()
    ready.wait()
    if failures:
        thread.join()
        raise ConfigurationError(
            f"the emulator can't listen on {where}: {failures[0]}; "
            "choose another port, 0 for any that is free, and check the certificate"
        ) from failures[0]
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _engine(engine: EngineName | Engine, script: Script | FilePath | None) -> Engine:
    """Make the engine that is asked for."""
    if engine == "script":
        chosen = script if isinstance(script, Script | None) else Script.read(script)
        return ScriptEngine(chosen or Script())
    if script is not None:
        raise ConfigurationError("script goes with engine='script' only; leave one of them out")
    if engine == "local":
        from azstt.emulator.engines.local import LocalEngine  # noqa: PLC0415 - optional

        return LocalEngine()
    if not isinstance(engine, str):
        return engine
    raise ConfigurationError(
        f"no such engine: {engine!r}; there are 'script' and 'local', or an object with open()"
    )


def _faults(faults: Faults | FilePath | None) -> Faults:
    if faults is None:
        return Faults()
    return faults if isinstance(faults, Faults) else Faults.read(faults)


def _positive(name: str, value: _Number) -> _Number:
    if value is not None and not value > 0:
        raise ConfigurationError(f"{name} must be more than 0 (given: {value!r})")
    return value
