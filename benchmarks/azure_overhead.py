"""What azstt costs beside the bare Speech SDK: `python benchmarks/azure_overhead.py`.

Both transcribe the same WAV file over the same emulator, which is a process of its own and costs
nothing here. Each run is a process of its own too, which first transcribes a second of audio, so
that loading is not counted; the contenders take turns, and the figures are medians. The SDK is
used as Microsoft's samples use it: continuous recognition of a file or of a push stream, with a
callback for each event. All send as fast as `--pace` says, for the service's speed is not the
question. `cpu` is user and system time of the process; `memory` the most it ever had, and what of
that came with the run.

The last table is of audio that arrives as it is spoken: seconds from its last byte until the last
text is there, until it is known that there is no more, and until the call returns, with everything
let go of. A program in the manner of the samples adds half a second: it polls.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import azstt
from azstt.backends.azure import AzureBackend, AzureLimits
from azstt.backends.azure._settings import AzureSettings
from azstt.emulator import Script
from benchmarks import ROOT

RATE = 16_000
#: What the scripted service hears: ten words in four seconds, then one second of silence.
SENTENCE = "one two three four five six seven eight nine ten"
WORD, PAUSE = 0.4, 1.0
PERIOD = WORD * 10 + PAUSE
#: Seconds of audio a piece, where it arrives as it is spoken.
PIECE = 0.1
HEADER = 44
_MODULE = "benchmarks.azure_overhead"
STATUS = Path("/proc/self/status")
_UNIT = 1 << (20 if sys.platform == "darwin" else 10)

Figures = dict[str, float]


def script(seconds: float) -> Script:
    """Say a sentence every five seconds."""
    sentences = [SENTENCE] * int(seconds / PERIOD)
    return Script.saying(*sentences, seconds_a_word=WORD, pause=PAUSE)


def recording(seconds: float) -> bytes:
    """Make a WAV file; what it sounds like makes no difference to any of this."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, RATE, 0, "NONE", ""))
        writer.writeframes(os.urandom(2 * RATE) * int(seconds))
    return file.getvalue()


# The contenders. Each transcribes a file and gives how many words it heard.


def azstt_file(host: str, path: str, pace: float, *, partials: bool = False) -> int:
    limits = AzureLimits(pace=pace)
    backend = AzureBackend(AzureSettings(host=host), limits=limits)
    return len(azstt.transcribe_file(path, backend=backend, partials=partials).text.split())


def azstt_partials(host: str, path: str, pace: float) -> int:
    return azstt_file(host, path, pace, partials=True)


def sdk_file(host: str, path: str, pace: float) -> int:
    """Recognize a file as the sample `speech_recognize_continuous_from_file` does."""
    sdk = speech_sdk()
    heard = _Heard(sdk, sdk_config(sdk, host, pace), sdk.audio.AudioConfig(filename=path))
    heard.run(lambda: None)
    return heard.words


