"""The ``azstt`` command: its options, and its manual in ``--help``."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.metadata import version
from io import StringIO
from typing import Annotated, TypeAlias, cast

import typer

from azstt._cli.backends import show_backends
from azstt._cli.emulator import emulate
from azstt._cli.inputs import raw_format
from azstt._cli.live import LIVE_EXAMPLES, live
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
    as_options,
    seconds,
)
from azstt._cli.outputs import FORMATS, Outputs, read_formats
from azstt._cli.schema import schema
from azstt._cli.signals import Stopped, on_signals, stop
from azstt._cli.terminal import StdoutError, notify, report_error, write
from azstt._cli.transcribe import TranscribeRequest, transcribe_all
from azstt._errors import ConfigurationError, MissingDependencyError
from azstt._options import Channels, TranscribeOptions

_OK, _FAILED, _USAGE, _INTERRUPTED, _NO_READER = 0, 1, 2, 130, 141

#: What typer raises for an invalid command line. Before 0.28 the class has no public name.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

#: What a command returns once it has read its options: the work itself, which returns the exit
#: status.
Work: TypeAlias = Callable[[], int]

_EXAMPLES = """\b
Examples:
  azstt transcribe talk.mp4
  azstt transcribe talk.mp4 --output talk.srt
  azstt transcribe *.mp3 --format txt,srt,json --output transcripts/
  azstt transcribe meeting.m4a --start 1:30 --end 00:05:00 --language en-GB
  azstt transcribe call.raw --raw 8000x2 --channels separate
  curl -s https://example.com/talk.webm | azstt transcribe - > talk.txt
"""

_EXIT_STATUS = """\b
Exit status:
  0    everything was transcribed and written
  1    unreadable audio, failed recognition, output that can't be written, or
       with --strict missing audio
  2    invalid usage or configuration
  129  stopped by SIGHUP: the terminal was closed
  130  stopped by Ctrl-C
  141  the reader of the output has exited
  143  stopped by SIGTERM, as by kill, timeout and systemd
"""

app = typer.Typer(
    # Rich's panels write color codes to pipes when they detect a CI system.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_STATUS,
)


def run() -> int:
    """Run this process's command line and return the exit status."""
    debug = "--debug" in sys.argv
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        return _run(debug=debug)


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    notify(as_options(str(message)))


def _run(*, debug: bool) -> int:
    try:
        work = _read_command_line()
        with on_signals(stop):
            return work() if callable(work) else work or _OK
    except _UsageError as error:
        message = error.format_message().rstrip(".")
        command = error.ctx.command_path if error.ctx else "azstt"
        notify(f"{message[:1].lower()}{message[1:]}; see '{command} --help'")
        return _USAGE
    except (ConfigurationError, MissingDependencyError, StdoutError) as error:
        report_error(error, debug=debug)
        return _FAILED if isinstance(error, StdoutError) else _USAGE
    except (KeyboardInterrupt, typer.Abort) as stopped:
        notify("stopped")
        return stopped.status if isinstance(stopped, Stopped) else _INTERRUPTED
    except BrokenPipeError:
        return _NO_READER
    except Exception as error:  # noqa: BLE001 - print one line instead of a traceback
        report_error(error, about=f"internal error: {type(error).__name__}", debug=debug)
        notify("this is a bug, in azstt or in a plugin; --debug shows the traceback")
        return _FAILED


def _read_command_line() -> Work | int | None:
    """Return the work, or the exit status if printing something was all that was wanted.

    Help, the version and completions are collected and then printed as all other output is.
    """
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            return cast("Work | int | None", app(standalone_mode=False, prog_name="azstt"))
    finally:
        if text := printed.getvalue():
            write(text)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"azstt {version('azstt')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def azstt(
    context: typer.Context,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Turn audio and video into text, captions, or data."""
    if context.invoked_subcommand is None:
        # A command is missing, so this is a failure and no output: a script that lost its
        # arguments must notice, and a person sees the help all the same.
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(_USAGE)


@app.command(epilog=f"{_EXAMPLES}\n{_EXIT_STATUS}")
def transcribe(  # noqa: PLR0913, PLR0917 - typer passes one argument per option
    files: Annotated[
        list[str],
        # Hidden, as its type would be shown too; the text below explains it.
        typer.Argument(metavar="FILE", hidden=True),
    ],
    language: Languages = None,
    backend: BackendName = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT,...",
            autocompletion=lambda: list(FORMATS),
            help=f"One or more of {', '.join(FORMATS)}. More than one needs an --output folder. "
            "[default: from the extension of the --output file, or txt]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file, or a folder in which each transcript is named after its source and "
            "format. A folder that is missing is made if the path ends with a slash or there are "
            "several transcripts. [default: -, standard output]",
        ),
    ] = None,
    force: Force = False,
    raw: Annotated[str | None, typer.Option(metavar=RAW_VALUE, help=f"Each file {RAW}")] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Where to start, as a player shows it: 90, 1:30, 00:01:30.5 or 1m30s.",
        ),
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="Where to stop.")] = None,
    track: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The audio track, counted from 0. [default: as players choose it]"
        ),
    ] = None,
    phrases: Phrases = None,
    channels: Annotated[
        str,
        typer.Option(
            metavar="mix|separate",
            autocompletion=lambda: ["mix", "separate"],
            help="Mix the channels, or recognize each one separately, as for a call with one "
            "speaker per channel.",
        ),
    ] = "mix",
    diarize: Diarize = False,
    timeout: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Give up on a file after so long, such as 5m. [default: never]"
        ),
    ] = None,
    strict: Strict = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    log: LogFile = None,
    debug: Debug = False,
) -> Work:
    """Transcribe audio or video files.

    FILE is audio or video in any container and codec that FFmpeg can read, or - for standard input.

    The text goes to standard output, or to files with --output. Progress and notices go to standard
    error; the progress bar is shown only if that is a terminal.

    Several files are transcribed one after another, and a failure does not stop the others. What
    was recognized before a failure or a timeout is still written: the exit status is then 1, and a
    notice says that the transcript ends early. Ctrl-C writes it too, and stops.

    If some of the audio is missing, because the file is cut off or damaged or has holes, the rest
    is transcribed, and a notice says what is missing and where. With --strict the exit status is
    then 1.
    """
    options: TranscribeOptions = {"start": seconds(start, "--start") or 0.0, "track": track}
    if raw is not None:
        options["audio"] = raw_format(raw)
    if end is not None:
        options["end"] = seconds(end, "--end")
    options["channels"] = cast("Channels", channels)  # validated later, with a clear message
    options["diarize"] = diarize
    options["language"] = language or ()
    options["phrases"] = phrases or ()
    request = TranscribeRequest(
        sources=files,
        outputs=Outputs.plan(files, read_formats(formats or ()), output, force=force),
        backend=backend,
        timeout=seconds(timeout, "--timeout"),
        strict=strict,
        options=options,
        quiet=quiet,
        debug=debug,
    )
    return logged(lambda: _OK if transcribe_all(request) else _FAILED, verbose=verbose, log=log)


@app.command()
def backends() -> Work:
    """Show what each installed backend can do.

    One column per backend and one row per capability. No cell is empty or contains a space.
    """

    def show() -> int:
        show_backends()
        return _OK

    return show


app.command("emulator", short_help="Run a local Azure Speech service.")(emulate)
app.command("live", epilog=f"{LIVE_EXAMPLES}\n{_EXIT_STATUS}")(live)
app.command("schema", short_help="Print the protocol of live clients as JSON Schema.")(schema)
