"""``python -m azstt`` is the ``azstt`` command."""

from azstt._cli import main

main()
