"""The entry point of the ``azstt`` command, which needs the extra ``cli``."""

from __future__ import annotations

import sys

from azstt._errors import MissingDependencyError
from azstt._threads.imports import guarded_import


def main() -> None:
    """Run the command and exit."""
    try:
        with guarded_import("typer", "rich", needed_by="the command", extra="cli"):
            from azstt._cli.app import run  # noqa: PLC0415 - the extra may not be installed
    except MissingDependencyError as error:
        sys.stderr.write(f"azstt: {error}\n")
        sys.exit(2)
    sys.exit(run())
