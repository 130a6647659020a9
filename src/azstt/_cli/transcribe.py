"""``azstt transcribe``: one file after the other, whatever becomes of each."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from azstt._api import transcribe_file
from azstt._audio import AudioSource
from azstt._cli.backends import choose_backend
from azstt._cli.inputs import refuse_a_terminal
from azstt._cli.outputs import STDIN, Outputs, name_of, remark
from azstt._cli.terminal import complain, progress_bar
from azstt._errors import AzsttError, ConfigurationError, MissingDependencyError
from azstt._options import TranscribeFields
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `azstt transcribe` was asked to do."""

    sources: Sequence[str]
    outputs: Outputs
    backend: str | None
    timeout: float | None
    options: TranscribeFields
    quiet: bool
    debug: bool


def transcribe_all(request: Request) -> bool:
    """Transcribe every source; what goes wrong with one keeps none of the others.

    Returns:
        Whether all of them were transcribed completely and written.

    Raises:
        ConfigurationError: no source can be transcribed so.
        MissingDependencyError: the backend's extra is not installed.
    """
    backend = choose_backend(request.backend, quiet=request.quiet)
    delivered = complete = 0
    for source in request.sources:
        transcript, error = _transcribe(source, backend, request)
        if isinstance(error, ConfigurationError | MissingDependencyError) and not delivered:
            raise error  # once a source was transcribed, it is the next one that doesn't fit
        if error is not None:
            complain(error, about=name_of(source), debug=request.debug)
        if transcript is None:
            continue
        if not request.quiet:
            remark(source, transcript, whole=error is None, where="--format json")
        try:
            request.outputs.deliver(source, transcript, first=not delivered)
        except BrokenPipeError:
            raise
        except OSError as unwritten:
            complain(unwritten, about=name_of(source), debug=request.debug)
            continue
        delivered += 1
        complete += error is None
    return complete == len(request.sources)


def _transcribe(
    source: str, backend: RecognizerBackend, request: Request
) -> tuple[Transcript | None, AzsttError | None]:
    """Give the transcript, or the error and what had been recognized before it."""
    hidden = request.quiet
    try:
        with _open(source) as audio, progress_bar(Path(source).name, hidden=hidden) as progress:
            transcript = transcribe_file(
                audio,
                backend=backend,
                progress=progress,
                timeout=request.timeout,
                **request.options,
            )
    except AzsttError as error:
        partial = error.partial if error.partial and error.partial.segments else None
        return partial, error
    return transcript, None


@contextmanager
def _open(source: str) -> Generator[AudioSource]:
    """Give what to read: the path as it is, or standard input as a raw, unbuffered stream."""
    if source != STDIN:
        yield source
        return
    refuse_a_terminal("cat talk.webm | azstt transcribe -")
    with open(0, "rb", buffering=0, closefd=False) as stream:
        yield stream
