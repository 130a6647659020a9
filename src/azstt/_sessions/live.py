"""A live session: audio in, events out, and a transcript at any time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self, Unpack

import anyio

from azstt._audio import Container
from azstt._audio.samples import AudioChunk, to_bytes
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, RecognitionError, SessionStateError
from azstt._events import Event
from azstt._options import LiveOptions, RecognitionOptions
from azstt._result import Usage
from azstt._sessions.config import LiveConfig, Overflow
from azstt._sessions.driver import SessionDriver
from azstt._sessions.feed import AudioChunks, Feed, Transcription
from azstt._sessions.lifecycle import Lifecycle, SessionState
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, ReconnectHook, resolve

_SPEECH = AudioFormat()


class LiveSession(Lifecycle):
    """Recognizes speech while it is spoken; on asyncio and trio.

    Give it the source of the audio and iterate over the events; the transcript so far is available
    at any time::

        async with azstt.LiveSession(language="en-US", audio="webm") as live:
            async for event in live.transcribe(source):      # an iterable of chunks, async or not
                ...
        print(live.transcript.text)

    Or send the chunks yourself, with `send` and `finish`, and iterate over the session.

    All calls belong to the event loop that `start` was called on; on another loop `aclose` still
    releases everything, and the others raise a `SessionStateError`. Each can be canceled without
    losing anything: the next `receive` returns the event that a canceled one did not, and a
    canceled `send` has taken nothing. No cancel scope stays open between calls, so `start`, `send`
    and `aclose` may run in different tasks, or cells of a notebook. `BlockingLiveSession` is the
    same for threads.

    Args:
        audio: what will be sent: PCM of any format, resampled as needed, or a container that
            arrives in chunks: ``"webm"``, ``"ogg"``, ``"mp4"`` (fragmented), ``"mp3"``, ``"aac"``
            (ADTS), ``"flac"``, ``"wav"``, or ``"auto"`` to detect it from its first bytes.
        backend: the recognizer to use, as for `transcribe_file`.
        overflow: what to do when the recognizer falls behind, for example while it reconnects:
            with ``"block"`` `send` waits, ``"drop_oldest"`` drops the oldest audio and reports it
            as an `AudioGap` and in the ledger, and with ``"error"`` `send` raises.
        buffer: seconds of audio that may wait for the recognizer until then.
        idle_timeout: seconds without audio after which a session that somebody waits for ends,
            unless it was finished: its sender has perhaps died. What was sent until then is
            recognized, then a `SessionStateError` is raised. None for no limit.
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
        idle_timeout: float | None = 60.0,
        on_reconnect: ReconnectHook | None = None,
        **options: Unpack[LiveOptions],
    ) -> None:
        recognizer = resolve(backend, stacklevel=2)
        able = recognizer.capabilities
        others = LiveSession.__init__.__kwdefaults__ or ()
        asked = RecognitionOptions.of({"partials": able.partials, **options}, others)
        able.check(asked, backend=recognizer.name)
        config = LiveConfig(
            audio=audio,
            backend=recognizer,
            options=asked,
            overflow=overflow,
            buffer=buffer,
            strict=strict,
            idle_timeout=idle_timeout,
            has_hook=on_reconnect is not None,
        )
        super().__init__(config, on_reconnect)

    def __del__(self) -> None:
        """Let go of a session that nobody closed, and say so, as for a file."""
        driver: SessionDriver | None = getattr(self, "_driver", None)  # none if __init__ raised
        if driver is not None and driver.abandon():
            self._feeds.abandon()
            self._warn_unclosed()

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
        """Finish and wait for the last results; after an exception close at once.

        A source that `feed` sends is waited for, unless the task that leaves is the one that read
        the events: then its loop was left by a ``break``, and the source is stopped.
        """
        left = self._reader == anyio.get_current_task().id
        await self._close(now=kind is not None, wait=not left)

    async def start(self) -> None:
        """Start the session; returns when the recognizer takes audio.

        Raises:
            ConfigurationError: the backend refuses the options.
            RecognitionError: the session could not be started: no connection, access denied...
            MissingDependencyError: the backend's extra is not installed.
            SessionStateError: it was started or closed before.
        """
        if self._state is not SessionState.NEW:
            raise SessionStateError("a live session starts once; open another session")
        self._state = SessionState.STARTING
        self._driver = SessionDriver(self._config, self._handlers, self._idle)
        try:
            await self._driver.open()
        except BaseException:
            await self.aclose()
            raise
        if self._state is not SessionState.STARTING:
            raise SessionStateError(f"start() {self._state.value}")
        self._state = SessionState.OPEN

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
        data = to_bytes(chunk, self._pcm)
        if self._sending:
            raise SessionStateError("send() while another send() is running; one at a time")
        if self._feeds.running:
            raise SessionStateError("send() while a source is being sent; one at a time")
        driver = self._here("send")
        self._sending = True
        try:
            async with driver.turn:
                await driver.yield_failure()
                await self._feeds.send_pulled()
                self._open("send")
                if await driver.make_room():
                    driver.pipeline.feed(data)
                else:
                    self._open("send")
        finally:
            self._sending = False

    async def finish(self) -> None:
        """Mark the end of the audio; the last events follow, up to `Ended`.

        Like `commit` and `update` it takes its turn behind a `send` that is running. It stops the
        source of a `feed` or `transcribe`; what was pulled from it is sent.

        Raises:
            SessionStateError: not started, finished before, failed before, or closed.
            AzsttError: what ended the session.
        """
        driver = self._here("finish")
        await self._feeds.stop()
        if self._source_is_over(driver):  # at the same time
            return
        await self._in_turn("finish")
        self._state = SessionState.FINISHED
        driver.finish()

    async def aclose(self, *, now: bool = True) -> None:
        """End the session and release everything. Idempotent.

        The transcript stays available.

        Args:
            now: close within 2 s, whether or not it is canceled. Results that have not come yet
                are lost: audio without one is a gap ``"closed"`` in the transcript's ledger. If
                false, `finish` and wait for the last results first, as at the end of a block;
                a source that `feed` sends is waited for only if nobody has read the events.

        Raises:
            AzsttError: what ended the session, unless another call has raised it; only if not
                ``now``.
        """
        await self._close(now=now, wait=self._reader is None)

    async def commit(self) -> None:
        """End the open segment here: what was said so far becomes a `Final`, and audio goes on.

        Returns at once. The event `Committed` follows the last `Final` of the audio so far, also
        if nothing was said: read up to it to get a turn. Once a source has come to its end, there
        is nothing more to commit: the end follows.

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
        driver = self._here("commit")
        await self._take_turn(driver)
        if not self._source_is_over(driver):
            self._open("commit").commit()

    async def update(self, **options: Unpack[LiveOptions]) -> None:
        """Recognize the audio that follows with other options, such as ``phrases``.

        Returns when the recognizer has them, which is after the audio before; when canceled, it
        gets them all the same. Options that are the same as before have no effect. Azure Speech:
        ends the open segment as `commit` does, without a `Committed`.

        Raises:
            ConfigurationError: an option is wrong, or the backend cannot change it within a
                session, which goes on as before.
            SessionStateError: as for `finish`, or closed meanwhile.
            AzsttError: what ended the session.
        """
        await (await self._in_turn("update")).update(options)

    async def receive(self) -> Event:
        """Wait for the next event; canceling loses none.

        Raises:
            anyio.EndOfStream: no more events: the last was `Ended`, or the session is closed.
            AzsttError: what ended the session, after all events before it, with what was
                recognized as ``.partial``: a `RecognitionError`, such as an
                `IncompleteTranscriptError`, or an `AudioError`.
            SessionStateError: not started, or another task is waiting for the next event; or a
                source or handler raised an `EndOfStream` or `TimeoutError`, which mean something
                else here.
        """
        told = self._here("receive").failure_told
        try:
            event = await self._next()
        except (anyio.EndOfStream, TimeoutError) as error:
            # A loop that polls would take them for the end, or for a pause, without an end.
            if isinstance(error, RecognitionError) and not told:
                raise
            failure = SessionStateError(f"the session was ended by {error!r}")
            failure.partial = self.transcript
            raise failure from error
        if event is None:
            raise anyio.EndOfStream("no more events: the session is over")
        return event

    def events(self) -> AsyncIterator[Event]:
        """Return an iterator over the events, the session itself; one reader at a time."""
        return self

    def __aiter__(self) -> Self:
        """Return the session itself."""
        return self

    async def __anext__(self) -> Event:
        """Return the next event; raises what `receive` does."""
        event = await self._next()
        if event is None:
            raise StopAsyncIteration
        return event

    async def wait(self) -> Transcript:
        """Wait for the end and return the whole transcript, without reading any events.

        Raises:
            AzsttError: what ended the session, as for `receive`.
            SessionStateError: not started, or closed before the end; it has the ``.partial``.
        """
        await self._here("wait").end()
        return self._done()

    def transcribe(self, source: AudioChunks) -> Transcription:
        """Send all of a source, and finish; await the transcript, or iterate over the events.

        ::

            transcript = await live.transcribe(source)

            async for event in live.transcribe(source):
                ...

        When the wait is canceled, the source is stopped; what was pulled from it is sent, and the
        next call for the same source goes on with it. After a ``break`` the source is sent on until
        `finish` or the end of the block.

        Args:
            source: chunks as for `send`. One that is not async is iterated over in a thread, so
                it may block, as a microphone does.

        Raises:
            AzsttError: what ended the session, as for `receive`.
            ConfigurationError: it is a single chunk.
            SessionStateError: as for `feed` and `wait`.
            Exception: what the source raised, after what came before was recognized. If it is an
                `AzsttError`, that is its ``.partial``; in any case it is in ``transcript``.
        """

        async def whole() -> Transcript:
            await self._feeds.wait(source)
            return self._done()

        def iterate() -> AsyncIterator[Event]:
            self._feeds.start("transcribe", source, keep=False)
            return self

        return Transcription(whole(), iterate)

    def feed(self, source: AudioChunks, *, finish: bool = True) -> Feed:
        """Send all of a source in the background, and finish; returns at once.

        The session owns the task. The end of the session's block waits for it, unless a loop
        over the events was left by a ``break``; `finish` stops it. If the source fails, the
        session finishes, and the source's own error is raised to whoever reads or waits, or at the
        end of the block.

        Args:
            source: as for `transcribe`.
            finish: whether to finish after it.

        Returns:
            What may be awaited until all of the source was sent. Canceling that stops the source,
            as for `transcribe`.

        Raises:
            ConfigurationError: it is a single chunk.
            SessionStateError: not started, finished or closed; or another source is being sent.
            AzsttError: what ended the session.
        """
        return self._feeds.start("feed", source, finish=finish)

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
