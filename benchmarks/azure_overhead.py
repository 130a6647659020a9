"""What azstt costs beside the bare Speech SDK: `python -m benchmarks.azure_overhead`.

Both transcribe the same WAV file with the same emulator, which runs in a process of its own and
is not counted. Each run is a process of its own too and first transcribes a second of audio, so
that loading is not counted either. Contenders take turns, and the figures are medians. The SDK is
used as in Microsoft's samples: continuous recognition of a file or of a push stream, with a
callback for each event. All send at the speed given by `--pace`, because the speed of the service
is not what is measured. `cpu` is user and system time of the process, `peak` its peak memory, and
`grown` the part of the peak that the run added.

The last table is for audio that arrives at the speed of speech: seconds from its last byte to the
last text, to the end of the session, and to the return of the call with all resources released.
Programs written like the samples take half a second more, because they poll.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import azstt
from azstt.backends.azure import AzureBackend, AzureLimits
from azstt.backends.azure._settings import AzureSettings
from azstt.emulator import Script
from benchmarks import ROOT
from benchmarks.processes import module_command, peak_memory, service
from benchmarks.report import SMOKE_NOTICE, machine

RATE = 16_000
#: What the scripted service recognizes: ten words in four seconds, then a second of silence.
SENTENCE = "one two three four five six seven eight nine ten"
WORD, PAUSE = 0.4, 1.0
PERIOD = WORD * 10 + PAUSE
#: Seconds of audio in a chunk that arrives at the speed of speech.
CHUNK = 0.1
HEADER = 44
_MODULE = "benchmarks.azure_overhead"

Figures = dict[str, float]


def script(seconds: float) -> Script:
    """Return a script with a sentence every five seconds."""
    sentences = [SENTENCE] * int(seconds / PERIOD)
    return Script.saying(*sentences, seconds_a_word=WORD, pause=PAUSE)


def recording(seconds: float) -> bytes:
    """Return a WAV file of noise: the scripted service ignores the content."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, RATE, 0, "NONE", ""))
        writer.writeframes(os.urandom(2 * RATE) * int(seconds))
    return file.getvalue()


# The contenders. Each transcribes a file and returns the number of recognized words.


def azstt_file(host: str, path: str, pace: float, *, partials: bool = False) -> int:
    limits = AzureLimits(pace=pace)
    backend = AzureBackend(AzureSettings(host=host), limits=limits)
    return len(azstt.transcribe_file(path, backend=backend, partials=partials).text.split())


def azstt_partials(host: str, path: str, pace: float) -> int:
    return azstt_file(host, path, pace, partials=True)


def sdk_file(host: str, path: str, pace: float) -> int:
    """Recognize a file as the sample `speech_recognize_continuous_from_file` does."""
    sdk = speech_sdk()
    recognizer = _SampleRecognizer(
        sdk, sdk_config(sdk, host, pace), sdk.audio.AudioConfig(filename=path)
    )
    recognizer.run(lambda: None)
    return recognizer.words


def sdk_push(host: str, path: str, pace: float, *, partials: bool = True) -> int:
    """Recognize a stream as the sample `speech_recognition_with_push_stream` does."""
    sdk = speech_sdk()
    stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(RATE, 16, 1))
    config = sdk.audio.AudioConfig(stream=stream)
    recognizer = _SampleRecognizer(sdk, sdk_config(sdk, host, pace), config, partials=partials)

    def push() -> None:
        with wave.open(path) as reader:
            while frames := reader.readframes(RATE // 10):
                stream.write(frames)
        stream.close()

    recognizer.run(push)
    return recognizer.words


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
    """Import the SDK, in the processes that use it alone."""
    return import_module("azure.cognitiveservices.speech")


def sdk_config(sdk: Any, host: str, pace: float) -> Any:  # noqa: ANN401
    """Request what azstt requests: words with times, at the same speed."""
    config = sdk.SpeechConfig(host=host)
    config.request_word_level_timestamps()
    config.output_format = sdk.OutputFormat.Detailed
    speed = str(round(pace * 100))
    config.set_property_by_name("SPEECH-AudioThrottleAsPercentageOfRealTime", speed)
    config.set_property_by_name("SPEECH-MaxBufferSizeMs", "120000")
    return config


def _read_text(event: Any) -> None:  # noqa: ANN401 - it has no types
    """Copy a partial's text out of its event, as a user of it does."""
    str(event.result.text)


class _SampleRecognizer:
    """A recognizer with a callback for each event, as in the samples."""

    def __init__(self, sdk: Any, config: Any, audio: Any, *, partials: bool = True) -> None:  # noqa: ANN401
        self._kept = (config, audio)  # the recognizer does not keep them itself
        self._recognizer = sdk.SpeechRecognizer(speech_config=config, audio_config=audio)
        self._done = threading.Event()  # the samples poll a flag twice a second instead
        self.words = 0
        self.last_text = self.ended = 0.0
        recognizer = self._recognizer
        if partials:
            recognizer.recognizing.connect(_read_text)
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
        self.ended = self.ended or time.monotonic()
        self._done.set()


# Audio that arrives at the speed of speech.


def spoken(path: str, sent: list[float], *, header: bool) -> Iterator[bytes]:
    """Yield a file at the speed of speech; `sent` holds the time of the last chunk."""
    data, step = Path(path).read_bytes(), int(CHUNK * RATE) * 2
    if header:
        yield data[:HEADER]
    began = time.monotonic()
    for number, at in enumerate(range(HEADER, len(data), step), 1):
        time.sleep(max(0.0, began + number * CHUNK - time.monotonic()))
        sent[:] = [time.monotonic()]
        yield data[at : at + step]


def azstt_live(host: str, path: str) -> Figures:
    last: list[float] = []
    progress = _Progress()
    backend = AzureBackend(AzureSettings(host=host))
    azstt.transcribe_file(spoken(path, last, header=True), backend=backend, progress=progress)
    returned = time.monotonic()
    return {
        "text": progress.last_text - last[0],
        "end": progress.ended - last[0],
        "return": returned - last[0],
    }


class _Progress:
    """Records when the last words came and when the session ended."""

    def __init__(self) -> None:
        self.last_text = self.ended = 0.0
        self._recognized = 0.0

    def __call__(self, progress: azstt.Progress) -> None:
        self.ended = time.monotonic()
        if progress.recognized > self._recognized:
            self._recognized, self.last_text = progress.recognized, self.ended


def sdk_live(host: str, path: str) -> Figures:
    sdk = speech_sdk()
    stream = sdk.audio.PushAudioInputStream(sdk.audio.AudioStreamFormat(RATE, 16, 1))
    audio = sdk.audio.AudioConfig(stream=stream)
    recognizer = _SampleRecognizer(sdk, sdk_config(sdk, host, 2.0), audio)
    last: list[float] = []

    def push() -> None:
        for chunk in spoken(path, last, header=False):
            stream.write(chunk)
        stream.close()

    recognizer.run(push)
    returned = time.monotonic()
    return {
        "text": recognizer.last_text - last[0],
        "end": recognizer.ended - last[0],
        "return": returned - last[0],
    }


LIVE: dict[str, Callable[[str, str], Figures]] = {"azstt": azstt_live, "SDK, push": sdk_live}


# The worker: one run in a process of its own.


def work(kind: str, name: str, host: str, path: str, warm: str, pace: float) -> Figures:
    """Measure one run in this process."""
    CONTENDERS[name](host, warm, pace)
    if kind == "live":
        return LIVE[name](host, path)
    before, cpu, wall = peak_memory(), time.process_time(), time.monotonic()
    words = CONTENDERS[name](host, path, pace)
    return {
        "cpu": time.process_time() - cpu,
        "wall": time.monotonic() - wall,
        "peak": peak_memory(),
        "grown": peak_memory() - before,
        "words": words,
    }


def run(*task: object) -> Figures:
    """Measure one run in a process of its own."""
    command = module_command(_MODULE, "--work", *task)
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True, timeout=600
    )
    figures: Figures = json.loads(done.stdout)
    return figures


