"""The live session for threads: the async one, on an event loop that all of them share."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from threading import Lock
from types import TracebackType
from typing import Self, TypeVar, TypeVarTuple, Unpack

import anyio

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._events import E, Event
from azstt._options import OptionFields
from azstt._result import Usage
from azstt._sessions.chunks import AudioChunk
from azstt._sessions.live import LiveSession
from azstt._sessions.pipeline import Overflow
from azstt._threads.loop_thread import LoopThread, RunningLoop
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, ReconnectHook, resolve

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

#: One loop for all sessions of the process: hundreds of them are hundreds of tasks, not threads.
_LOOP_THREAD = LoopThread("azstt live")
_SPEECH = AudioFormat()
#: Seconds that `receive` waits at least, so that a timeout of 0 finds what is there.
_LEAST = 0.001


class BlockingLiveSession:
    """`LiveSession` for threads, scripts and notebooks: the same methods, without ``await``.

    One thread may send while another iterates over the events::

        with azstt.BlockingLiveSession(language="en-US", audio="webm") as live:
            Thread(target=pump, args=(live,)).start()  # live.send(piece) ...; live.finish()
            for event in live:
                ...
        print(live.transcript.text)

    The calls may come from any thread, also from one that runs an event loop, which they block.
    Ctrl-C ends the one that waits, and loses neither events nor the session. Handlers run on the
    thread of a loop that all sessions of the process share: they must return quickly, and may
    make no call of a session other than to read ``transcript`` and ``usage``.

    Args:
        audio: as of `LiveSession`, like all that follow.
        backend: who recognizes.
        overflow: what becomes of audio that the recognizer is too slow for.
        buffer: seconds of it that may wait until then.
        on_reconnect: is asked before a lost connection is made again.
        **options: the fields of `RecognitionOptions`.

    Raises:
        ConfigurationError: an argument is wrong or the backend can't do it; before any I/O.
    """

    def __init__(
        self,
        *,
        audio: AudioFormat | Container = _SPEECH,
        backend: str | RecognizerBackend | None = None,
        overflow: Overflow = "block",
        buffer: float = 120.0,
        on_reconnect: ReconnectHook | None = None,
        **options: Unpack[OptionFields],
    ) -> None:
        self._live: LiveSession = LiveSession(
            audio=audio,
            backend=resolve(backend, stacklevel=2),  # here, so that its warning names the caller
            overflow=overflow,
            buffer=buffer,
            on_reconnect=on_reconnect,
            **options,
        )
        self._loop: RunningLoop | None = None
        self._reading: Lock = Lock()
        self._unread: deque[Event] = deque()  # received, and not given out yet

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
        """Close."""
        self.close()

    def start(self) -> None:
        """Begin; as `LiveSession.start`."""
        if self._loop is not None:
            return self._call(self._live.start)  # which says what is wrong
        try:
            self._loop = _LOOP_THREAD.enter(self)
            self._call(self._live.start)
        except BaseException:
            self._leave()
            raise

    def send(self, piece: AudioChunk, /) -> None:
        """Send the next audio; as `LiveSession.send`."""
        self._call(self._live.send, piece)

    def finish(self) -> None:
        """Say that no more audio comes; as `LiveSession.finish`."""
        self._call(self._live.finish)

    def close(self) -> None:
        """Let go of everything; as `LiveSession.aclose`."""
        if self._loop is not None and self._loop.is_here:
            return self._call(self._live.aclose)  # which says what is wrong
        try:
            self._call(self._live.aclose)
        finally:
            self._leave()

    def commit(self) -> None:
        """End the open segment here; as `LiveSession.commit`."""
        self._call(self._live.commit)

    def update(self, **options: Unpack[OptionFields]) -> None:
        """Recognize what follows with other options; as `LiveSession.update`."""

        async def update() -> None:
            await self._live.update(**options)

        self._call(update)

    def receive(self, timeout: float | None = None) -> Event:
        """Wait for the next event; as `LiveSession.receive`. An interrupt loses none.

        Args:
            timeout: seconds to wait; 0 takes what is there.

        Raises:
            anyio.EndOfStream: there are no more.
            TimeoutError: none came in that time; one that comes later is for the next call.
            AzsttError: what ended the session.
            SessionStateError: not started, or another thread is waiting for the next event.
        """
        if not self._reading.acquire(blocking=False):
            raise SessionStateError("the events of a live session have one reader at a time")
        try:
            if not self._unread:
                self._call(self._fetch, timeout)
            return self._unread.popleft()
        finally:
            self._reading.release()

    def events(self) -> Iterator[Event]:
        """Iterate over the events, as the session itself does; one reader at a time."""
        return self

    def __iter__(self) -> Self:
        """Give itself."""
        return self

    def __next__(self) -> Event:
        """Give the next event; raises what `receive` does."""
        try:
            return self.receive()
        except anyio.EndOfStream:
            raise StopIteration from None

    def wait(self) -> Transcript:
        """Wait for the end, and give the whole transcript; as `LiveSession.wait`."""
        return self._call(self._live.wait)

    def transcribe(self, source: Iterable[AudioChunk]) -> Transcript:
        """Send all of a source and wait for the end; as `LiveSession.transcribe`."""
        return self._call(self._live.transcribe, source)

    def on(self, kind: type[E], handler: Callable[[E], object]) -> Callable[[], None]:
        """Call a function with each event of a kind; as `LiveSession.on`."""
        return self._live.on(kind, handler)

    @property
    def transcript(self) -> Transcript:
        """All that was recognized so far; as `LiveSession.transcript`."""
        return self._look(lambda: self._live.transcript)

    @property
    def usage(self) -> Usage:
        """Seconds, latencies and reconnections so far; as `LiveSession.usage`."""
        return self._look(lambda: self._live.usage)

    async def _fetch(self, timeout: float | None) -> None:  # noqa: ASYNC109 - the caller's
        """Have the next event, in a place that outlasts an interrupt of whoever waits for it."""
        with anyio.fail_after(timeout if timeout is None else max(timeout, _LEAST)):
            self._unread.append(await self._live.receive())

    def _call(self, function: Callable[[Unpack[Ts]], Awaitable[T]], *args: *Ts) -> T:
        """Have it done on the loop; before the start and after the end, on one for the moment.

        Raises:
            SessionStateError: the process is a fork of the one that has the session.
        """
        loop = self._loop
        if loop is not None and loop.is_lost:
            raise SessionStateError(
                "this live session is in the process that this one was forked from; open another "
                "one here"
            )
        return (loop or _LOOP_THREAD).call(function, *args)

    def _look(self, get: Callable[[], T]) -> T:
        """Look at what the loop changes, from where it can't change meanwhile."""
        if self._loop is None or self._loop.is_here:
            return get()

        async def look() -> T:
            return get()

        return self._call(look)

    def _leave(self) -> None:
        self._loop = None
        _LOOP_THREAD.leave(self)
