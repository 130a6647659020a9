"""Where transcripts are written: standard output, a file, or a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from azstt._assembly.missing import describe, how_much
from azstt._captions.formats import jsonl
from azstt._cli.files import can_grow, write_file
from azstt._cli.terminal import notify, write
from azstt._errors import ConfigurationError, IncompleteTranscriptError
from azstt._result import TOLERANCE, AudioTrack
from azstt._transcript import Transcript

STDIN = "-"
MICROPHONE = "microphone"

FORMATS: Mapping[str, Callable[[Transcript], str]] = {
    "txt": Transcript.to_txt,
    "srt": Transcript.to_srt,
    "vtt": Transcript.to_vtt,
    "json": lambda transcript: transcript.model_dump_json(indent=2) + "\n",
    "csv": Transcript.to_csv,
    "jsonl": lambda transcript: jsonl(transcript.segments),
}


def read_formats(texts: Sequence[str]) -> list[str]:
    """Parse format options such as ``["srt,vtt", "json"]``.

    Raises:
        ConfigurationError: a format is unknown.
    """
    names = [name.strip().lower() for text in texts for name in text.split(",")]
    for name in names:
        if name not in FORMATS:
            raise ConfigurationError(f"unknown format: {name!r}; use {', '.join(FORMATS)}")
    return list(dict.fromkeys(names))


def display_name(source: str) -> str:
    """Return the name of a source for messages."""
    return "standard input" if source == STDIN else source


def report_problems(
    source: str,
    transcript: Transcript,
    error: BaseException | None,
    *,
    details: str,
    track_chosen: bool = False,
    told: Collection[str] = (),
) -> None:
    """Report what the text itself does not show: a failure, silence, doubt, other or missing audio.

    Args:
        source: what was transcribed.
        transcript: the transcript.
        error: what ended the transcription early, if anything did; it has been reported.
        details: the option that shows where audio is missing.
        track_chosen: whether the user has chosen the audio track, and so knows the others.
        told: reasons of gaps that have been reported.
    """
    name = display_name(source)
    if error is not None:
        if not _found_missing(transcript, error):
            end = "the interrupt" if isinstance(error, KeyboardInterrupt) else "the failure"
            notify(f"{name}: the transcript ends early: it has what was recognized before {end}")
        return
    if not transcript.segments:
        notify(f"{name}: no speech was found")
    if doubt := transcript.doubt:
        notify(f"{name}: {doubt}")
    track = transcript.track or AudioTrack()
    if track.count > 1 and not track_chosen:
        which = f"track {track.number} of {track.count}, counted from 0"
        notify(f"{name}: this is audio {which}; azstt transcribe --track N takes another")
    if track.canceled:
        notify(
            f"{name}: {how_much([track.canceled])} of the channels cancel each other, and one was "
            "taken there; azstt transcribe --channels separate recognizes each"
        )
    gaps = [gap for gap in transcript.ledger.gaps if gap.reason not in told]
    if gaps:
        notify(f"{name}: {'; '.join(describe(gaps))}; {details} shows more")


def _found_missing(transcript: Transcript, error: BaseException) -> bool:
    """Return whether all audio that there is was transcribed, and the error is that some is not."""
    lost = transcript.ledger.unaccounted
    return isinstance(error, IncompleteTranscriptError) and lost <= TOLERANCE


@dataclass(frozen=True)
class Outputs:
    """Where each transcript is written in each format, planned and checked before any work.

    Attributes:
        formats: the formats of each transcript.
        paths: the file for each source and format; empty if all goes to standard output.
        headings: print each source's name above its text, as `head` does.
        force: overwrite existing files.
    """

    formats: Sequence[str]
    paths: Mapping[tuple[str, str], Path]
    headings: bool = False
    force: bool = False

    @classmethod
    def plan(
        cls, sources: Sequence[str], formats: Sequence[str], output: str | None, *, force: bool
    ) -> Outputs:
        """Plan where everything is written.

        Raises:
            ConfigurationError: it can't be written there. The message offers an alternative.
        """
        if output == "":
            raise ConfigurationError(
                "the output is empty; name a file, a folder, or - for standard output"
            )
        if output is None or output == "-":
            formats = formats or ["txt"]
            _check_stdout(sources, formats)
            return cls(formats, {}, headings=len(sources) > 1)
        path = Path(output)
        multiple = len(sources) > 1 or len(formats) > 1
        if multiple or path.is_dir() or output.endswith(os.sep):
            formats = formats or ["txt"]
            paths = _in_folder(path, sources, formats)
            _make_folder(path)
        else:
            formats = formats or [_format_of(path)]
            paths = {(sources[0], formats[0]): path}
            if can_grow(path):
                _check_folder(path.parent)
        for (source, _), path in paths.items():
            _check_overwrite(path, source, force=force)
        return cls(formats, paths, force=force)

    def write(self, source: str, transcript: Transcript, *, first: bool) -> None:
        """Write a transcript in all formats.

        Raises:
            OSError: a file can't be written.
        """
        for name in self.formats:
            text = FORMATS[name](transcript)
            path = self.paths.get((source, name))
            if path is not None:
                write_file(path, text, new=not self.force)
            elif self.headings:
                write(f"{'' if first else chr(10)}==> {display_name(source)} <==\n{text}")
            else:
                write(text)

    @property
    def file(self) -> tuple[str, Path]:
        """The format and the path of the only file."""
        (((_, name), path),) = self.paths.items()
        return name, path


def _check_stdout(sources: Sequence[str], formats: Sequence[str]) -> None:
    """Check that what shares standard output can be told apart."""
    if len(formats) > 1:
        raise ConfigurationError(
            f"can't write {len(formats)} formats to standard output; give a folder with --output"
        )
    if len(sources) > 1 and formats[0] != "txt":
        raise ConfigurationError(
            f"can't write {len(sources)} transcripts as {formats[0]} to standard output; "
            "give a folder with --output, or use --format txt"
        )


def _in_folder(
    folder: Path, sources: Sequence[str], formats: Sequence[str]
) -> dict[tuple[str, str], Path]:
    """Return a file in the folder for each source and format, named after the source."""
    paths: dict[tuple[str, str], Path] = {}
    taken: dict[Path, str] = {}
    for source in sources:
        stem = "stdin" if source == STDIN else Path(source).stem
        for name in formats:
            path = folder / f"{stem}.{name}"
            if path in taken:
                raise ConfigurationError(
                    f"{taken[path]!r} and {source!r} would both be written to {str(path)!r}; "
                    "write them to different folders"
                )
            taken[path] = source
            paths[source, name] = path
    return paths


def _format_of(path: Path) -> str:
    """Return the format for a file's extension, or text if it has none."""
    name = path.suffix.removeprefix(".").lower() or "txt"
    if name not in FORMATS:
        raise ConfigurationError(
            f"no format has the extension {path.suffix!r} of {str(path)!r}; use one of "
            f"{', '.join(FORMATS)}"
        )
    return name


def _check_overwrite(path: Path, source: str, *, force: bool) -> None:
    """Check that no file is overwritten without --force, and the recording never."""
    if not path.exists():
        return
    if source != STDIN and Path(source).exists() and path.samefile(source):
        raise ConfigurationError(f"{str(path)!r} is the recording itself; choose another file")
    if not force and can_grow(path):
        raise ConfigurationError(f"{str(path)!r} already exists; use --force to overwrite it")


def _make_folder(folder: Path) -> None:
    """Make a folder unless it is there, but none above it, as its name may be mistyped."""
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"can't make folder {str(folder)!r}: {error.strerror}; choose another folder"
        ) from error
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    """Check that a folder is writable, before hours of work."""
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"can't write to folder {str(folder)!r}: {error.strerror}; choose another folder"
        ) from error
