from __future__ import annotations

import json
import threading
from contextlib import ExitStack

import azure.cognitiveservices.speech as sdk
import pytest

from azstt.emulator import serve

#: Seconds that anything may take on a busy machine; waits end as soon as it has happened.
TIMEOUT = 60.0


def configure(config, **properties):
    """Set properties by name, with underscores for hyphens; do not wait 10 s for a failed session.

    The SDK waits so long for the service whenever it stops a session, even one that has failed.
    """
    properties = {"SPEECH_StopRecognitionTimeoutInSeconds": "0"} | properties
    for name, value in properties.items():
        config.set_property_by_name(name.replace("_", "-"), value)
    return config


class Client:
    """A recognizer of the bare SDK; collects what it reports."""

    def __init__(self, config, *, audio=(16_000, 16, 1), kind=sdk.SpeechRecognizer, lid=None):
        self.stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(*audio))
        # the recognizer needs these but keeps no reference to them
        self._kept = [config, sdk.audio.AudioConfig(stream=self.stream), lid]
        translates = kind is sdk.translation.TranslationRecognizer
        named = {"translation_config" if translates else "speech_config": config}
        if lid is not None:
            named["auto_detect_source_language_config"] = lid
        self.recognizer = kind(audio_config=self._kept[1], **named)
        self.results: list = []
        self.partials: list[str] = []
        self.no_match: list = []
        self.cancellations: list = []
        self.started: list[int] = []
        self._ended = threading.Event()
        self._transcribes = kind is sdk.transcription.ConversationTranscriber

    @property
    def texts(self) -> list[str]:
        return [result.text for result in self.results]

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(result.json) for result in self.results]

    @property
    def error(self) -> str | None:
        """The name of the first error; the end of the stream is not one."""
        names = [details.code.name for details in self.cancellations]
        return next((name for name in names if name != "NoError"), None)

    def begin(self, *chunks: bytes) -> None:
        """Start continuous recognition and push audio."""
        names = ("transcribing", "transcribed") if self._transcribes else ()
        partial, final = names or ("recognizing", "recognized")
        r = self.recognizer
        getattr(r, partial).connect(lambda event: self.partials.append(event.result.text))
        getattr(r, final).connect(self._take)
        r.speech_start_detected.connect(lambda event: self.started.append(event.offset))
        r.canceled.connect(lambda event: self.cancellations.append(event.cancellation_details))
        r.canceled.connect(lambda _: self._ended.set())
        r.session_stopped.connect(lambda _: self._ended.set())
        self._signals = [getattr(r, partial), getattr(r, final), r.canceled, r.session_stopped]
        begin = r.start_transcribing_async if self._transcribes else None
        (begin or r.start_continuous_recognition_async)().get()
        for chunk in chunks:
            self.stream.write(chunk)

    def _take(self, event) -> None:
        silent = event.result.reason == sdk.ResultReason.NoMatch
        (self.no_match if silent else self.results).append(event.result)

    def end(self, timeout: float = TIMEOUT) -> None:
        """End the audio and wait for the end of the session."""
        self.stream.close()
        ended = self._ended.wait(timeout)
        r = self.recognizer
        for signal in (*self._signals, r.speech_start_detected):
            signal.disconnect_all()
        stop = r.stop_transcribing_async if self._transcribes else None
        (stop or r.stop_continuous_recognition_async)().get()
        assert ended, f"the session had not ended after {timeout} s"

    def run(self, *chunks: bytes):
        """Recognize all the audio; return this client."""
        self.begin(*chunks)
        self.end()
        return self

    def release(self) -> None:
        """Delete the recognizer, which closes the connection."""
        del self.recognizer


@pytest.fixture
def emulate():
    """Run emulators; at the end, no client may have violated the protocol."""
    with ExitStack() as running:
        emulators = []

        def start(**settings):
            emulators.append(running.enter_context(serve(**settings)))
            return emulators[-1]

        yield start
        assert [text for emulator in emulators for text in emulator.complaints(grace=TIMEOUT)] == []


@pytest.fixture
def client(emulate):  # noqa: ARG001 - clients are released before emulators
    """Make clients, which are released at the end of the test."""
    made: list[Client] = []

    def make(config, **options) -> Client:
        made.append(Client(config, **options))
        return made[-1]

    yield make
    for one in made:
        one.release()


@pytest.fixture(params=["host", "endpoint"])
def way(request):
    """Point the SDK at an emulator: with `host` (legacy paths) and `endpoint` (universal path).

    All audio is sent at once.
    """

    def point(emulator, *, targets=(), **properties):
        address = {request.param: getattr(emulator, request.param)}
        if targets:
            config = sdk.translation.SpeechTranslationConfig(**address)
            config.speech_recognition_language = "en-US"
            for target in targets:
                config.add_target_language(target)
        else:
            config = sdk.SpeechConfig(**address)
        burst = {"SPEECH_TransmitLengthBeforThrottleMs": "60000"}
        return configure(config, **burst | properties)

    return point


@pytest.fixture
def pointed():
    """Point the SDK at an emulator, where the path makes no difference.

    The SDK sends five seconds of audio at once, as by default, then the rest at ten times real time
    instead of twice. If it were still sending all of it when the service closes the connection, it
    could miss the close code and reconnect.
    """
    return lambda emulator: configure(
        sdk.SpeechConfig(host=emulator.host), SPEECH_AudioThrottleAsPercentageOfRealTime="1000"
    )
