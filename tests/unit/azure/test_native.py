from __future__ import annotations

import ctypes
import sys
import threading

from azstt.backends.azure._native import native_callback


def test_what_a_callback_raises_is_reported():
    """Native code sees no exception, and the failure is not lost."""
    told: list[Exception] = []

    @native_callback(told.append)
    def callback(number: int) -> None:
        """Do something."""
        raise LookupError(number)

    ctypes.CFUNCTYPE(None, ctypes.c_int)(callback)(7)
    assert [type(error) for error in told] == [LookupError]
    assert callback.__doc__ == "Do something."


def test_a_callback_is_traced_where_python_did_not_start_the_thread():
    """Coverage sees native threads too; without a tracer nothing changes."""
    seen: list[object] = []
    before = threading.gettrace()
    mine = sys.gettrace()

    def tracer(*_: object) -> None:
        return None

    @native_callback(seen.append)
    def callback() -> None:
        seen.append(sys.gettrace())

    def run() -> None:
        sys.settrace(None)
        callback()
        sys.settrace(None)

    threading.settrace(tracer)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
    assert seen == [tracer]
    assert sys.gettrace() is mine
