"""Output of the command: text on standard output, notices and progress on standard error."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from errno import EBADF
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from azstt._cli.options import as_options
from azstt._errors import AzsttError
from azstt._result import Progress
from azstt._units import timestamp


class StdoutError(OSError):
    """Standard output can't be written: it is closed, or its disk is full."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.errno, error.strerror)

    def __str__(self) -> str:
        """Say what failed, and why."""
        closed = self.errno == EBADF
        return f"can't write to standard output: {'it is closed' if closed else self.strerror}"


def fill_standard_streams() -> None:
    """Put something in the place of each standard stream that is closed.

    Otherwise the next file or connection to be opened would get its number, and what libraries
    print would go there. Each is open the wrong way around, so that using it is an error, except
    that what is written to standard error vanishes. Standard input stays None.
    """
    for number, mode in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # it gets the lowest number that is free
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for good


def notify(message: object) -> None:
    """Print a notice or an error to standard error, on one line, if that can be written."""
    with suppress(OSError):  # a closed terminal
        print("azstt:", " ".join(str(message).split()), file=sys.stderr, flush=True)  # noqa: T201 - this is a command-line tool


def report_error(error: BaseException, *, about: str = "", debug: bool) -> None:
    """Print an error's message, below its traceback if wanted.

    Args:
        error: what was raised.
        about: what it concerns; put before a message that does not mention it.
        debug: print the traceback.
    """
    if debug:
        with suppress(OSError):
            traceback.print_exception(error)
    message = reason(error)
    notify(message if about in message else f"{about}: {message}")


def reason(error: BaseException) -> str:
    """Return an error's message in the words of the command line."""
    if isinstance(error, AzsttError):
        return as_options(str(error))
    if isinstance(error, OSError) and error.filename is not None:
        return f"can't write {str(error.filename)!r}: {error.strerror}"
    return str(error)


def write(text: str) -> None:
    """Write text to standard output: UTF-8 with LF on every platform, as in files.

    Raises:
        BrokenPipeError: its reader has exited.
        StdoutError: it can't be written for another reason.
    """
    # File names may contain bytes that are not valid text; they are written unchanged.
    with writing_to_stdout():
        sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()


def check_stdout() -> None:
    """Check that standard output can be written, before any work; raises what `write` does."""
    with writing_to_stdout():
        os.write(sys.stdout.fileno(), b"")


@contextmanager
def writing_to_stdout() -> Generator[None]:
    """Raise what `write` does for an error of standard output, the only file written meanwhile."""
    try:
        yield
    except OSError as error:
        # Discard what is still buffered, or the interpreter would report an error as it exits.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise StdoutError(error) from error


def write_table(table: Sequence[Sequence[str]]) -> None:
    """Write rows of cells to standard output, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        write(f"{line.rstrip()}\n")


class _NoBar:
    """Shows no progress."""

    def __call__(self, progress: Progress) -> None:
        """Ignore a progress report."""


class _VisibleBar:
    """Shows progress as a bar. Thread-safe."""

    def __init__(self, bar: Bar, name: str) -> None:
        self._bar: Bar = bar
        self._task = bar.add_task(name, total=None, at="", speed="")

    def __call__(self, progress: Progress) -> None:
        """Move the bar to what has been recognized."""
        total = f" of {_clock(progress.total)}" if progress.total is not None else ""
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.recognized,
            at=f"{_clock(progress.recognized)}{total}",
            speed=f"{progress.xrt:.1f} x real time",
        )


@contextmanager
def progress_bar(name: str, *, hidden: bool) -> Generator[_NoBar | _VisibleBar]:
    """Show the progress of one transcription if standard error is a terminal."""
    if hidden or not sys.stderr.isatty():
        yield _NoBar()
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
        yield _VisibleBar(bar, name)


class TextPrinter:
    """Prints live text line by line, without partials."""

    def partial(self, stable: str, tail: str) -> None:
        """Ignore a partial: printed here, it could not be changed any more."""

    def line(self, text: str) -> None:
        """Print a line that will not change."""
        write(text)

    def notice(self, message: str) -> None:
        """Print a notice."""
        notify(message)


class _TerminalPrinter(TextPrinter):
    """Prints live text line by line, and below it the current partial."""

    def __init__(self, area: Live) -> None:
        self._area: Live = area

    def partial(self, stable: str, tail: str) -> None:
        """Replace the partial on the screen; what may still change is dim."""
        self._show(Text.assemble(stable, (tail, "dim")))

    def line(self, text: str) -> None:
        """Print a line above the partial."""
        self._show(Text())
        with writing_to_stdout():
            self._area.console.print(Text(text), soft_wrap=True, end="")

    def notice(self, message: str) -> None:
        """Print a notice above the partial."""
        self._show(Text())
        notify(message)

    def _show(self, partial: Text) -> None:
        with writing_to_stdout():
            self._area.update(partial, refresh=True)


@contextmanager
def text_printer() -> Generator[TextPrinter]:
    """Print live text, with partials if standard output is a terminal."""
    if not sys.stdout.isatty():
        yield TextPrinter()
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
        yield _TerminalPrinter(area)


def _clock(seconds: float) -> str:
    """Format a time to the second."""
    return timestamp(seconds).partition(".")[0]
