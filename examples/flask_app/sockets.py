"""WebSockets, and a fallback that polls for networks that block them.

The fallback is opened by a POST to the WebSocket's URL. The page then sends its messages in small
POSTs of plain bytes, numbered so that a lost request can be repeated, and fetches ours with GETs
that wait for news (long polling). For a handler both are a `Socket`.
"""

from __future__ import annotations

import logging
import struct
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from secrets import token_urlsafe
from socket import SHUT_WR
from threading import Condition, Thread
from time import monotonic
from typing import Any, Protocol, TypeAlias, cast

import flask_sock  # pyright: ignore[reportMissingTypeStubs] - it ships no types
from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from simple_websocket import ConnectionClosed
from werkzeug.exceptions import HTTPException

from .security import client_id
from .slots import LimitReachedError, Slots

_log = logging.getLogger(__name__)

#: The longest message, in bytes.
MAX_MESSAGE = 1 << 20
#: The most bytes that may wait for a polling socket's handler.
_MAX_WAITING = 4 << 20
#: The most simultaneous connections of either kind, for one client and in total. Each has a thread.
_MAX_PER_CLIENT, _MAX_TOTAL = 8, 100
#: Seconds without a request after which a polling socket counts as abandoned.
_ABANDONED_AFTER = 30.0
#: Seconds that a request waits for news, or for room.
_LONG_POLL = 15.0

_TEXT, _BINARY = 0, 1
_HEADER = struct.Struct(">BI")


class Socket(Protocol):
    """A connection to a page."""

    def receive(self) -> str | bytes | None:
        """Wait for a message; raises an exception when the connection is lost."""
        ...

    def send(self, data: str, /) -> None:
        """Send a message; raises an exception when the connection is lost."""
        ...


#: Serves a socket, given the socket, the client's ID, and the ID in its URL.
Handler: TypeAlias = Callable[[Socket, str, str], None]


class ClosedError(Exception):
    """The socket was closed or abandoned."""


