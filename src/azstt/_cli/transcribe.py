"""``azstt transcribe``: one file after another, even if some fail."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azstt._api import transcribe_file
from azstt._audio import AudioSource
from azstt._cli.backends import choose_backend
from azstt._cli.inputs import require_piped_stdin
from azstt._cli.outputs import STDIN, Outputs, display_name, report_problems
from azstt._cli.terminal import StdoutError, check_stdout, progress_bar, report_error
from azstt._errors import (
    AzsttError,
    ConfigurationError,
    IncompleteAudioWarning,
    LowConfidenceWarning,
    MissingDependencyError,
    partial_of,
)
from azstt._options import TranscribeOptions
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend

_log = logging.getLogger("azstt.command")


@dataclass(frozen=True, kw_only=True)
class TranscribeRequest:
    """The command line of `azstt transcribe`."""

    sources: Sequence[str]
    outputs: Outputs
    backend: str | None
    timeout: float | None
    strict: bool
    options: TranscribeOptions
    quiet: bool
    debug: bool


def transcribe_all(request: TranscribeRequest) -> bool:
    """Transcribe every source; a failure does not stop the others, an interrupt does.

    Returns:
        Whether all of them were transcribed completely and written.

    Raises:
        ConfigurationError: the options fit no source.
        MissingDependencyError: the backend's extra is not installed.
        KeyboardInterrupt: the command was stopped; what was recognized by then was written.
        StdoutError: standard output can't be written.
    """
    if not request.outputs.paths:
        check_stdout()
    backend = choose_backend(request.backend, quiet=request.quiet)
    written = complete = 0
    for source in request.sources:
        transcript, error = _transcribe(source, backend, request)
        if isinstance(error, ConfigurationError | MissingDependencyError) and not (
            written or (error.partial and len(request.sources) > 1)
        ):
            raise error  # once audio was read, it is this source that does not fit the options
        if isinstance(error, AzsttError):
            report_error(error, about=display_name(source), debug=request.debug)
        if transcript is not None and _write(source, transcript, error, request, first=not written):
            written += 1
            complete += error is None
        if isinstance(error, KeyboardInterrupt):
            raise error
    return complete == len(request.sources)


def _write(
    source: str,
    transcript: Transcript,
    error: BaseException | None,
    request: TranscribeRequest,
    *,
    first: bool,
) -> bool:
    """Report what the text does not show, and write it; return whether that was possible."""
    if not request.quiet:
        chosen = request.options.get("track") is not None
        report_problems(source, transcript, error, details="--format json", track_chosen=chosen)
    try:
        request.outputs.write(source, transcript, first=first)
    except (BrokenPipeError, StdoutError):
        raise
    except OSError as write_error:
        report_error(write_error, about=display_name(source), debug=request.debug)
        return False
    return True


def _transcribe(
    source: str, backend: RecognizerBackend, request: TranscribeRequest
) -> tuple[Transcript | None, AzsttError | KeyboardInterrupt | None]:
    """Return the transcript, or what ended it and what was recognized before that."""
    hidden = request.quiet
    try:
        with (
            _open(source) as audio,
            progress_bar(Path(source).name, hidden=hidden) as progress,
            warnings.catch_warnings(),
        ):
            # `report_problems` tells more, with the name of the file.
            reported = (IncompleteAudioWarning, LowConfidenceWarning)
            for known in (UserWarning,) if hidden else reported:
                warnings.simplefilter("ignore", known)
            transcript = transcribe_file(
                audio,
                backend=backend,
                progress=progress,
                timeout=request.timeout,
                strict=request.strict,
                **request.options,
            )
        _log_work(source, transcript)
    except (AzsttError, KeyboardInterrupt) as error:
        partial = partial_of(error)
        return partial if partial and partial.segments else None, error
    return transcript, None


def _log_work(source: str, transcript: Transcript) -> None:
    """Log what was done, and how fast."""
    _log.info(
        "%s: %.1f s of audio by %s (%s) in %.1f s",
        display_name(source),
        transcript.duration,
        transcript.backend,
        transcript.model or "its default model",
        transcript.usage.wall_seconds,
    )


@contextmanager
def _open(source: str) -> Generator[AudioSource]:
    """Open a source: a path is passed on, standard input is a raw, unbuffered stream."""
    if source != STDIN:
        yield source
        return
    require_piped_stdin("cat talk.webm | azstt transcribe -")
    with open(0, "rb", buffering=0, closefd=False) as stream:
        yield stream
