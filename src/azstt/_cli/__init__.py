"""The ``azstt`` command, which needs the extra ``cli``."""

from __future__ import annotations

import sys
from collections.abc import Callable

from azstt._errors import MissingDependencyError
from azstt._threads.imports import guarded_import


def load() -> Callable[[], int]:
    """Import the command; return the function that runs it and returns the exit status.

    Exits with an error message if the extra is not installed.
    """
    try:
        with guarded_import("typer", "rich", needed_by="the command", extra="cli"):
            from azstt._cli import app, terminal  # noqa: PLC0415 - the extra may not be installed
    except MissingDependencyError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"azstt: {error}\n")
        sys.exit(2)
    terminal.fill_standard_streams()
    return app.run
