"""A live session: audio in while somebody speaks, events out, a transcript at any time."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import aclosing
from enum import Enum
from functools import partial
from inspect import iscoroutinefunction
from types import TracebackType
from typing import Self, Unpack

import anyio
from anyio.lowlevel import checkpoint

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError, SessionStateError
from azstt._events import E, Event
from azstt._options import OptionFields, RecognitionOptions
from azstt._result import Usage
from azstt._sessions.chunks import AudioChunk, to_bytes
from azstt._sessions.driver import Handler, SessionDriver
from azstt._sessions.pipeline import LiveConfig, Overflow
from azstt._threads.tasks import GRACE, both, each
from azstt._transcript import Transcript
from azstt.backends import RecognizerBackend, ReconnectHook, resolve

_SPEECH = AudioFormat()


class _State(Enum):
    """How far a session has come, in the words of its messages."""

    NEW = "before start(); start the session first"
    STARTING = "while start() is at work; wait for it"
    OPEN = "while it is open"
    FINISHED = "after finish(); open another session"
    CLOSED = "after aclose(); open another session"


class LiveSession:
    """Recognizes speech while it is spoken; on asyncio and trio.

    Send audio in one task and iterate over the events in another; the transcript of what was said
    so far is there at any time::

        async with azstt.LiveSession(language="en-US", audio="webm") as live:
            async with anyio.create_task_group() as group:
                group.start_soon(pump, live)      # await live.send(piece) ...; await live.finish()
                async for event in live:
                    ...
        print(live.transcript.text)

    All calls belong to the event loop that `start` was called in. Each may be canceled: an event
    that was not given out is given to the next who asks, and a `send` that was canceled has taken
    nothing. It keeps no task and no cancel scope open between calls, so `start`, `send` and
    `aclose` may stand in different tasks, or cells of a notebook. `BlockingLiveSession` is the
    same for threads.

    Args:
        audio: what will be sent: PCM of a format, of which any is resampled, or a container that
            arrives in pieces: ``"webm"``, ``"ogg"``, ``"mp4"`` (fragmented), ``"mp3"``, ``"aac"``
            (ADTS), ``"flac"``, ``"wav"``, or ``"auto"`` to tell it from its first bytes.
        backend: who recognizes, as for `transcribe_file`.
        overflow: what becomes of audio that the recognizer is too slow for, as while it
            reconnects: ``"block"`` has `send` wait, ``"drop_oldest"`` drops what waited longest
            and says so by an `AudioGap` and in the ledger, ``"error"`` has `send` raise.
        buffer: seconds of audio that may wait for the recognizer until then.
        on_reconnect: is asked, on another thread, before a lost connection is made again: it
            answers with the seconds to wait first, with None for those that the event names, or
            with False to give up. Only backends that connect anywhere take it.
        **options: the fields of `RecognitionOptions`. ``partials`` is true where the backend has
            them.

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
        recognizer = resolve(backend, stacklevel=2)
        able = recognizer.capabilities
        asked = RecognitionOptions.of({"partials": able.partials, **options})
        able.check(asked, backend=recognizer.name)
        self._plan: LiveConfig = LiveConfig(
            audio=audio,
            backend=recognizer,
            options=asked,
            overflow=overflow,
            buffer=buffer,
            on_reconnect=on_reconnect,
        )
        self._plan.check()
        self._backend: str = recognizer.name
        self._asked: RecognitionOptions = asked
        self._state: _State = _State.NEW
        self._conversation: SessionDriver | None = None
        self._handlers: list[Handler] = []
        self._sending: bool = False

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
        """Close."""
        await self.aclose()

    async def start(self) -> None:
        """Begin; returns when the recognizer takes audio.

        Raises:
            RecognitionError: the session can't be had: no connection, refused...
            MissingDependencyError: the backend's extra is not installed.
            SessionStateError: it was started before.
        """
        if self._state is not _State.NEW:
            raise SessionStateError("a live session starts once; open another one")
        self._state = _State.STARTING
        self._conversation = SessionDriver(self._plan, self._handlers)
        try:
            await self._conversation.open()
        except BaseException:
            await self.aclose()
            raise
        if self._state is not _State.STARTING:
            raise SessionStateError(f"start() {self._state.value}")
        self._state = _State.OPEN

    async def send(self, piece: AudioChunk, /) -> None:
        """Send the next audio. A piece may be cut anywhere; an empty one is nothing.

        Waits while ``buffer`` seconds wait for the recognizer, if ``overflow`` says so. One call
        at a time: the next piece comes after this one.

        Args:
            piece: bytes of any kind; for PCM also a NumPy array of int16 or float32 samples,
                with a row for each frame if there are several channels.

        Raises:
            ConfigurationError: it is no audio; nothing was sent.
            SessionStateError: not started, finished or closed; another `send` is at work; or
                too much waits and ``overflow`` is ``"error"``: nothing was sent.
            AzsttError: what ended the session, with what was recognized as ``.partial``.
        """
        audio = self._plan.audio
        data = to_bytes(piece, audio if isinstance(audio, AudioFormat) else None)
        conversation = self._open("send")
        self._sending = True
        try:
            await checkpoint()
            await self._make_room(conversation)
            conversation.line.feed(data)
        finally:
            self._sending = False

    async def finish(self) -> None:
        """Say that no more audio comes; the last events follow, up to `Ended`.

        Raises:
            SessionStateError: not started, finished before, closed, or a `send` is at work.
            AzsttError: what ended the session.
        """
        await checkpoint()
        conversation = self._open("finish")
        self._state = _State.FINISHED
        conversation.finished = True
        conversation.line.finish()

    async def aclose(self) -> None:
        """Let go of everything, now and in bounded time; twice is once.

        What the recognizer has not said yet it will not say: `finish`, and read the events up to
        the last, to have it all. The transcript stays.
        """
        if self._conversation is None or self._state is _State.CLOSED:
            self._state = _State.CLOSED
            await checkpoint()
            return
        self._state = _State.CLOSED
        with anyio.move_on_after(GRACE, shield=True):
            await self._conversation.close()

    async def commit(self) -> None:
        """End the open segment here: what was said so far becomes a `Final`, and audio goes on.

        Azure Speech: the recognizer is ended and another one begins at this point, over a
        connection of its own; language detection and labels of speakers begin anew. The embedded
        recognizer cuts here.

        Raises:
            ConfigurationError: the backend can't.
            SessionStateError: as of `finish`.
            AzsttError: what ended the session.
        """
        if not self._plan.backend.capabilities.commits:
            raise ConfigurationError(f"the {self._backend!r} backend can't commit()")
        await checkpoint()
        conversation = self._open("commit")
        conversation.line.commit()

    async def update(self, **options: Unpack[OptionFields]) -> None:
        """Recognize what follows with other options, such as ``phrases`` or ``language``.

        Returns when the recognizer has them, after the audio before; canceling leaves it to get
        them. Azure Speech: as of `commit`.

        Raises:
            ConfigurationError: an option is wrong, or the backend can't change it now; the
                session goes on as it was.
            SessionStateError: as of `finish`, or closed meanwhile.
            AzsttError: what ended the session.
        """
        await checkpoint()
        conversation = self._open("update")
        able = self._plan.backend.capabilities
        now = {name: getattr(self._asked, name) for name in RecognitionOptions.model_fields}
        asked = RecognitionOptions.of({**now, **options})
        for name in options:
            if name not in able.updates and getattr(asked, name) != now[name]:
                possible = ", ".join(sorted(able.updates)) or "none"
                raise ConfigurationError(
                    f"the {self._backend!r} backend can't change option {name!r} within a "
                    f"session; those that it can: {possible}"
                )
        able.check(asked, backend=self._backend)
        before, self._asked = self._asked, asked
        try:
            await conversation.update(asked)
        except ConfigurationError:
            self._asked = before
            raise

    async def receive(self) -> Event:
        """Wait for the next event; canceling loses none.

        Raises:
            anyio.EndOfStream: there are no more: the last was `Ended`, or the session is closed.
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
        """Iterate over the events, as the session itself does; one reader at a time."""
        return self

    def __aiter__(self) -> Self:
        """Give itself."""
        return self

    async def __anext__(self) -> Event:
        """Give the next event; raises what `receive` does."""
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def wait(self) -> Transcript:
        """Wait for the end, and give the whole transcript; for whoever reads no events.

        Raises:
            AzsttError: what ended the session, as of `receive`.
            SessionStateError: not started, or closed before the end; what was recognized until
                then is its ``.partial``.
        """
        await self._begun("wait").end()
        return self.transcript

    async def transcribe(
        self, source: AsyncIterable[AudioChunk] | Iterable[AudioChunk]
    ) -> Transcript:
        """Send all of a source, finish, and wait for the end; events go to the handlers of `on`.

        Args:
            source: pieces as of `send`. One that is not async is iterated over in a thread, so
                it may block, as a microphone does.

        Raises:
            AzsttError: what ended the session, as of `receive`.
            SessionStateError: as of `send` and `wait`.
        """
        conversation = self._open("transcribe")

        async def feed() -> None:
            async with aclosing(each(source)) as pieces:
                async for piece in pieces:
                    await self.send(piece)
            await self.finish()

        await both(feed, conversation.end)
        return self.transcript

    def on(self, kind: type[E], handler: Callable[[E], object]) -> Callable[[], None]:
        """Call a function with each event of a kind, on the loop; it must return quickly.

        What it raises ends the session, and comes out of whatever call waits or comes next.

        Returns:
            a function that ends this.

        Raises:
            ConfigurationError: it is a coroutine function, which nobody would await.
        """
        if iscoroutinefunction(handler):
            raise ConfigurationError(
                f"a handler is a plain function, not a coroutine function: {handler!r}; "
                "to await in between, iterate over the session"
            )
        entry = (kind, handler)
        self._handlers.append(entry)
        return partial(_remove, self._handlers, entry)

    @property
    def transcript(self) -> Transcript:
        """All that was recognized so far; complete after `Ended`.

        Before that, audio without an answer yet is in the ledger as a gap ``"pending"``.

        Raises:
            SessionStateError: not started.
        """
        return self._begun("transcript").transcript()

    @property
    def usage(self) -> Usage:
        """Seconds of audio that were recognized, latencies and reconnections so far.

        Raises:
            SessionStateError: not started.
        """
        return self._begun("usage").usage()

    def _begun(self, call: str) -> SessionDriver:
        if self._conversation is None:
            raise SessionStateError(f"{call} {_State.NEW.value}")
        return self._conversation

    def _open(self, call: str) -> SessionDriver:
        """Give the inside, if it takes audio.

        Raises:
            SessionStateError: it does not.
            Exception: what ended it.
        """
        conversation = self._begun(call)
        if conversation.failure is not None:
            raise conversation.failure
        if self._state is not _State.OPEN:
            raise SessionStateError(f"{call}() {self._state.value}")
        if self._sending:
            raise SessionStateError(f"{call}() while send() is at work; one at a time")
        return conversation

    async def _make_room(self, conversation: SessionDriver) -> None:
        """Wait for room or raise, as the policy says.

        Raises:
            SessionStateError: there is none, or the session was closed meanwhile.
            Exception: what ended it meanwhile.
        """
        plan, line = self._plan, conversation.line
        if line.decoding or line.full:
            await conversation.room(block=plan.overflow == "block")
            if line.full:
                conversation.look_at_the_clock()  # where nobody waits, nobody else may
        if conversation.over.is_set():
            conversation.raise_failure()
            raise SessionStateError(f"send() {_State.CLOSED.value}")
        if plan.overflow == "error" and line.full:
            raise SessionStateError(
                f"the recognizer is behind: buffer={plan.buffer!r} s of audio wait for it; send "
                "no faster than it is spoken, or choose overflow='block' or 'drop_oldest'"
            )


def _remove(handlers: list[Handler], entry: Handler) -> None:
    if entry in handlers:
        handlers.remove(entry)
