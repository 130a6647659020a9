"""The only module that calls the Speech SDK: one recognizer, from creation to release.

Results are read through the C interface under the Python binding, since the binding's own objects
truncate text at 2,047 bytes (and lose a result when that splits a character), raise unseen on
codes that they do not know, and read 115 properties per event.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from importlib import import_module
from threading import Event as Flag
from typing import Any, TypeAlias, cast

from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, RequestError, ServiceError
from azstt._options import PronunciationOptions
from azstt.backends.azure._buffer import Reader
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._native import native_callback
from azstt.backends.azure._request import RecognitionRequest
from azstt.backends.azure._result_handler import ResultHandler

# The SDK has no types: it is Any in this module, and used nowhere else.
_sdk: Any = import_module("azure.cognitiveservices.speech")
_interop: Any = import_module("azure.cognitiveservices.speech.interop")
_library: Any = _interop._sdk_lib  # noqa: SLF001 - the C interface has no other name in Python
_call: Callable[..., None] = _interop._call_hr_fn  # noqa: SLF001

#: Called with the native handle of an event.
EventCallback: TypeAlias = Callable[[Any], None]
#: Makes a function safe to be called by native code.
Guard: TypeAlias = Callable[[Callable[..., None]], Callable[..., None]]

_RECOGNIZER_EVENT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
_CONNECTION_EVENT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
#: The C signature of an event's callback and the function that releases the event, if unusual.
_EVENTS = {
    "connection_connected_set_callback": (_CONNECTION_EVENT, "recognizer_event_handle_release"),
    "connection_disconnected_set_callback": (_CONNECTION_EVENT, "recognizer_event_handle_release"),
    "connection_message_received_set_callback": (
        _CONNECTION_EVENT,
        "connection_message_received_event_handle_release",
    ),
}

_END_OF_STREAM = 2  # one of the SDK's cancellation reasons
_ERROR_CODE = re.compile(r"(0x[0-9a-f]+)(?: \((SPXERR_\w+)\))?")


class _PullCallback:
    """Supplies the SDK with audio, on a thread of the SDK's; has every method that it calls."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def read(self, buffer: memoryview) -> int:
        return self._reader.read(buffer)

    def close(self) -> None:
        pass

    def get_property(self, _: object) -> str:
        return ""


