"""A live session: audio in, events out, and a transcript at any time."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing, suppress
from enum import Enum
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Self, Unpack

import anyio
from anyio.lowlevel import checkpoint

from azstt._assembly.missing import warned
from azstt._audio import Container
from azstt._audio.samples import AudioChunk, to_bytes
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, SessionStateError
from azstt._events import E, Event
from azstt._options import OptionFields, RecognitionOptions
from azstt._result import Usage
from azstt._sessions.config import LiveConfig, Overflow
from azstt._sessions.driver import Handler, SessionDriver
from azstt._threads.tasks import both, each
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, ReconnectHook, resolve

_SPEECH = AudioFormat()


class _State(Enum):
    """The life cycle of a session; the values complete its messages."""

    NEW = "before start(); start the session first"
    STARTING = "while start() is running; wait for it"
    OPEN = "while it is open"
    FINISHED = "after finish(); open another session"
    CLOSED = "after the session was closed; open another session"


class LiveSession:
    """Recognizes speech while it is spoken; on asyncio and trio.

    Send audio in one task and iterate over the events in another; the transcript so far is
    available at any time::

        async with azstt.LiveSession(language="en-US", audio="webm") as live:
            async with anyio.create_task_group() as group:
                group.start_soon(pump, live)      # await live.send(chunk) ...; await live.finish()
                async for event in live:
                    ...
        print(live.transcript.text)

    All calls belong to the event loop that `start` was called on. Each can be canceled without
    losing anything: the next `receive` returns the event that a canceled one did not, and a
    canceled `send` has taken nothing. No task and no cancel scope stays open between calls, so
    `start`, `send` and `aclose` may run in different tasks, or cells of a notebook.
    `BlockingLiveSession` is the same for threads.

    Args:
        audio: what will be sent: PCM of any format, resampled as needed, or a container that
            arrives in chunks: ``"webm"``, ``"ogg"``, ``"mp4"`` (fragmented), ``"mp3"``, ``"aac"``
            (ADTS), ``"flac"``, ``"wav"``, or ``"auto"`` to detect it from its first bytes.
        backend: the recognizer to use, as for `transcribe_file`.
        overflow: what to do when the recognizer falls behind, for example while it reconnects:
            with ``"block"`` `send` waits, ``"drop_oldest"`` drops the oldest audio and reports it
            as an `AudioGap` and in the ledger, and with ``"error"`` `send` raises.
        buffer: seconds of audio that may wait for the recognizer until then.
        strict: raise an `IncompleteTranscriptError` at the end if any audio is missing, because
            what was sent is cut off or damaged or because it was dropped. Otherwise the ledger says
            so, and `wait` and `transcribe` give an `IncompleteAudioWarning`.
        on_reconnect: called, on another thread, before each attempt to reconnect. It returns the
            seconds to wait first, None for the delay that the event names, or False to give up.
            Only for backends that use a connection.
        **options: the fields of `RecognitionOptions`. ``partials`` defaults to true where the
            backend supports them.

    Raises:
        ConfigurationError: an argument is wrong or the backend does not support it; before any
            I/O.
    """

    def __init__(
        self,
        *,
        audio: AudioFormat | Container = _SPEECH,
        backend: str | RecognizerBackend | None = None,
        overflow: Overflow = "block",
        buffer: float = 120.0,
        strict: bool = False,
        on_reconnect: ReconnectHook | None = None,
        **options: Unpack[OptionFields],
    ) -> None:
        recognizer = resolve(backend, stacklevel=2)
        able = recognizer.capabilities
        asked = RecognitionOptions.of({"partials": able.partials, **options})
        able.check(asked, backend=recognizer.name)
        self._config: LiveConfig = LiveConfig(
            audio=audio,
            backend=recognizer,
            options=asked,
            overflow=overflow,
            buffer=buffer,
            strict=strict,
            on_reconnect=on_reconnect,
        )
        self._options: RecognitionOptions = asked
        self._state: _State = _State.NEW
        self._driver: SessionDriver | None = None
        self._handlers: list[Handler] = []
        self._sending: bool = False
        self._turn: anyio.Lock = anyio.Lock()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish and wait for the last results; after an exception close at once."""
        await self.aclose(now=kind is not None)

    async def start(self) -> None:
        """Start the session; returns when the recognizer takes audio.

        Raises:
            ConfigurationError: the backend refuses the options.
            RecognitionError: the session could not be started: no connection, access denied...
            MissingDependencyError: the backend's extra is not installed.
            SessionStateError: it was started or closed before.
        """
        if self._state is not _State.NEW:
            raise SessionStateError("a live session starts once; open another session")
        self._state = _State.STARTING
        self._driver = SessionDriver(self._config, self._handlers)
        try:
            await self._driver.open()
        except BaseException:
            await self.aclose()
            raise
        if self._state is not _State.STARTING:
            raise SessionStateError(f"start() {self._state.value}")
        self._state = _State.OPEN

    async def send(self, chunk: AudioChunk, /) -> None:
        """Send the next chunk of audio, which may be cut anywhere; an empty one has no effect.

        Waits while ``buffer`` seconds of audio wait for the recognizer and ``overflow`` is
        ``"block"``. Only one call may run at a time, as chunks are in order.

        Args:
            chunk: bytes of any kind; for PCM also a NumPy array of int16 or float32 samples,
                with a row for each frame if there are several channels.

        Raises:
            ConfigurationError: it is not audio, or a container where PCM was declared; nothing was
                sent.
            SessionStateError: not started, finished or closed; another `send` is running; or
                too much audio waits and ``overflow`` is ``"error"``: nothing was sent.
            AzsttError: what ended the session, with what was recognized as ``.partial``.

        Warns:
            AudioFormatWarning: the first samples look like those of another type than declared.
        """
        audio = self._config.audio
        data = to_bytes(chunk, audio if isinstance(audio, AudioFormat) else None)
        if self._sending:
            raise SessionStateError("send() while another send() is running; one at a time")
        driver = self._begun("send")
        self._sending = True
        try:
            async with self._turn:
                await driver.yield_failure()
                self._open("send")
                await driver.make_room()
                driver.pipeline.feed(data)
        finally:
            self._sending = False

    async def finish(self) -> None:
        """Mark the end of the audio; the last events follow, up to `Ended`.

        Like `commit` and `update` it takes its turn behind a `send` that is running.

        Raises:
            SessionStateError: not started, finished before, failed before, or closed.
            AzsttError: what ended the session.
        """
        driver = await self._in_turn("finish")
        self._state = _State.FINISHED
        driver.pipeline.finish()

    async def aclose(self, *, now: bool = True) -> None:
        """End the session and release everything. Idempotent.

        The transcript stays available.

        Args:
            now: close within 2 s, whether or not it is canceled. Results that have not come yet
                are lost: audio without one is a gap ``"closed"`` in the transcript's ledger. If
                false, `finish` and wait for the last results first, as at the end of a block.

        Raises:
            AzsttError: what ended the session, unless another call has raised it; only if not
                ``now``.
        """
        driver = self._driver
        if driver is None or self._state is _State.CLOSED:
            self._state = _State.CLOSED
            await checkpoint()
            return
        try:
            if not (now or driver.failure_told):
                await self._end(driver)
        finally:
            self._state = _State.CLOSED
            await driver.close()

    async def commit(self) -> None:
        """End the open segment here: what was said so far becomes a `Final`, and audio goes on.

        Azure Speech: the recognizer is ended and another one starts at this point, over a
        connection of its own; language detection and speaker labels start over. The embedded
        recognizer ends the utterance here.

        Raises:
            ConfigurationError: the backend does not support it.
            SessionStateError: as for `finish`.
            AzsttError: what ended the session.
        """
        backend = self._config.backend
        if not backend.capabilities.commits:
            raise ConfigurationError(f"the {backend.name!r} backend does not support commit()")
        (await self._in_turn("commit")).commit()

    async def update(self, **options: Unpack[OptionFields]) -> None:
        """Recognize the audio that follows with other options, such as ``phrases``.

        Returns when the recognizer has them, which is after the audio before; when canceled, it
        gets them all the same. Azure Speech: with the effects of `commit`.

        Raises:
            ConfigurationError: an option is wrong, or the backend cannot change it within a
                session, which goes on as before.
            SessionStateError: as for `finish`, or closed meanwhile.
            AzsttError: what ended the session.
        """
        driver = await self._in_turn("update")
        backend, able = self._config.backend.name, self._config.backend.capabilities
        now = {name: getattr(self._options, name) for name in RecognitionOptions.model_fields}
        asked = RecognitionOptions.of({**now, **options})
        for name in options:
            if name not in able.updates and getattr(asked, name) != now[name]:
                possible = ", ".join(sorted(able.updates)) or "none"
                raise ConfigurationError(
                    f"the {backend!r} backend cannot change option {name!r} within a "
                    f"session; it can change: {possible}"
                )
        able.check(asked, backend=backend)
        before, self._options = self._options, asked
        try:
            await driver.update(asked)
        except ConfigurationError:
            self._options = before
            raise

    async def receive(self) -> Event:
        """Wait for the next event; canceling loses none.

        Raises:
            anyio.EndOfStream: no more events: the last was `Ended`, or the session is closed.
            AzsttError: what ended the session, after all events before it, with what was
                recognized as ``.partial``: a `RecognitionError`, such as an
                `IncompleteTranscriptError`, or an `AudioError`.
            SessionStateError: not started, or another task is waiting for the next event.
        """
        event = await self._begun("receive").event()
        if event is None:
            raise anyio.EndOfStream
        return event

    def events(self) -> AsyncIterator[Event]:
        """Return an iterator over the events, the session itself; one reader at a time."""
        return self

    def __aiter__(self) -> Self:
        """Return the session itself."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event; raises what `receive` does."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def wait(self) -> Transcript:
        """Wait for the end and return the whole transcript, without reading any events.

        Raises:
            AzsttError: what ended the session, as for `receive`.
            SessionStateError: not started, or closed before the end; what was recognized until
                then is its ``.partial``.
        """
        await self._begun("wait").end()
        return self._done()

    async def transcribe(
        self, source: AsyncIterable[AudioChunk] | Iterable[AudioChunk]
    ) -> Transcript:
        """Send all of a source, finish, and wait for the end; handlers of `on` get the events.

        Args:
            source: chunks as for `send`. One that is not async is iterated over in a thread, so
                it may block, as a microphone does.

        Raises:
            AzsttError: what ended the session, as for `receive`.
            SessionStateError: as for `send` and `wait`.
        """
        driver = self._open("transcribe")

        async def feed() -> None:
            async with aclosing(each(source)) as chunks:
                async for chunk in chunks:
                    await self.send(chunk)
            await self.finish()

        try:
            await both(feed, driver.end)
        except SessionStateError as error:
            error.partial = error.partial or self.transcript
            raise
        return self._done()

    def on(self, kind: type[E], handler: Callable[[E], object]) -> Callable[[], None]:
        """Call a function with each event of a kind, on the loop; it must return quickly.

        An exception that it raises ends the session, and is raised by the call that waits or
        comes next.

        Returns:
            A function that removes the handler.

        Raises:
            ConfigurationError: it is a coroutine function, which would never be awaited.
        """
        if iscoroutinefunction(handler):
            raise ConfigurationError(
                f"a handler must be a plain function, not a coroutine function: {handler!r}; "
                "to await, iterate over the session instead"
            )
        entry = (kind, handler)
        self._handlers.append(entry)

        def remove() -> None:
            with suppress(ValueError):  # removed before
                self._handlers.remove(entry)

        return remove

    @property
    def transcript(self) -> Transcript:
        """All that was recognized so far; complete after `Ended`.

        Before that, audio without a result yet is in the ledger as a gap ``"pending"``.

        Raises:
            SessionStateError: not started.
        """
        return self._begun("transcript").transcript()

    @property
    def usage(self) -> Usage:
        """Seconds of audio sent, latencies and reconnections so far.

        Raises:
            SessionStateError: not started.
        """
        return self._begun("usage").usage()

    def _done(self) -> Transcript:
        """Return the transcript, for `wait` and `transcribe`, with a warning to their callers."""
        return warned(self.transcript, stacklevel=3)

    def _begun(self, call: str) -> SessionDriver:
        if self._driver is None:
            raise SessionStateError(f"{call} {_State.NEW.value}")
        return self._driver

    async def _end(self, driver: SessionDriver) -> None:
        """Finish, unless that was done, and wait for the end."""
        if self._state is _State.OPEN and not driver.over:
            await self.finish()
        await driver.end()

    async def _in_turn(self, call: str) -> SessionDriver:
        """Return the driver of a session that takes audio, after a `send` that is running."""
        driver = self._begun(call)
        async with self._turn:
            await driver.yield_failure()
        self._open(call)
        return driver

    def _open(self, call: str) -> SessionDriver:
        """Return the driver of a session that takes audio.

        Raises:
            SessionStateError: the session is not open, or has failed and its reader knows.
            Exception: what ended it.
        """
        driver = self._begun(call)
        if driver.failure_told:
            raise driver.after_failure(call)
        driver.raise_failure()
        if self._state is not _State.OPEN:
            raise SessionStateError(f"{call}() {self._state.value}")
        return driver
