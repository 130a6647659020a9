"""The server's end of the wire: live sessions for pages, whatever the web framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from secrets import token_urlsafe
from typing import Protocol, TypeVar

import anyio

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import AzsttError, ConfigurationError, SessionStateError, ThrottledError
from azstt._sessions.live import LiveSession
from azstt._threads.loop_thread import LoopThread
from azstt._threads.tasks import BlockingCall
from azstt._web.messages import Resume, Start, parse_command
from azstt._web.replay import refusal
from azstt._web.session import OURS, DisconnectedError, Link, Receive, Send, WireSession

T = TypeVar("T")


class OpenSession(Protocol):
    """Makes the live session that a page asks for, as `LiveSession` itself does."""

    def __call__(
        self,
        *,
        audio: AudioFormat | Container,
        language: Sequence[str],
        diarize: bool,
        phrases: Sequence[str],
    ) -> LiveSession:
        """Make it, not started.

        Raises:
            ConfigurationError: the page asks for what can't be.
        """
        ...


class WireServer:
    """Serves live sessions to pages, which speak as `LiveClient` of ``azstt.js`` does.

    One stands for all connections of an application. Each is served, from its first message to
    its last, by a handler of the web framework's, as here with aiohttp::

        server = azstt.WireServer()

        async def live(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)

            async def receive():
                message = await socket.receive()
                return message.data if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} else None

            await server.serve(receive, socket.send_str)
            return socket

    A page that loses its connection resumes its session over another, and nothing is lost or
    doubled. Until it does, for ``grace`` seconds, the handler of the lost connection waits. On
    asyncio and trio; all on one loop. For handlers in threads there is `BlockingWireServer`.

    Args:
        open_session: makes the session that a page asks for, of its ``audio``, ``language``,
            ``diarize`` and ``phrases``. It is the place to add options, as in
            ``partial(LiveSession, backend="azure")``, to keep the session at hand for its
            transcript, or to refuse with a `ConfigurationError`.
        grace: seconds that a session is kept for a page that was lost.
        limit: sessions at a time; one more is refused as throttled.

    Raises:
        ConfigurationError: ``grace`` is no time.
    """

    def __init__(
        self,
        open_session: OpenSession = LiveSession,
        *,
        grace: float = 60.0,
        limit: int = 100,
    ) -> None:
        if not 0 < grace < inf:
            raise ConfigurationError(f"grace={grace!r} is not a number of seconds above 0")
        self._open: OpenSession = open_session
        self._grace: float = grace
        self._limit: int = limit
        self._sessions: dict[str, WireSession | None] = {}  # None is one that is starting

    async def serve(self, receive: Receive, send: Send) -> None:
        """Serve a connection; returns when its session is over or another connection has it.

        Canceling it ends the session, unless another connection has it.

        Args:
            receive: gives the next message: a string, bytes, or None when the connection is gone.
            send: sends a string. What either raises is taken for the end of the connection.
        """
        link = Link(receive, send)
        command: Start | Resume | None = None
        try:
            command = await self._first(link)
            name, session = await self._admit(command)
        except DisconnectedError:
            return
        except Exception as error:
            told = error if isinstance(error, AzsttError) else OURS
            with suppress(DisconnectedError):
                await link.say(refusal(command.kind if command else None, told))
            if told is OURS:
                raise
            return
        try:
            await session.attend(link, command.seen if isinstance(command, Resume) else 0)
        finally:
            if session.link is link:
                del self._sessions[name]
                await session.close()

    async def _first(self, link: Link) -> Start | Resume:
        """Wait for the command that a connection begins with.

        Raises:
            ConfigurationError: it is another.
            DisconnectedError: there is none in time.
        """
        with anyio.move_on_after(self._grace):
            message = await link.receive()
            command = parse_command(message) if isinstance(message, str) else None
            if isinstance(command, Start | Resume):
                return command
            raise ConfigurationError("a connection begins with 'start' or 'resume'")
        raise DisconnectedError

    async def _admit(self, command: Start | Resume) -> tuple[str, WireSession]:
        """Open a session or find it, by its name.

        Raises:
            AzsttError: it can't be had.
        """
        if isinstance(command, Resume):
            session = self._sessions.get(command.session)
            if session is None:
                raise SessionStateError(
                    f"there is no such session: it has ended, or was left for {self._grace:g} s; "
                    "start another"
                )
            return command.session, session
        if len(self._sessions) >= self._limit:
            raise ThrottledError(f"all {self._limit} sessions are taken; try again later")
        name = token_urlsafe(32)
        self._sessions[name] = None
        try:
            live = self._open(
                audio=command.audio,
                language=command.language,
                diarize=command.diarize,
                phrases=command.phrases,
            )
            await live.start()
        except BaseException:
            del self._sessions[name]
            raise
        session = self._sessions[name] = WireSession(live, name, self._grace)
        return name, session


class BlockingWireServer:
    """A `WireServer` for handlers in threads, as those of Flask.

    With flask-sock::

        server = azstt.BlockingWireServer()

        @sock.route("/live")
        def live(socket):
            server.serve(socket.receive, socket.send)

    All of its sessions share one event loop in a thread of its own.

    Args:
        open_session: as of `WireServer`; called on that loop.
        grace: as of `WireServer`.
        limit: as of `WireServer`.
    """

    def __init__(
        self,
        open_session: OpenSession = LiveSession,
        *,
        grace: float = 60.0,
        limit: int = 100,
    ) -> None:
        self._server: WireServer = WireServer(open_session, grace=grace, limit=limit)
        self._loop_thread: LoopThread = LoopThread("azstt wire")

    def serve(
        self, receive: Callable[[], str | bytes | None], send: Callable[[str], object]
    ) -> None:
        """Serve a connection, as `WireServer.serve` does.

        Args:
            receive: as there; it may block, and is called in a thread of its own, also while
                ``send`` is at work.
            send: as there.
        """

        async def take() -> str | bytes | None:
            return await _in_thread(receive)

        async def give(text: str) -> None:
            await _in_thread(partial(send, text))

        self._loop_thread.call(self._server.serve, take, give)


async def _in_thread(function: Callable[[], T]) -> T:
    """Call a blocking function in a daemon thread, which is left alone on canceling."""
    return await BlockingCall(function, name="azstt wire").wait()
