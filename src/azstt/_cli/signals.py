"""What ends the command from outside: Ctrl-C, `kill`, `timeout`, a closed terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager

#: The signals that ask a program to end, as far as the platform has them.
_ENDING = [
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
]


class Stopped(KeyboardInterrupt):
    """A signal ended the command.

    Attributes:
        status: the exit status by the convention of shells, such as 143 after SIGTERM.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.status: int = 128 + number


def stop(number: int) -> None:
    """Raise `Stopped`; for `on_signals`."""
    raise Stopped(number)


@contextmanager
def on_signals(act: Callable[[int], None]) -> Generator[None]:
    """Call a function, on the main thread, with the number of each signal that asks for the end.

    What is ignored stays ignored, as under `nohup` and in a shell's background jobs.
    """
    kept = (signal.SIG_IGN, None)
    before = {
        number: handler for number in _ENDING if (handler := signal.getsignal(number)) not in kept
    }
    try:
        for number in before:
            signal.signal(number, lambda number, _: act(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
