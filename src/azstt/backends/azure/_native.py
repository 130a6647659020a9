"""Callbacks that a native library makes on its own threads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec, TypeAlias

P = ParamSpec("P")

Report: TypeAlias = Callable[[Exception], None]


def native_callback(report: Report) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Return a decorator that makes a function safe to be called by native code.

    Native code can't handle an exception: ctypes prints it, SDKs swallow it, and the event is
    lost. So the decorated function never raises; exceptions are reported. It must not block
    either, since further events wait for it: hand the event over and return.

    Args:
        report: called with the exception that the function raised; must not raise.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def callback(*args: P.args, **kwargs: P.kwargs) -> None:
            _trace_here()
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - reported: native code can't handle it
                report(error)

        return callback

    return decorate


def _trace_here() -> None:
    """Trace a thread that Python did not start, for coverage; does nothing outside tests."""
    tracer = threading.gettrace()
    if tracer is not None and sys.gettrace() is None:
        with suppress(RuntimeError):  # another thread is just setting its own: next time
            sys.settrace(tracer)
