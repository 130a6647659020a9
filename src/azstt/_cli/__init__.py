"""The entry point of the ``azstt`` command, which needs the extra ``cli``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command and exit."""
    try:
        from azstt._cli.app import run  # noqa: PLC0415 - typer and rich may not be installed
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in {"typer", "rich"}:
            raise
        sys.exit(_missing(package))
    sys.exit(run())


def _missing(package: str) -> int:
    """Print what to install and return the exit status."""
    sys.stderr.write(
        f"azstt: the command needs {package!r}, which is not installed: pip install 'azstt[cli]'\n"
    )
    return 2
