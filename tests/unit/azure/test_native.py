from __future__ import annotations

import ctypes
import sys
import threading

from azstt.backends.azure._native import native_callback


def test_an_exception_in_a_callback_is_reported():
    """The exception is reported and does not reach native code."""
    reported: list[Exception] = []

    @native_callback(reported.append)
    def callback(number: int) -> None:
        """Do something."""
        raise LookupError(number)

    ctypes.CFUNCTYPE(None, ctypes.c_int)(callback)(7)
    assert [type(error) for error in reported] == [LookupError]
    assert callback.__doc__ == "Do something."


def test_a_callback_on_a_native_thread_is_traced():
    """Coverage sees native threads too; other threads keep their tracer."""
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


def test_a_callback_runs_while_a_tracer_is_being_set():
    """Python refuses to set two tracers at once; no event is lost to that."""
    heard: list[object] = []
    before = threading.gettrace()

    @native_callback(heard.append)
    def callback() -> None:
        heard.append("event")

    class Tracer:
        """Python deletes it in the middle of setting the next one."""

        def __call__(self, *_: object) -> None:
            return None

        def __del__(self) -> None:
            callback()

    def run() -> None:
        sys.settrace(Tracer())
        sys.settrace(None)

    threading.settrace(lambda *_: None)
    try:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        threading.settrace(before)  # type: ignore[arg-type]
    assert heard == ["event"]
