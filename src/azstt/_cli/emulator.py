"""``azstt emulator``: a local Azure Speech service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from azstt import emulator
from azstt._cli.options import seconds as parse
from azstt._cli.terminal import writing_to_stdout
from azstt._errors import ConfigurationError


def emulate(  # noqa: PLR0913, PLR0917 - typer passes one argument per option
    host: Annotated[
        str, typer.Option(metavar="HOST", help="The address to listen on.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="PORT", help="The port to listen on; 0 picks a free one.")
    ] = 0,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="local|script",
            autocompletion=lambda: ["local", "script"],
            help="The source of the words: the embedded recognizer, or a script. "
            "[default: script if --script is given, otherwise local]",
        ),
    ] = None,
    script: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A JSON file: what is said, and when.")
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Seconds of audio accepted per second; 1 is real time. [default: no limit]",
        ),
    ] = None,
    quota: Annotated[
        int | None,
        typer.Option(metavar="N", help="The most simultaneous connections; further ones get 429."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Accept only this subscription key.")
    ] = None,
    tls: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="CERT KEY", help="Serve wss:// with this certificate and private key."
        ),
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A JSON file: the faults to inject.")
    ] = None,
    seconds: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Stop after so long, such as 5m. [default: on SIGTERM]"),
    ] = None,
) -> Callable[[], int]:
    """Run a local Azure Speech-to-Text service that unmodified SDKs can use.

    It prints 'listening on ws://HOST:PORT' to standard output when ready, and logs to standard
    error. To point azstt at it, set AZURE_SPEECH_HOST=ws://HOST:PORT; no key is needed.
    """
    stop_after = parse(seconds, "--seconds")
    chosen = engine or ("script" if script else "local")
    if chosen not in {"local", "script"}:
        raise ConfigurationError(f"unknown --engine: {chosen!r}; use local or script")

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
        with writing_to_stdout():
            emulator.run(serving, seconds=stop_after)
        return 0

    return serve
