"""A recognizer's events by the SDK's public objects, where `NativeEvents` can't have them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from typing import Any

from azstt.backends.azure._native import native_callback
from azstt.backends.azure._result_handler import ResultHandler


class PublicEvents:
    """Calls a handler for each event of a recognizer, until `mute`.

    The service's messages without a result are not to be had: a connection counts as a response,
    and then only results do.
    """

    def __init__(
        self,
        recognizer: Any,  # noqa: ANN401 - the SDK has no types
        connection: Any,  # noqa: ANN401
        handler: ResultHandler,
        *,
        partials: bool,
    ) -> None:
        self._muted: Flag = Flag()
        verb = "transcrib" if hasattr(recognizer, "transcribed") else "recogniz"
        callbacks: list[tuple[Any, Callable[[Any], None]]] = [
            (connection.connected, lambda event: handler.on_connected(event.session_id)),
            (connection.disconnected, lambda _: handler.on_disconnected()),
            (recognizer.canceled, lambda event: _cancel(event.cancellation_details, handler)),
            (
                getattr(recognizer, f"{verb}ed"),
                lambda event: handler.on_result(event.result.json),
            ),
            (
                recognizer.speech_start_detected,
                lambda event: handler.on_speech(event.offset, starts=True),
            ),
            (
                recognizer.speech_end_detected,
                lambda event: handler.on_speech(event.offset, starts=False),
            ),
        ]
        if partials:
            signal = getattr(recognizer, f"{verb}ing")
            callbacks.append((signal, lambda event: handler.on_partial(event.result.json)))
        guard = native_callback(handler.on_exception)
        self._signals: list[Any] = []
        for signal, on_event in callbacks:
            signal.connect(guard(self._live(handler, on_event)))
            self._signals.append(signal)

    def mute(self) -> None:
        """Make no further callbacks; waits for one in progress."""
        self._muted.set()
        while self._signals:
            self._signals[-1].disconnect_all()
            self._signals.pop()

    def _live(self, handler: ResultHandler, on_event: Callable[[Any], None]) -> Callable[..., None]:
        """Return the callback of an event: it is a sign of life, unless muted."""

        def callback(event: Any) -> None:  # noqa: ANN401
            if not self._muted.is_set():
                handler.on_message()
                on_event(event)

        return callback


def _cancel(details: Any, handler: ResultHandler) -> None:  # noqa: ANN401
    handler.on_canceled(details.reason.value, details.code.value, details.error_details)
