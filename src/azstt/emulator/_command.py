"""The emulator as a program: implements the command `azstt emulator`."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from contextlib import AbstractContextManager, ExitStack
from types import FrameType

from azstt.emulator._serve import Emulator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run(serving: AbstractContextManager[Emulator], *, seconds: float | None = None) -> None:
    """Serve until SIGTERM, SIGINT or a timeout; call it on the main thread of a program.

    Prints one line on stdout when it is ready, ``listening on ws://127.0.0.1:PORT``, and logs to
    stderr.

    Args:
        serving: the return value of `serve`.
        seconds: how long to run; None runs until a signal arrives.

    Raises:
        ConfigurationError: see `serve`.
        MissingDependencyError: see `serve`.
    """
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
        stop.set()

    with ExitStack() as stack:
        for number in _SIGNALS:
            stack.callback(signal.signal, number, signal.signal(number, on_signal))
        stack.enter_context(_log_to_stderr())
        emulator = stack.enter_context(serving)
        sys.stdout.write(f"listening on {emulator.host}\n")
        sys.stdout.flush()
        stop.wait(seconds)


def _log_to_stderr() -> ExitStack:
    """Log the emulator's activity to stderr until the returned stack closes."""
    stack = ExitStack()
    logger = logging.getLogger("azstt.emulator")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    stack.callback(logger.setLevel, logger.level)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    stack.callback(logger.removeHandler, handler)
    return stack
