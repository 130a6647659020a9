"""One transcription: decode, recognise, assemble; on asyncio or trio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import ParamSpec, TypeAlias

import anyio

from azstt._assembler import Account, Assembler
from azstt._audio_format import AudioFormat
from azstt._decode import AudioReader, AudioSource, open_audio
from azstt._errors import AzsttError, RecognitionTimeoutError, ServiceError
from azstt._events import Event, Final, Reconnecting
from azstt._inlet import Inlet
from azstt._options import AudioFields, RecognitionOptions
from azstt._result import Gap, Progress, Usage
from azstt._tasks import BlockingCall, both
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, RecognizerSession

P = ParamSpec("P")

ProgressCallback: TypeAlias = Callable[[Progress], None]

#: Seconds between two looks at the clock, and between two progress reports.
TICK = 0.2
#: Seconds that closing may take before what hangs is left alone.
GRACE = 2.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to transcribe, with what, and how."""

    source: AudioSource
    audio: AudioFields
    backend: RecognizerBackend
    options: RecognitionOptions
    progress: ProgressCallback | None = None
    timeout: float | None = None


async def transcribe(job: Job) -> Transcript:
    """Run a job to its transcript; cancelling stops the work at once.

    Raises:
        AzsttError: with what had been recognised as ``.partial``.
    """
    run = _Run(job)
    try:
        with anyio.move_on_after(job.timeout):
            return await run()
        raise RecognitionTimeoutError(
            f"the transcription was not done within timeout={job.timeout!r} s",
            backend=job.backend.name,
            hint="raise the timeout, or leave it out",
        )
    except AzsttError as error:
        if error.partial is None:
            error.partial = run.so_far()
        raise


class _Run:
    """The state of one transcription.

    Two jobs stand side by side: *feed*, a thread that pulls audio from the decoder and pushes it
    into the session, and *drain*, which takes the session's events on the loop.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._format = AudioFormat(sample_rate=job.backend.capabilities.sample_rates[0])
        language = job.options.language or (job.backend.capabilities.default_language,)
        self._assembler = Assembler(
            backend=job.backend.name, language=language[0] if len(language) == 1 else None
        )
        self._inlet: Inlet[Event] = Inlet()
        self._began = monotonic()
        self._first_result: float | None = None
        self._reconnects = 0
        # Written by the feeding thread, read by the loop.
        self._reader: AudioReader | None = None
        self._decoded = 0
        self._sent = 0
        self._source_is_over = False
        self._recogniser_has_turn = False
        self._stop = False

    async def __call__(self) -> Transcript:
        session = self._job.backend.open(self._job.options, self._format, self._inlet.put)
        feeding = BlockingCall(lambda: self._feed(session), name="azstt feed")
        try:
            await both(feeding.wait, self._drain)
        finally:
            self._stop = True
            with anyio.move_on_after(GRACE, shield=True):
                await BlockingCall(session.close, name="azstt close").over()
                await feeding.over()
        return self._assembler.complete(**self._account())

    def so_far(self) -> Transcript:
        """Give what was recognised until now."""
        return self._assembler.so_far(**self._account())

    def _feed(self, session: RecognizerSession) -> None:
        """Decode and write until the audio is over; on the feeding thread."""
        with open_audio(self._job.source, audio=self._format, **self._job.audio) as reader:
            self._reader = reader
            self._give_turn(session.start)
            for chunk in reader:
                self._decoded += len(chunk)
                if self._stop:
                    return
                self._give_turn(session.write, chunk)
                self._sent += len(chunk)
        self._source_is_over = True
        self._give_turn(session.finish)

    def _give_turn(self, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the session, and let the loop see that the recogniser is the one to wait for.

        Once the source is over it stays so: what is left to say, the recogniser says.
        """
        self._recogniser_has_turn = True
        call(*args, **kwargs)
        self._recogniser_has_turn = self._source_is_over

    async def _drain(self) -> None:
        """Take events until the last one; report and watch the clock in between."""
        patience = self._job.backend.capabilities.patience
        last_mark, last_moved = self._mark(), monotonic()
        while not self._assembler.over:
            with anyio.move_on_after(TICK):
                self._take(await self._inlet.get())
                continue
            self._report()
            if (mark := self._mark()) != last_mark or not self._recogniser_has_turn:
                last_mark, last_moved = mark, monotonic()
            elif monotonic() - last_moved > patience:
                raise RecognitionTimeoutError(
                    f"the recogniser took no audio and said nothing for {patience:.0f} s",
                    backend=self._job.backend.name,
                    hint="try again",
                )
        self._report()
        if not self._source_is_over:
            self._assembler.complete(**self._account())  # raises the failure, if there was one
            raise ServiceError(
                f"the recogniser ended the session at {self._seconds(self._sent):.1f} s, "
                "before the audio was over",
                backend=self._job.backend.name,
            )

    def _take(self, event: Event) -> None:
        self._assembler.add(event)
        self._reconnects += isinstance(event, Reconnecting)
        if isinstance(event, Final) and event.segment.text:
            self._first_result = self._first_result or monotonic() - self._began
            self._report()

    def _mark(self) -> tuple[int, float, int]:
        """Tell where things stand; no change between two looks means that nothing moves."""
        return self._sent, self._assembler.heard, self._reconnects

    def _report(self) -> None:
        if self._job.progress is None:
            return
        elapsed = monotonic() - self._began
        self._job.progress(
            Progress(
                decoded=self._seconds(self._decoded),
                recognised=self._assembler.heard,
                total=self._reader.total_seconds if self._reader else None,
                elapsed=elapsed,
                xrt=self._assembler.heard / elapsed if elapsed else 0.0,
            )
        )

    def _account(self) -> Account:
        damaged = self._reader.report.damaged if self._reader else ()
        sent = self._seconds(self._sent)
        return {
            "decoded": self._seconds(self._decoded),
            "sent": sent,
            "damage": tuple(Gap(at=d.at, seconds=d.seconds, reason="damaged") for d in damaged),
            "usage": Usage(
                audio_seconds=sent,
                wall_seconds=monotonic() - self._began,
                first_result_latency=self._first_result,
            ),
        }

    def _seconds(self, size: int) -> float:
        return self._format.seconds(size)
