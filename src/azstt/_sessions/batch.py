"""One transcription of a file: decode, recognize, assemble; on asyncio or trio."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from os import PathLike
from typing import TypeAlias

import anyio

from azstt._assembly.channels import check_count
from azstt._assembly.timeline import Timeline
from azstt._audio import LONGEST_SILENCE, AudioReader, AudioSource, DecodeReport, open_reader
from azstt._audio_format import AudioFormat
from azstt._errors import Caller, RecognitionTimeoutError
from azstt._events import Event, Final
from azstt._options import AudioFields, RecognitionOptions
from azstt._result import Progress
from azstt._sessions.feeder import Feeder
from azstt._sessions.handlers import check_ran
from azstt._sessions.monitor import AudioAccount, Monitor
from azstt._threads.tasks import TICK
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend

ProgressCallback: TypeAlias = Callable[[Progress], None]


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to transcribe, and with which backend and options.

    Attributes:
        caller: whom warnings are for.
    """

    source: AudioSource
    audio: AudioFields
    backend: RecognizerBackend
    options: RecognitionOptions
    caller: Caller
    progress: ProgressCallback | None = None
    timeout: float | None = None
    strict: bool = False

    @property
    def name(self) -> str:
        """The path of a file; empty for other sources."""
        return str(self.source) if isinstance(self.source, str | PathLike) else ""


async def transcribe(job: Job) -> Transcript:
    """Run a job and return its transcript; canceling stops the work at once.

    Raises:
        AzsttError: with what was recognized until then as ``.partial``.
    """
    file = _File(job)
    feeder = Feeder(partial(job.backend.open, job.options, file.audio), file)
    try:
        with anyio.move_on_after(job.timeout):
            feeder.start()
            await file.follow()
        file.on_failure(  # unless it is over
            RecognitionTimeoutError(
                f"the transcription was not done within timeout={job.timeout!r} s",
                backend=job.backend.name,
                hint="raise the timeout, or leave it out",
            )
        )
    finally:
        await feeder.close()
    file.raise_failure()
    return file.transcript()


class _File(Monitor):
    """A file that is transcribed: the source, and its monitor."""

    def __init__(self, job: Job) -> None:
        begin = job.audio.get("start", 0.0)
        super().__init__(job.backend, job.options, self, strict=job.strict, begin=begin)
        self.audio: AudioFormat = AudioFormat(sample_rate=job.backend.capabilities.sample_rates[0])
        self._job: Job = job
        self._reader: AudioReader | None = None
        self._decoded: float = 0.0  # written by the feeder's thread, read by the loop

    @contextmanager
    def open(self) -> Generator[tuple[int, Iterator[bytes]]]:
        """Open the file."""
        keep = self._job.options.channels == "separate"
        with self._job.caller.active():
            reader = open_reader(
                self._job.source,
                output=self.audio,
                keep_channels=keep,
                fill=LONGEST_SILENCE,
                **self._job.audio,
            )
        with reader as self._reader:
            check_count(self._reader.audio.channels, self._reader.source)
            yield self._reader.audio.channels, self._chunks(self._reader)

    def cancel(self) -> None:
        """Do nothing: the feeder stops after the chunk that is being read."""

    async def follow(self) -> None:
        """Wait for the end, and report progress about five times a second.

        Raises:
            BaseException: what ended it, if that was an error.
        """
        while not self.over:
            await self.wait(TICK)
            self.raise_failure()
            self._report()

    def account(self) -> AudioAccount:
        """Return how much was decoded, which is also how much the feeder took."""
        return AudioAccount(self._decoded, self._decoded, 0.0)

    def timeline(self) -> Timeline:
        """Return the map from the decoder's output to the media."""
        return self._reader.timeline if self._reader else Timeline()

    def report(self) -> DecodeReport | None:
        """Return what the decoder found."""
        return self._reader.report if self._reader else None

    def deliver(self, event: Event) -> None:
        """Report progress with each result."""
        if isinstance(event, Final) and event.segment.text:
            self._report()

    def _chunks(self, reader: AudioReader) -> Iterator[bytes]:
        size = 0
        for chunk in reader:
            size += len(chunk)
            self._decoded = reader.audio.seconds(size)
            yield chunk

    def _report(self) -> None:
        if self._job.progress is None:
            return
        elapsed = self.elapsed
        decoded = self.reached(self._decoded)
        heard = min(tracker.heard for tracker in self._trackers)
        recognized = decoded if self.over else max(0.0, heard - self._begin)
        progress = Progress(
            decoded=decoded,
            recognized=recognized,
            total=self._reader.total_seconds if self._reader else None,
            elapsed=elapsed,
            xrt=recognized / elapsed if elapsed else 0.0,
        )
        check_ran("progress", self._job.progress, self._job.progress(progress))
