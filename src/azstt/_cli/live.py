"""``azstt live``: the options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from azstt._cli.growing import GROWING
from azstt._cli.inputs import StdinPipe, raw_format
from azstt._cli.listening import LiveRequest, listen, show_devices
from azstt._cli.logs import logged
from azstt._cli.options import (
    RAW,
    RAW_VALUE,
    BackendName,
    Debug,
    Diarize,
    Force,
    Languages,
    LogFile,
    Phrases,
    Quiet,
    Strict,
    Verbose,
)
from azstt._cli.outputs import FORMATS, MICROPHONE, STDIN, Outputs, read_formats
from azstt._errors import ConfigurationError
from azstt._options import LiveOptions

LIVE_EXAMPLES = """\b
Examples:
  azstt live
  azstt live --device USB --save talk.srt
  ffmpeg -i rtsp://camera/stream -vn -f webm - | azstt live -
  arecord -q -t raw -f S16_LE -r 16000 | azstt live - --raw 16000
"""


def live(  # noqa: PLR0913, PLR0917 - typer passes one argument per option
    source: Annotated[
        str | None,
        # Hidden, as its type would be shown too; the text below explains it.
        typer.Argument(metavar="-", hidden=True),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="The microphone: its number, or part of its name. [default: the system's]",
        ),
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--devices", help="List the microphones and exit.")
    ] = False,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar=RAW_VALUE,
            help=f"Standard input {RAW}",
        ),
    ] = None,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            autocompletion=lambda: list(GROWING),
            help=f"What is printed: {', '.join(GROWING)}. jsonl is an object for each segment.",
        ),
    ] = "txt",
    save: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Write the transcript to this file, in the format of its extension: "
            f"{', '.join(FORMATS)}; or into a folder, as text. It grows as the text comes.",
        ),
    ] = None,
    force: Force = False,
    language: Languages = None,
    backend: BackendName = None,
    phrases: Phrases = None,
    diarize: Diarize = False,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    log: LogFile = None,
    debug: Debug = False,
) -> Callable[[], int]:
    """Transcribe live speech from the microphone or a pipe.

    With - it is standard input: a container that can be streamed (WebM, Ogg, fragmented MP4, MP3,
    AAC, FLAC, WAV), or PCM with --raw.

    The text goes to standard output, one line per finished segment. On a terminal, the current
    segment is shown below as it is spoken, with the part that may still change dimmed.

    Ctrl-C ends the recording: what was said so far is still recognized and saved. Press it again
    to stop at once; what has been recognized is saved even then. With the microphone, the first
    Ctrl-C is the normal way to finish, not an error. SIGTERM and a closed terminal end the
    recording too; the last results may then take 30 s. With --save, so does a reader of standard
    output that exits; if it is full or closed, the recording goes on and is only saved.
    """
    if list_devices:
        return _show_devices
    pipe = _pipe(source, raw)
    if pipe and device is not None:
        raise ConfigurationError("--device selects a microphone; don't combine it with -")
    options: LiveOptions = {
        "language": language or (),
        "phrases": phrases or (),
        "diarize": diarize,
    }
    name = STDIN if pipe else MICROPHONE
    request = LiveRequest(
        pipe=pipe,
        device=int(device) if device and device.isdecimal() else device,
        format=_printed(format_),
        outputs=Outputs.plan([name], (), save, force=force) if save else None,
        backend=backend,
        strict=strict,
        options=options,
        quiet=quiet,
        debug=debug,
    )
    return logged(lambda: 0 if listen(request) else 1, verbose=verbose, log=log)


def _show_devices() -> int:
    show_devices()
    return 0


def _printed(name: str) -> str:
    """Return the format to print."""
    (known,) = read_formats([name])
    if known not in GROWING:
        raise ConfigurationError(
            f"can't print {known} before the end; use --format jsonl, or --save FILE.{known}"
        )
    return known


def _pipe(source: str | None, raw: str | None) -> StdinPipe | None:
    """Return standard input as the options describe it, or None for the microphone."""
    if source not in {None, STDIN}:
        raise ConfigurationError(
            f"not a live source: {source!r}; use - for standard input, or 'azstt transcribe' for "
            "files"
        )
    if raw is None:
        return StdinPipe("auto") if source else None
    if source is None:
        raise ConfigurationError("--raw needs standard input: azstt live - --raw 16000")
    return StdinPipe(raw_format(raw))
