"""One live session for one page, over as many connections as it takes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias, cast

import anyio

from azstt._errors import (
    AzsttError,
    ConfigurationError,
    RecognitionError,
    RequestError,
    ServiceError,
    SessionStateError,
)
from azstt._events import Ended, Event, Failed
from azstt._options import OptionFields
from azstt._sessions.live import LiveSession
from azstt._threads.tasks import both
from azstt._web.messages import (
    MAX_PIECE,
    Ack,
    Close,
    Command,
    CommandError,
    Commit,
    Finish,
    Message,
    Opened,
    Ping,
    Resume,
    Start,
    Update,
    parse_command,
)
from azstt._web.replay import ReplayBuffer, refusal

_log = logging.getLogger("azstt.wire")

#: Seconds that a recognizer has to refuse other options; a page takes long silence for an outage.
_ANSWER = 3.0

#: Gives the next message from a page: text, audio, or None when the connection is gone.
Receive: TypeAlias = Callable[[], Awaitable[str | bytes | None]]
#: Sends text to a page.
Send: TypeAlias = Callable[[str], Awaitable[object]]

#: What a page is told of a fault in the server, which is for the server's own log.
OURS = ServiceError("the server failed in this session", retryable=False)


class DisconnectedError(Exception):
    """A page is gone, or has nothing left to hear."""


class Link:
    """A connection to a page, whichever way the transport says that it is gone."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive: Receive = receive
        self._send: Send = send
        self._turn: anyio.Lock = anyio.Lock()

    async def receive(self) -> str | bytes:
        """Wait for a message.

        Raises:
            DisconnectedError: there are no more.
        """
        try:
            message = await self._receive()
        except Exception as error:
            raise _gone(error) from error
        if message is None:
            raise DisconnectedError
        return message

    async def send(self, text: str) -> None:
        """Send a message after those before it.

        Raises:
            DisconnectedError: it can't be sent.
        """
        async with self._turn:
            try:
                await self._send(text)
            except Exception as error:
                raise _gone(error) from error

    async def say(self, message: Message) -> None:
        """Send what is told no second time."""
        await self.send(message.model_dump_json())


class WireSession:
    """Speaks for a `LiveSession` to a page; all on one loop.

    It has no task of its own: the connection that is there moves it, and when that is lost, the
    task that served it waits for the next, or for the end of the grace time.

    Args:
        live: the session, started.
        name: its id.
        grace: seconds to wait for a page that was lost.

    Attributes:
        link: the connection that has the session.
    """

    def __init__(self, live: LiveSession, name: str, grace: float) -> None:
        self.link: Link | None = None
        self._live: LiveSession = live
        self._name: str = name
        self._grace: float = grace
        self._log: ReplayBuffer = ReplayBuffer()
        self._received: int = 0
        self._over: bool = False  # the last event is in the log
        self._done: bool = False  # and the page has it, or does not want it
        self._turn: anyio.Lock = anyio.Lock()
        self._scope: anyio.CancelScope = anyio.CancelScope()

    async def attend(self, link: Link, seen: int = 0) -> None:
        """Serve a connection, which takes the session from the one before.

        Returns when the session is at its end, or when another connection has it.
        """
        self._scope.cancel()
        self.link = link
        with anyio.CancelScope() as self._scope:
            async with self._turn:  # the one before is out
                with suppress(DisconnectedError):
                    await self._serve(link, seen)
                if not self._done:
                    await anyio.sleep(self._grace)

    async def close(self) -> None:
        """Let go of the recognizer."""
        await self._live.aclose()

    async def _serve(self, link: Link, seen: int) -> None:
        """Catch up with a page, then listen and tell until it is gone."""
        try:
            missed = self._log.since(seen)
        except AzsttError as error:
            self._done = True
            await link.say(refusal("resume", error))
            return
        await link.say(Opened(session=self._name, received=self._received, grace=self._grace))
        for text in missed:
            await link.send(text)
        await both(partial(self._listen, link), partial(self._tell, link))

    async def _tell(self, link: Link) -> None:
        """Tell each event as it comes, up to the last."""
        while not self._over:
            try:
                event: Event = await self._live.receive()
            except RecognitionError as error:
                event = Failed(error=error)
            except AzsttError as error:
                event = Failed(error=RequestError(str(error), code=type(error).__name__))
            except Exception:
                await link.send(self._log.add(Failed(error=OURS)))
                raise
            self._over = isinstance(event, Ended | Failed)
            await link.send(self._log.add(event))
        await self.close()

    async def _listen(self, link: Link) -> None:
        """Do what the page says until it has all that it will get.

        Raises:
            DisconnectedError: always, in the end.
        """
        while not self._done:
            message = await link.receive()
            if isinstance(message, bytes):
                await self._carry_out(link, "audio", self._send, message)
            else:
                await self._read(link, message)
        raise DisconnectedError

    async def _read(self, link: Link, text: str) -> None:
        """Do what a text says; what can't be read the page has counted, and is told as an event."""
        try:
            command = parse_command(text)
        except ConfigurationError as error:
            await self._count(link, refusal(None, error))
            return
        try:
            await self._obey(link, command)
        except ConfigurationError as error:
            await link.say(refusal(None, error))

    async def _obey(self, link: Link, command: Command) -> None:
        """Carry a command out.

        Raises:
            ConfigurationError: it makes no sense.
        """
        match command:
            case Ping(seen=seen):
                self._log.forget(seen)
                self._done = self._over and not self._log
                await link.say(Ack(received=self._received))
            case Commit(kind=kind):
                await self._carry_out(link, kind, self._live.commit)
            case Finish(kind=kind):
                await self._carry_out(link, kind, self._live.finish)
            case Update(kind=kind) as update:
                changes = update.model_dump(exclude={"kind"}, exclude_none=True)
                change = partial(self._update, cast("OptionFields", changes))
                await self._carry_out(link, kind, change)
            case Close():
                self._done = True
            case Start(kind=kind) | Resume(kind=kind):
                raise ConfigurationError(f"{kind!r} comes first on a connection, and only then")

    async def _carry_out(
        self, link: Link, command: str, act: Callable[..., Awaitable[None]], *args: bytes
    ) -> None:
        """Do what counts as received; what the session does not allow is told as an event."""
        refused = None
        try:
            await act(*args)
        except (ConfigurationError, SessionStateError) as error:
            refused = error
        except AzsttError:  # what ended the session: `_tell` tells it
            pass
        await self._count(link, refusal(command, refused) if refused else None)

    async def _count(self, link: Link, refused: CommandError | None) -> None:
        """Count a message as received, and tell if it came to nothing."""
        self._received += 1
        if refused is not None:
            await link.send(self._log.add(refused))

    async def _update(self, changes: OptionFields) -> None:
        """Change options, without keeping the page from being heard while the recognizer is late.

        Raises:
            ConfigurationError: it can't be.
        """
        with anyio.move_on_after(_ANSWER):
            await self._live.update(**changes)

    async def _send(self, audio: bytes) -> None:
        """Send audio on.

        Raises:
            ConfigurationError: it is too much at once.
        """
        if len(audio) > MAX_PIECE:
            raise ConfigurationError(
                f"a piece of audio has at most {MAX_PIECE} bytes, not {len(audio)}"
            )
        await self._live.send(audio)


def _gone(error: Exception) -> DisconnectedError:
    _log.debug("a connection to a page was lost: %s", type(error).__name__)
    return DisconnectedError()
