from __future__ import annotations

import io
import threading
import time
import wave
from array import array
from itertools import groupby

import pytest

from azstt import AudioFormat, RecognitionOptions, Word
from azstt._events import Ended, Failed, SpeechEnded, SpeechStarted
from azstt.backends.azure import AzureBackend, AzureLimits, ReconnectPolicy
from azstt.backends.azure._native_events import native_interface
from azstt.backends.azure._settings import AzureSettings
from azstt.emulator import Utterance
from azstt.emulator.engines import Phrase, Processed

#: Short limits, so that tests of what never happens do not take long.
QUICK = AzureLimits(connect=5, first_response=1, idle=1.5, stop=2, pace=200)
SOON = ReconnectPolicy(attempts=3, total=20, first_delay=0.05, longest_delay=0.2)

#: Bytes per write, and seconds that anything may take.
CHUNK = 6_400
TIMEOUT = 20.0

SLOT = 1_600  # samples: a tenth of a second
SPOKEN, PAUSE, PER_PHRASE = 3, 4, 4  # slots per word, silent slots per phrase, words per phrase


def numbers(count: int) -> bytes:
    """Return audio that says the numbers from 1: each sample of a word is its number, for 0.3 s."""
    pcm = array("h")
    for number in range(1, count + 1):
        pcm.extend([number] * (SPOKEN * SLOT))
        if number % PER_PHRASE == 0:
            pcm.extend([0] * (PAUSE * SLOT))
    return pcm.tobytes()


def said(count: int) -> str:
    """Return the transcript of `numbers`."""
    return " ".join(str(number) for number in range(1, count + 1))


def wav(pcm: bytes) -> bytes:
    """Return 16 kHz mono PCM as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(pcm)
    return file.getvalue()


class NumberEngine:
    """Recognizes the audio of `numbers`; its results depend on nothing else."""

    def __init__(self) -> None:
        self.forget: set[int] = set()  # phrases, counted from 0, to leave out
        self.prefix: str = ""  # of every word

    def open(self, request, audio, emit, channel):
        return _NumberSession(emit, self.forget, self.prefix)


class _NumberSession:
    def __init__(self, emit, forget: set[int], prefix: str) -> None:
        self._emit = emit
        self._prefix = prefix
        self._forget = forget
        self._phrases = 0
        self._samples = array("h")
        self._slots: list[int] = []  # of the current phrase
        self._at = 0  # slots before those

    def write(self, audio: bytes, /) -> None:
        self._samples.frombytes(audio)
        while len(self._samples) >= SLOT:
            self._take(self._samples[0])
            del self._samples[:SLOT]

    def finish(self) -> None:
        if self._samples:
            self._take(self._samples[0])
        self._take(0)

    def close(self) -> None:
        pass

    def _take(self, number: int) -> None:
        if number:
            if not self._slots:
                self._emit(SpeechStarted(at=self._at / 10))
            self._slots.append(number)
            return
        if self._slots:
            start, end = self._at / 10, (self._at + len(self._slots)) / 10
            words, at = [], start
            for value, run in groupby(self._slots):
                until = at + len(list(run)) / 10
                words.append(Word(text=f"{self._prefix}{value}", start=at, end=until))
                at = until
            text = " ".join(word.text for word in words)
            if self._phrases not in self._forget:
                utterance = Utterance(text=text, start=start, end=end, words=tuple(words))
                self._emit(Phrase(utterance=utterance))
            self._phrases += 1
            self._emit(SpeechEnded(at=end))
            self._at += len(self._slots)
            self._slots = []
        self._at += 1
        self._emit(Processed(until=self._at / 10))


class Run:
    """A session that a thread feeds while the test watches."""

    def __init__(self, backend, pcm: bytes, **options) -> None:
        self.events: list = []
        self.session = backend.open(
            RecognitionOptions.of(options), AudioFormat(), self.events.append
        )
        self.session.start()
        self._thread = threading.Thread(target=self._feed, args=[pcm], daemon=True)
        self._thread.start()

    @property
    def feeding(self) -> bool:
        return self._thread.is_alive()

    @property
    def over(self) -> bool:
        return bool(self.events) and isinstance(self.events[-1], Ended | Failed)

    def of(self, kind):
        return [event for event in list(self.events) if isinstance(event, kind)]

    def write(self, pcm: bytes) -> None:
        self._feed(pcm)

    def commit(self) -> None:
        self._thread.join(TIMEOUT)
        self.session.commit()

    def update(self, **options) -> None:
        self._thread.join(TIMEOUT)
        self.session.update(RecognitionOptions.of(options))

    def finish(self) -> None:
        self._thread.join(TIMEOUT)
        self.session.finish()
        self.wait(lambda: self.over)
        self.session.close()

    def until(self, kind, *, count: int = 1) -> None:
        self.wait(lambda: len(self.of(kind)) >= count)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def _feed(self, pcm: bytes) -> None:
        for at in range(0, len(pcm), CHUNK):
            self.session.write(pcm[at : at + CHUNK])

    def wait(self, condition) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < deadline, self.events
            time.sleep(0.005)


@pytest.fixture
def run():
    """Run a session of a backend directly, to its end or not."""
    runs: list[Run] = []

    def begin(backend, pcm: bytes, *, wait: bool = True, **options) -> Run:
        runs.append(Run(backend, pcm, **options))
        if wait:
            runs[-1].finish()
        return runs[-1]

    yield begin
    for each in runs:
        each.session.close()


@pytest.fixture(name="numbers")
def numbers_fixture():
    """Make audio that says numbers; see `numbers`."""
    return numbers


@pytest.fixture(name="wav")
def wav_fixture():
    """Convert 16 kHz mono PCM to a WAV file."""
    return wav


@pytest.fixture(name="said")
def said_fixture():
    """Return the transcript of audio that says numbers."""
    return said


@pytest.fixture
def number_engine():
    """An engine that recognizes numbers."""
    return NumberEngine()


@pytest.fixture
def azure():
    """Make a backend for an emulator, with short limits."""

    def make(emulator, *, limits=QUICK, reconnect=SOON, **more):
        return AzureBackend(
            AzureSettings(host=emulator.host), limits=limits, reconnect=reconnect, **more
        )

    return make


@pytest.fixture
def without_native_interface(monkeypatch):
    """Take from the Speech SDK a private name by which results are read."""

    def take() -> None:
        monkeypatch.delattr("azure.cognitiveservices.speech.interop._call_hr_fn")
        native_interface.cache_clear()
        assert native_interface() is None

    yield take
    native_interface.cache_clear()


@pytest.fixture(params=["native", "public"])
def interface(request, without_native_interface):
    """Let the SDK be as it is, or let its public objects do."""
    if request.param == "public":
        without_native_interface()
    return request.param


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """Keep the machine's settings out of the tests; nothing connects beyond loopback."""
    for name in ("KEY", "REGION", "ENDPOINT", "HOST", "TOKEN", "PROXY"):
        monkeypatch.delenv(f"AZURE_SPEECH_{name}", raising=False)
        monkeypatch.delenv(f"SPEECH_{name}", raising=False)
    monkeypatch.chdir(tmp_path)
