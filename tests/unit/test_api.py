from __future__ import annotations

import asyncio
import io
import math
import signal
import subprocess
import sys
import threading
import time
import warnings
import wave
from itertools import pairwise

import anyio
import pytest

import azstt
from azstt.testing import Cue, ScriptedBackend
from azstt.testing._scripted import EVERYTHING


def _wav(pcm: bytes) -> bytes:
    """Put 16 kHz mono PCM into a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(pcm)
    return file.getvalue()


SECOND = _wav(bytes(32_000))
HELLO = ScriptedBackend.saying("Hello, world.")
HANGS = ScriptedBackend(
    [
        azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.5)),
        Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf),
    ]
)

pytestmark = pytest.mark.usefixtures("no_thread_left")


def test_a_file_becomes_a_transcript(audio):
    """A path in, a typed transcript out, with every second accounted for."""
    transcript = azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, language="en-GB")
    assert transcript.text == str(transcript) == "Hello, world."
    assert [word.text for word in transcript.words] == ["Hello,", "world."]
    assert (transcript.backend, transcript.language) == ("scripted", "en-GB")
    assert transcript.duration == transcript.ledger.decoded == transcript.ledger.sent == 11.0
    assert transcript.ledger.recognized == pytest.approx(0.6)
    assert transcript.ledger.silent == pytest.approx(10.4)
    assert transcript.usage.audio_seconds == 11.0
    assert 0 < transcript.usage.first_result_latency <= transcript.usage.wall_seconds


def test_every_kind_of_source(audio):
    """A path, a file object, pieces and a feed of another thread give the same."""
    path = audio / "jfk.wav"
    feed = azstt.ByteFeed()

    def fill() -> None:
        feed.push(path.read_bytes())
        feed.close()

    threading.Thread(target=fill).start()
    with path.open("rb") as file:
        for source in (str(path), path, file, io.BytesIO(path.read_bytes()), feed):
            assert azstt.transcribe_file(source, backend=HELLO).duration == 11.0
        assert not file.closed
    data = path.read_bytes()
    pieces = (data[i : i + 5_000] for i in range(0, len(data), 5_000))
    assert azstt.transcribe_file(pieces, backend=HELLO).duration == 11.0
    for buffer in (data, bytearray(data), memoryview(data)):
        assert azstt.transcribe_bytes(buffer, backend=HELLO).duration == 11.0


def test_a_part_of_a_file(audio):
    """`start` and `end` choose what is transcribed; times count from the chosen start."""
    transcript = azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, start=2, end=4.5)
    assert transcript.duration == 2.5


def test_the_backend_hears_its_own_sample_rate():
    """Audio is converted to what the recognizer wants."""
    telephone = ScriptedBackend(
        capabilities=HELLO.capabilities.model_copy(update={"sample_rates": (8_000,)})
    )
    assert azstt.transcribe_bytes(SECOND, backend=telephone).duration == 1.0


def test_silence_is_an_empty_transcript():
    """No speech is no error."""
    transcript = azstt.transcribe_bytes(SECOND, backend=ScriptedBackend())
    assert (transcript.text, transcript.ledger.silent) == ("", 1.0)
    assert transcript.usage.first_result_latency is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "whisper"}, "no such backend"),
        ({"langauge": "en-US"}, "did you mean 'language'"),
        ({"timeout": 0}, "timeout=0 is not"),
        ({"timeout": math.nan}, "timeout=nan is not"),
        ({"backend": "local", "language": "de-DE"}, "does not recognize language 'de-DE'"),
        ({"backend": "local", "diarize": True}, "does not support option 'diarize'"),
        ({"backend": "local", "phrases": ["x"]}, "does not support option 'phrases'"),
    ],
)
def test_what_is_wrong_is_found_before_any_io(options, message):
    """The options are looked at before the file is."""
    with pytest.raises(azstt.ConfigurationError, match=message):
        azstt.transcribe_file("/no/such/file", **{"backend": HELLO, **options})


def test_bytes_and_paths_are_not_mixed_up():
    """A path is no audio and audio is no path; the message names the sibling."""
    with pytest.raises(azstt.ConfigurationError, match="call transcribe_bytes"):
        azstt.transcribe_file(SECOND, backend=HELLO)
    with pytest.raises(azstt.ConfigurationError, match="call transcribe_file"):
        azstt.transcribe_bytes("talk.mp3", backend=HELLO)


def test_an_error_of_the_audio_comes_out_as_it_is(audio):
    """What is wrong with the file is said by its own error."""
    with pytest.raises(azstt.AudioSourceError, match="no-such-file"):
        azstt.transcribe_file(audio / "no-such-file.wav", backend=HELLO)


def test_a_failure_carries_what_there_was():
    """What was recognized before the recognizer failed is on the error."""
    error = azstt.ServiceError("on purpose")
    backend = ScriptedBackend(
        [
            azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.4)),
            Cue(event=azstt.Failed(error=error), at=0.5),
        ]
    )
    with pytest.raises(azstt.ServiceError) as caught:
        azstt.transcribe_bytes(SECOND, backend=backend)
    assert caught.value is error
    assert caught.value.partial.text == "Hello."


def test_a_session_that_can_not_be_had():
    """A refusal at the start is the error that the call raises."""
    backend = ScriptedBackend(start_error=azstt.AuthenticationError("refused"))
    with pytest.raises(azstt.AuthenticationError, match="refused") as caught:
        azstt.transcribe_bytes(SECOND, backend=backend)
    assert caught.value.partial.text == ""


def test_half_a_transcript_is_an_error():
    """A recognizer that leaves audio out is found out."""
    backend = ScriptedBackend([Cue(event=azstt.Ended(position=0.2), at=1.0)])
    with pytest.raises(azstt.IncompleteTranscriptError, match=r"0\.8 of 1\.0 s"):
        azstt.transcribe_bytes(SECOND, backend=backend)


def test_a_session_that_ends_before_the_audio_is_an_error():
    """A recognizer that stops listening is found out."""
    backend = ScriptedBackend([Cue(event=azstt.Ended(position=2.0), at=2.0)])
    with pytest.raises((azstt.ServiceError, azstt.IncompleteTranscriptError)) as caught:
        azstt.transcribe_file(_endless(), backend=backend)
    assert caught.value.partial is not None


def test_the_timeout_stops_a_recognizer_that_hangs():
    """The time that was given is kept, and what there was comes with the error."""
    began = time.monotonic()
    with pytest.raises(azstt.RecognitionTimeoutError, match=r"timeout=0\.5 s") as caught:
        azstt.transcribe_bytes(SECOND, backend=HANGS, timeout=0.5)
    assert time.monotonic() - began < 20
    assert caught.value.partial.text == "Hello."
    assert caught.value.retryable


def test_the_timeout_stops_a_source_that_hangs():
    """A read that never returns is left alone; the caller is not."""
    release = threading.Event()

    def pieces():
        yield SECOND[:20_000]
        release.wait()

    began = time.monotonic()
    with pytest.raises(azstt.RecognitionTimeoutError):
        azstt.transcribe_file(pieces(), backend=HELLO, timeout=0.5)
    assert time.monotonic() - began < 20
    release.set()


def impatient(seconds):
    """Give what a recognizer can do that is given up after so many seconds."""
    return EVERYTHING.model_copy(update={"stall_timeout": seconds})


def test_a_recognizer_that_says_nothing_is_given_up():
    """Without a timeout too there is an end to waiting."""
    hangs = ScriptedBackend(
        [Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf)],
        capabilities=impatient(0.3),
    )
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled: no audio accepted"):
        azstt.transcribe_bytes(SECOND, backend=hangs)


class Endless:
    """A recognizer that takes everything, ends nothing and keeps no limit of its own."""

    name = "endless"
    capabilities = impatient(0.3)

    def open(self, options, audio, emit):
        return self

    def start(self):
        pass

    def write(self, pcm, /):
        pass

    def finish(self):
        pass

    def close(self):
        pass


def test_a_recognizer_that_never_ends_is_given_up():
    """Also once it has all of the audio, and owes only the end."""
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled: no audio accepted"):
        azstt.transcribe_bytes(SECOND, backend=Endless())


def test_a_recognizer_that_reconnects_is_waited_for():
    """An attempt to connect again is a sign of life."""
    attempts = [
        Cue(event=azstt.Reconnecting(attempt=n, delay=0, reason="lost"), at=0.5, delay=0.6)
        for n in (1, 2, 3)
    ]
    patient = ScriptedBackend(attempts, capabilities=impatient(1.0))
    assert azstt.transcribe_bytes(SECOND, backend=patient).text == ""


def test_a_slow_source_is_not_the_recognizers_fault():
    """A source that pauses for longer than the recognizer may is waited for."""
    patient = ScriptedBackend(
        [azstt.Final(segment=azstt.Segment(text="Hello.", start=0, end=0.5))],
        capabilities=impatient(0.1),
    )

    def pieces():
        yield SECOND[:20_000]
        time.sleep(1)
        yield SECOND[20_000:]

    assert azstt.transcribe_file(pieces(), backend=patient).text == "Hello."


def test_what_the_source_raises_comes_out():
    """An exception of the caller's own code is not disguised."""

    def pieces():
        yield SECOND[:20_000]
        raise LookupError("on purpose")

    with pytest.raises(LookupError, match="on purpose"):
        azstt.transcribe_file(pieces(), backend=HELLO)


