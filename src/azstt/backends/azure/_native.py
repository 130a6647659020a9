"""Callbacks that a native library makes on threads of its own."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeAlias

P = ParamSpec("P")

Report: TypeAlias = Callable[[Exception], None]


def native_callback(report: Report) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """Make a function fit to be called by native code.

    Native code can do nothing with an exception: ctypes prints it and SDKs swallow it, and what
    the function was called for is lost. So it never raises; what goes wrong is reported. It must
    not block either, for the next events wait for it: hand over, and return.

    Args:
        report: is given what the function raised; must not raise.
    """

    def decorate(function: Callable[P, None]) -> Callable[P, None]:
        @wraps(function)
        def callback(*args: P.args, **kwargs: P.kwargs) -> None:
            _trace_here()
            try:
                function(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - reported, for native code can't take it
                report(error)

        return callback

    return decorate


def _trace_here() -> None:
    """Let coverage see a thread that Python did not start; nothing outside of tests."""
    tracer = threading.gettrace()
    if tracer is not None and sys.gettrace() is None:
        sys.settrace(tracer)
