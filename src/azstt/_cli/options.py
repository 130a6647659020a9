"""The options that several commands share, and the values that several options take."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

import typer

from azstt._errors import ConfigurationError
from azstt._units import parse_seconds
from azstt.backends import available

RAW_VALUE = "RATE[xCHANNELS][:TYPE]"
RAW = (
    "is PCM without a header, little-endian: RATE samples per second, in one channel or CHANNELS, "
    "of TYPE s16 (the default), s24, s32 or f32. Such as 16000, 8000x2 or 48000x1:f32."
)

Languages: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--language",
        "-l",
        metavar="TAG",
        help="The spoken language, such as en-US. Repeat for several candidates, if the backend "
        "can detect the language. [default: the backend's]",
    ),
]
BackendName: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--backend",
        metavar="NAME",
        autocompletion=lambda: list(available()),
        help="The recognizer to use: a name from 'azstt backends'. [default: Azure if it is "
        "configured, otherwise local]",
    ),
]
Phrases: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--phrase", metavar="TEXT", help="A word or name to expect. May be repeated."),
]
Diarize: TypeAlias = Annotated[bool, typer.Option("--diarize", help="Distinguish the speakers.")]
Strict: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--strict",
        help="Fail if any of the audio is missing: cut off, damaged, never stored or dropped.",
    ),
]
Force: TypeAlias = Annotated[bool, typer.Option("--force", help="Overwrite existing files.")]
Quiet: TypeAlias = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="Hide progress and notices; show only text and errors."),
]
Verbose: TypeAlias = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        show_default=False,
        metavar="",
        help="Show what is logged, such as reconnects; -vv shows details too.",
    ),
]
LogFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Append everything that is logged to a file. No log contains text or keys.",
    ),
]
Debug: TypeAlias = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]


def seconds(text: str | None, option: str) -> float | None:
    """Parse the time in an option.

    Raises:
        ConfigurationError: it is not a time; the message names the option.
    """
    try:
        return None if text is None else parse_seconds(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {error}") from None


#: The options whose names are not those of the library's arguments.
_NAMES = {"audio": "raw", "phrases": "phrase"}
_ARGUMENT = re.compile(
    r"(?<!\S)(audio|start|end|track|timeout|channels|language|backend|strict|device)="
    r"(?:'([^']*)'|([\w.:\[\]]+))?"
)
_FIELD = re.compile(r"\boption '(\w+)'")
_PCM = re.compile(r"AudioFormat\((.*?)\)")
_CONTAINER = re.compile(r"(declare|pass) audio='auto'( or the container's name)?")


def as_options(message: str) -> str:
    """Return a message of the library in the words of the command line.

    It speaks of arguments: ``start=3.0``, ``option 'phrases'``, ``AudioFormat(sample_rate=8000)``.
    """
    message = _CONTAINER.sub("leave out --raw", _PCM.sub(_raw_value, message))
    message = _FIELD.sub(lambda found: _option(found[1]), message)
    return _ARGUMENT.sub(
        lambda found: " ".join(filter(None, (_option(found[1]), found[2], found[3]))), message
    )


def _option(argument: str) -> str:
    return f"--{_NAMES.get(argument, argument).replace('_', '-')}"


def _raw_value(found: re.Match[str]) -> str:
    """Return the format of PCM as --raw takes it."""
    fields: dict[str, str] = dict(re.findall(r"(\w+)=(\w+)", found[1]))
    if "sample_rate" not in fields:
        return RAW_VALUE
    width = int(fields.get("sample_width", "2"))
    kind = "f32" if fields.get("floating") == "True" else f"s{8 * width}"
    return f"{fields['sample_rate']}x{fields.get('channels', '1')}:{kind}"
