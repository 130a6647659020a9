"""A live session from the inside: pipeline, feeder and monitor, and those who wait for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import anyio

from azstt._assembly.tracker import ResultTracker
from azstt._errors import ConfigurationError, RecognitionError, SessionStateError
from azstt._events import Event, Failed
from azstt._options import RecognitionOptions
from azstt._result import Usage
from azstt._sessions.config import LiveConfig
from azstt._sessions.event_queue import EventQueue
from azstt._sessions.feeder import Feeder
from azstt._sessions.monitor import Monitor
from azstt._sessions.pipeline import AudioPipeline
from azstt._threads.loop_queue import loop_caller
from azstt.backends import (
    CommittingSession,
    Emit,
    RecognizerSession,
    ReconnectingSession,
    UpdatingSession,
)

#: A kind of event, and the function that is called with each.
Handler: TypeAlias = tuple[type, Callable[[Any], object]]

#: Seconds between two checks for a stall while somebody waits.
_CHECK_EVERY = 0.5
#: Seconds that senders leave a failure to the reader, before they raise it themselves.
_YIELD = 5.0


class SessionDriver(Monitor):
    """Follows a live session for those who send, read and wait; `pipeline` takes the audio.

    Attributes:
        failure_told: whether what ended the session was raised; then whoever sends gets an error
            of the session's state, so that a program with two halves is told once.
    """

    def __init__(self, config: LiveConfig, handlers: list[Handler]) -> None:
        self.pipeline: AudioPipeline = AudioPipeline(config, self)
        super().__init__(config.backend, config.options, self.pipeline, strict=config.strict)
        self._config: LiveConfig = config
        self._feeder: Feeder = Feeder(self._open_session, self)
        self._handlers: list[Handler] = handlers
        self._events: EventQueue = EventQueue()
        self._has_reader: bool = False
        self.failure_told: bool = False

    async def open(self) -> None:
        """Start the session; returns when it takes audio, or was closed meanwhile.

        Raises:
            Exception: what the backend raised.
        """
        self._feeder.start()
        await self._until(lambda: self.started)
        self.raise_failure()

    async def close(self) -> None:
        """Release everything; whoever waits for an event gets the rest of them, and the end."""
        self.stop()
        await self._feeder.close()

    async def make_room(self) -> None:
        """Wait until the pipeline accepts more audio, or raise, depending on ``overflow``.

        Raises:
            SessionStateError: there is no room, or the session was closed meanwhile.
            Exception: what ended it meanwhile.
        """
        config, pipeline = self._config, self.pipeline
        if pipeline.decoding or pipeline.full:
            await self._room(block=config.overflow == "block")
            if pipeline.full:
                self.check()  # there may be no other call that waits and checks
        if self.over:
            self.raise_failure()
            raise SessionStateError("send() after the session was closed; open another session")
        if config.overflow == "error" and pipeline.full:
            raise SessionStateError(
                f"the recognizer is behind: buffer={config.buffer!r} s of audio wait for it; send "
                "no faster than real time, or choose overflow='block' or 'drop_oldest'"
            )

    async def _room(self, *, block: bool) -> None:
        """Wait until the pipeline accepts more audio, or the session is over.

        It accepts none while it still decodes the last chunk, nor, if ``block``, while it is full.
        A decoder that consumes much and outputs nothing, such as a picture in the stream, makes
        room without a notification: that is found by checking again.
        """

        def has_room() -> bool:
            return not (self.pipeline.decoding or (block and self.pipeline.full))

        while not (self.over or has_room()):
            self.pipeline.notify_of_room()
            if not has_room():  # there may be since
                await self.wait(_CHECK_EVERY)

    def commit(self) -> None:
        """End the open segment after what was sent so far."""
        if isinstance(session := self._feeder.sessions[0], CommittingSession):
            self.pipeline.call(session.commit)

    async def update(self, options: RecognitionOptions) -> None:
        """Use other options after what was sent so far; returns when the recognizer has them.

        Raises:
            ConfigurationError: the backend refuses them, and goes on as before.
            SessionStateError: the session was closed meanwhile.
            Exception: what ended it meanwhile.
        """
        answers = list[ConfigurationError | None]()
        call_soon, session = loop_caller(), self._feeder.sessions[0]

        def update() -> None:
            try:
                if isinstance(session, UpdatingSession):
                    session.update(options)
                answers.append(None)
            except ConfigurationError as refusal:  # which leaves the session as it was
                answers.append(refusal)
            call_soon(self.notify)

        self.pipeline.call(update)
        await self._until(lambda: bool(answers))
        self.raise_failure()
        if not answers:
            raise SessionStateError("the session was closed before the update was applied")
        if answers[0] is not None:
            raise answers[0]

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
        await self._until(lambda: False)
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

    async def yield_failure(self) -> None:
        """Let the reader, if there is one, be the first to learn what ended the session."""
        with anyio.move_on_after(_YIELD):
            while self.failure is not None and self._has_reader and not self.failure_told:
                await self._changed.wait()

    def after_failure(self, call: str) -> SessionStateError:
        """Return the error for a call after the failure was told."""
        error = SessionStateError(f"{call}() after the session failed; open another session")
        error.__cause__ = self.failure
        error.partial = self.transcript()
        return error

    def usage(self) -> Usage:
        """Return what was used so far."""
        return self._usage(self._tracker)

    def deliver(self, event: Event) -> None:
        """Queue an event for the reader, and call the handlers."""
        self._events.put(event)
        self._call_handlers(event)

    def stop(self) -> None:
        """Mark the end, and wake everyone who waits."""
        super().stop()
        self._events.wake()

    def on_failure(self, error: BaseException) -> None:
        """End with an error; handlers of `Failed` get it too."""
        if not self.over:
            super().on_failure(error)
            if isinstance(error, RecognitionError):
                self._call_handlers(Failed(error=error))

    def _call_handlers(self, event: Event) -> None:
        for kind, handler in tuple(self._handlers):
            if isinstance(event, kind):
                try:
                    handler(event)
                except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                    self.on_failure(error)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition or the end of the session, with an eye on stalls."""
        while not (self.over or condition()):
            await self.wait(_CHECK_EVERY)

    def _open_session(self, emit: Emit) -> RecognizerSession:
        config = self._config
        session = config.backend.open(config.options, self.pipeline.audio, emit)
        if config.on_reconnect is not None and isinstance(session, ReconnectingSession):
            session.on_reconnect(config.on_reconnect)
        return session

    @property
    def _tracker(self) -> ResultTracker:
        return self._trackers[0]
