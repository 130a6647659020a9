"""Programs on a machine that is busy: what waits for its turn is not given up, what hangs is."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

import azstt
from azstt import BlockingLiveSession
from azstt.backends.local import LocalBackend
from azstt.backends.local._endpointer import VadParameters, frames
from azstt.backends.local._pool import Heartbeat
from azstt.backends.local._session import LocalSession, LocalSessionConfig
from azstt.testing import Cue, ScriptedBackend
from azstt.testing._scripted import EVERYTHING

pytestmark = pytest.mark.usefixtures("no_thread_left")

LAST = "for you"
#: Seconds, instead of 60, after which the recognizers in these tests count as stalled.
STALL = 2.0


@pytest.fixture(scope="module")
def recording(audio) -> bytes:
    """A real voice, as PCM; `LAST` is among its last words."""
    with azstt.open_audio(audio / "jfk.wav", end=10.4) as reader:
        return b"".join(reader)


class Impatient(LocalBackend):
    """The embedded recognizer with one worker, which soon counts as stalled."""

    def __init__(self, **settings) -> None:
        super().__init__(workers=1, **settings)

    @property
    def capabilities(self):
        return super().capabilities.model_copy(update={"stall_timeout": 3 * STALL})


def test_more_files_than_workers(audio):
    """Files that wait for the only worker for longer than a stall are transcribed all the same."""
    backend = Impatient()
    azstt.warm_up(backend=backend)

    def transcribe(_: int) -> str:
        source = audio / "jfk.wav"
        return azstt.transcribe_file(source, backend=backend, segmentation_silence=0.5).text

    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(transcribe, range(8)))
    assert all(LAST in text.lower() for text in texts)


def test_more_live_sessions_than_workers(recording):
    """Live sessions that wait for the only worker for longer than a stall keep every word."""
    backend = Impatient()
    azstt.warm_up(backend=backend)

    def transcribe(_: int) -> azstt.Transcript:
        with BlockingLiveSession(backend=backend) as live:
            live.send(recording)
        return live.transcript

    with ThreadPoolExecutor(8) as pool:
        transcripts = list(pool.map(transcribe, range(8)))
    assert all(LAST in transcript.text.lower() for transcript in transcripts)
    assert all(transcript.complete for transcript in transcripts)


class Model:
    """A model that takes its time for an utterance, in steps, or hangs in the first step."""

    def __init__(self, *, hangs: threading.Event | None = None, seconds: float = 0.0) -> None:
        self.hangs = hangs
        self.begun = threading.Event()
        self.seconds = seconds

    def segment(self, utterance, *, language, canceled) -> azstt.Segment:
        self.begun.set()
        if self.hangs is not None:
            self.hangs.wait(60)
        for _ in range(round(self.seconds / 0.1)):
            time.sleep(0.1)
            canceled()
        return azstt.Segment(start=utterance.start, end=utterance.end, text="Heard.")


class Engine:
    """The embedded recognizer's sessions and workers with another model."""

    name = "engine"
    capabilities = LocalBackend().capabilities.model_copy(update={"stall_timeout": STALL})

    def __init__(self, model: Model, workers: int) -> None:
        self.plan = LocalSessionConfig(
            load=lambda: model,
            loading=Heartbeat(),
            model="",
            language=None,
            vad=VadParameters(min_silence=frames(0.4)),
            partials=False,
            workers=workers,
        )

    def open(self, options, audio, emit):
        return LocalSession(self.plan, emit)


def test_a_long_utterance(audio):
    """An utterance that takes longer than a stall, on a slow machine, is waited for."""
    slow = Engine(Model(seconds=2 * STALL), workers=1)
    assert azstt.transcribe_file(audio / "arctic_a0009.flac", backend=slow).text == "Heard."


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_that_hangs(audio, workers):
    """A worker that hangs ends the session whose turn it is, and those that have no other worker.

    With another worker the sessions that wait go on.
    """
    hangs = threading.Event()
    model = Model(hangs=hangs)
    hanging, sound = Engine(model, workers), Engine(Model(seconds=0.5), workers)
    outcomes: dict[str, list[str]] = {"hanging": [], "sound": []}

    def transcribe(kind: str, backend: Engine) -> None:
        try:
            text = azstt.transcribe_file(audio / "arctic_a0009.flac", backend=backend).text
        except azstt.RecognitionTimeoutError:
            text = "stalled"
        outcomes[kind].append(text)

    with ThreadPoolExecutor(9) as pool:
        pool.submit(transcribe, "hanging", hanging)
        assert model.begun.wait(30)
        for _ in range(8):
            pool.submit(transcribe, "sound", sound)
        while sum(map(len, outcomes.values())) < 9:
            time.sleep(0.1)
        hangs.set()
    assert outcomes == {
        "hanging": ["stalled"],
        "sound": ["stalled" if workers == 1 else "Heard."] * 8,
    }


