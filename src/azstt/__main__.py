"""``python -m azstt``: the command."""

from azstt_command import main

main()
