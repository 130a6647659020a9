"""Sources that a live session sends by itself, and what callers get to wait for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterable,
)
from functools import partial
from os import PathLike
from types import TracebackType
from typing import Any, TypeAlias

import anyio

from azstt._audio.samples import AudioChunk, is_chunk, to_bytes
from azstt._audio_format import AudioFormat
from azstt._errors import Caller, ConfigurationError, SessionStateError
from azstt._events import Event
from azstt._sessions.driver import SessionDriver
from azstt._threads.loop_queue import loop_caller
from azstt._threads.tasks import GRACE, TICK, BackgroundTask, SourceReader
from azstt._transcript import Transcript

#: What a live session can send by itself; one that is not async is iterated over in a thread.
AudioChunks: TypeAlias = AsyncIterable[AudioChunk] | Iterable[AudioChunk]


class Feed(Awaitable[None], ABC):
    """What `LiveSession.feed` returns: await it to wait until all of the source is sent.

    Canceling that wait stops the source. What was pulled from it is sent all the same.
    """

    @property
    @abstractmethod
    def running(self) -> bool:
        """Whether the source is being sent."""


class SourceFeed(Feed):
    """A source that a live session sends in the background.

    Attributes:
        source: the source.
        reader: pulls from it.
        finish: whether the end of the source is the end of the session's audio.
        keep: whether the end of the session's block waits for it; otherwise it stops it.

    Args:
        source: the source.
        driver: the session.
        audio: the session's PCM; None if it takes a container.
    """

    def __init__(
        self, source: AudioChunks, driver: SessionDriver, audio: AudioFormat | None
    ) -> None:
        self.source: AudioChunks = source
        self.reader: SourceReader[AudioChunk] = SourceReader(source)
        self.finish: bool = True
        self.keep: bool = True
        self._driver: SessionDriver = driver
        self._audio: AudioFormat | None = audio
        self._task: BackgroundTask | None = None

    @property
    def running(self) -> bool:
        """Whether the source is being sent."""
        return self._task is not None and self._task.running

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait until it was sent or stopped; `LiveSession.feed` says what it raises."""
        return self._wait().__await__()

    def start(self, send: Callable[[], Awaitable[None]]) -> BackgroundTask:
        """Run a function that sends it."""
        self._task = BackgroundTask(send, name="azstt send")
        return self._task

    def stop(self) -> None:
        """Pull no more from the source, for now."""
        if self._task is not None:
            self._task.cancel()

    def notify(self) -> None:
        """Wake whoever waits for its end, when the task that calls this has ended."""
        loop_caller()(self._driver.notify)

    async def send_pulled(self) -> None:
        """Send what was pulled and not sent yet; a failure ends the session after that audio."""
        driver = self._driver
        for chunk in self.reader.item:
            try:
                data = to_bytes(chunk, self._audio)
                if await driver.make_room():
                    driver.pipeline.feed(data)
            except Exception as error:  # noqa: BLE001 - raised again where somebody waits
                driver.end_with(error)
            self.reader.take()

    async def send(
        self, send_before: Callable[[], Awaitable[None]], settle: Callable[[], Awaitable[None]]
    ) -> None:
        """Send the source up to its end, or that of the session, after what else was pulled."""
        driver, reader = self._driver, self.reader
        while not driver.ending and await reader.ready():
            async with driver.turn:
                await send_before()
                await self.send_pulled()
        await settle()
        async with driver.turn:
            await send_before()
            if reader.failure is not None:
                driver.end_with(reader.failure)
            elif self.finish:
                driver.finish()

    async def _wait(self) -> None:
        driver = self._driver
        try:
            await driver.until(lambda: not self.running)
            if driver.fault is not None:  # what came before it is recognized first
                await driver.until(lambda: False)
        except BaseException:
            self.stop()
            raise
        await driver.yield_failure()
        driver.check_failure("feed")
        if not driver.finished and driver.over:
            raise SessionStateError("the session was closed before all of its source was sent")


