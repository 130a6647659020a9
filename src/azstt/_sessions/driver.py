"""The inside of a live session: what is heard on the line, for whoever reads, asks or listens."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any, TypeAlias

import anyio

from azstt._assembly.assembler import Account
from azstt._assembly.tracker import ResultTracker
from azstt._errors import (
    AzsttError,
    ConfigurationError,
    RecognitionError,
    RecognitionTimeoutError,
    ServiceError,
    SessionStateError,
)
from azstt._events import Ended, Event, Failed
from azstt._options import RecognitionOptions
from azstt._result import Gap, Usage
from azstt._sessions.event_queue import EventQueue
from azstt._sessions.pcm_queue import Dropped
from azstt._sessions.pipeline import AudioPipeline, LiveConfig, PipelineEvents
from azstt._sessions.watchdog import StallDetector
from azstt._transcript import Transcript

#: A kind of event, and what is called with each.
Handler: TypeAlias = tuple[type, Callable[[Any], object]]

#: Seconds between two looks at the clock while somebody waits.
_LOOK = 0.5


class SessionDriver(PipelineEvents):
    """A line and what is heard on it; all of it on one loop.

    Attributes:
        line: where the audio goes.
        finished: whether all audio has been sent, so that an end is no surprise.
        failure: what ended it, if that was not `Ended`.
        over: set when `Ended` or a failure has come.
    """

    def __init__(self, plan: LiveConfig, handlers: list[Handler]) -> None:
        self.line: AudioPipeline = AudioPipeline(plan, self)
        self.finished: bool = False
        self.failure: Exception | None = None
        self.over: anyio.Event = anyio.Event()
        language = plan.options.language or (plan.backend.capabilities.default_language,)
        self._backend: str = plan.backend.name
        self._hearing: ResultTracker = ResultTracker(
            backend=self._backend, language=language[0] if len(language) == 1 else None
        )
        self._handlers: list[Handler] = handlers
        self._mailbox: EventQueue = EventQueue()
        self._room: anyio.Event = anyio.Event()
        self._stands: anyio.Event = anyio.Event()
        self._stall: StallDetector = StallDetector(plan.backend.capabilities.stall_timeout)
        self._began: float = monotonic()

    async def open(self) -> None:
        """Start the session; returns when it takes audio, or was closed meanwhile.

        Raises:
            Exception: it can't be had.
        """
        await self.line.open()
        while not self._stands.is_set():
            await self._look_out_for(self._stands)
        self.raise_failure()

    async def room(self, *, block: bool) -> None:
        """Wait until the line takes more audio, or is no more.

        It takes none while it still decodes what it took, nor, if ``block``, while it is full.
        A decoder that takes much and gives nothing, as of a picture in the stream, has room
        without a word: that is found by looking again.
        """

        def wait() -> bool:
            return self.line.decoding or (block and self.line.full)

        while wait() and not self.over.is_set():
            self._room = anyio.Event()
            self.line.ask_for_room()
            if wait():  # there may have been room since
                await self._look_out_for(self._room)

    async def update(self, options: RecognitionOptions) -> None:
        """Have the recognizer use other options after what was fed; returns when it does.

        Raises:
            ConfigurationError: it can't, and goes on as it was.
            SessionStateError: the session was closed meanwhile.
            Exception: what ended it meanwhile.
        """
        answered = anyio.Event()
        answers: list[ConfigurationError | None] = []

        def answer(refusal: ConfigurationError | None) -> None:
            answers.append(refusal)
            answered.set()

        self.line.update(options, answer)
        while not (answered.is_set() or self.over.is_set()):
            await self._look_out_for(answered)
        self.raise_failure()
        if not answers:
            raise SessionStateError("the session was closed before it came to the update")
        if answers[0] is not None:
            raise answers[0]

    async def event(self) -> Event | None:
        """Take the next event; None is the end. Canceling loses none.

        Raises:
            Exception: what ended the session, after the last event before it.
        """
        while True:
            event = await self._mailbox.get(0.0 if self.over.is_set() else _LOOK)
            if event is not None:
                return event
            if self.over.is_set():
                self.raise_failure()
                return None
            self.look_at_the_clock()

    async def end(self) -> None:
        """Wait for the end.

        Raises:
            SessionStateError: it was closed before.
            Exception: what ended the session, if that was not `Ended`.
        """
        while not self.over.is_set():
            await self._look_out_for(self.over)
        self.raise_failure()
        if not self._hearing.over:
            error = SessionStateError(
                "the session was closed before its end; finish() it, and wait, before it is closed"
            )
            error.partial = self.transcript()
            raise error

    async def close(self) -> None:
        """Let go of everything; who waits for an event gets the rest of them, and the end."""
        self._finish()
        await self.line.close()

    def raise_failure(self) -> None:
        """Raise what ended it, if that was a failure."""
        if self.failure is not None:
            raise self.failure

    def transcript(self) -> Transcript:
        """Give what there is now."""
        return self._hearing.so_far(self._account())

    def usage(self) -> Usage:
        """Say what it took so far."""
        return self._hearing.usage(self.line.taken, self._elapsed)

    def on_event(self, event: Event) -> None:
        """Pass an event on; at the last one, see that nothing is missing."""
        if self.over.is_set():
            return
        try:
            event = self._hearing.add(event, self._elapsed)
            match event:
                case Failed(error=error):
                    self.on_failure(error)
                case Ended():
                    self._end(event)
                case _:
                    self._pass_on(event)
        except Exception as error:  # noqa: BLE001 - raised again where somebody waits
            self.on_failure(error)

    def on_failure(self, error: Exception) -> None:
        """End it; whoever waits gets the error, with what was recognized."""
        if self.over.is_set():
            return
        self.failure = error
        if isinstance(error, AzsttError) and error.partial is None:
            error.partial = self.transcript()
        self._finish()
        if isinstance(error, RecognitionError):
            self._tell(Failed(error=error))

    def on_drop(self, dropped: Dropped) -> None:
        """Pass on that audio was dropped."""
        if not self.over.is_set():
            self._pass_on(self._hearing.drop(*dropped))

    def on_stand(self) -> None:
        """Wake whoever starts it."""
        self._stands.set()

    def on_room(self) -> None:
        """Wake whoever waits to send."""
        self._room.set()

    def on_audio(self, position: float) -> None:
        """Remember when that audio came, to tell how late its words are; on any thread."""
        self._hearing.latency.sent(position, self._elapsed)

    def _end(self, event: Ended) -> None:
        account = self._account(over=True)
        self._hearing.complete(account)  # raises what is missing
        if not self.finished:
            raise ServiceError(
                f"the recognizer ended the session at {account['sent']:.1f} s, before the audio "
                "was over",
                backend=self._backend,
            )
        self._pass_on(event)
        self._finish()

    def _finish(self) -> None:
        """Wake all who wait: there is no more to come."""
        self.over.set()
        self._mailbox.wake()
        self._room.set()
        self._stands.set()

    def _pass_on(self, event: Event) -> None:
        self._mailbox.put(event)
        self._tell(event)

    def _tell(self, event: Event) -> None:
        for kind, handler in tuple(self._handlers):
            if isinstance(event, kind):
                try:
                    handler(event)
                except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                    self.on_failure(error)

    async def _look_out_for(self, event: anyio.Event) -> None:
        """Wait for something until it is time to look at the clock."""
        with anyio.move_on_after(_LOOK):
            await event.wait()
        self.look_at_the_clock()

    def look_at_the_clock(self) -> None:
        """Give a recognizer up that is silent for longer than it may."""
        line, hearing = self.line, self._hearing
        mark = (line.taken, hearing.heard, hearing.reconnects)
        if self._stall.is_over(mark, monotonic(), waiting=line.waits):
            self.on_failure(
                RecognitionTimeoutError(
                    f"the recognizer took no audio and said nothing for {self._stall.limit:g} s",
                    backend=self._backend,
                    hint="try again",
                )
            )

    def _account(self, *, over: bool = False) -> Account:
        line = self.line
        damaged = line.report.damaged if line.report else ()
        return {
            "decoded": line.decoded,
            "sent": line.sent,
            "damage": tuple(Gap(at=d.at, seconds=d.seconds, reason="damaged") for d in damaged),
            "usage": self.usage(),
            "over": over or self.over.is_set(),
        }

    @property
    def _elapsed(self) -> float:
        return monotonic() - self._began
