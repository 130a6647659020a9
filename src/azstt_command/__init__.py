"""The program ``azstt``.

It is a package of its own so that it runs before azstt is imported: that takes a moment, in which
Ctrl-C would otherwise print a traceback.
"""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command and exit."""
    # Ctrl-C ends the program at once, save while a command is at work, which has a handler of its
    # own. What is ignored stays ignored, as in a shell's background jobs.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from azstt._cli import load  # noqa: PLC0415 - see above

    sys.exit(load()())
