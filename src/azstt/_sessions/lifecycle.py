"""The life of a live session: who may call what, on which loop, in which turn, and how it ends."""

from __future__ import annotations

from enum import Enum

import anyio
from anyio.lowlevel import checkpoint

from azstt._assembly.missing import warned
from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError, warn
from azstt._events import Event
from azstt._options import check_seconds
from azstt._sessions.config import LiveConfig
from azstt._sessions.driver import SessionDriver
from azstt._sessions.feed import Feeds
from azstt._sessions.handlers import EventEmitter, Handlers
from azstt._sessions.watchdog import StallDetector
from azstt._transcript import Transcript
from azstt.backends import ReconnectHook


class SessionState(Enum):
    """The life cycle of a session; the values complete its messages."""

    NEW = "before start(); start the session first"
    STARTING = "while start() is running; wait for it"
    OPEN = "while it is open"
    FINISHED = "after finish(); open another session"
    CLOSED = "after the session was closed; open another session"


class Lifecycle(EventEmitter):
    """What `LiveSession` is built on: its parts, the checks before a call, and the end.

    Args:
        config: the session's arguments.
        on_reconnect: called before each attempt to reconnect.
    """

    def __init__(self, config: LiveConfig, on_reconnect: ReconnectHook | None) -> None:
        self._config: LiveConfig = config
        self._idle: StallDetector = StallDetector(config.idle_timeout)
        self._state: SessionState = SessionState.NEW
        self._driver: SessionDriver | None = None
        self._handlers: Handlers = Handlers(on_reconnect)
        self._sending: bool = False
        self._reader: int | None = None  # the task that read the last event
        audio = config.audio
        self._pcm: AudioFormat | None = audio if isinstance(audio, AudioFormat) else None
        self._feeds: Feeds = Feeds(self._pcm, self._here, self._open)

    @property
    def idle_timeout(self) -> float | None:
        """The argument of this name, in seconds; may be changed at any time."""
        return self._idle.limit

    @idle_timeout.setter
    def idle_timeout(self, seconds: float | None) -> None:
        check_seconds("idle_timeout", seconds)
        self._idle.limit = seconds

    async def _close(self, *, now: bool, wait: bool) -> None:
        """See `aclose`; ``wait`` is for the source that is being sent."""
        driver = self._driver
        if driver is None or self._state is SessionState.CLOSED:
            self._state = SessionState.CLOSED
            await checkpoint()
            return
        try:
            if not (now or driver.failure_told):
                await self._end(driver, wait=wait)
        finally:
            self._state = SessionState.CLOSED
            self._feeds.close()
            await driver.close()
            await self._feeds.over()

    def _done(self) -> Transcript:
        """Return the transcript, for `wait` and `transcribe`, with a warning to their callers."""
        return warned(self._begun("transcript").transcript())

    def _warn_unclosed(self) -> None:
        message = f"unclosed {self!r}; use 'async with', or await aclose()"
        warn(message, ResourceWarning, source=self)

    def _begun(self, call: str) -> SessionDriver:
        if self._driver is None:
            raise SessionStateError(f"{call} {SessionState.NEW.value}")
        return self._driver

    def _here(self, call: str) -> SessionDriver:
        """Return the driver for a call that waits, if this is its loop; once closed, any is."""
        driver = self._begun(call)
        if self._state is not SessionState.CLOSED:
            driver.check_loop(call)
        return driver

    async def _next(self) -> Event | None:
        """Wait for the next event; None is the end."""
        self._reader = anyio.get_current_task().id
        return await self._here("receive").event()

    async def _end(self, driver: SessionDriver, *, wait: bool) -> None:
        """Finish, unless that was done or is done meanwhile, and wait for the end."""
        driver.check_loop("aclose")
        if wait and (feed := self._feeds.running) is not None and feed.keep:
            await driver.until(lambda: not feed.running)
        if self._state is SessionState.OPEN and not driver.ending:
            await self._feeds.stop()
            await self._take_turn(driver)
            if self._state is SessionState.OPEN:  # another task's `finish` may have been first
                self._state = SessionState.FINISHED
                driver.finish()
        await driver.until(lambda: False)
        await driver.yield_failure()
        if not driver.failure_told:
            await driver.end()

    async def _in_turn(self, call: str) -> SessionDriver:
        """Return the driver of a session that takes audio, after a `send` that is running."""
        await self._take_turn(self._here(call))
        return self._open(call)

    async def _take_turn(self, driver: SessionDriver) -> None:
        """Wait for a `send` that is running, and send what was pulled from sources before it."""
        async with driver.turn:
            await driver.yield_failure()
            await self._feeds.send_pulled()

    def _source_is_over(self, driver: SessionDriver) -> bool:
        """Return whether the audio was finished by the end of its source, not by a call."""
        return self._state is SessionState.OPEN and driver.finished and driver.failure is None

    def _open(self, call: str) -> SessionDriver:
        """Return the driver of a session that takes audio.

        Raises:
            SessionStateError: the session is not open, or has failed and its reader knows.
            Exception: what ended it.
        """
        driver = self._begun(call)
        driver.check_failure(call)
        state = self._state
        if state is SessionState.OPEN and driver.finished:  # by the end of a source
            state = SessionState.FINISHED
        if state is not SessionState.OPEN:
            raise SessionStateError(f"{call}() {state.value}")
        return driver