@pytest.mark.parametrize("tells_them_apart", [True, False])
def test_whoever_polls_learns_of_a_recognizer_that_hangs(recording, tells_them_apart):
    """So does a program that takes each kind of time-out for "no event yet"."""
    hangs = ScriptedBackend(
        [Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf)],
        capabilities=EVERYTHING.model_copy(update={"stall_timeout": 0.5}),
    )

    def program() -> None:
        deadline = time.monotonic() + 30
        with BlockingLiveSession(backend=hangs) as live:
            live.send(recording)
            while time.monotonic() < deadline:
                try:
                    live.receive(timeout=0.1)
                except TimeoutError as error:
                    if tells_them_apart and isinstance(error, azstt.RecognitionTimeoutError):
                        raise

    with pytest.raises(
        azstt.RecognitionTimeoutError if tells_them_apart else azstt.SessionStateError
    ):
        program()


def test_a_recognizer_that_hangs_while_it_is_opened():
    """A file, too, is given up if the recognizer hangs before it takes any audio."""
    hangs = threading.Event()

    class Hanging(ScriptedBackend):
        def open(self, options, audio, emit):
            hangs.wait(60)
            return super().open(options, audio, emit)

    backend = Hanging(capabilities=EVERYTHING.model_copy(update={"stall_timeout": 0.5}))
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled"):
        azstt.transcribe_bytes(b"anything", backend=backend)
    hangs.set()


def test_captions_that_lag(recording):
    """A session tells how many seconds the recognizer is behind; 0 at the end."""
    hangs = threading.Event()
    with BlockingLiveSession(backend=Engine(Model(hangs=hangs), workers=1)) as live:
        live.send(recording)
        for event in live:
            if isinstance(event, azstt.SpeechEnded):
                assert live.usage.behind == pytest.approx(10.4 - event.at)
                assert live.usage.behind > 5.0
                break
        hangs.set()
    assert live.transcript.usage.behind == 0.0


def test_silence_is_no_lag():
    """The recognizer owes nothing for silence that it has taken."""
    with BlockingLiveSession(backend=LocalBackend()) as live:
        live.send(bytes(320_000))
        deadline = time.monotonic() + 30
        while live.usage.behind and time.monotonic() < deadline:
            time.sleep(0.05)
        assert live.usage.audio_seconds == 10.0
        assert live.usage.behind == 0.0


def test_nothing_is_behind_at_the_end(backend, recording):
    """With every backend the transcript ends level with the audio."""
    with BlockingLiveSession(backend=backend) as live:
        live.send(recording)
        live.finish()
        transcript = live.wait()
    assert transcript.usage.behind == 0.0


def test_more_sessions_than_the_limit(recording):
    """One more than `max_sessions` is refused, with what to do; the others are not disturbed."""
    backend = LocalBackend(max_sessions=2)
    with BlockingLiveSession(backend=backend) as one:
        with BlockingLiveSession(backend=backend):
            with pytest.raises(azstt.ThrottledError) as caught:
                BlockingLiveSession(backend=backend).start()
            assert caught.value.retryable
            message = "2 sessions are open in this process, and max_sessions is 2; close one"
            assert message in str(caught.value)
        with BlockingLiveSession(backend=backend):  # there is room again
            one.send(recording)
    assert LAST in one.transcript.text.lower()


@pytest.mark.anyio
async def test_a_page_that_is_one_too_many():
    """A browser is told that the limit was reached, and may try again."""
    backend, said = LocalBackend(max_sessions=1), list[dict[str, Any]]()

    async def send(text: str) -> None:
        said.append(json.loads(text))

    async def receive() -> str:
        return json.dumps({"kind": "start", "audio": {"sample_rate": 16_000}})

    async with azstt.LiveSession(backend=backend):
        await azstt.WireServer(partial(azstt.LiveSession, backend=backend)).serve(receive, send)
    error = said[-1]["error"]
    assert (error["type"], error["retryable"]) == ("ThrottledError", True)
    assert "max_sessions is 1" in error["message"]


STOPPED = """
import sys, time, azstt
from azstt.testing import ScriptedBackend
from azstt.testing._scripted import EVERYTHING

class Slow(ScriptedBackend):
    def open(self, options, audio, emit):
        session = super().open(options, audio, emit)
        finish = session.finish
        def work():
            print("working", flush=True)
            for _ in range(10):
                time.sleep(0.1)
            finish()
        session.finish = work
        return session

said = azstt.Final(segment=azstt.Segment(text="Heard.", start=0, end=1))
backend = Slow([said], capabilities=EVERYTHING.model_copy(update={"stall_timeout": 3.0}))
print(azstt.transcribe_file(sys.argv[1], backend=backend).text)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
def test_a_program_that_is_stopped_and_continued(audio):
    """Ctrl-Z for longer than a stall, and then `fg`: the transcription goes on."""
    command = [sys.executable, "-c", STOPPED, str(audio / "arctic_a0009.flac")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "working\n"
        time.sleep(0.5)
        process.send_signal(signal.SIGSTOP)
        time.sleep(5.0)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read() == "Heard.\n"
