"""What the command says: text on standard output, notices and progress on standard error."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from azstt._result import Progress
from azstt._units import timestamp


def say(message: object) -> None:
    """Put a notice or an error on standard error, on one line."""
    print("azstt:", " ".join(str(message).split()), file=sys.stderr, flush=True)  # noqa: T201 - a command prints


def complain(error: BaseException, *, about: str = "", debug: bool) -> None:
    """Say what went wrong, below the traceback where that is asked for.

    Args:
        error: what was raised.
        about: what it is about; said where the message doesn't.
        debug: show the traceback.
    """
    if debug:
        traceback.print_exception(error)
    message = str(error)
    say(message if about in message else f"{about}: {message}")


def write(text: str) -> None:
    """Put text on standard output: UTF-8 with LF everywhere, as files have it."""
    # Names of files may hold bytes that are no text; they go out as they came in.
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()


def write_table(table: Sequence[Sequence[str]]) -> None:
    """Put rows of cells on standard output, in columns as wide as they need be."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write(f"{line.rstrip()}\n")


class _Hidden:
    """Shows nothing."""

    def __call__(self, progress: Progress) -> None:
        """Take a report and leave it at that."""


class _Shown:
    """Moves a bar; may be called on any thread."""

    def __init__(self, bar: Bar, name: str) -> None:
        self._bar: Bar = bar
        self._task = bar.add_task(name, total=None, at="", speed="")

    def __call__(self, progress: Progress) -> None:
        """Move the bar to where the recognizer is."""
        ends = f" of {_clock(progress.total)}" if progress.total is not None else ""
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.recognized,
            at=f"{_clock(progress.recognized)}{ends}",
            speed=f"{progress.xrt:.1f} x real time",
        )


@contextmanager
def progress_bar(name: str, *, hidden: bool) -> Generator[_Hidden | _Shown]:
    """Show how far one transcription is, where standard error is a terminal."""
    if hidden or not sys.stderr.isatty():
        yield _Hidden()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[at]}", markup=False),
        TextColumn("{task.fields[speed]}", markup=False),
    )
    with Bar(
        *columns,
        console=Console(stderr=True),
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        yield _Shown(bar, name)


class GrowingText:
    """Text line by line, without what it sounds like in between."""

    def partial(self, stable: str, tail: str) -> None:
        """Show what may still change: not here, where it would stay."""

    def line(self, text: str) -> None:
        """Write what will not change."""
        write(text)

    def notice(self, message: str) -> None:
        """Say something beside it."""
        say(message)


class _InPlace(GrowingText):
    """Text line by line, and below it what the next line sounds like so far."""

    def __init__(self, area: Live) -> None:
        self._area: Live = area

    def partial(self, stable: str, tail: str) -> None:
        """Show it in the place of the one before; dim what may still change."""
        self._area.update(Text.assemble(stable, (tail, "dim")), refresh=True)

    def line(self, text: str) -> None:
        """Write it above."""
        self._clear()
        self._area.console.print(Text(text), soft_wrap=True, end="")

    def notice(self, message: str) -> None:
        """Say it above."""
        self._clear()
        say(message)

    def _clear(self) -> None:
        self._area.update(Text(), refresh=True)


@contextmanager
def growing_text() -> Generator[GrowingText]:
    """Show text while it is spoken: in place where standard output is a terminal."""
    if not sys.stdout.isatty():
        yield GrowingText()
        return
    with Live(
        Text(),
        console=Console(),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="visible",
    ) as area:
        yield _InPlace(area)


def _clock(seconds: float) -> str:
    """Write a time to the second."""
    return timestamp(seconds).partition(".")[0]
