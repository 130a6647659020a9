"""Where transcripts go: standard output, one file, or a folder of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from azstt._cli.terminal import say, write
from azstt._errors import ConfigurationError
from azstt._transcript import Transcript

STDIN = "-"
MICROPHONE = "microphone"

FORMATS: Mapping[str, Callable[[Transcript], str]] = {
    "txt": Transcript.to_txt,
    "srt": Transcript.to_srt,
    "vtt": Transcript.to_vtt,
    "json": lambda transcript: transcript.model_dump_json(indent=2) + "\n",
    "csv": Transcript.to_csv,
}


def read_formats(texts: Sequence[str]) -> list[str]:
    """Read ``["srt,vtt", "json"]``.

    Raises:
        ConfigurationError: there is no such format.
    """
    names = [name.strip().lower() for text in texts for name in text.split(",")]
    for name in names:
        if name not in FORMATS:
            raise ConfigurationError(f"no such format: {name!r}; there are {', '.join(FORMATS)}")
    return list(dict.fromkeys(names))


def name_of(source: str) -> str:
    """Give what a source is called."""
    return "standard input" if source == STDIN else source


def remark(source: str, transcript: Transcript, *, whole: bool, where: str) -> None:
    """Say what the text itself doesn't show.

    Args:
        source: what was transcribed.
        transcript: what there is of it.
        whole: whether it is all that there is.
        where: the option that gives what says more.
    """
    name = name_of(source)
    if not whole:
        say(f"{name}: the transcript ends early: it holds what was recognized before the failure")
    elif not transcript.segments:
        say(f"{name}: no speech was found")
    gaps = transcript.ledger.gaps
    if whole and gaps:
        seconds = sum(gap.seconds for gap in gaps)
        reasons = ", ".join(sorted({gap.reason for gap in gaps}))
        say(f"{name}: {seconds:.1f} s of audio are missing ({reasons}); {where} says where")


@dataclass(frozen=True)
class Outputs:
    """Where each transcript goes in each format; decided, and checked, before any work.

    Attributes:
        formats: what each transcript is written as.
        paths: a file for each source and format; none where all goes to standard output.
        headings: name each source above its text, as `head` does.
        force: overwrite files.
    """

    formats: Sequence[str]
    paths: Mapping[tuple[str, str], Path]
    headings: bool = False
    force: bool = False

    @classmethod
    def plan(
        cls, sources: Sequence[str], formats: Sequence[str], output: str | None, *, force: bool
    ) -> Outputs:
        """Decide where everything goes.

        Raises:
            ConfigurationError: it can't go there; the message says where it can.
        """
        if output is None:
            formats = formats or ["txt"]
            _refuse_a_mixture(sources, formats)
            return cls(formats, {}, headings=len(sources) > 1)
        path = Path(output)
        several = len(sources) > 1 or len(formats) > 1
        if several or path.is_dir() or output.endswith(os.sep):
            formats = formats or ["txt"]
            paths = _in_folder(path, sources, formats)
        else:
            formats = formats or [_format_of(path)]
            paths = {(sources[0], formats[0]): path}
        for (source, _), path in paths.items():
            _refuse_to_overwrite(path, source, force=force)
        _prepare({path.parent for path in paths.values()})
        return cls(formats, paths, force=force)

    def deliver(self, source: str, transcript: Transcript, *, first: bool) -> None:
        """Write a transcript where it belongs.

        Raises:
            OSError: a file can't be written.
        """
        for name in self.formats:
            text = FORMATS[name](transcript)
            path = self.paths.get((source, name))
            if path is not None:
                # No newline translation: the formats end their lines themselves.
                mode = "w" if self.force else "x"
                with path.open(mode, encoding="utf-8", newline="") as file:
                    file.write(text)
            elif self.headings:
                write(f"{'' if first else chr(10)}==> {name_of(source)} <==\n{text}")
            else:
                write(text)


def _refuse_a_mixture(sources: Sequence[str], formats: Sequence[str]) -> None:
    """Let only what can still be told apart share standard output."""
    if len(formats) > 1:
        raise ConfigurationError(
            f"{len(formats)} formats don't fit in one output: name a folder by --output"
        )
    if len(sources) > 1 and formats[0] != "txt":
        raise ConfigurationError(
            f"{len(sources)} transcripts as {formats[0]} don't fit in one output: name a folder "
            "by --output, or use --format txt"
        )


def _in_folder(
    folder: Path, sources: Sequence[str], formats: Sequence[str]
) -> dict[tuple[str, str], Path]:
    """Name a file in the folder for each source and format, by the source's own name."""
    paths: dict[tuple[str, str], Path] = {}
    taken: dict[Path, str] = {}
    for source in sources:
        stem = "stdin" if source == STDIN else Path(source).stem
        for name in formats:
            path = folder / f"{stem}.{name}"
            if path in taken:
                raise ConfigurationError(
                    f"{taken[path]!r} and {source!r} would both be written to {str(path)!r}; "
                    "transcribe them to different folders"
                )
            taken[path] = source
            paths[source, name] = path
    return paths


def _format_of(path: Path) -> str:
    """Give the format that a file's name asks for; text where it asks for none."""
    suffix = path.suffix.removeprefix(".").lower()
    return suffix if suffix in FORMATS else "txt"


def _refuse_to_overwrite(path: Path, source: str, *, force: bool) -> None:
    """Keep what is there unless told otherwise, and the recording itself in any case."""
    if not path.exists():
        return
    if source != STDIN and Path(source).exists() and path.samefile(source):
        raise ConfigurationError(f"--output {str(path)!r} is the recording itself; name another")
    if not force:
        raise ConfigurationError(f"{str(path)!r} exists already; --force overwrites it")


def _prepare(folders: Iterable[Path]) -> None:
    """Make the folders, and see that files can be made in them, before hours of work."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise ConfigurationError(
                f"can't write to the folder {str(folder)!r}: {error.strerror}; "
                "choose another folder"
            ) from error
