"""``azstt live``: its options."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from azstt._audio_format import AudioFormat
from azstt._cli.help import BACKEND, LANGUAGE, PHRASE
from azstt._cli.inputs import Pipe
from azstt._cli.listening import LiveRequest, listen, show_devices
from azstt._cli.outputs import FORMATS, MICROPHONE, STDIN, Outputs
from azstt._errors import ConfigurationError
from azstt._options import OptionFields

LIVE_EXAMPLES = """\b
Examples:
  azstt live
  azstt live --device USB --save talk.srt
  ffmpeg -i rtsp://camera/stream -vn -f webm - | azstt live -
  arecord -q -t raw -f S16_LE -r 16000 | azstt live - --raw 16000
"""


def live(  # noqa: PLR0913, PLR0917 - an argument for each option, all given by typer
    source: Annotated[
        str | None,
        typer.Argument(
            metavar="-",
            help="- is standard input: a container that arrives in pieces (WebM, Ogg, fragmented "
            "MP4, MP3, AAC, FLAC, WAV), or PCM by --raw. [default: the microphone]",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            metavar="DEVICE",
            help="Which microphone: its number, or a part of its name. [default: the system's]",
        ),
    ] = None,
    list_devices: Annotated[
        bool, typer.Option("--devices", help="Show the microphones, and do nothing else.")
    ] = False,
    raw: Annotated[
        str | None,
        typer.Option(
            metavar="RATE[:CHANNELS]",
            help="Standard input is PCM: signed 16-bit little-endian samples, so many a second.",
        ),
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write the transcript here in the end, in the format that the ending names: "
            f"{', '.join(FORMATS)}.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False,
    language: Annotated[
        list[str] | None,
        typer.Option("--language", "-l", metavar="TAG", help=LANGUAGE),
    ] = None,
    backend: Annotated[str | None, typer.Option(metavar="NAME", help=BACKEND)] = None,
    phrases: Annotated[
        list[str] | None, typer.Option("--phrase", metavar="TEXT", help=PHRASE)
    ] = None,
    diarize: Annotated[bool, typer.Option("--diarize", help="Tell the speakers apart.")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no notices, only text and errors.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> Callable[[], int]:
    """Transcribe while somebody speaks: from the microphone, or from a pipe.

    What is said goes to standard output, a line for each segment that will not change. Where that
    is a terminal, what is being said is shown below, dim where it may still change.

    Ctrl-C ends the recording: what was said so far is still recognized, and saved. A second one
    stops at once, and what has been recognized is saved all the same. For the microphone the first
    is the usual end, and no interruption.
    """
    if list_devices:
        return _show_devices
    pipe = _pipe(source, raw)
    if pipe and device is not None:
        raise ConfigurationError("--device is a microphone; leave it out, or leave out -")
    options: OptionFields = {
        "language": language or (),
        "phrases": phrases or (),
        "diarize": diarize,
    }
    name = STDIN if pipe else MICROPHONE
    request = LiveRequest(
        pipe=pipe,
        device=int(device) if device and device.isdecimal() else device,
        outputs=Outputs.plan([name], (), save, force=force) if save else None,
        backend=backend,
        options=options,
        quiet=quiet,
        debug=debug,
    )
    return lambda: 0 if listen(request) else 1


def _show_devices() -> int:
    show_devices()
    return 0


def _pipe(source: str | None, raw: str | None) -> Pipe | None:
    """Read what standard input holds; None is to hear the microphone."""
    if source not in {None, STDIN}:
        raise ConfigurationError(
            f"live hears the microphone, or - for standard input, not {source!r}; for a file: "
            "azstt transcribe"
        )
    if raw is None:
        return Pipe("auto") if source else None
    if source is None:
        raise ConfigurationError("--raw is about standard input: azstt live - --raw 16000")
    rate, _, channels = raw.partition(":")
    try:
        return Pipe(AudioFormat(sample_rate=int(rate), channels=int(channels or 1)))
    except ValueError:
        raise ConfigurationError(
            f"--raw takes a sample rate, and a number of channels if there are several: 48000:2, "
            f"not {raw!r}"
        ) from None