def serve(seconds: float) -> None:
    """Run the emulator until standard input is closed."""
    from azstt.emulator import serve as serving  # noqa: PLC0415 - the emulator's process alone

    with serving(script=script(seconds)) as emulator:
        print(emulator.host, flush=True)
        sys.stdin.read()


# The tables.


def bench(seconds: float, rounds: int, pace: float, folder: Path) -> None:
    """Print what each contender costs."""
    path, warm = folder / "audio.wav", folder / "warm.wav"
    path.write_bytes(recording(seconds))
    warm.write_bytes(recording(1))
    results: dict[str, list[Figures]] = {name: [] for name in CONTENDERS}
    with service(_MODULE, "--serve", seconds) as (host, _):
        for _ in range(rounds):
            for name, figures in results.items():
                figures.append(run("file", name, host, path, warm, pace))
    print(f"\n{seconds:g} s of audio, {rounds} rounds, sent at {pace:g} times real time")
    print(f"{'':20} {'cpu s/h':>8} {'peak MB':>8} {'grown MB':>9} {'wall s':>7} {'words':>6}")
    for name, figures in results.items():
        middle = {key: median(one[key] for one in figures) for key in figures[0]}
        print(f"{name:20} {middle['cpu'] * 3600 / seconds:8.1f} {middle['peak']:8.1f} ", end="")
        print(f"{middle['grown']:9.1f} {middle['wall']:7.2f} {middle['words']:6.0f}")


def bench_live(sentences: int, rounds: int, folder: Path) -> None:
    """Print how late the last text is."""
    seconds = PERIOD * sentences - PAUSE  # the audio ends with a word
    path, warm = folder / "live.wav", folder / "warm.wav"
    path.write_bytes(recording(seconds))
    results: dict[str, list[Figures]] = {name: [] for name in LIVE}
    with service(_MODULE, "--serve", seconds + PAUSE) as (host, _):
        for _ in range(rounds):
            for name, figures in results.items():
                figures.append(run("live", name, host, path, warm, 2.0))
    print(f"\n{seconds:g} s of audio at the speed of speech, {rounds} rounds: s from its last byte")
    print(f"{'':20} {'to the text':>12} {'to the end':>12} {'to the return':>14}")
    for name, figures in results.items():
        middle = {key: median(one[key] for one in figures) for key in figures[0]}
        print(f"{name:20} {middle['text']:12.3f} {middle['end']:12.3f} {middle['return']:14.3f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
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
        kind, name, host, path, warm, pace = asked.work
        print(json.dumps(work(kind, name, host, path, warm, float(pace))))
        return
    seconds, rounds = (10.0, 1) if asked.quick else (asked.seconds, asked.rounds)
    if asked.quick:
        print(SMOKE_NOTICE)
    print(machine("azstt", "azure-cognitiveservices-speech"))
    with tempfile.TemporaryDirectory() as folder:
        bench(seconds, rounds, asked.pace, Path(folder))
        bench_live(1 if asked.quick else 2, rounds, Path(folder))


if __name__ == "__main__":
    main()
