"""Live sessions for browsers, independent of the web framework."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from secrets import token_urlsafe
from typing import Protocol

import anyio

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import AzsttError, ConfigurationError, SessionStateError, ThrottledError
from azstt._sessions.live import LiveSession
from azstt._threads.call_thread import CallThread
from azstt._threads.loop_thread import LoopThread
from azstt._web.messages import ResumeCommand, StartCommand, parse_command
from azstt._web.replay import command_error
from azstt._web.session import (
    INTERNAL_ERROR,
    ClientConnection,
    DisconnectedError,
    Receive,
    Send,
    WireSession,
)


class OpenSession(Protocol):
    """Creates the live session that a client asks for, as `LiveSession` itself does."""

    def __call__(
        self,
        *,
        audio: AudioFormat | Container,
        language: Sequence[str],
        diarize: bool,
        phrases: Sequence[str],
    ) -> LiveSession:
        """Create the session without starting it.

        Raises:
            ConfigurationError: the request can't be fulfilled.
        """
        ...


class WireServer:
    """Serves live sessions to browsers that use `LiveClient` from ``azstt.js``.

    One server handles all connections of an application. The web framework's handler calls
    `serve` for each of them, as here with aiohttp::

        server = azstt.WireServer()

        async def live(request):
            socket = web.WebSocketResponse()
            await socket.prepare(request)

            async def receive():
                message = await socket.receive()
                return message.data if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} else None

            await server.serve(receive, socket.send_str)
            return socket

    A client that loses its connection resumes the session over another one, and nothing is lost
    or duplicated. Until then, for up to ``grace`` seconds, the handler of the lost connection
    waits. Runs on asyncio and trio; all calls must be made on the same event loop. For handlers
    in threads see `BlockingWireServer`.

    Args:
        open_session: creates the session that a client asks for, given ``audio``, ``language``,
            ``diarize`` and ``phrases``. Use it to add options, as in
            ``partial(LiveSession, backend="azure")``, to keep a reference to the session for its
            transcript, or to reject the request with a `ConfigurationError`.
        grace: seconds to keep a session after its connection is lost.
        limit: the most sessions at a time. Further ones are refused as throttled.

    Raises:
        ConfigurationError: ``grace`` is not a positive, finite number.
    """

    def __init__(
        self,
        open_session: OpenSession = LiveSession,
        *,
        grace: float = 60.0,
        limit: int = 100,
    ) -> None:
        if not 0 < grace < inf:
            raise ConfigurationError(f"grace={grace!r} must be a number of seconds above 0")
        self._open: OpenSession = open_session
        self._grace: float = grace
        self._limit: int = limit
        self._sessions: dict[str, WireSession | None] = {}  # None: the session is still starting

    async def serve(self, receive: Receive, send: Send) -> None:
        """Serve a connection until its session is over or has moved to another connection.

        Canceling ends the session, unless it has moved to another connection.

        Args:
            receive: returns the next message: a string, bytes, or None once the connection is
                lost.
            send: sends a string. An exception from either is treated as a lost connection.
        """
        connection = ClientConnection(receive, send)
        command: StartCommand | ResumeCommand | None = None
        try:
            command = await self._first_command(connection)
            session_id, session = await self._find_or_open(command)
        except DisconnectedError:
            return
        except Exception as error:
            reported = error if isinstance(error, AzsttError) else INTERNAL_ERROR
            with suppress(DisconnectedError):
                kind = command.kind if command else None
                await connection.send_message(command_error(kind, reported))
            if reported is INTERNAL_ERROR:
                raise
            return
        try:
            seen = command.seen if isinstance(command, ResumeCommand) else 0
            await session.serve(connection, seen)
        finally:
            if session.connection is connection:
                del self._sessions[session_id]
                await session.close()

    async def _first_command(self, connection: ClientConnection) -> StartCommand | ResumeCommand:
        """Wait for the first command of a connection.

        Raises:
            ConfigurationError: it is neither of these.
            DisconnectedError: nothing arrived within the grace time.
        """
        with anyio.move_on_after(self._grace):
            message = await connection.receive()
            command = parse_command(message) if isinstance(message, str) else None
            if isinstance(command, StartCommand | ResumeCommand):
                return command
            raise ConfigurationError("the first message must be 'start' or 'resume'")
        raise DisconnectedError

    async def _find_or_open(self, command: StartCommand | ResumeCommand) -> tuple[str, WireSession]:
        """Return the session that a command asks for, and its ID.

        Raises:
            AzsttError: there is no such session, or it can't be opened.
        """
        if isinstance(command, ResumeCommand):
            session = self._sessions.get(command.session)
            if session is None:
                raise SessionStateError(
                    "unknown or expired session: it has ended, or had no connection for "
                    f"{self._grace:g} s; start a new one"
                )
            return command.session, session
        if len(self._sessions) >= self._limit:
            raise ThrottledError(f"all {self._limit} sessions are in use; try again later")
        session_id = token_urlsafe(32)
        self._sessions[session_id] = None
        try:
            live = self._open(
                audio=command.audio,
                language=command.language,
                diarize=command.diarize,
                phrases=command.phrases,
            )
            live.idle_timeout = None  # the client may pause: the connection tells whether it lives
            await live.start()
        except BaseException:
            del self._sessions[session_id]
            raise
        session = self._sessions[session_id] = WireSession(live, session_id, self._grace)
        return session_id, session


class BlockingWireServer:
    """A `WireServer` for handlers that run in threads, such as Flask's.

    With flask-sock::

        server = azstt.BlockingWireServer()

        @sock.route("/live")
        def live(socket):
            server.serve(socket.receive, socket.send)

    All of its sessions share one event loop in a thread of its own. Each connection has two more
    threads, one that receives and one that sends.

    Args:
        open_session: see `WireServer`. Called on that event loop.
        grace: see `WireServer`.
        limit: see `WireServer`.
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

        It returns when the session is over, even if ``receive`` or ``send`` still blocks.

        Args:
            receive: see `WireServer.serve`. It may block, and is always called in the same
                thread.
            send: see `WireServer.serve`. It may block, and is always called in the same thread,
                but not the one of ``receive``.
        """
        self._loop_thread.call(self._serve, receive, send)

    async def _serve(
        self, receive: Callable[[], str | bytes | None], send: Callable[[str], object]
    ) -> None:
        with CallThread("azstt wire receive") as receiver, CallThread("azstt wire send") as sender:
            await self._server.serve(
                partial(receiver.call, receive), lambda text: sender.call(partial(send, text))
            )
