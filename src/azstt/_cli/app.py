"""The ``azstt`` command: its options and its manual, which is ``--help``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Annotated, TypeAlias, cast

import typer

from azstt._cli.backends import show_backends
from azstt._cli.emulator import emulate
from azstt._cli.help import BACKEND, LANGUAGE, PHRASE
from azstt._cli.live import LIVE_EXAMPLES, live
from azstt._cli.outputs import FORMATS, Outputs, read_formats
from azstt._cli.schema import schema
from azstt._cli.terminal import complain, say, write
from azstt._cli.transcribe import Request, transcribe_all
from azstt._errors import ConfigurationError, MissingDependencyError
from azstt._options import Channels, TranscribeFields
from azstt._units import parse_seconds

_OK, _FAILED, _USAGE, _INTERRUPTED, _NO_READER = 0, 1, 2, 130, 141

#: What typer raises for a wrong command line; before 0.28 it gives the class no public name.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])

#: A command only reads its options; what it returns is then run, and gives the exit status.
Work: TypeAlias = Callable[[], int]

_EXAMPLES = """\b
Examples:
  azstt transcribe talk.mp4
  azstt transcribe talk.mp4 --output talk.srt
  azstt transcribe *.mp3 --format txt,srt,json --output transcripts/
  azstt transcribe meeting.m4a --start 1:30 --end 00:05:00 --language en-GB
  curl -s https://example.com/talk.webm | azstt transcribe - > talk.txt
"""

_EXIT_STATUS = """\b
Exit status:
  0    everything was transcribed and written
  1    audio can't be read, recognition failed, or a file can't be written
  2    wrong usage or configuration
  130  stopped by Ctrl-C
  141  whoever read the output has gone
"""

app = typer.Typer(
    # Rich's panels put color codes into pipes wherever they believe to be in CI.
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_EXIT_STATUS,
)


def run() -> int:
    """Run the command line of this process and give its exit status."""
    debug = "--debug" in sys.argv
    try:
        work = cast("Work | int | None", app(standalone_mode=False, prog_name="azstt"))
        return work() if callable(work) else work or _OK
    except _UsageError as error:
        message = error.format_message().rstrip(".")
        say(f"{message[:1].lower()}{message[1:]}; 'azstt --help' explains")
        return _USAGE
    except (ConfigurationError, MissingDependencyError) as error:
        complain(error, debug=debug)
        return _USAGE
    except (KeyboardInterrupt, typer.Abort):
        say("stopped")
        return _INTERRUPTED
    except BrokenPipeError:
        # What is still buffered goes nowhere, or the interpreter would complain as it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NO_READER
    except Exception as error:  # noqa: BLE001 - the last line of defense: one line, not a traceback
        complain(error, about=f"internal error: {type(error).__name__}", debug=debug)
        say("this should not happen; --debug shows where it did")
        return _FAILED


def _print_version(asked: bool) -> None:
    if asked:
        write(f"azstt {version('azstt')}\n")
        raise typer.Exit


@app.callback()
def azstt(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Turn audio and video into text, captions or data."""


@app.command(epilog=f"{_EXAMPLES}\n{_EXIT_STATUS}")
def transcribe(  # noqa: PLR0913, PLR0917 - an argument for each option, all given by typer
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE", help="Audio or video files; - is standard input.", show_default=False
        ),
    ],
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", metavar="TAG", help=LANGUAGE),
    ] = None,
    backend: Annotated[str | None, typer.Option(metavar="NAME", help=BACKEND)] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT,...",
            help=f"One or several of {', '.join(FORMATS)}; several need an --output folder. "
            "[default: what the name of the --output file says, or txt]",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A file; or a folder, where each transcript gets the name of its source and the "
            "ending of its format. [default: standard output]",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that exist.")] = False,
    start: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Begin here: 90, 1:30 or 00:01:30.5 into the audio."),
    ] = None,
    end: Annotated[str | None, typer.Option(metavar="TIME", help="End here.")] = None,
    track: Annotated[int, typer.Option(metavar="N", help="Which audio track, counted from 0.")] = 0,
    phrases: Annotated[
        list[str] | None, typer.Option("--phrase", metavar="TEXT", help=PHRASE)
    ] = None,
    channels: Annotated[
        str,
        typer.Option(
            metavar="mix|separate",
            help="Mix the audio's channels, or recognize each by itself: a call with a speaker a "
            "side.",
        ),
    ] = "mix",
    diarize: Annotated[bool, typer.Option("--diarize", help="Tell the speakers apart.")] = False,
    timeout: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Give up on a file after this long. [default: never]"),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress and no notices, only errors.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> Work:
    """Transcribe audio or video files.

    Any container and codec that FFmpeg reads will do.

    Text goes to standard output, or to files by --output. Progress and notices go to standard
    error; the bar is shown only where that is a terminal.

    Several files are transcribed one after the other, and one that fails keeps none of the others
    from it. What was recognized before a failure or a timeout is written all the same: the exit
    status is then 1, and a notice says that the transcript ends early.
    """
    options: TranscribeFields = {"start": _seconds(start, "--start") or 0.0, "track": track}
    if end is not None:
        options["end"] = _seconds(end, "--end")
    options["channels"] = cast("Channels", channels)  # what it is held against says so in words
    options["diarize"] = diarize
    options["language"] = language or ()
    options["phrases"] = phrases or ()
    request = Request(
        sources=files,
        outputs=Outputs.plan(files, read_formats(formats or ()), output, force=force),
        backend=backend,
        timeout=_seconds(timeout, "--timeout"),
        options=options,
        quiet=quiet,
        debug=debug,
    )
    return lambda: _OK if transcribe_all(request) else _FAILED


@app.command()
def backends() -> Work:
    """Show what each installed backend can do.

    A row for each backend, a column for each capability; no cell is empty or holds a space.
    """

    def show() -> int:
        show_backends()
        return _OK

    return show


app.command("emulator")(emulate)
app.command("live", epilog=f"{LIVE_EXAMPLES}\n{_EXIT_STATUS}")(live)
app.command("schema")(schema)


def _seconds(text: str | None, option: str) -> float | None:
    """Read a time that an option gives."""
    try:
        return None if text is None else parse_seconds(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {error}") from None
