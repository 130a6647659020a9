"""``azstt schema``: what goes over the wire between a page and a server."""

from __future__ import annotations

import json
from collections.abc import Callable

from azstt._cli.terminal import write
from azstt._web import messages


def schema() -> Callable[[], int]:
    """Write the JSON Schema of what a page and a server of live transcripts say to each other.

    'Message' is what the server says, every event among it, 'Command' what the page says; the
    module azstt._web.messages tells the protocol. Audio goes in binary messages between them.
    """

    def show() -> int:
        write(f"{json.dumps(messages.schema(), indent=2)}\n")
        return 0

    return show
