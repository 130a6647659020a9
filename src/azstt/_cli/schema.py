"""``azstt schema``: the JSON Schema of the protocol for browsers."""

from __future__ import annotations

import json
from collections.abc import Callable

from azstt._cli.terminal import write
from azstt._web import messages


def schema() -> Callable[[], int]:
    """Print the JSON Schema of the messages between a live client in a browser and its server.

    The client sends a 'Command', the server a 'ServerMessage', which includes all events. The
    module azstt._web.messages describes the protocol. Audio is sent in binary messages.
    """

    def show() -> int:
        write(f"{json.dumps(messages.schema(), indent=2)}\n")
        return 0

    return show
