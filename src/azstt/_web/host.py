"""The sessions of a server, each in a task of its own from start to end."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from secrets import token_urlsafe
from typing import Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from azstt._audio import Container
from azstt._audio_format import AudioFormat
from azstt._errors import (
    AzsttError,
    ConfigurationError,
    ServiceError,
    SessionStateError,
    ThrottledError,
)
from azstt._options import check_seconds, check_whole
from azstt._sessions.live import LiveSession
from azstt._web.messages import ResumeCommand, StartCommand, parse_command
from azstt._web.replay import command_error
from azstt._web.session import (
    INTERNAL_ERROR,
    ClientConnection,
    DisconnectedError,
    WireReceive,
    WireSend,
    WireSession,
)

_log = logging.getLogger("azstt.wire")

#: Seconds that a session may take to recognize its last audio when the server closes.
_CLOSING = 5.0


class OpenSession(Protocol):
    """Creates the live session that a client asks for, as `LiveSession` itself does."""

    def __call__(
        self,
        *,
        audio: AudioFormat | Container,
        language: Sequence[str],
        diarize: bool,
        phrases: Sequence[str],
    ) -> AbstractAsyncContextManager[LiveSession]:
        """Create the session, or a context manager that starts and ends it.

        Raises:
            ConfigurationError: the request can't be fulfilled.
        """
        ...


class SessionHost:
    """Opens the sessions that clients ask for, and hosts each until it is over.

    Args:
        open_session: see `WireServer` for this and the rest.
        grace: seconds to keep a session without a connection.
        limit: the most sessions at a time.

    Raises:
        ConfigurationError: ``grace`` is not a positive, finite number, or ``limit`` less than 1.
    """

    def __init__(self, open_session: OpenSession, grace: float, limit: int) -> None:
        check_seconds("grace", grace)
        check_whole("limit", limit)
        self._open: OpenSession = open_session
        self._grace: float = grace
        self._limit: int = limit
        self._sessions: dict[str, WireSession | None] = {}  # None: the session is still starting
        self._closed: bool = False
        self._changed: anyio.Event = anyio.Event()

    async def serve(self, receive: WireReceive, send: WireSend, group: TaskGroup) -> None:
        """Serve a connection until it is lost, its session is over, or another one has it.

        Args:
            receive: see `WireServer.serve`.
            send: see `WireServer.serve`.
            group: hosts the session if this connection opens one.
        """
        connection = ClientConnection(receive, send)
        command: StartCommand | ResumeCommand | None = None
        try:
            command = await self._first_command(connection)
            if isinstance(command, ResumeCommand):
                session = self._find(command)
            else:
                session = await group.start(self._host, command)
        except DisconnectedError:
            return
        except Exception as error:  # noqa: BLE001 - the client is told, or the log
            reported = error if isinstance(error, AzsttError) else INTERNAL_ERROR
            if reported is INTERNAL_ERROR:
                _log.exception("a live session could not be opened")
            kind = command.kind if command else None
            with suppress(DisconnectedError):
                await connection.send_message(command_error(kind, reported))
            return
        await session.serve(connection, command.seen if isinstance(command, ResumeCommand) else 0)

    def close(self) -> None:
        """Open no more sessions, and end those that are open within seconds."""
        self._closed = True
        for session in self._sessions.values():
            if session:
                session.end(_CLOSING)

    async def wait_closed(self) -> None:
        """Wait until no session is left."""
        while self._sessions:
            await self._changed.wait()

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

    def _find(self, command: ResumeCommand) -> WireSession:
        """Return the session that a client resumes.

        Raises:
            SessionStateError: there is no such session.
        """
        session = self._sessions.get(command.session)
        if session is None or session.over:
            raise SessionStateError(
                "unknown or expired session: it has ended, or had no connection for "
                f"{self._grace:g} s; start a new one"
            )
        return session

    async def _host(self, command: StartCommand, *, task_status: TaskStatus[WireSession]) -> None:
        """Open a session, and host it until it is over.

        Raises:
            AzsttError: it can't be opened.
        """
        if self._closed:
            raise ServiceError("the server is shutting down; try again later", retryable=True)
        if len(self._sessions) >= self._limit:
            raise ThrottledError(f"all {self._limit} sessions are in use; try again later")
        session_id, session = token_urlsafe(32), None
        self._sessions[session_id] = None
        try:
            async with self._open(
                audio=command.audio,
                language=command.language,
                diarize=command.diarize,
                phrases=command.phrases,
            ) as live:
                live.idle_timeout = None  # the client may pause; its connection shows that it lives
                session = self._sessions[session_id] = WireSession(live, session_id, self._grace)
                if self._closed:
                    session.end(_CLOSING)
                task_status.started(session)
                await session.run()
        except Exception as error:
            if session is None:
                raise
            if isinstance(error, AzsttError):  # the application's handlers have it, too
                _log.info("a live session failed: %s", type(error).__name__)
            else:
                _log.exception("a live session failed")
        finally:
            del self._sessions[session_id]
            self._changed.set()
            self._changed = anyio.Event()
