"""A recognizer's events by the C interface under the SDK's Python binding.

That interface has private names only, so this is the only module that uses any, and it looks for
all of them first. Without them, `PublicEvents` does the same, more slowly: the binding's own
objects read 115 properties per event. They also lose a result that is longer than 2,047 bytes if
that splits a character, and an end of the session with a code that they do not know.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from threading import Event as Flag
from typing import Any, TypeAlias, cast

from azstt.backends.azure._native import native_callback
from azstt.backends.azure._result_handler import ResultHandler

# The SDK has no types.
_sdk: Any = import_module("azure.cognitiveservices.speech")

_log = logging.getLogger("azstt.azure")

#: Called with the native handle of an event.
EventCallback: TypeAlias = Callable[[Any], None]
#: Makes a function safe to be called by native code.
Guard: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

_RECOGNIZER_EVENT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_CONNECTION_EVENT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
_RELEASE = "recognizer_event_handle_release"
#: For each event, the C signature of its callback and the function that releases it.
_EVENTS = {
    "connection_connected_set_callback": (_CONNECTION_EVENT, _RELEASE),
    "connection_disconnected_set_callback": (_CONNECTION_EVENT, _RELEASE),
    "connection_message_received_set_callback": (
        _CONNECTION_EVENT,
        "connection_message_received_event_handle_release",
    ),
    "recognizer_canceled_set_callback": (_RECOGNIZER_EVENT, _RELEASE),
    "recognizer_recognized_set_callback": (_RECOGNIZER_EVENT, _RELEASE),
    "recognizer_recognizing_set_callback": (_RECOGNIZER_EVENT, _RELEASE),
    "recognizer_speech_start_detected_set_callback": (_RECOGNIZER_EVENT, _RELEASE),
    "recognizer_speech_end_detected_set_callback": (_RECOGNIZER_EVENT, _RELEASE),
}
#: The C functions that results are read by.
_READERS = (
    "recognizer_recognition_event_get_offset",
    "recognizer_recognition_event_get_result",
    "recognizer_result_handle_is_valid",
    "recognizer_result_handle_release",
    "recognizer_session_event_get_session_id",
    "result_get_canceled_error_code",
    "result_get_property_bag",
    "result_get_reason_canceled",
)


@dataclass(frozen=True)
class NativeInterface:
    """The private names of the SDK.

    Attributes:
        functions: the C functions, by name.
        call: calls one, and raises if it fails.
        handle: makes a handle that releases itself.
        properties: makes the collection of a result's properties.
        property_id: the ids of properties, by name.
    """

    functions: dict[str, Any]
    call: Callable[..., None]
    handle: Callable[[Any, Any, Any], Any]
    properties: Callable[[Any], Any]
    property_id: Any

    def read(self, name: str, *args: Any) -> None:  # noqa: ANN401 - the SDK has no types
        """Call a function that reads something."""
        self.call(*args, fn=self.functions[name])


@cache
def native_interface() -> NativeInterface | None:
    """Return the C interface; None, with a warning in the log, if a name is missing."""
    try:
        interop = _sdk.interop
        library = interop._sdk_lib  # noqa: SLF001 - it has no other name
        releases = {release for _, release in _EVENTS.values()}
        names = {*_EVENTS, *releases, *_READERS}
        for owner in (_sdk.Recognizer, _sdk.Connection):
            owner._handle  # noqa: B018, SLF001 - `NativeEvents` needs it
        return NativeInterface(
            functions={name: getattr(library, name) for name in names},
            call=interop._call_hr_fn,  # noqa: SLF001
            handle=interop._Handle,  # noqa: SLF001
            properties=_sdk.PropertyCollection,
            property_id=_sdk.PropertyId,
        )
    except AttributeError as error:
        _log.warning(
            "this version of the Speech SDK has changed inside (%s): results are read through its "
            "public objects, which is slower and may lose very long ones",
            error,
        )
        return None


class NativeEvents:
    """Calls a handler for each event of a recognizer, until `mute`."""

    def __init__(
        self,
        interface: NativeInterface,
        recognizer: Any,  # noqa: ANN401 - the SDK has no types
        connection: Any,  # noqa: ANN401
        handler: ResultHandler,
        *,
        partials: bool,
    ) -> None:
        self._interface: NativeInterface = interface
        self._registered: list[tuple[str, Any, Any]] = []
        self._muted: Flag = Flag()
        guard = native_callback(handler.on_exception)
        for kind, source, callbacks in (
            ("connection", connection, self._of_connection(handler)),
            ("recognizer", recognizer, self._of_recognizer(handler, partials=partials)),
        ):
            for event, on_event in callbacks.items():
                name = f"{kind}_{event}_set_callback"
                native = self._native(guard, name, on_event)
                handle = source._handle  # noqa: SLF001
                self._registered.append((name, handle, native))
                self._interface.functions[name](handle, native, None)

    def mute(self) -> None:
        """Make no further callbacks; waits for one in progress."""
        self._muted.set()
        while self._registered:
            name, handle, _ = self._registered[-1]
            self._interface.functions[name](handle, None, None)
            self._registered.pop()

    def _of_connection(self, handler: ResultHandler) -> dict[str, EventCallback]:
        return {
            "connected": lambda event: handler.on_connected(self._session_id(event)),
            "disconnected": lambda _: handler.on_disconnected(),
            "message_received": lambda _: handler.on_message(),
        }

    def _of_recognizer(self, handler: ResultHandler, *, partials: bool) -> dict[str, EventCallback]:
        callbacks: dict[str, EventCallback] = {
            "canceled": lambda event: handler.on_canceled(*self._cancellation(event)),
            "recognized": lambda event: handler.on_result(self._json(event)),
            "speech_start_detected": lambda event: handler.on_speech(
                self._offset(event), starts=True
            ),
            "speech_end_detected": lambda event: handler.on_speech(
                self._offset(event), starts=False
            ),
        }
        if partials:  # there are many: don't convert them for nothing
            callbacks["recognizing"] = lambda event: handler.on_partial(self._json(event))
        return callbacks

    def _native(self, guard: Guard, name: str, on_event: EventCallback) -> Any:  # noqa: ANN401
        """Return an event's C callback: it calls ``on_event`` and then releases the event."""
        kind, release = _EVENTS[name]

        @guard
        def callback(*handles: int | None) -> None:
            event = ctypes.c_void_p(handles[-2])  # the context comes last
            try:
                if not self._muted.is_set():
                    on_event(event)
            finally:
                self._interface.functions[release](event)

        return kind(callback)

    def _result(self, event: Any) -> Any:  # noqa: ANN401
        """Return the handle of an event's result, which releases itself."""
        result, functions = ctypes.c_void_p(0), self._interface.functions
        self._interface.read("recognizer_recognition_event_get_result", event, ctypes.byref(result))
        return self._interface.handle(
            result,
            functions["recognizer_result_handle_is_valid"],
            functions["recognizer_result_handle_release"],
        )

    def _property(self, result: Any, name: str) -> str:  # noqa: ANN401
        bag = ctypes.c_void_p(0)
        self._interface.read("result_get_property_bag", result.get(), ctypes.byref(bag))
        value = self._interface.properties(bag).get_property(self._interface.property_id[name])
        return cast("str", value)

    def _json(self, event: Any) -> str:  # noqa: ANN401
        return self._property(self._result(event), "SpeechServiceResponse_JsonResult")

    def _offset(self, event: Any) -> int:  # noqa: ANN401
        ticks = ctypes.c_uint64(0)
        self._interface.read("recognizer_recognition_event_get_offset", event, ctypes.byref(ticks))
        return ticks.value

    def _session_id(self, event: Any) -> str:  # noqa: ANN401
        text = ctypes.create_string_buffer(37)
        size = ctypes.c_uint32(37)
        self._interface.read("recognizer_session_event_get_session_id", event, text, size)
        return text.value.decode()

    def _cancellation(self, event: Any) -> tuple[int, int, str]:  # noqa: ANN401
        """Return why a session was canceled: the reason, the error's code, the details."""
        result = self._result(event)
        reason, code = ctypes.c_int(0), ctypes.c_int(0)
        self._interface.read("result_get_reason_canceled", result.get(), ctypes.byref(reason))
        self._interface.read("result_get_canceled_error_code", result.get(), ctypes.byref(code))
        details = self._property(result, "SpeechServiceResponse_JsonErrorDetails")
        return reason.value, code.value, details