def test_progress_is_told(audio):
    """Snapshots rise to the end, and know how much there is."""
    told: list[azstt.Progress] = []
    azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, progress=told.append)
    recognized = [progress.recognized for progress in told]
    assert recognized == sorted(recognized)
    assert recognized[-1] == told[-1].decoded == told[-1].total == 11.0
    assert told[-1].xrt == pytest.approx(11.0 / told[-1].elapsed)


def test_progress_may_stop_the_work():
    """What the callback raises comes out of the call."""

    def stop(_: azstt.Progress) -> None:
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        azstt.transcribe_bytes(SECOND, backend=HANGS, progress=stop)


def test_the_sync_call_works_inside_a_running_loop():
    """A notebook cell runs inside an event loop, and may call the sync function."""

    async def cell() -> str:
        return azstt.transcribe_bytes(SECOND, backend=HELLO).text

    assert asyncio.run(cell()) == "Hello, world."


def test_the_sync_call_works_in_threads():
    """Many threads may transcribe at once."""
    texts: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: texts.append(azstt.transcribe_bytes(SECOND, backend=HELLO).text)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["Hello, world."] * 8


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("after", [0.0, 0.005, 0.02, 0.5])
def test_ctrl_c_leaves_at_once(after):
    """An interrupt at any moment of the call ends it and the interpreter, though all hangs."""
    code = (
        "import azstt, math; from azstt.testing import Cue, ScriptedBackend\n"
        "cue = Cue(event=azstt.SpeechStarted(at=0), at=0, delay=math.inf)\n"
        "backend = ScriptedBackend([cue])\n"
        "print('ready', flush=True)\n"
        f"azstt.transcribe_bytes({SECOND[:44]!r} + bytes(32000), backend=backend)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert errors.rstrip().endswith("KeyboardInterrupt")


@pytest.mark.anyio
async def test_the_async_call(audio):
    """The async twins give the same, on either loop."""
    told: list[azstt.Progress] = []
    path = audio / "jfk.wav"
    of_file = await azstt.atranscribe_file(path, backend=HELLO, progress=told.append)
    of_bytes = await azstt.atranscribe_bytes(path.read_bytes(), backend=HELLO)
    assert of_file.text == of_bytes.text == "Hello, world."
    assert told


@pytest.mark.anyio
async def test_canceling_stops_the_work():
    """Canceling comes back at once, though the recognizer hangs."""
    with anyio.fail_after(20):
        with anyio.move_on_after(0.5) as scope:
            await azstt.atranscribe_bytes(SECOND, backend=HANGS)
    assert scope.cancelled_caught


@pytest.mark.anyio
async def test_the_loop_is_never_blocked(audio):
    """Other tasks go on while a transcription runs."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    slow = [Cue(event=azstt.Partial(text="x", start=0, end=1), at=0, delay=0.5)]
    async with anyio.create_task_group() as group:
        group.start_soon(tick)
        await azstt.atranscribe_file(audio / "jfk.wav", backend=ScriptedBackend(slow))
        group.cancel_scope.cancel()
    assert ticks > 5


class SlowToOpen(ScriptedBackend):
    """Takes its time to make a session, as an SDK that is imported does, or refuses it."""

    refuses = False

    def open(self, options, audio, emit):
        time.sleep(0.5)
        if self.refuses:
            raise azstt.ConfigurationError("these options do not go together")
        return super().open(options, audio, emit)


async def heartbeat(beats: list[float]) -> None:
    """Note the time on the loop, again and again."""
    while True:
        beats.append(time.monotonic())
        await anyio.sleep(0.01)


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["file", "live"])
async def test_a_backend_that_is_slow_to_open_does_not_block_the_loop(call):
    """Its libraries are loaded in a thread: other tasks go on meanwhile."""
    beats: list[float] = []
    async with anyio.create_task_group() as group:
        group.start_soon(heartbeat, beats)
        if call == "file":
            await azstt.atranscribe_bytes(SECOND, backend=SlowToOpen())
        else:
            async with azstt.LiveSession(backend=SlowToOpen()):
                pass
        group.cancel_scope.cancel()
    assert max(after - before for before, after in pairwise(beats)) < 0.4


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["file", "live"])
async def test_what_a_backend_refuses_to_open_comes_out_bare(call):
    """The error is the backend's own, of its own type, and not in a group."""
    backend = SlowToOpen()
    backend.refuses = True
    calls = {
        "file": lambda: azstt.atranscribe_file("/no/such/file", backend=backend),
        "live": lambda: azstt.LiveSession(backend=backend).start(),
    }
    with pytest.raises(azstt.ConfigurationError, match="do not go together"):
        await calls[call]()


def test_the_fallback_warns_at_the_callers_line():
    """Without a backend the warning points at the line that called."""
    code = (
        "import warnings, azstt\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    try:\n"
        "        azstt.transcribe_file('/no/such/file')\n"
        "    except azstt.AudioError:\n"
        "        print(told[0].filename, told[0].lineno)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "<string> 5\n"


def test_no_warning_with_a_backend():
    """Who names the backend reads no notices."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        azstt.transcribe_bytes(SECOND, backend=HELLO)


def _endless():
    """A WAV that goes on for ever."""
    yield SECOND[:40] + b"\xff\xff\xff\xff"
    while True:
        yield bytes(3_200)
