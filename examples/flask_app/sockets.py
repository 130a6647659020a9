"""WebSockets, and what stands in for them where a proxy lets none through.

A stand-in is opened by a POST to the WebSocket's own address. What the page sends then comes in
small POSTs of plain bytes, numbered so that one that was lost on the way can be sent again; what
it is sent is fetched by GETs that wait for news. To a handler both are the same `Socket`.
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

from .places import FullError, Places
from .security import client

_log = logging.getLogger(__name__)

#: Bytes of one message.
MAX_MESSAGE = 1 << 20
#: Bytes that may wait in a stand-in for its handler.
_MAX_WAITING = 4 << 20
#: Connections of either kind that one client, and all, may have at a time: each has a thread.
_MOST_EACH, _MOST = 8, 100
#: Seconds without a request after which a stand-in's page is taken to be gone.
_GONE_AFTER = 30.0
#: Seconds that a request waits for news, or for room.
_PATIENCE = 15.0

_TEXT, _BINARY = 0, 1
_HEADER = struct.Struct(">BI")


class Socket(Protocol):
    """A connection to a page."""

    def receive(self) -> str | bytes | None:
        """Wait for a message; raises when the connection is gone."""
        ...

    def send(self, data: str, /) -> None:
        """Send a message; raises when the connection is gone."""
        ...


#: Serves a socket: gets it, the client that it is from, and what its address says.
Handler: TypeAlias = Callable[[Socket, str, str], None]


class GoneError(Exception):
    """The page does not ask any more."""


class PostedSocket:
    """Stands in for a WebSocket; for any number of threads."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._inbox: deque[str | bytes] = deque()
        self._waiting = 0  # bytes in the inbox
        self._received = 0
        self._outbox: deque[str] = deque()
        self._sent = 0
        self._asked = monotonic()
        self._over = False

    @property
    def forgotten(self) -> bool:
        """Whether nobody has asked for long."""
        return monotonic() - self._asked > _GONE_AFTER

    def receive(self) -> str | bytes:
        """Wait for a message.

        Raises:
            GoneError: it is over, or its page does not ask any more.
        """
        with self._changed:
            while not self._inbox:
                if self._over or self.forgotten:
                    self._over = True
                    raise GoneError
                self._changed.wait(_GONE_AFTER / 10)
            message = self._inbox.popleft()
            self._waiting -= len(message)
            self._changed.notify_all()
            return message

    def send(self, data: str, /) -> None:
        """Send a message.

        Raises:
            GoneError: nobody will fetch it.
        """
        with self._changed:
            if self._over:
                raise GoneError
            self._outbox.append(data)
            self._sent += 1
            self._changed.notify_all()

    def close(self) -> None:
        """Take no more; what was sent can still be fetched."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def take(self, number: int, messages: list[str | bytes]) -> int:
        """Take a page's messages, of which the first has a number; those known are skipped.

        Returns:
            how many have come so far, which is the number of the next.
        """
        with self._changed:
            self._asked = monotonic()
            self._changed.wait_for(lambda: self._waiting < _MAX_WAITING or self._over, _PATIENCE)
            if self._waiting < _MAX_WAITING and number <= self._received:
                for message in messages[self._received - number :]:
                    self._inbox.append(message)
                    self._waiting += len(message)
                    self._received += 1
                self._changed.notify_all()
            return self._received

    def give(self, seen: int) -> list[str] | None:
        """Wait for news to a page that has seen so many messages; None is the end."""
        with self._changed:
            self._asked = monotonic()
            while self._outbox and self._sent - len(self._outbox) < seen:
                self._outbox.popleft()
            self._changed.wait_for(lambda: self._outbox or self._over, _PATIENCE)
            self._asked = monotonic()
            return None if self._over and not self._outbox else list(self._outbox)


class Sockets:
    """Makes the routes of sockets, and keeps the stand-ins, each for its client."""

    def __init__(self) -> None:
        self._posted: dict[tuple[str, str], PostedSocket] = {}
        self._real = Places(_MOST_EACH, _MOST, "connections")

    def route(self, blueprint: Blueprint, path: str, handler: Handler) -> None:
        """Serve an address, which holds an ``<id_>``, by a handler."""

        def counted(socket: Socket, who: str, id_: str) -> None:
            self._real.take(who)
            try:
                handler(socket, who, id_)
            finally:
                self._real.leave(who)

        def real(socket: Any, id_: str) -> None:  # noqa: ANN401 - it has no types
            _serve(counted, socket, client(), id_)
            with suppress(ConnectionClosed, OSError):
                socket.close()
            with suppress(OSError):  # Flask's own server would write an answer behind it
                socket.sock.shutdown(SHUT_WR)

        def posted(id_: str) -> ResponseReturnValue:
            return jsonify(socket=self._open(handler, id_)), 201

        cast("Any", flask_sock.Sock()).route(path, bp=blueprint)(real)
        blueprint.post(path)(posted)

    def blueprint(self) -> Blueprint:
        """Make the routes of the stand-ins."""
        blueprint = Blueprint("sockets", __name__, url_prefix="/sockets")
        blueprint.post("/<id_>")(self._post)
        blueprint.get("/<id_>")(self._get)
        blueprint.delete("/<id_>")(self._delete)
        return blueprint

    def _post(self, id_: str) -> ResponseReturnValue:
        number = request.headers.get("X-Number", type=int, default=0)
        messages = list(unpack(request.get_data(cache=False)))
        return jsonify(received=self._find(id_).take(number, messages))

    def _get(self, id_: str) -> ResponseReturnValue:
        messages = self._find(id_).give(request.args.get("seen", type=int, default=0))
        if messages is None:
            self._posted.pop((client(), id_), None)
        return jsonify(messages=messages)

    def _delete(self, id_: str) -> ResponseReturnValue:
        self._find(id_).close()
        self._posted.pop((client(), id_), None)
        return "", 204

    def _open(self, handler: Handler, id_: str) -> str:
        """Have a handler serve a new stand-in, in a thread of its own."""
        for key in [key for key, socket in self._posted.items() if socket.forgotten]:
            del self._posted[key]
        who, name, socket = client(), token_urlsafe(16), PostedSocket()
        owners = [owner for owner, _ in self._posted]
        if owners.count(who) >= _MOST_EACH or len(owners) >= _MOST:
            abort(429, "there are too many connections; try again in a minute")
        self._posted[who, name] = socket

        def serve() -> None:
            _serve(handler, socket, who, id_)
            socket.close()

        Thread(target=serve, name="posted socket", daemon=True).start()
        return name

    def _find(self, id_: str) -> PostedSocket:
        socket = self._posted.get((client(), id_))
        if socket is None:
            abort(404, "this connection is over")
        return socket


def _serve(handler: Handler, socket: Socket, who: str, id_: str) -> None:
    """Have a handler serve a socket; what goes wrong can only be logged."""
    try:
        handler(socket, who, id_)
    except (GoneError, ConnectionClosed):
        pass
    except (FullError, HTTPException) as error:
        _log.info("a socket was refused: %s", error)
    except Exception:  # noqa: BLE001 - a thread's end: nobody else would hear of it
        _log.exception("a socket's handler failed")


def unpack(body: bytes) -> Iterator[str | bytes]:
    """Part the messages in a body: each a kind, a length in four bytes, and that many bytes."""
    at = 0
    while at < len(body):
        start = at + _HEADER.size
        kind, size = _HEADER.unpack(body[at:start].ljust(_HEADER.size, b"\xff"))
        at = start + size
        if at > len(body) or size > MAX_MESSAGE or kind not in {_TEXT, _BINARY}:
            abort(400, "a message is cut off, too long, or of no kind")
        data = body[start:at]
        yield data.decode(errors="replace") if kind == _TEXT else data