class PollingSocket:
    """Replaces a WebSocket with requests that poll. Thread-safe."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inbox: deque[str | bytes] = deque()
        self._waiting = 0  # bytes in the inbox
        self._received = 0
        self._outbox: deque[str] = deque()
        self._sent = 0
        self._last_request = monotonic()
        self._closed = False

    @property
    def abandoned(self) -> bool:
        """Whether there has been no request for a long time."""
        return monotonic() - self._last_request > _ABANDONED_AFTER

    def receive(self) -> str | bytes:
        """Wait for a message.

        Raises:
            ClosedError: the socket was closed or abandoned.
        """
        with self._changed:
            while not self._inbox:
                if self._closed or self.abandoned:
                    self._closed = True
                    raise ClosedError
                self._changed.wait(_ABANDONED_AFTER / 10)
            message = self._inbox.popleft()
            self._waiting -= len(message)
            self._changed.notify_all()
            return message

    def send(self, data: str, /) -> None:
        """Send a message.

        Raises:
            ClosedError: the socket was closed or abandoned.
        """
        with self._changed:
            if self._closed:
                raise ClosedError
            self._outbox.append(data)
            self._sent += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Accept no more messages; those sent before can still be fetched."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def push(self, number: int, messages: list[str | bytes]) -> int:
        """Accept messages from the page; those received before are skipped.

        Args:
            number: the number of the first message, counted from 0.
            messages: the messages.

        Returns:
            How many have been received, which is the number of the next.
        """
        with self._changed:
            self._last_request = monotonic()
            self._changed.wait_for(lambda: self._waiting < _MAX_WAITING or self._closed, _LONG_POLL)
            if self._waiting < _MAX_WAITING and number <= self._received:
                for message in messages[self._received - number :]:
                    self._inbox.append(message)
                    self._waiting += len(message)
                    self._received += 1
                self._changed.notify_all()
            return self._received

    def poll(self, seen: int) -> list[str] | None:
        """Wait for messages after the first `seen` ones; None means that there will be no more."""
        with self._changed:
            self._last_request = monotonic()
            while self._outbox and self._sent - len(self._outbox) < seen:
                self._outbox.popleft()
            self._changed.wait_for(lambda: self._outbox or self._closed, _LONG_POLL)
            self._last_request = monotonic()
            return None if self._closed and not self._outbox else list(self._outbox)


class Sockets:
    """Creates the routes of sockets, and holds the polling sockets by client."""

    def __init__(self) -> None:
        self._polling: dict[tuple[str, str], PollingSocket] = {}
        self._websockets = Slots(_MAX_PER_CLIENT, _MAX_TOTAL, "connections")

    def route(self, blueprint: Blueprint, path: str, handler: Handler) -> None:
        """Let a handler serve a path, which contains an ``<id_>``."""

        def limited(socket: Socket, client: str, id_: str) -> None:
            self._websockets.acquire(client)
            try:
                handler(socket, client, id_)
            finally:
                self._websockets.release(client)

        def websocket(socket: Any, id_: str) -> None:  # noqa: ANN401 - flask_sock has no types
            _serve(limited, socket, client_id(), id_)
            with suppress(ConnectionClosed, OSError):
                socket.close()
            with suppress(OSError):  # Flask's own server would append an HTTP response
                socket.sock.shutdown(SHUT_WR)

        def polling(id_: str) -> ResponseReturnValue:
            return jsonify(socket=self._open(handler, id_)), 201

        cast("Any", flask_sock.Sock()).route(path, bp=blueprint)(websocket)
        blueprint.post(path)(polling)

    def blueprint(self) -> Blueprint:
        """Create the routes of polling sockets."""
        blueprint = Blueprint("sockets", __name__, url_prefix="/sockets")
        blueprint.post("/<id_>")(self._post)
        blueprint.get("/<id_>")(self._get)
        blueprint.delete("/<id_>")(self._delete)
        return blueprint

    def _post(self, id_: str) -> ResponseReturnValue:
        number = request.headers.get("X-Number", type=int, default=0)
        messages = list(unpack(request.get_data(cache=False)))
        return jsonify(received=self._find(id_).push(number, messages))

    def _get(self, id_: str) -> ResponseReturnValue:
        messages = self._find(id_).poll(request.args.get("seen", type=int, default=0))
        if messages is None:
            self._polling.pop((client_id(), id_), None)
        return jsonify(messages=messages)

    def _delete(self, id_: str) -> ResponseReturnValue:
        self._find(id_).close()
        self._polling.pop((client_id(), id_), None)
        return "", 204

    def _open(self, handler: Handler, id_: str) -> str:
        """Open a polling socket with a handler in a thread of its own, and return its ID."""
        for key in [key for key, socket in self._polling.items() if socket.abandoned]:
            del self._polling[key]
        client, name, socket = client_id(), token_urlsafe(16), PollingSocket()
        owners = [owner for owner, _ in self._polling]
        if owners.count(client) >= _MAX_PER_CLIENT or len(owners) >= _MAX_TOTAL:
            abort(429, "too many connections; try again in a minute")
        self._polling[client, name] = socket

        def serve() -> None:
            _serve(handler, socket, client, id_)
            socket.close()

        Thread(target=serve, name="polling socket", daemon=True).start()
        return name

    def _find(self, id_: str) -> PollingSocket:
        socket = self._polling.get((client_id(), id_))
        if socket is None:
            abort(404, "this connection was closed")
        return socket


def _serve(handler: Handler, socket: Socket, client: str, id_: str) -> None:
    """Let a handler serve a socket, and log its errors."""
    try:
        handler(socket, client, id_)
    except (ClosedError, ConnectionClosed):
        pass
    except (LimitReachedError, HTTPException) as error:
        _log.info("socket refused: %s", error)
    except Exception:  # noqa: BLE001 - the last chance to log it
        _log.exception("socket handler failed")


def unpack(body: bytes) -> Iterator[str | bytes]:
    """Split a body into messages: each has a kind, a length in four bytes, and that many bytes."""
    at = 0
    while at < len(body):
        start = at + _HEADER.size
        kind, size = _HEADER.unpack(body[at:start].ljust(_HEADER.size, b"\xff"))
        at = start + size
        if at > len(body) or size > MAX_MESSAGE or kind not in {_TEXT, _BINARY}:
            abort(400, "a message is truncated, too long, or of an unknown kind")
        data = body[start:at]
        yield data.decode(errors="replace") if kind == _TEXT else data
