"""``azstt schema``: what goes over the wire between a page and a server."""

from __future__ import annotations

import json
from collections.abc import Callable

from azstt import _wire
from azstt._commands._terminal import write


def schema() -> Callable[[], int]:
    """Write the JSON Schema of what a page and a server of live transcripts say to each other.

    'Message' is what the server says, every event among it, 'Command' what the page says; the
    module azstt._wire tells the protocol. Audio goes in binary messages between them.
    """

    def show() -> int:
        write(f"{json.dumps(_wire.schema(), indent=2)}\n")
        return 0

    return show
