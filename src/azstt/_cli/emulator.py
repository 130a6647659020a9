"""``azstt emulator``: an Azure Speech service on this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from azstt import emulator


def emulate(  # noqa: PLR0913, PLR0917 - an argument for each option, all given by typer
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 is any that is free.")] = 0,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="local|script",
            help="Where words come from: the embedded recognizer, or a script. "
            "[default: script with --script, else local]",
        ),
    ] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: what is said when.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Seconds of audio taken a second; 1 is real time. [default: no limit]",
        ),
    ] = None,
    quota: Annotated[
        int | None,
        typer.Option(metavar="N", help="Connections at once; one more is answered 429."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Accept only this subscription key.")
    ] = None,
    tls: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="CERT KEY", help="Serve wss:// with this certificate and its key."),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: what goes wrong on purpose.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="N", help="End after this long. [default: on SIGTERM]")
    ] = None,
) -> Callable[[], int]:
    """Run an Azure Speech-to-Text service on this machine, for the unmodified SDKs.

    Prints 'listening on ws://HOST:PORT' on standard output when it is ready, and logs to standard
    error. AZURE_SPEECH_HOST=ws://HOST:PORT, with no key, points azstt at it.
    """
    chosen = engine or ("script" if script else "local")
    if chosen not in {"local", "script"}:
        raise typer.BadParameter(f"--engine is local or script, not {chosen!r}")

    def serve() -> int:
        serving = emulator.serve(
            engine="local" if chosen == "local" else "script",
            script=script,
            host=host,
            port=port,
            speed=speed,
            quota=quota,
            key=key,
            tls=tls,
            faults=faults,
        )
        emulator.run(serving, seconds=seconds)
        return 0

    return serve
