"""A live session from the inside: pipeline, feeder and monitor, and those who wait for them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from weakref import ref

import anyio
from anyio.lowlevel import current_token

from azstt._assembly.tracker import ResultTracker
from azstt._errors import AzsttError, ConfigurationError, RecognitionError, SessionStateError
from azstt._events import Event, Failed, Reconnecting
from azstt._options import LiveOptions, RecognitionOptions
from azstt._result import Usage
from azstt._sessions.config import LiveConfig
from azstt._sessions.event_queue import EventQueue
from azstt._sessions.feeder import Feeder
from azstt._sessions.handlers import Handlers
from azstt._sessions.monitor import Monitor
from azstt._sessions.pipeline import AudioPipeline
from azstt._sessions.watchdog import StallDetector
from azstt._threads.loop_queue import CallSoon, loop_caller
from azstt.backends import (
    CommittingSession,
    Emit,
    RecognizerSession,
    ReconnectingSession,
    UpdatingSession,
)

#: Seconds between two checks for a stall while somebody waits.
_CHECK_EVERY = 0.5
#: Seconds that senders leave a failure to the reader, before they raise it themselves.
_YIELD = 5.0


class SessionDriver(Monitor):
    """Follows a live session for those who send, read and wait; `pipeline` takes the audio.

    Attributes:
        turn: what all who send take turns by.
        finished: whether no more audio will come.
        fault: what was wrong with the audio's source: raised after the last event.
        failure_told: whether what ended the session was raised; then whoever sends gets an error
            of the session's state, so that a program with two halves is told once.
    """

    def __init__(self, config: LiveConfig, handlers: Handlers, idle: StallDetector) -> None:
        self.pipeline: AudioPipeline = AudioPipeline(config, self)
        super().__init__(config.backend, config.options, self.pipeline, strict=config.strict)
        self._config: LiveConfig = config
        self._feeder: Feeder = Feeder(self._open_session, self)
        self._handlers: ref[Handlers] = ref(handlers)
        self._loop: object = current_token().native_token
        self._call_soon: CallSoon = loop_caller()
        self._events: EventQueue = EventQueue()
        self._has_reader: bool = False
        self._idle: StallDetector = idle
        self.turn: anyio.Lock = anyio.Lock()  # here, for it belongs to the loop
        self.finished: bool = False
        self.fault: BaseException | None = None
        self.failure_told: bool = False

    @property
    def ending(self) -> bool:
        """Whether no more audio is accepted."""
        return self.over or self.finished

    async def open(self) -> None:
        """Start the session; returns when it takes audio, or was closed meanwhile.

        Raises:
            Exception: what the backend raised.
        """
        self._feeder.start()
        await self.until(lambda: self.started)
        self.raise_failure()

    async def close(self) -> None:
        """Release everything; whoever waits for an event gets the rest of them, and the end.

        It may run on another event loop than the rest, after that one has ended.
        """
        self.over = True
        self._call_soon(self.stop)
        await self._feeder.close()

    def abandon(self) -> bool:
        """Release everything without waiting, on any thread; return whether it was not closed."""
        return self._feeder.abandon()

    def check_loop(self, call: str) -> None:
        """Refuse a call that would wait for what happens on another event loop.

        Raises:
            SessionStateError: this is another event loop than the one of `open`.
        """
        if current_token().native_token is not self._loop:
            raise SessionStateError(
                f"{call}() on another event loop than start(), where the results arrive; make all "
                "calls of a session within one asyncio.run() (for a pytest fixture: give the tests "
                "its loop_scope), or use BlockingLiveSession"
            )

    async def make_room(self) -> bool:
        """Wait until the pipeline accepts more audio, or raise, depending on ``overflow``.

        Returns:
            Whether it accepts any: not if the session has ended or was finished meanwhile.

        Raises:
            SessionStateError: there is no room.
        """
        config, pipeline = self._config, self.pipeline
        if pipeline.decoding or pipeline.full:
            await self._room(block=config.overflow == "block")
            if pipeline.full:
                self.check()  # there may be no other call that waits and checks
        if self.ending:
            return False
        if config.overflow == "error" and pipeline.full:
            raise SessionStateError(
                f"the recognizer is behind: buffer={config.buffer!r} s of audio wait for it; send "
                "no faster than real time, or choose overflow='block' or 'drop_oldest'"
            )
        return True

    async def _room(self, *, block: bool) -> None:
        """Wait until the pipeline accepts more audio, or the session is over.

        It accepts none while it still decodes the last chunk, nor, if ``block``, while it is full.
        A decoder that consumes much and outputs nothing, such as a picture in the stream, makes
        room without a notification: that is found by checking again.
        """

        def has_room() -> bool:
            return not (self.pipeline.decoding or (block and self.pipeline.full))

        while not (self.ending or has_room()):
            self.pipeline.notify_of_room()
            if not has_room():  # there may be since
                await self.wait(_CHECK_EVERY)

    def finish(self) -> None:
        """Mark the end of the audio. Idempotent."""
        if not self.finished:
            self.finished = True
            self.pipeline.finish()
            self.notify()

    def end_with(self, fault: BaseException) -> None:
        """Finish, because the audio's source has failed, and raise that after the last event."""
        if not self.ending:
            self.fault = fault
            self.finish()

    def commit(self) -> None:
        """End the open segment after what was sent so far.

        Raises:
            ConfigurationError: the backend's sessions cannot, although it claims so.
        """
        session = self._feeder.sessions[0]
        if not isinstance(session, CommittingSession):
            raise self._broken_claim("commit")
        self.pipeline.call(session.commit)

    async def update(self, changes: LiveOptions) -> None:
        """Use other options after what was sent so far; returns when the recognizer has them.

        Raises:
            ConfigurationError: an option is wrong, or the backend refuses or cannot change it, and
                goes on as before.
            SessionStateError: the session was closed meanwhile.
            Exception: what ended it meanwhile.
        """
        backend, able = self._backend.name, self._backend.capabilities
        now = {name: getattr(self._options, name) for name in RecognitionOptions.model_fields}
        options = RecognitionOptions.of({**now, **changes})
        for name in changes:
            if name not in able.updates and getattr(options, name) != now[name]:
                possible = ", ".join(sorted(able.updates)) or "none"
                raise ConfigurationError(
                    f"the {backend!r} backend cannot change option {name!r} within a "
                    f"session; it can change: {possible}"
                )
        able.check(options, backend=backend)
        if options == self._options:
            return
        before, self._options = self._options, options
        try:
            await self._apply(options)
        except ConfigurationError:
            self._options = before
            raise

    async def _apply(self, options: RecognitionOptions) -> None:
        """Let the feeder update the session after what was sent so far, and wait for the answer."""
        answers = list[ConfigurationError | None]()
        call_soon, session = loop_caller(), self._feeder.sessions[0]
        if not isinstance(session, UpdatingSession):
            raise self._broken_claim("update")

        def update() -> None:
            try:
                session.update(options)
                answers.append(None)
            except ConfigurationError as refusal:  # which leaves the session as it was
                answers.append(refusal)
            call_soon(self.notify)

        self.pipeline.call(update)
        await self.until(lambda: bool(answers))
        self.raise_failure()
        if not answers:
            raise SessionStateError("the session was closed before the update was applied")
        if answers[0] is not None:
            raise answers[0]

    def _broken_claim(self, call: str) -> ConfigurationError:
        return ConfigurationError(
            f"the capabilities of the {self._backend.name!r} backend promise {call}(), but its "
            "sessions have no such method; report this to the backend's author"
        )

    async def event(self) -> Event | None:
        """Wait for the next event; None is the end. Canceling loses none.

        Raises:
            Exception: what ended the session, after the last event before it.
        """
        self._has_reader = True
        while True:
            self.check()  # before the wait, which the caller may cancel every time
            event = await self._events.get(0.0 if self.over else _CHECK_EVERY)
            if event is not None:
                return event
            if self.over:
                self.raise_failure()
                return None

    async def end(self) -> None:
        """Wait for the end.

        Raises:
            SessionStateError: the session was closed before its end.
            Exception: what ended the session, if that was an error.
        """
        self._has_reader = True
        await self.until(lambda: False)
        self.raise_failure()
        if not self._tracker.over:
            error = SessionStateError(
                "the session was closed before its end; call finish() and wait() before closing it"
            )
            error.partial = self.transcript()
            raise error

    def raise_failure(self) -> None:
        """Raise what ended it, if that was an error."""
        if self.failure is not None:
            self.failure_told = True
            self.notify()
            raise self.failure

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition or the end of the session, with an eye on stalls."""
        while not (self.over or condition()):
            await self.wait(_CHECK_EVERY)

    async def yield_failure(self) -> None:
        """Let the reader, if there is one, be the first to learn what ended the session."""
        with anyio.move_on_after(_YIELD):
            while self.failure is not None and self._has_reader and not self.failure_told:
                await self._changed.wait()

    def check_failure(self, call: str) -> None:
        """Raise if the session has failed.

        Raises:
            SessionStateError: what ended it was told before, or will be after the last event.
            Exception: what ended it.
        """
        if self.failure_told or (self.fault is not None and not self.over):
            error = SessionStateError(f"{call}() after the session failed; open another session")
            error.partial = self.transcript()
            raise error from (self.failure or self.fault)
        self.raise_failure()

    def usage(self) -> Usage:
        """Return what was used so far."""
        return self._usage(self._tracker)

    def deliver(self, event: Event) -> None:
        """Queue an event for the reader, and call the handlers."""
        self._events.put(event)
        self._call_handlers(event)

    def check(self) -> None:
        """Give up on a recognizer that has stalled, and on who sends no audio."""
        super().check()
        source = self.pipeline
        awaited = self.started and not (self.ending or source.full)
        if self._idle.is_over(max(self.progress, source.fed_at), monotonic(), waiting=awaited):
            self.end_with(
                SessionStateError(
                    f"no audio and no finish() for {self._idle.limit:g} s; call finish() after "
                    "the last audio, or set idle_timeout=None if such pauses are meant"
                )
            )

    def stop(self) -> None:
        """Mark the end, and wake everyone who waits."""
        fault = None if self.failure else self.fault
        self.failure = self.failure or fault
        super().stop()
        self._events.wake()
        if isinstance(fault, AzsttError):
            fault.partial = self.transcript()

    def on_failure(self, error: BaseException) -> None:
        """End with an error, and release everything; handlers of `Failed` get it too."""
        if not self.over:
            super().on_failure(error)
            error.__context__ = error.__context__ or self.fault
            self._feeder.abandon()  # its threads must not keep the error's traceback alive
            if isinstance(error, RecognitionError):
                self._call_handlers(Failed(error=error))

    def _call_handlers(self, event: Event) -> None:
        handlers = self._handlers()
        for error in handlers.call(event) if handlers else ():
            self.on_failure(error)
            if not isinstance(error, Exception):  # an exit, from whichever handler, is not lost
                self.failure = error

    def _before_reconnect(self, event: Reconnecting) -> float | None:
        """Call the caller's hook, on another thread; an exit comes out of whoever waits."""
        handlers = self._handlers()
        try:
            if handlers is None or handlers.on_reconnect is None:
                return None
            return handlers.on_reconnect(event)
        except BaseException as error:
            if not isinstance(error, Exception):
                self._call_soon(partial(self.on_failure, error))
            raise

    def _open_session(self, emit: Emit) -> RecognizerSession:
        config = self._config
        session = config.backend.open(config.options, self.pipeline.audio, emit)
        if config.has_hook and isinstance(session, ReconnectingSession):
            session.on_reconnect(self._before_reconnect)
        return session

    @property
    def _tracker(self) -> ResultTracker:
        return self._trackers[0]