def sdk_push(host: str, path: str, pace: float, *, partials: bool = True) -> int:
    """Recognize a stream as the sample `speech_recognition_with_push_stream` does, unhurried."""
    sdk = speech_sdk()
    stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(RATE, 16, 1))
    config = sdk.audio.AudioConfig(stream=stream)
    heard = _Heard(sdk, sdk_config(sdk, host, pace), config, partials=partials)

    def push() -> None:
        with wave.open(path) as reader:
            while frames := reader.readframes(RATE // 10):
                stream.write(frames)
        stream.close()

    heard.run(push)
    return heard.words


def sdk_finals(host: str, path: str, pace: float) -> int:
    return sdk_push(host, path, pace, partials=False)


CONTENDERS: dict[str, Callable[[str, str, float], int]] = {
    "azstt": azstt_file,
    "azstt, partials": azstt_partials,
    "SDK, push, finals": sdk_finals,
    "SDK, push": sdk_push,
    "SDK, file": sdk_file,
}


def speech_sdk() -> Any:  # noqa: ANN401 - it has no types
    import azure.cognitiveservices.speech as sdk  # noqa: PLC0415 - what the SDK alone loads

    return sdk


def sdk_config(sdk: Any, host: str, pace: float) -> Any:  # noqa: ANN401
    """Ask for what azstt asks for: words with times, at the same speed."""
    config = sdk.SpeechConfig(host=host)
    config.request_word_level_timestamps()
    config.output_format = sdk.OutputFormat.Detailed
    speed = str(round(pace * 100))
    config.set_property_by_name("SPEECH-AudioThrottleAsPercentageOfRealTime", speed)
    config.set_property_by_name("SPEECH-MaxBufferSizeMs", "120000")
    return config


class _Heard:
    """A recognizer with a callback for each event, as in the samples."""

    def __init__(self, sdk: Any, config: Any, audio: Any, *, partials: bool = True) -> None:  # noqa: ANN401
        self._kept = (config, audio)  # the recognizer does not keep them itself
        self._recognizer = sdk.SpeechRecognizer(speech_config=config, audio_config=audio)
        self._done = threading.Event()  # the samples poll a flag twice a second: half a second
        self.words = 0
        self.last_text = self.over = 0.0
        recognizer = self._recognizer
        if partials:
            recognizer.recognizing.connect(lambda event: str(event.result.text))
        recognizer.recognized.connect(self._take)
        recognizer.session_started.connect(str)
        recognizer.session_stopped.connect(self._end)
        recognizer.canceled.connect(self._end)

    def run(self, feed: Callable[[], None]) -> None:
        self._recognizer.start_continuous_recognition()
        feed()
        self._done.wait()
        self._recognizer.stop_continuous_recognition()
        del self._recognizer

    def _take(self, event: Any) -> None:  # noqa: ANN401
        self.words += len(event.result.text.split())
        self.last_text = time.monotonic()

    def _end(self, _: object) -> None:
        self.over = self.over or time.monotonic()
        self._done.set()


# Audio that arrives as it is spoken.


def spoken(path: str, told: list[float], *, header: bool) -> Iterator[bytes]:
    """Give a file at the speed of speech; note when the last byte was given."""
    data, step = Path(path).read_bytes(), int(PIECE * RATE) * 2
    if header:
        yield data[:HEADER]
    began = time.monotonic()
    for number, at in enumerate(range(HEADER, len(data), step), 1):
        time.sleep(max(0.0, began + number * PIECE - time.monotonic()))
        told[:] = [time.monotonic()]
        yield data[at : at + step]


def azstt_live(host: str, path: str) -> Figures:
    last: list[float] = []
    heard = _Progress()
    backend = AzureBackend(AzureSettings(host=host))
    azstt.transcribe_file(spoken(path, last, header=True), backend=backend, progress=heard)
    over = time.monotonic()
    return {
        "text": heard.last_text - last[0],
        "end": heard.over - last[0],
        "return": over - last[0],
    }


class _Progress:
    """Notes when the last words came, and when the session was over."""

    def __init__(self) -> None:
        self.last_text = self.over = 0.0
        self._recognized = 0.0

    def __call__(self, progress: azstt.Progress) -> None:
        self.over = time.monotonic()
        if progress.recognized > self._recognized:
            self._recognized, self.last_text = progress.recognized, self.over


def sdk_live(host: str, path: str) -> Figures:
    sdk = speech_sdk()
    stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(RATE, 16, 1))
    audio = sdk.audio.AudioConfig(stream=stream)
    heard = _Heard(sdk, sdk_config(sdk, host, 2.0), audio)
    last: list[float] = []

    def push() -> None:
        for piece in spoken(path, last, header=False):
            stream.write(piece)
        stream.close()

    heard.run(push)
    over = time.monotonic()
    return {
        "text": heard.last_text - last[0],
        "end": heard.over - last[0],
        "return": over - last[0],
    }


LIVE: dict[str, Callable[[str, str], Figures]] = {"azstt": azstt_live, "SDK, push": sdk_live}


# The worker: one run in a process of its own.


def peak() -> float:
    """Give the most memory that the process ever had, in MB."""
    if STATUS.is_file():  # elsewhere a process inherits the peak of the one that started it
        line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _UNIT