class Feeds:
    """The sources of a live session, one after another; it goes on with one that was stopped.

    Args:
        audio: the session's PCM; None if it takes a container.
        begun: returns the driver for a call, or raises if the session was not started.
        opened: does so if it does not accept audio.
    """

    def __init__(
        self,
        audio: AudioFormat | None,
        begun: Callable[[str], SessionDriver],
        opened: Callable[[str], SessionDriver],
    ) -> None:
        self._audio: AudioFormat | None = audio
        self._begun: Callable[[str], SessionDriver] = begun
        self._opened: Callable[[str], SessionDriver] = opened
        self._feeds: list[SourceFeed] = []
        self._task: BackgroundTask | None = None  # one at a time sends

    @property
    def running(self) -> SourceFeed | None:
        """The one that is being sent."""
        return next((feed for feed in self._feeds if feed.running), None)

    def start(
        self, call: str, source: AudioChunks, *, finish: bool = True, keep: bool = True
    ) -> SourceFeed:
        """Send a source, or go on with one that was stopped.

        Args:
            call: who asks, for messages.
            source: the source.
            finish: see `SourceFeed`.
            keep: see `SourceFeed`.

        Raises:
            ConfigurationError: it is no iterable of chunks, or has another format.
            SessionStateError: the session accepts no audio, or another source is being sent.
            Exception: what ended the session.
        """
        feed = next((feed for feed in self._feeds if feed.source is source), None)
        if feed is None or not self._begun(call).finished:
            driver = self._opened(call)
            _check(call, source, self._audio)
            if self.running not in {None, feed}:
                raise SessionStateError(
                    f"{call}() while another source is being sent; wait for its end, or stop it "
                    "with finish()"
                )
            if feed is None:
                feed = SourceFeed(source, driver, self._audio)
                self._feeds.append(feed)
            feed.finish = finish
            if not feed.running:
                with Caller.here().active():  # whom the task's warnings are for
                    self._task = feed.start(partial(self._send, feed, self._task))
        feed.keep = keep
        return feed

    async def wait(self, source: AudioChunks) -> None:
        """Send a source and wait for the end of the session; canceling stops the source.

        Raises:
            SessionStateError: as for `start`, or the session was closed before its end.
            Exception: what ended the session.
        """
        feed = self.start("transcribe", source)
        try:
            await self._begun("transcribe").end()
        except BaseException:
            feed.stop()
            raise

    async def stop(self) -> None:
        """Stop the one that is being sent."""
        if self._task is not None:
            self._task.cancel()
            await self._task.over()
        await self._settle()

    async def _settle(self) -> None:
        """Give what is being pulled from sources that were stopped a moment to arrive."""
        for feed in tuple(self._feeds):
            if feed.reader.pulling and not feed.running:
                with anyio.move_on_after(TICK):
                    await feed.reader.ready()

    async def send_pulled(self) -> None:
        """Send what was pulled from sources that were then stopped; call it in turn."""
        for feed in tuple(self._feeds):
            if not feed.running:  # that one's own task sends it
                await feed.send_pulled()

    def abandon(self) -> None:
        """Pull no more; on any thread."""
        for feed in self._feeds:
            feed.reader.abandon()

    def close(self) -> None:
        """End everything; does not wait."""
        if self._task is not None:
            self._task.cancel()
        for feed in self._feeds:
            feed.reader.close()

    async def over(self) -> None:
        """Wait after `close` until everything has ended, for 2 s at most."""
        with anyio.move_on_after(GRACE, shield=True):
            if self._task is not None:
                await self._task.over()
            for feed in self._feeds:
                await feed.reader.over()
        self._feeds.clear()  # whoever keeps the session for its transcript keeps no source

    async def _send(self, feed: SourceFeed, before: BackgroundTask | None) -> None:
        if before is not None:
            await before.over()
        await feed.send(self.send_pulled, self._settle)
        if not feed.finish and feed in self._feeds:  # sent again it starts over
            self._feeds.remove(feed)
            feed.reader.close()
        feed.notify()


def _check(call: str, source: object, audio: AudioFormat | None) -> None:
    """Refuse what is no iterable of chunks, or says that its PCM is not what was declared."""
    iterable = hasattr(source, "__iter__") or hasattr(source, "__aiter__")
    if not iterable or isinstance(source, str) or is_chunk(source, audio):
        remedy = "use a microphone, a generator or a list"
        if is_chunk(source, audio):
            remedy = f"send() it, or put it into a list: {call}([chunk])"
        elif isinstance(source, str | PathLike):
            remedy = f"open the file: {call}(azstt.open_audio(...))"
        raise ConfigurationError(
            f"{call}() takes an iterable of chunks, not {type(source).__name__}; {remedy}"
        )
    own = getattr(source, "audio", None)  # as a microphone or a reader has it
    if isinstance(own, AudioFormat) and own != audio:
        raise ConfigurationError(
            f"{call}() of PCM ({own}) in a session that was opened for {audio or 'a container'}; "
            "open it with audio=source.audio"
        )


class Transcription(Coroutine[Any, Any, Transcript], AsyncIterable[Event]):
    """What `LiveSession.transcribe` returns: await it, or iterate over it.

    Args:
        whole: sends the source and waits for the transcript.
        begin: starts to send the source instead, and returns the events.
    """

    def __init__(
        self,
        whole: Coroutine[Any, Any, Transcript],
        begin: Callable[[], AsyncIterator[Event]],
    ) -> None:
        self._whole: Coroutine[Any, Any, Transcript] = whole
        self._begin: Callable[[], AsyncIterator[Event]] = begin

    def __await__(self) -> Generator[Any, Any, Transcript]:
        """Send all of the source and wait for the whole transcript."""
        return self._whole.__await__()

    def __aiter__(self) -> AsyncIterator[Event]:
        """Send the source in the background, and return the events."""
        self._whole.close()
        return self._begin()

    # A coroutine can become a task; the rest is what it takes to be one.

    def send(self, value: Any, /) -> Any:  # noqa: ANN401 - as the coroutine has it
        """Resume the coroutine."""
        return self._whole.send(value)

    def throw(
        self,
        kind: Any,  # noqa: ANN401 - as the coroutine has it
        value: object = None,
        trace: TracebackType | None = None,
        /,
    ) -> Any:  # noqa: ANN401 - as the coroutine has it
        """Resume the coroutine with an exception."""
        if value is None and trace is None:
            return self._whole.throw(kind)
        return self._whole.throw(kind, value, trace)

    def close(self) -> None:
        """Close the coroutine."""
        self._whole.close()