class SdkRecognizer:
    """One native recognizer. Its methods block; call them from one thread.

    Every object that the native side refers to is kept here until `close`, since the SDK's own
    objects do not keep them: a stream that is garbage-collected while it is read is a segmentation
    fault.

    Raises:
        RecognitionError: the SDK rejected the configuration.
    """

    def __init__(
        self, request: RecognitionRequest, token: str | None, audio: AudioFormat, reader: Reader
    ) -> None:
        try:
            self._config: Any = _config(request, token)
            self._pull: Any = _PullCallback(reader)
            stream_format = _sdk.audio.AudioStreamFormat(
                samples_per_second=audio.sample_rate,
                bits_per_sample=audio.sample_width * 8,
                channels=audio.channels,
            )
            self._stream: Any = _sdk.audio.PullAudioInputStream(self._pull, stream_format)
            self._audio: Any = _sdk.audio.AudioConfig(stream=self._stream)
            self._recognizer: Any = _recognizer(request, self._config, self._audio)
            self._extras: list[Any] = _extras(request, self._recognizer)
            self._connection: Any = _sdk.Connection.from_recognizer(self._recognizer)
        except (RuntimeError, ValueError, TypeError) as error:
            raise _configuration_error(error) from None
        self._registered: list[tuple[str, Any, Any]] = []
        self._muted: Flag = Flag()

    def start(self, handler: ResultHandler, *, partials: bool) -> None:
        """Start recognition; returns before there is a connection.

        Raises:
            RecognitionError: the SDK rejected the configuration.
        """
        self._register(handler, partials=partials)
        try:
            if not isinstance(self._recognizer, _sdk.transcription.ConversationTranscriber):
                # connect now, not with the first audio; the transcriber does not support it
                self._connection.open(True)
            _async_call(self._recognizer, "start").get()
        except RuntimeError as error:
            raise _configuration_error(error) from None

    def renew(self, token: str) -> None:
        """Use another token for further connections."""
        self._recognizer.properties.set_property(
            _sdk.PropertyId.SpeechServiceAuthorization_Token, token
        )

    def mute(self) -> None:
        """Make no further callbacks; waits for one in progress."""
        self._muted.set()
        while self._registered:
            name, handle, _ = self._registered[-1]
            getattr(_library, name)(handle, None, None)
            self._registered.pop()

    def close(self) -> None:
        """Stop and release everything; may block for some seconds."""
        self.mute()
        try:
            _async_call(self._recognizer, "stop").get()
        except RuntimeError:  # it may have stopped by itself
            pass
        finally:
            self._extras.clear()
            # In this order: objects that refer to others first.
            del self._connection, self._recognizer, self._audio, self._stream, self._pull

    def _register(self, handler: ResultHandler, *, partials: bool) -> None:
        recognizer: dict[str, EventCallback] = {
            "canceled": lambda event: _report_end(event, handler),
            "recognized": lambda event: handler.on_result(_json(event)),
            "speech_start_detected": lambda event: handler.on_speech(_offset(event), starts=True),
            "speech_end_detected": lambda event: handler.on_speech(_offset(event), starts=False),
        }
        if partials:  # there are many: don't convert them for nothing
            recognizer["recognizing"] = lambda event: handler.on_partial(_json(event))
        connection: dict[str, EventCallback] = {
            "connected": lambda event: handler.on_connected(_session_id(event)),
            "disconnected": lambda _: handler.on_disconnected(),
            "message_received": lambda _: handler.on_message(),
        }
        guard = native_callback(handler.on_exception)
        for kind, source, callbacks in (
            ("connection", self._connection, connection),
            ("recognizer", self._recognizer, recognizer),
        ):
            for event, on_event in callbacks.items():
                name = f"{kind}_{event}_set_callback"
                native = self._native(guard, name, on_event)
                handle = source._handle  # noqa: SLF001
                self._registered.append((name, handle, native))
                getattr(_library, name)(handle, native, None)

    def _native(self, guard: Guard, name: str, on_event: EventCallback) -> Any:  # noqa: ANN401
        """Return an event's C callback: it calls ``on_event`` and then releases the event."""
        kind, release = _EVENTS.get(name, (_RECOGNIZER_EVENT, "recognizer_event_handle_release"))

        @guard
        def callback(*handles: int | None) -> None:
            event = ctypes.c_void_p(handles[-2])  # the context comes last
            try:
                if not self._muted.is_set():
                    on_event(event)
            finally:
                getattr(_library, release)(event)

        return kind(callback)


def _configuration_error(error: Exception) -> RecognitionError:
    """Convert an exception of the SDK, without its C stack."""
    found = _ERROR_CODE.search(str(error).rpartition("[CALL STACK END]")[2])
    code = (found[2] or found[1]) if found else type(error).__name__
    return (RequestError if "INVALID" in code else ServiceError)(
        f"the Speech SDK rejected the configuration ({code})",
        backend=BACKEND,
        code=code,
        retryable=False,
        hint="check host, endpoint, region and the properties that were set",
    )


def _config(request: RecognitionRequest, token: str | None) -> Any:  # noqa: ANN401
    """Create the SDK's configuration."""
    arguments = request.address
    secret = request.settings.key
    if token is None and secret is not None:
        arguments["subscription"] = secret.get_secret_value()
    if token is not None and "region" in arguments:
        arguments["auth_token"] = token
    if request.options.translate:
        config = _sdk.translation.SpeechTranslationConfig(**arguments)
        for language in request.options.translate:
            config.add_target_language(language)
    else:
        config = _sdk.SpeechConfig(**arguments)
    if token is not None and "auth_token" not in arguments:
        config.authorization_token = token
    if len(request.languages) == 1:
        config.speech_recognition_language = request.languages[0]
        if model := request.custom_models.get(request.languages[0]):
            config.endpoint_id = model
    for name, value in request.properties.items():
        _set(config, name, value)
    return config


def _set(config: Any, name: str, value: str) -> None:  # noqa: ANN401
    """Set a property: one that the SDK lists, or any other by name."""
    if name == "SpeechServiceResponse_ProfanityOption":
        config.set_profanity(_sdk.ProfanityOption[value.capitalize()])
    elif hasattr(_sdk.PropertyId, name):
        config.set_property(_sdk.PropertyId[name], value)
    else:
        config.set_property_by_name(name, value)


