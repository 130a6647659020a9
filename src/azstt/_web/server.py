"""Live sessions for browsers, independent of the web framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup

from azstt._errors import SessionStateError
from azstt._sessions.live import LiveSession
from azstt._threads.call_thread import CallThread
from azstt._threads.loop_thread import LoopThread
from azstt._web.host import OpenSession, SessionHost
from azstt._web.session import WireReceive, WireSend


class WireServer:
    """Serves live sessions to browsers that use `LiveClient` from ``azstt.js``.

    One server handles all connections of an application, for as long as its block is open. The web
    framework's handler calls `serve` for each of them, as here with Starlette or FastAPI::

        server = azstt.WireServer()

        @asynccontextmanager
        async def lifespan(app):
            async with server:
                yield

        async def live(socket: WebSocket):
            await socket.accept()

            async def receive():
                message = await socket.receive()
                return message.get("text") or message.get("bytes")  # None: disconnected

            await server.serve(receive, socket.send_text)

    A client that loses its connection resumes the session over another one, and nothing is lost
    or duplicated. If it stays away for ``grace`` seconds, or closes its page, the session is
    finished: what was sent is recognized, for the handlers and the transcript of the session.
    Leaving the block does the same with all sessions, for at most some seconds. Without the block,
    the call that opens a session returns only when the session is over.

    Runs on asyncio and trio; all calls must be made on the same event loop. For handlers in
    threads see `BlockingWireServer`.

    Args:
        open_session: creates the session that a client asks for, given ``audio``, ``language``,
            ``diarize`` and ``phrases``. Use it to add options, as in
            ``partial(LiveSession, backend="azure")``, or to reject the request with a
            `ConfigurationError`. It may also be an async context manager around the session, whose
            last part gets the transcript::

                @asynccontextmanager
                async def session(**wishes):
                    live = azstt.LiveSession(**wishes)
                    try:
                        async with live:
                            yield live
                    finally:
                        save(live.transcript)

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
        self._host: SessionHost = SessionHost(open_session, grace, limit)
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        """Begin to serve.

        Raises:
            SessionStateError: the block was entered before.
        """
        if self._group is not None:
            raise SessionStateError("a server is entered once; create another one")
        self._group = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish all sessions, within 7 s; after an exception close them at once."""
        self._host.close()
        if self._group is not None:
            await self._group.__aexit__(kind, error, trace)

    async def serve(self, receive: WireReceive, send: WireSend) -> None:
        """Serve a connection until it is lost, or its session is over or has moved to another.

        May be canceled: the client can then resume its session over another connection.

        Args:
            receive: returns the next message: a string, bytes, or None once the connection is
                lost.
            send: sends a string. An exception from either is treated as a lost connection.
        """
        if self._group is not None:
            await self._host.serve(receive, send, self._group)
            return
        async with anyio.create_task_group() as group:
            await self._host.serve(receive, send, group)


class BlockingWireServer:
    """A `WireServer` for handlers that run in threads, such as Flask's.

    With flask-sock::

        server = azstt.BlockingWireServer()

        @sock.route("/live")
        def live(socket):
            server.serve(socket.receive, socket.send)

    All of its sessions share one event loop in a thread of its own. Each connection has two more
    threads, one that receives and one that sends. `close` it, or leave its block, where the
    application ends.

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
        self._host: SessionHost = SessionHost(open_session, grace, limit)
        self._loop_thread: LoopThread = LoopThread("azstt wire")

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Finish all sessions, within 7 s, and refuse new ones. Idempotent."""
        self._loop_thread.call(self._close)

    def serve(
        self, receive: Callable[[], str | bytes | None], send: Callable[[str], object]
    ) -> None:
        """Serve a connection, as `WireServer.serve` does.

        The call that starts a session returns when the session is over, the others when their
        connection is; even if ``receive`` or ``send`` still blocks.

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
        async with anyio.create_task_group() as group:
            with (
                CallThread("azstt wire receive") as receiver,
                CallThread("azstt wire send") as sender,
            ):
                await self._host.serve(
                    partial(receiver.call, receive),
                    lambda text: sender.call(partial(send, text)),
                    group,
                )

    async def _close(self) -> None:
        self._host.close()
        await self._host.wait_closed()
