"""What the command says: text on standard output, notices and progress on standard error."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

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
        """Move the bar to where the recogniser is."""
        ends = f" of {_clock(progress.total)}" if progress.total is not None else ""
        self._bar.update(
            self._task,
            total=progress.total,
            completed=progress.recognised,
            at=f"{_clock(progress.recognised)}{ends}",
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


def _clock(seconds: float) -> str:
    """Write a time to the second."""
    return timestamp(seconds).partition(".")[0]
