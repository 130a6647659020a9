"""The door of the ``azstt`` command: what is behind it needs the extra ``cli``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; it ends the process."""
    try:
        from azstt._cli.app import run  # noqa: PLC0415 - typer and rich may not be installed
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in {"typer", "rich"}:
            raise
        sys.exit(_without(package))
    sys.exit(run())


def _without(package: str) -> int:
    """Say what to install and give the exit status."""
    sys.stderr.write(
        f"azstt: the command needs {package!r}, which is not installed: pip install 'azstt[cli]'\n"
    )
    return 2
