from __future__ import annotations

import json
import threading
from contextlib import ExitStack

import azure.cognitiveservices.speech as sdk
import pytest

from azstt.emulator import serve

#: The SDK sends five seconds at once and the rest at double speed, unless it is told otherwise.
SWIFT = {"SPEECH_TransmitLengthBeforThrottleMs": "60000"}


class Client:
    """The bare SDK, used with the care that its traps ask for; remembers what it said."""

    def __init__(self, config, *, audio=(16_000, 16, 1), kind=sdk.SpeechRecognizer, lid=None):
        self.stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(*audio))
        # the recognizer keeps no reference to these, and does not survive them
        self._kept = [config, sdk.audio.AudioConfig(stream=self.stream), lid]
        named = "speech_config"
        if kind is sdk.translation.TranslationRecognizer:
            named = "translation_config"
        more = {} if lid is None else {"auto_detect_source_language_config": lid}
        self.recognizer = kind(**{named: config}, audio_config=self._kept[1], **more)
        self.results: list = []
        self.partials: list[str] = []
        self.no_match: list = []
        self.cancellations: list = []
        self.started: list[int] = []
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._transcribes = kind is sdk.transcription.ConversationTranscriber

    @property
    def texts(self) -> list[str]:
        return [result.text for result in self.results]

    @property
    def bodies(self) -> list[dict]:
        return [json.loads(result.json) for result in self.results]

    @property
    def error(self) -> str | None:
        """The name of what went wrong; the end of the stream is no error."""
        names = [details.code.name for details in self.cancellations]
        return next((name for name in names if name != "NoError"), None)

    def begin(self, *pieces: bytes) -> None:
        """Start to recognize continuously, and push audio."""
        names = ("transcribing", "transcribed") if self._transcribes else ()
        partial, final = names or ("recognizing", "recognized")
        r = self.recognizer
        getattr(r, partial).connect(lambda event: self.partials.append(event.result.text))
        getattr(r, final).connect(self._take)
        r.speech_start_detected.connect(lambda event: self.started.append(event.offset))
        r.canceled.connect(lambda event: self.cancellations.append(event.cancellation_details))
        r.canceled.connect(lambda _: self._ended.set())
        r.session_stopped.connect(lambda _: (self._stopped.set(), self._ended.set()))
        self._signals = [getattr(r, partial), getattr(r, final), r.canceled, r.session_stopped]
        begin = r.start_transcribing_async if self._transcribes else None
        (begin or r.start_continuous_recognition_async)().get()
        for piece in pieces:
            self.stream.write(piece)

    def _take(self, event) -> None:
        silent = event.result.reason == sdk.ResultReason.NoMatch
        (self.no_match if silent else self.results).append(event.result)

    def end(self, seconds: float = 15.0) -> None:
        """End the audio, and wait until the session has ended."""
        self.stream.close()
        ended = self._ended.wait(seconds)
        if self.cancellations:  # stopping between the two events makes letting go take 10 s
            self._stopped.wait(1.0)
        r = self.recognizer
        for signal in (*self._signals, r.speech_start_detected):
            signal.disconnect_all()
        stop = r.stop_transcribing_async if self._transcribes else None
        (stop or r.stop_continuous_recognition_async)().get()
        assert ended, f"the session had not ended after {seconds} s"

    def run(self, *pieces: bytes, seconds: float = 15.0):
        """Recognize it all; give itself."""
        self.begin(*pieces)
        self.end(seconds)
        return self

    def release(self) -> None:
        """Let the recognizer go, which closes the connection."""
        del self.recognizer


@pytest.fixture
def emulate():
    """Run emulators; at the end each must have been used as the protocol says."""
    with ExitStack() as running:
        emulators = []

        def start(**settings):
            emulators.append(running.enter_context(serve(**settings)))
            return emulators[-1]

        yield start
        assert [text for emulator in emulators for text in emulator.complaints(grace=3)] == []


@pytest.fixture
def client(emulate):  # noqa: ARG001 - clients go before their emulators
    """Make clients, let go at the test's end."""
    made: list[Client] = []

    def make(config, **options) -> Client:
        made.append(Client(config, **options))
        return made[-1]

    yield make
    for one in made:
        one.release()


@pytest.fixture(params=["host", "endpoint"])
def way(request):
    """Both ways to point the SDK at an address: the old paths, and the universal one."""

    def configure(emulator, *, targets=(), **properties):
        address = {request.param: getattr(emulator, request.param)}
        if targets:
            config = sdk.translation.SpeechTranslationConfig(**address)
            config.speech_recognition_language = "en-US"
            for target in targets:
                config.add_target_language(target)
        else:
            config = sdk.SpeechConfig(**address)
        for name, value in (SWIFT | properties).items():
            config.set_property_by_name(name.replace("_", "-"), value)
        return config

    return configure


@pytest.fixture
def pointed():
    """Point the SDK at an emulator, where the path makes no difference.

    The SDK's own pace stays: a session that fails when all its audio is sent takes 10 s to let go.
    """
    return lambda emulator: sdk.SpeechConfig(host=emulator.host)