def _recognizer(request: RecognitionRequest, config: Any, audio: Any) -> Any:  # noqa: ANN401
    """Create the kind of recognizer that the options require."""
    arguments: dict[str, Any] = {"audio_config": audio}
    if len(request.languages) > 1:
        sources = [
            _sdk.languageconfig.SourceLanguageConfig(language, request.custom_models.get(language))
            for language in request.languages
        ]
        arguments["auto_detect_source_language_config"] = (
            _sdk.languageconfig.AutoDetectSourceLanguageConfig(sourceLanguageConfigs=sources)
        )
    if request.options.translate:
        return _sdk.translation.TranslationRecognizer(config, **arguments)
    if request.options.diarize:
        return _sdk.transcription.ConversationTranscriber(config, **arguments)
    return _sdk.SpeechRecognizer(config, **arguments)


def _extras(request: RecognitionRequest, recognizer: Any) -> list[Any]:  # noqa: ANN401
    """Set a recognizer's phrase list and pronunciation assessment; return them to be kept."""
    extras: list[Any] = []
    options = request.options
    if options.phrases:
        phrases = _sdk.PhraseListGrammar.from_recognizer(recognizer)
        for phrase in options.phrases:
            phrases.addPhrase(phrase)
        if options.phrase_weight is not None:
            phrases.setWeight(options.phrase_weight)
        extras.append(phrases)
    if options.pronunciation is not None:
        assessment = _assessment(options.pronunciation)
        assessment.apply_to(recognizer)
        extras.append(assessment)
    return extras


def _assessment(options: PronunciationOptions) -> Any:  # noqa: ANN401
    granularity = {"phoneme": "Phoneme", "word": "Word", "text": "FullText"}[options.detail]
    grading = {"hundred": "HundredMark", "five": "FivePoint"}[options.grading]
    assessment = _sdk.PronunciationAssessmentConfig(
        reference_text=options.reference,
        grading_system=_sdk.PronunciationAssessmentGradingSystem[grading],
        granularity=_sdk.PronunciationAssessmentGranularity[granularity],
        enable_miscue=options.miscue,
    )
    if options.prosody:
        assessment.enable_prosody_assessment()
    if options.alphabet:
        assessment.phoneme_alphabet = options.alphabet
    return assessment


def _async_call(recognizer: Any, verb: str) -> Any:  # noqa: ANN401
    """Call the method that starts or stops; the conversation transcriber's has its own name."""
    if isinstance(recognizer, _sdk.transcription.ConversationTranscriber):
        return getattr(recognizer, f"{verb}_transcribing_async")()
    return getattr(recognizer, f"{verb}_continuous_recognition_async")()


def _result(event: Any) -> Any:  # noqa: ANN401
    """Return the handle of an event's result, which releases itself."""
    result = ctypes.c_void_p(0)
    _call(event, ctypes.byref(result), fn=_library.recognizer_recognition_event_get_result)
    return _interop._Handle(  # noqa: SLF001
        result,
        _library.recognizer_result_handle_is_valid,
        _library.recognizer_result_handle_release,
    )


def _property(result: Any, name: str) -> str:  # noqa: ANN401
    bag = ctypes.c_void_p(0)
    _call(result.get(), ctypes.byref(bag), fn=_library.result_get_property_bag)
    value = _sdk.PropertyCollection(bag).get_property(_sdk.PropertyId[name])
    return cast("str", value)


def _json(event: Any) -> str:  # noqa: ANN401
    return _property(_result(event), "SpeechServiceResponse_JsonResult")


def _offset(event: Any) -> int:  # noqa: ANN401
    ticks = ctypes.c_uint64(0)
    _call(event, ctypes.byref(ticks), fn=_library.recognizer_recognition_event_get_offset)
    return ticks.value


def _session_id(event: Any) -> str:  # noqa: ANN401
    text = ctypes.create_string_buffer(37)
    _call(event, text, ctypes.c_uint32(37), fn=_library.recognizer_session_event_get_session_id)
    return text.value.decode()


def _report_end(event: Any, handler: ResultHandler) -> None:  # noqa: ANN401
    """Report a normal end, which is a cancellation too, or a failure."""
    reason, code, details = _cancellation(event)
    if reason == _END_OF_STREAM:
        handler.on_end()
    else:
        handler.on_failure(code, details)


def _cancellation(event: Any) -> tuple[int, int, str]:  # noqa: ANN401
    """Return why a session was canceled: the reason, the error's code, the details."""
    result = _result(event)
    reason, code = ctypes.c_int(0), ctypes.c_int(0)
    _call(result.get(), ctypes.byref(reason), fn=_library.result_get_reason_canceled)
    _call(result.get(), ctypes.byref(code), fn=_library.result_get_canceled_error_code)
    details = _property(result, "SpeechServiceResponse_JsonErrorDetails")
    return reason.value, code.value, details
