"""One live session for one client, over as many connections as it takes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from math import inf
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
from azstt._options import LiveOptions
from azstt._sessions.live import LiveSession
from azstt._threads.tasks import both
from azstt._web.messages import (
    MAX_AUDIO,
    AckMessage,
    CloseCommand,
    Command,
    CommandError,
    CommitCommand,
    FinishCommand,
    OpenedMessage,
    PingCommand,
    ResumeCommand,
    ServerMessage,
    StartCommand,
    UpdateCommand,
    parse_command,
)
from azstt._web.replay import ReplayBuffer, command_error

_log = logging.getLogger("azstt.wire")

#: Seconds to wait for a recognizer to reject new options; clients take a longer silence for an
#: outage.
_UPDATE_TIMEOUT = 3.0

#: Returns the next message from a client: text, audio, or None once the connection is lost.
WireReceive: TypeAlias = Callable[[], Awaitable[str | bytes | None]]
#: Sends text to a client.
WireSend: TypeAlias = Callable[[str], Awaitable[object]]

#: What a client learns of a bug on the server; the details are for the server's log.
INTERNAL_ERROR = ServiceError("internal server error in this session", retryable=False)


class DisconnectedError(Exception):
    """The client has disconnected, or has received everything."""


class ClientConnection:
    """A connection to a client, with one error for all ways a transport reports its loss."""

    def __init__(self, receive: WireReceive, send: WireSend) -> None:
        self._receive: WireReceive = receive
        self._send: WireSend = send
        self._lock: anyio.Lock = anyio.Lock()

    async def receive(self) -> str | bytes:
        """Wait for a message.

        Raises:
            DisconnectedError: the connection is lost.
        """
        try:
            message = await self._receive()
        except Exception as error:
            raise _disconnected(error) from error
        if message is None:
            raise DisconnectedError
        return message

    async def send(self, text: str) -> None:
        """Send text, in the order of the calls.

        Raises:
            DisconnectedError: the connection is lost.
        """
        async with self._lock:
            try:
                await self._send(text)
            except Exception as error:
                raise _disconnected(error) from error

    async def send_message(self, message: ServerMessage) -> None:
        """Send a message that is not sent again after a resume."""
        await self.send(message.model_dump_json())


class WireSession:
    """Connects a `LiveSession` to a client. Must be used on one event loop.

    One task hosts it with `run`; those that serve its connections come and go with `serve`.

    Args:
        live: the session, already started.
        session_id: the secret that resumes it.
        grace: seconds to wait for a client that has lost its connection.

    Attributes:
        over: whether it has no use for another connection.
    """

    def __init__(self, live: LiveSession, session_id: str, grace: float) -> None:
        self.over: bool = False
        self._live: LiveSession = live
        self._session_id: str = session_id
        self._grace: float = grace
        self._replay: ReplayBuffer = ReplayBuffer()
        self._received: int = 0
        self._finished: bool = False  # the client sends no more audio
        self._ended: bool = False  # the last event is in the replay buffer
        self._failed: bool = False  # and it is a failure
        self._done: bool = False  # the client has acknowledged it, or wants nothing more
        self._connections: int = 0  # more than one while one takes over from another
        self._changed: anyio.Event = anyio.Event()
        self._lock: anyio.Lock = anyio.Lock()
        self._scope: anyio.CancelScope = anyio.CancelScope()
        self._rest: anyio.CancelScope = anyio.CancelScope()

    async def serve(self, connection: ClientConnection, seen: int = 0) -> None:
        """Serve a connection, which takes the session over from the previous one.

        Returns when the connection is lost or not needed any more.
        """
        self._scope.cancel()
        self._connections += 1
        self._notify()
        try:
            with anyio.CancelScope() as self._scope:
                async with self._lock:  # the previous connection's task has left
                    with suppress(DisconnectedError):
                        await self._exchange(connection, seen)
        finally:
            self._connections -= 1
            self._notify()

    async def run(self) -> None:
        """Host the session until it is over, and all that was sent is recognized.

        It is over when the client is done or stays away for the grace time, or after `end`. A
        client that closes it without finishing it wants no more results.

        Raises:
            Exception: what ended the session, if the client was not told.
        """
        while not (self._done or self.over):
            with anyio.move_on_after(inf if self._connections else self._grace):
                await self._changed.wait()
                continue
            self.over = True
        self.over = True
        with self._rest:
            await self._live.aclose(now=self._done and not self._finished)
            while self._connections and not self._done:
                await self._changed.wait()
        self._scope.cancel()

    def end(self, seconds: float) -> None:
        """Let `run` finish the session, within this time and a little more."""
        self.over = True
        self._rest.deadline = anyio.current_time() + seconds
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    async def _exchange(self, connection: ClientConnection, seen: int) -> None:
        """Replay what the client has missed, then exchange messages until it is gone."""
        try:
            missed = self._replay.since(seen)
        except AzsttError as error:
            self._done = True
            await connection.send_message(command_error("resume", error))
            return
        await connection.send_message(
            OpenedMessage(session=self._session_id, received=self._received, grace=self._grace)
        )
        for text in missed:
            await connection.send(text)
        await both(
            partial(self._receive_messages, connection), partial(self._send_events, connection)
        )

    async def _send_events(self, connection: ClientConnection) -> None:
        """Send each event as it arrives, up to the last."""
        while not self._ended:
            try:
                event: Event = await self._live.receive()
            except RecognitionError as error:
                event = Failed(error=error)
            except AzsttError as error:
                event = Failed(error=RequestError(str(error), code=type(error).__name__))
            except anyio.EndOfStream:  # closed before the end
                event = Failed(error=ServiceError("the server is shutting down", retryable=True))
            except Exception:  # noqa: BLE001 - the log is told, and the client that it failed
                _log.exception("a live session failed")
                event = Failed(error=INTERNAL_ERROR)
            self._failed = isinstance(event, Failed)
            self._ended = self._failed or isinstance(event, Ended)
            await connection.send(self._replay.add(event))
        await self._live.aclose()

    async def _receive_messages(self, connection: ClientConnection) -> None:
        """Handle the client's messages until it has received everything.

        Raises:
            DisconnectedError: always, in the end.
        """
        while not self._done:
            message = await connection.receive()
            if isinstance(message, bytes):
                await self._run_counted(connection, "audio", partial(self._send_audio, message))
            else:
                await self._handle_text(connection, message)
        raise DisconnectedError

    async def _handle_text(self, connection: ClientConnection, text: str) -> None:
        """Parse and execute a command.

        The client has counted one that can't be parsed, so the error is an event.
        """
        try:
            command = parse_command(text)
        except ConfigurationError as error:
            await self._count(connection, command_error(None, error))
            return
        try:
            await self._execute(connection, command)
        except ConfigurationError as error:
            await connection.send_message(command_error(None, error))

    async def _execute(self, connection: ClientConnection, command: Command) -> None:
        """Execute a command.

        Raises:
            ConfigurationError: the command makes no sense now.
        """
        match command:
            case PingCommand(seen=seen):
                self._replay.acknowledge(seen)
                self._done = self._ended and not self._replay
                await connection.send_message(AckMessage(received=self._received))
            case CommitCommand(kind=kind):
                await self._run_counted(connection, kind, self._live.commit)
            case FinishCommand(kind=kind):
                self._finished = True
                await self._run_counted(connection, kind, self._live.finish)
            case UpdateCommand(kind=kind) as update:
                changes = update.model_dump(exclude={"kind"}, exclude_none=True)
                change = partial(self._update, cast("LiveOptions", changes))
                await self._run_counted(connection, kind, change)
            case CloseCommand():
                self._done = True
            case StartCommand(kind=kind) | ResumeCommand(kind=kind):
                raise ConfigurationError(f"{kind!r} must be the first message of a connection")

    async def _run_counted(
        self, connection: ClientConnection, command: str, action: Callable[[], Awaitable[None]]
    ) -> None:
        """Run the action of a message that counts; an error the session raises is an event."""
        rejected = None
        try:
            await action()
        except (ConfigurationError, SessionStateError) as error:
            if not self._failed:
                rejected = command_error(command, error)
        except AzsttError:  # the session has failed: `_send_events` reports it
            pass
        await self._count(connection, rejected)

    async def _count(self, connection: ClientConnection, rejected: CommandError | None) -> None:
        """Count a message as received, and report it if it was rejected."""
        self._received += 1
        if rejected is not None:
            await connection.send(self._replay.add(rejected))

    async def _update(self, changes: LiveOptions) -> None:
        """Change options, without blocking the client's messages while the recognizer is late.

        Raises:
            ConfigurationError: the recognizer rejects them.
        """
        with anyio.move_on_after(_UPDATE_TIMEOUT):
            await self._live.update(**changes)

    async def _send_audio(self, audio: bytes) -> None:
        """Send audio to the recognizer.

        Raises:
            ConfigurationError: the message is too long.
        """
        if len(audio) > MAX_AUDIO:
            raise ConfigurationError(
                f"audio message is too long: {len(audio)} bytes, at most {MAX_AUDIO}"
            )
        await self._live.send(audio)


def _disconnected(error: Exception) -> DisconnectedError:
    _log.debug("connection to a client was lost: %s", type(error).__name__)
    return DisconnectedError()
