"""The Speech SDK: one recognizer, from creation to release."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, RequestError, ServiceError
from azstt._options import PronunciationOptions
from azstt.backends.azure._buffer import Reader
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._native_events import NativeEvents, native_interface
from azstt.backends.azure._public_events import PublicEvents
from azstt.backends.azure._request import RecognitionRequest
from azstt.backends.azure._result_handler import ResultHandler

# The SDK has no types: it is Any here and in the modules of events, and used nowhere else.
_sdk: Any = import_module("azure.cognitiveservices.speech")

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
        self._events: NativeEvents | PublicEvents | None = None

    def start(self, handler: ResultHandler, *, partials: bool) -> None:
        """Start recognition; returns before there is a connection.

        Raises:
            RecognitionError: the SDK rejected the configuration.
        """
        sources = (self._recognizer, self._connection, handler)
        native = native_interface()
        self._events = (
            NativeEvents(native, *sources, partials=partials)
            if native
            else PublicEvents(*sources, partials=partials)
        )
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

    def close(self) -> None:
        """Stop and release everything; may block for some seconds."""
        if self._events is not None:
            self._events.mute()
        try:
            _async_call(self._recognizer, "stop").get()
        except RuntimeError:  # it may have stopped by itself
            pass
        finally:
            self._extras.clear()
            # In this order: objects that refer to others first.
            del self._connection, self._recognizer, self._audio, self._stream, self._pull


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
