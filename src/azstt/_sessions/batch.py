"""One transcription: decode, recognize, assemble; on asyncio or trio."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import ParamSpec, TypeAlias

import anyio

from azstt._assembly.assembler import Account, Assembler
from azstt._assembly.channels import check_count, deinterleave, merge
from azstt._audio import AudioReader, AudioSource, open_audio
from azstt._audio_format import AudioFormat
from azstt._errors import AzsttError, RecognitionTimeoutError, ServiceError
from azstt._events import Event, Failed, Final, Reconnecting
from azstt._options import AudioFields, RecognitionOptions
from azstt._result import Gap, Progress, Usage
from azstt._sessions.watchdog import StallDetector
from azstt._threads.loop_queue import LoopQueue
from azstt._threads.tasks import GRACE, TICK, BlockingCall, both
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, RecognizerSession

P = ParamSpec("P")

ProgressCallback: TypeAlias = Callable[[Progress], None]


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
    """Run a job to its transcript; canceling stops the work at once.

    Raises:
        AzsttError: with what had been recognized as ``.partial``.
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
        error.partial = run.so_far()
        raise


class _Channel:
    """A session with its own audio: what it took and what it said."""

    def __init__(
        self, job: Job, audio: AudioFormat, inlet: LoopQueue[tuple[_Channel, Event]]
    ) -> None:
        language = job.options.language or (job.backend.capabilities.default_language,)
        self.assembler: Assembler = Assembler(
            backend=job.backend.name, language=language[0] if len(language) == 1 else None
        )
        self.sent: int = 0  # bytes; written by the feeding thread, read by the loop
        self.session: RecognizerSession = job.backend.open(
            job.options, audio, lambda event: inlet.put((self, event))
        )


class _Run:
    """The state of one transcription.

    Two jobs stand side by side: *feed*, a thread that pulls audio from the decoder and pushes it
    into the session, and *drain*, which takes the session's events on the loop. Channels that are
    recognized separately have a session each, and share everything else.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._format = AudioFormat(sample_rate=job.backend.capabilities.sample_rates[0])
        self._separate = job.options.channels == "separate"
        self._inlet: LoopQueue[tuple[_Channel, Event]] = LoopQueue()
        self._channels: list[_Channel] = []
        self._began = monotonic()
        self._first_result: float | None = None
        self._reconnects = 0
        # Written by the feeding thread, read by the loop.
        self._reader: AudioReader | None = None
        self._decoded = 0
        self._source_is_over = False
        self._recognizer_has_turn = False
        self._stop = False
        self._open(1)  # before anything is read; the others once their number is known

    async def __call__(self) -> Transcript:
        feeding = BlockingCall(self._feed, name="azstt feed")
        try:
            await both(feeding.wait, self._drain)
        finally:
            self._stop = True
            with anyio.move_on_after(GRACE, shield=True):
                sessions = [channel.session for channel in self._channels]
                closing = [BlockingCall(session.close, name="azstt close") for session in sessions]
                for call in [*closing, feeding]:
                    await call.over()
        return self._merged([c.assembler.complete(**self._account(c)) for c in self._channels])

    def so_far(self) -> Transcript:
        """Give what was recognized until now."""
        return self._merged([c.assembler.so_far(**self._account(c)) for c in self._channels])

    def _merged(self, transcripts: Sequence[Transcript]) -> Transcript:
        return merge(transcripts) if self._separate else transcripts[0]

    def _open(self, count: int) -> None:
        """Open sessions until there are so many."""
        while len(self._channels) < count:
            self._channels.append(_Channel(self._job, self._format, self._inlet))
        if self._stop:  # whoever closes them may have been here before
            for channel in self._channels:
                channel.session.close()

    def _feed(self) -> None:
        """Decode and write until the audio is over; on the feeding thread."""
        with open_audio(
            self._job.source, audio=self._format, keep_channels=self._separate, **self._job.audio
        ) as reader:
            self._reader = reader
            count = reader.audio.channels
            check_count(count, reader.source)
            self._open(count)
            for channel in self._channels:
                self._give_turn(channel.session.start)
            for chunk in reader:
                self._decoded += len(chunk) // count
                if self._stop:
                    return
                for channel, pcm in zip(self._channels, deinterleave(chunk, count), strict=True):
                    self._give_turn(channel.session.write, pcm)
                    channel.sent += len(pcm)
        self._source_is_over = True
        for channel in self._channels:
            self._give_turn(channel.session.finish)

    def _give_turn(self, call: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the session, and let the loop see that the recognizer is the one to wait for.

        Once the source is over it stays so: what is left to say, the recognizer says.
        """
        self._recognizer_has_turn = True
        call(*args, **kwargs)
        self._recognizer_has_turn = self._source_is_over

    async def _drain(self) -> None:
        """Take events until the last one; report and watch the clock in between."""
        stall = StallDetector(self._job.backend.capabilities.stall_timeout)
        while not (self._source_is_over and all(c.assembler.over for c in self._channels)):
            with anyio.move_on_after(TICK):
                self._take(*await self._inlet.get())
                continue
            self._report()
            self._refuse_an_early_end()
            if stall.is_over(self._mark(), monotonic(), waiting=self._recognizer_has_turn):
                raise RecognitionTimeoutError(
                    f"the recognizer took no audio and said nothing for {stall.limit:g} s",
                    backend=self._job.backend.name,
                    hint="try again",
                )
        self._report()

    def _refuse_an_early_end(self) -> None:
        """Raise if a session is over before the audio is."""
        for channel in self._channels:
            if channel.assembler.over and not self._source_is_over:
                channel.assembler.complete(**self._account(channel))  # raises what is missing
                raise ServiceError(
                    f"the recognizer ended the session at {self._seconds(channel.sent):.1f} s, "
                    "before the audio was over",
                    backend=self._job.backend.name,
                )

    def _take(self, channel: _Channel, event: Event) -> None:
        channel.assembler.add(event)
        if isinstance(event, Failed):  # no need to hear the other channels out
            channel.assembler.complete(**self._account(channel))  # raises the failure
        self._reconnects += isinstance(event, Reconnecting)
        if isinstance(event, Final) and event.segment.text:
            self._first_result = self._first_result or monotonic() - self._began
            self._report()

    def _mark(self) -> tuple[int, float, int]:
        """Tell where things stand; no change between two looks means that nothing moves."""
        sent = sum(channel.sent for channel in self._channels)
        heard = sum(channel.assembler.heard for channel in self._channels)
        return sent, heard, self._reconnects

    def _report(self) -> None:
        if self._job.progress is None:
            return
        elapsed = monotonic() - self._began
        heard = min(channel.assembler.heard for channel in self._channels)
        self._job.progress(
            Progress(
                decoded=self._seconds(self._decoded),
                recognized=heard,
                total=self._reader.total_seconds if self._reader else None,
                elapsed=elapsed,
                xrt=heard / elapsed if elapsed else 0.0,
            )
        )

    def _account(self, channel: _Channel) -> Account:
        damaged = self._reader.report.damaged if self._reader else ()
        sent = self._seconds(channel.sent)
        return {
            "decoded": self._seconds(self._decoded),
            "sent": sent,
            "damage": tuple(Gap(at=d.at, seconds=d.seconds, reason="damaged") for d in damaged),
            "usage": Usage(
                audio_seconds=sent,
                wall_seconds=monotonic() - self._began,
                first_result_latency=self._first_result,
                reconnects=self._reconnects,
            ),
            "over": True,
        }

    def _seconds(self, size: int) -> float:
        return self._format.seconds(size)
