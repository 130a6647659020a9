"""Hears recordings with azstt, in a process that is replaced when it crashes or hangs.

`python -m benchmarks.media.listening` reads requests and prints answers, a line of JSON each.
"""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from select import select
from typing import Final

import azstt
from azstt import AudioFormat, Ended, RecognitionOptions, Segment, Started
from azstt.backends import Capabilities, Emit
from benchmarks import ROOT
from benchmarks.media.sound import RATE, find_beeps, sounding
from benchmarks.processes import module_command

#: Bytes that arrive at a time in a live session.
_PIECE: Final = 4_000
#: Seconds and bytes of memory that hearing a recording of 24 s may take.
_TIMEOUT, _MEMORY = 30.0, 4_000_000_000


@dataclass(frozen=True, slots=True)
class Missing:
    """A gap that the transcript names."""

    at: float
    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a recording.

    Attributes:
        seconds: of sound, without the silence that fills holes.
        beeps: when they began, by the media's time.
        missing: the gaps in the ledger.
        error: what ended it, if something did.
    """

    seconds: float = 0.0
    beeps: Sequence[float] = ()
    missing: Sequence[Missing] = ()
    error: str = ""


class Ear:
    """A recognizer that hears nothing but beeps."""

    name = "ear"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.pcm = bytearray()

    def open(self, options: RecognitionOptions, audio: AudioFormat, emit: Emit) -> _Listening:
        """Create a session."""
        del options, audio
        return _Listening(self.pcm, emit)


class _Listening:
    def __init__(self, pcm: bytearray, emit: Emit) -> None:
        self._pcm = pcm
        self._emit = emit

    def start(self) -> None:
        self._emit(Started())

    def write(self, pcm: bytes, /) -> None:
        self._pcm += pcm

    def finish(self) -> None:
        for start, end in find_beeps(bytes(self._pcm)):
            self._emit(azstt.Final(segment=Segment(text="beep", start=start, end=end)))
        self._emit(Ended(position=len(self._pcm) / 2 / RATE))

    def close(self) -> None:
        pass


def hear(path: Path, *, live: bool) -> Heard:
    """Hear a recording with azstt, as a file or in pieces."""
    ear = Ear()
    error, partial = "", None
    try:
        transcript = _live(path, ear) if live else azstt.transcribe_file(path, backend=ear)
    except Exception as problem:  # noqa: BLE001 - any is a finding
        error = f"{type(problem).__name__}: {problem}"
        partial = getattr(problem, "partial", None)
        if not isinstance(partial, azstt.Transcript):
            return Heard(sounding(bytes(ear.pcm)), error=error)
        transcript = partial
    return Heard(
        sounding(bytes(ear.pcm)),
        tuple(segment.start for segment in transcript.segments),
        tuple(Missing(gap.at, gap.seconds, gap.reason) for gap in transcript.ledger.gaps),
        error,
    )


def _live(path: Path, ear: Ear) -> azstt.Transcript:
    data = path.read_bytes()
    with azstt.BlockingLiveSession(audio="auto", backend=ear) as session:
        for at in range(0, len(data), _PIECE):
            session.send(data[at : at + _PIECE])
        session.finish()
        return session.wait()


class Listener:
    """A process that hears recordings on request."""

    def __init__(self) -> None:
        self._process = self._start()

    def hear(self, path: Path, *, live: bool) -> Heard:
        """Hear a recording; a crash or a hang is an error like others."""
        sent, received = self._process.stdin, self._process.stdout
        if sent is None or received is None:
            raise RuntimeError("the listening process has no pipes")
        sent.write(json.dumps([str(path), live]) + "\n")
        sent.flush()
        answered = select([received], [], [], _TIMEOUT)[0]
        line = received.readline() if answered else ""
        if not line:
            self.close()
            ended = self._process.returncode
            self._process = self._start()
            return Heard(error=f"crashed with {ended}" if answered else f"hangs for {_TIMEOUT:g} s")
        answer = json.loads(line)
        missing = [Missing(**gap) for gap in answer.pop("missing")]
        return Heard(**answer, missing=missing)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    @staticmethod
    def _start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            module_command("benchmarks.media.listening"),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def _serve() -> None:
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - only Unix has it

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    warnings.simplefilter("ignore")  # what is missing is in the ledger as well
    for line in sys.stdin:
        path, live = json.loads(line)
        print(json.dumps(asdict(hear(Path(path), live=live))), flush=True)


if __name__ == "__main__":
    _serve()
