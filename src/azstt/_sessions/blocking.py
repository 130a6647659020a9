"""The live session for threads: the async one, on an event loop shared by all of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import partial
from threading import Lock, get_ident
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple, Unpack

import anyio

from azstt._assembly.missing import warned
from azstt._audio import Container
from azstt._audio.samples import AudioChunk
from azstt._audio_format import AudioFormat
from azstt._errors import Caller, SessionStateError, warn
from azstt._events import Event
from azstt._options import LiveOptions, check_seconds
from azstt._result import Usage
from azstt._sessions.config import Overflow
from azstt._sessions.feed import AudioChunks, Feed
from azstt._sessions.handlers import EventEmitter, Handlers
from azstt._sessions.live import LiveSession
from azstt._threads import exit as exits
from azstt._threads.loop_thread import LoopThread, RunningLoop
from azstt._threads.tasks import BlockingCall
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, ReconnectHook, resolve

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: One loop for all sessions of the process: many sessions are many tasks, not many threads.
_LOOP_THREAD = LoopThread("azstt live")
_SPEECH = AudioFormat()
#: Seconds that `receive` waits at least, so that a timeout of 0 finds an event that is queued.
_MIN_WAIT = 0.001


class _SilentSession(LiveSession):
    """A session that leaves the warnings to the blocking one, which knows the caller."""

    def _done(self) -> Transcript:
        return self.transcript

    def _warn_unclosed(self) -> None:
        pass

    async def close(self, *, now: bool, wait: bool) -> None:
        """Close, whether or not the source that is being sent is waited for."""
        await self._close(now=now, wait=wait)

    @property
    def handlers(self) -> Handlers:
        """The handlers, which both have in common."""
        return self._handlers


class BlockingFeed:
    """A source that is sent in the background; see `BlockingLiveSession.feed`."""

    def __init__(
        self, call: Callable[[Callable[[], Awaitable[None]]], None], feed: Awaitable[None]
    ) -> None:
        self._call: Callable[[Callable[[], Awaitable[None]]], None] = call
        self._feed: Awaitable[None] = feed

    def wait(self) -> None:
        """Wait until all of the source was sent; an interrupt stops it. Raises as `feed` does."""
        self._call(lambda: self._feed)


class BlockingLiveSession(EventEmitter):
    """`LiveSession` for threads, scripts and notebooks: the same methods, without ``await``.

    Give it the source of the audio and iterate over the events::

        with azstt.BlockingLiveSession(language="en-US", audio="webm") as live:
            live.feed(source)                                # an iterable of chunks
            for event in live:
                ...
        print(live.transcript.text)

    Or send the chunks yourself, with `send` and `finish`, in another thread or the same.

    Calls may come from any thread, including one that runs an event loop, which they block.
    Ctrl-C interrupts the call that waits, and loses neither events nor the session. Handlers run
    on the thread of the event loop that all sessions of the process share: they must return
    quickly, and may only read ``transcript`` and ``usage`` of a session.

    Args:
        audio: the audio that will be sent; see `LiveSession` for this and the rest.
        backend: the recognizer to use.
        overflow: what to do when the recognizer falls behind.
        buffer: seconds of audio that may wait for it until then.
        idle_timeout: seconds without audio after which a session that somebody waits for ends.
        strict: raise an error at the end if any audio is missing.
        on_reconnect: called before each attempt to reconnect.
        **options: the fields of `RecognitionOptions`.

    Raises:
        ConfigurationError: an argument is wrong or not supported; before any I/O.
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
        self._live: _SilentSession = _SilentSession(
            audio=audio,
            backend=resolve(backend, stacklevel=2),  # here, so that its warning names the caller
            overflow=overflow,
            buffer=buffer,
            strict=strict,
            idle_timeout=idle_timeout,
            on_reconnect=on_reconnect,
            **options,
        )
        self._loop: RunningLoop | None = None
        self._handlers: Handlers = self._live.handlers
        self._user: object = object()  # of the loop, which must not keep the session alive
        self._reading: Lock = Lock()
        self._unread: deque[Event] = deque()  # received, but not returned yet
        self._reader: int | None = None  # the thread that read the last event

    def __del__(self) -> None:
        """Let go of a session that nobody closed, and say so, as for a file."""
        loop: RunningLoop | None = getattr(self, "_loop", None)  # none if __init__ raised
        if loop is not None and exits.is_open(loop):
            # On another thread: it waits, and this may be the loop's own.
            BlockingCall(partial(_LOOP_THREAD.leave, self._user), name="azstt close")
            warn(f"unclosed {self!r}; use 'with', or call close()", ResourceWarning, source=self)

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish and wait for the last results; after an exception close at once.

        A source that `feed` sends is waited for, unless the thread that leaves is the one that
        read the events: then its loop was left by a ``break``, and the source is stopped.
        """
        self._close(now=kind is not None, wait=self._reader != get_ident())

    def start(self) -> None:
        """Start the session; see `LiveSession.start`."""
        if self._loop is not None:
            return self._call(self._live.start)  # which raises the error
        try:
            self._loop = _LOOP_THREAD.enter(self._user)
            self._call(self._live.start)
        except BaseException:
            try:
                if self._loop is not None:  # an interrupt may come when it has just started
                    self._call(self._live.aclose)
            finally:
                self._leave()
            raise

    def send(self, chunk: AudioChunk, /) -> None:
        """Send the next chunk of audio; see `LiveSession.send`."""
        self._call(self._live.send, chunk)

    def finish(self) -> None:
        """Mark the end of the audio; see `LiveSession.finish`."""
        self._call(self._live.finish)

    def close(self, *, now: bool = False) -> None:
        """End the session and release everything; see `LiveSession.aclose`.

        Args:
            now: do not wait for the last results. The default is the opposite of the async
                session's, whose `aclose` others call to clean up after a cancellation. A source
                that `feed` sends is waited for only if nobody has read the events.
        """
        self._close(now=now, wait=self._reader is None)

    def _close(self, *, now: bool, wait: bool) -> None:
        async def close() -> None:
            await self._live.close(now=now, wait=wait)

        if self._loop is not None and self._loop.is_here:
            return self._call(close)  # which raises the error
        try:
            self._call(close)
        except BaseException:  # an interrupt may come before it has begun
            with suppress(SessionStateError):  # in a forked process
                self._call(self._live.aclose)
            raise
        finally:
            self._leave()

    def commit(self) -> None:
        """End the open segment here; see `LiveSession.commit`."""
        self._call(self._live.commit)

    def update(self, **options: Unpack[LiveOptions]) -> None:
        """Recognize the audio that follows with other options; see `LiveSession.update`."""

        async def update() -> None:
            await self._live.update(**options)

        self._call(update)

    def receive(self, timeout: float | None = None) -> Event:
        """Wait for the next event; see `LiveSession.receive`. An interrupt loses none.

        Args:
            timeout: seconds to wait; 0 returns an event that is already there.

        Raises:
            anyio.EndOfStream: no more events.
            TimeoutError: none came in that time; the next call gets one that comes later.
            AzsttError: what ended the session.
            ConfigurationError: ``timeout`` is not a number of seconds, 0 or more.
            SessionStateError: not started, or another thread is waiting for the next event; or as
                for `LiveSession.receive`.
        """
        check_seconds("timeout", timeout, zero=True, endless=True)
        return self._take(self._live.receive, timeout)

    def events(self) -> Iterator[Event]:
        """Return an iterator over the events, the session itself; one reader at a time."""
        return self

    def __iter__(self) -> Self:
        """Return the session itself."""
        return self

    def __next__(self) -> Event:
        """Return the next event; raises what `receive` does."""
        try:
            return self._take(self._live.__anext__, None)
        except StopAsyncIteration:
            raise StopIteration from None

    def wait(self) -> Transcript:
        """Wait for the end and return the whole transcript; see `LiveSession.wait`."""
        return warned(self._call(self._live.wait))

    def transcribe(self, source: AudioChunks) -> Transcript:
        """Send all of a source and wait for the end; see `LiveSession.transcribe`.

        To iterate over the events, use `feed`.
        """
        return warned(self._call(self._live.transcribe, source))

    def feed(self, source: AudioChunks, *, finish: bool = True) -> BlockingFeed:
        """Send all of a source in the background; see `LiveSession.feed`. Returns at once."""

        async def feed() -> Feed:
            return self._live.feed(source, finish=finish)

        return BlockingFeed(self._call, self._call(feed))

    @property
    def transcript(self) -> Transcript:
        """All that was recognized so far; see `LiveSession.transcript`."""
        return self._read(lambda: self._live.transcript)

    @property
    def usage(self) -> Usage:
        """Seconds, latencies and reconnections so far; see `LiveSession.usage`."""
        return self._read(lambda: self._live.usage)

    @property
    def idle_timeout(self) -> float | None:
        """The argument of this name; may be changed at any time."""
        return self._live.idle_timeout

    @idle_timeout.setter
    def idle_timeout(self, seconds: float | None) -> None:
        self._live.idle_timeout = seconds

    def _take(self, receive: Callable[[], Awaitable[Event]], timeout: float | None) -> Event:
        """Return the next event, if it comes in time."""
        self._reader = get_ident()
        if not self._reading.acquire(blocking=False):
            raise SessionStateError("the events of a live session have one reader at a time")
        try:
            if not self._unread:
                self._call(self._fetch, receive, timeout)
            return self._unread.popleft()
        finally:
            self._reading.release()

    async def _fetch(
        self,
        receive: Callable[[], Awaitable[Event]],
        timeout: float | None,  # noqa: ASYNC109 - the caller's
    ) -> None:
        """Store the next event where it survives an interrupt of the caller that waits for it."""
        with anyio.move_on_after(timeout if timeout is None else max(timeout, _MIN_WAIT)) as scope:
            self._unread.append(await receive())
        if scope.cancelled_caught:
            raise TimeoutError(f"no event within timeout={timeout!r} s; the session goes on")

    def _call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Run an async function on the shared loop, or on a temporary one if there is none.

        Raises:
            SessionStateError: this process was forked from the one that has the session.
        """
        loop = self._loop
        if loop is not None and loop.is_lost:
            raise SessionStateError(
                "this live session belongs to the parent of this forked process; open another one "
                "here"
            )
        caller = Caller.here()

        async def run() -> T:
            with caller.active():
                return await function(*args)

        return (loop or _LOOP_THREAD).call(run)

    def _read(self, get: Callable[[], T]) -> T:
        """Read state that the loop changes, on the loop."""
        if self._loop is None or self._loop.is_here:
            return get()

        async def read() -> T:
            return get()

        return self._call(read)

    def _leave(self) -> None:
        self._loop = None
        _LOOP_THREAD.leave(self._user)
