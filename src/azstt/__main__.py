"""Run the ``azstt`` command as ``python -m azstt``."""

from azstt._cli import main

main()