def work(kind: str, name: str, host: str, path: str, warm: str, pace: float) -> Figures:
    """Do one run and measure it."""
    CONTENDERS[name](host, warm, pace)
    if kind == "live":
        return LIVE[name](host, path)
    before, cpu, wall = peak(), time.process_time(), time.monotonic()
    words = CONTENDERS[name](host, path, pace)
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "peak": peak(),
        "grown": peak() - before,
        "words": words,
    }


def run(*task: object) -> Figures:
    """Have a process do it."""
    command = [sys.executable, "-m", _MODULE, "--work", *map(str, task)]
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True, timeout=600
    )
    figures: Figures = json.loads(done.stdout)
    return figures


@contextmanager
def emulator(seconds: float) -> Iterator[str]:
    """Run the service in a process of its own; give its address."""
    command = [sys.executable, "-m", _MODULE, "--serve", str(seconds)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the emulator has no pipes")
        yield process.stdout.readline().strip()
        process.stdin.close()


def serve(seconds: float) -> None:
    from azstt.emulator import serve as serving  # noqa: PLC0415 - the emulator's process alone

    with serving(script=script(seconds)) as service:
        print(service.host, flush=True)
        sys.stdin.read()


# The tables.


def bench(seconds: float, rounds: int, pace: float, folder: Path) -> None:
    """Print what each contender costs."""
    path, warm = folder / "audio.wav", folder / "warm.wav"
    path.write_bytes(recording(seconds))
    warm.write_bytes(recording(1))
    results: dict[str, list[Figures]] = {name: [] for name in CONTENDERS}
    with emulator(seconds) as host:
        for _ in range(rounds):
            for name, figures in results.items():
                figures.append(run("file", name, host, path, warm, pace))
    print(f"\n{seconds:g} s of audio, {rounds} rounds, sent at {pace:g} times real time")
    print(f"{'':20} {'cpu s/h':>8} {'peak MB':>8} {'grown MB':>9} {'wall s':>7} {'words':>6}")
    for name, figures in results.items():
        middle = {key: median(one[key] for one in figures) for key in figures[0]}
        print(f"{name:20} {middle['cpu'] * 3600 / seconds:8.1f} {middle['peak']:8.1f} ", end="")
        print(f"{middle['grown']:9.1f} {middle['wall']:7.2f} {middle['words']:6.0f}")


def bench_live(rounds: int, folder: Path) -> None:
    """Print how long the last text takes to come."""
    seconds = PERIOD * 2 - PAUSE  # it ends with a word
    path, warm = folder / "live.wav", folder / "warm.wav"
    path.write_bytes(recording(seconds))
    results: dict[str, list[Figures]] = {name: [] for name in LIVE}
    with emulator(seconds + PAUSE) as host:
        for _ in range(rounds):
            for name, figures in results.items():
                figures.append(run("live", name, host, path, warm, 2.0))
    print(f"\n{seconds:g} s of audio as it is spoken, {rounds} rounds: seconds from its last byte")
    print(f"{'':20} {'to the text':>12} {'to the end':>12} {'to the return':>14}")
    for name, figures in results.items():
        middle = {key: median(one[key] for one in figures) for key in figures[0]}
        print(f"{name:20} {middle['text']:12.3f} {middle['end']:12.3f} {middle['return']:14.3f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a minute of audio, two rounds")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--pace", type=float, default=40.0)
    parser.add_argument("--work", nargs=6, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    if asked.serve:
        serve(asked.serve)
        return
    if asked.work:
        *task, pace = asked.work
        print(json.dumps(work(*task, float(pace))))
        return
    seconds, rounds = (60.0, 2) if asked.quick else (asked.seconds, asked.rounds)
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} processors, {platform.machine()}, ", end=""
    )
    print(f"{platform.system()}, Python {platform.python_version()}, ", end="")
    print(f"Speech SDK {version('azure-cognitiveservices-speech')}")
    with tempfile.TemporaryDirectory() as folder:
        bench(seconds, rounds, asked.pace, Path(folder))
        bench_live(rounds, Path(folder))


if __name__ == "__main__":
    main()
