"""The server: listens on a port, checks credentials, and dispatches requests."""

from __future__ import annotations

import asyncio
import itertools
import logging
import ssl
from collections import deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from secrets import token_hex
from typing import cast

from aiohttp import web

from azstt.emulator._service.connection import Connection, Service, cut
from azstt.emulator._service.records import RequestRecord
from azstt.emulator._service.rest import RestHandler
from azstt.emulator.engines._port import Engine
from azstt.emulator.faults import Fault, Faults, Outage, Refuse, Stall

_log = logging.getLogger("azstt.emulator")
#: Maximum number of concurrent turns: each needs a thread while its engine works.
_MAX_THREADS = 512
_MAX_MESSAGE = 1 << 24
_CLOSE_TIMEOUT = 1.0
_RETRY_AFTER = 1
_KEY, _TOKEN = "ocp-apim-subscription-key", "authorization"


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """The settings of an emulator.

    Attributes:
        engine: where the words come from.
        host: the address to listen on.
        port: the port to listen on; 0 picks a free one.
        speed: seconds of audio to accept per second; None is as fast as the engine can.
        quota: maximum number of concurrent connections; None is unlimited.
        key: the subscription key to accept; without a key and a token, no credential is required.
        token: the bearer token to accept.
        tls: paths of the certificate and its key; None is no TLS.
        faults: faults to inject.
    """

    engine: Engine
    host: str = "127.0.0.1"
    port: int = 0
    speed: float | None = None
    quota: int | None = None
    key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    tls: tuple[str, str] | None = None
    faults: Faults = field(default_factory=Faults)


class Server:
    """Serves clients and records their requests; all on one event loop."""

    def __init__(self, settings: ServerSettings) -> None:
        self.requests: list[RequestRecord] = []
        self.port: int = 0
        self._settings = settings
        self._executor = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="azstt-emulator")
        self._service = Service(
            engine=settings.engine,
            executor=self._executor,
            speed=settings.speed,
            expire=self._expire,
        )
        self._rest = RestHandler(settings.engine, self._executor, self._issue_token)
        self._connection_numbers = itertools.count()
        self._rest_numbers = itertools.count()
        self._open: dict[int, RequestRecord] = {}
        self._connections: dict[int, Connection] = {}
        self._outages: deque[Outage] = deque(settings.faults.outages)
        self._outage_is_scheduled: bool = False
        self._outage_end: float = 0.0  # of the last outage, by the loop's clock
        self._tasks: set[asyncio.Task[object]] = set()
        self._issued: set[str] = set()
        self._expired: set[tuple[str, str | None]] = set()

    @property
    def has_clients(self) -> bool:
        """Whether any connection is open."""
        return any(record.is_open for record in self.requests)

    async def start(self) -> None:
        """Start to listen.

        Raises:
            OSError: the port can't be opened, or the certificate can't be read.
            OverflowError: the port is not a 16-bit number.
        """
        context = None
        if self._settings.tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._settings.tls)
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_CLOSE_TIMEOUT)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, self._settings.host, self._settings.port, ssl_context=context
        )
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close all connections and stop; open ones are recorded as left open."""
        for record in self._open.values():
            record.closed = record.closed or "left open"
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await asyncio.sleep(0)  # transports close in the loop's next iteration
        self._executor.shutdown(wait=False)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._tasks.add(task)
        try:
            upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
            record = self._record(
                request, next(self._connection_numbers if upgrade else self._rest_numbers)
            )
            if asyncio.get_running_loop().time() < self._outage_end:
                return _reset(request, record)
            if upgrade:
                return await self._upgrade(request, record)
            response = self._check_credential(record) or await self._rest.handle(request)
            record.status = response.status
            return response
        finally:
            self._tasks.discard(task)

    def _record(self, request: web.BaseRequest, number: int) -> RequestRecord:
        record = RequestRecord(
            number=number,
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers={name.lower(): text for name, text in request.headers.items()},
        )
        self.requests.append(record)
        _log.info("%s %s", request.method, request.path)
        return record

    async def _upgrade(self, request: web.BaseRequest, record: RequestRecord) -> web.StreamResponse:
        """Accept a WebSocket connection, or refuse it."""
        faults = self._settings.faults.on(record.number)
        stalls = [fault for fault in faults if isinstance(fault, Stall)]
        for stall in stalls:
            if stall.when == "before_upgrade":
                await asyncio.sleep(1e9 if stall.seconds is None else stall.seconds)
        refusals = [_refusal(fault) for fault in faults if isinstance(fault, Refuse)]
        refusal = (
            next(iter(refusals), None) or self._check_credential(record) or self._check_quota()
        )
        if refusal is not None:
            record.status = refusal.status
            return refusal
        return await self._serve(request, record, faults)

    async def _serve(
        self, request: web.BaseRequest, record: RequestRecord, faults: tuple[Fault, ...]
    ) -> web.StreamResponse:
        """Serve a WebSocket connection until it closes."""
        self._open[record.number] = record
        try:
            ws = web.WebSocketResponse(
                protocols=("USP",),
                compress=False,
                max_msg_size=_MAX_MESSAGE,
                timeout=_CLOSE_TIMEOUT,
            )
            if ws.can_prepare(request):
                record.status = HTTPStatus.SWITCHING_PROTOCOLS  # before the client can know
            await ws.prepare(request)
            transport = cast("asyncio.Transport", request.transport)
            connection = Connection(self._service, ws, transport, record, faults)
            self._connections[record.number] = connection
            self._schedule_outage()
            try:
                await connection.run()
            except asyncio.CancelledError:
                cut(transport, "fin")
                raise
            finally:
                del self._connections[record.number]
            return ws
        finally:
            record.closed = record.closed or "lost"
            del self._open[record.number]

    def _schedule_outage(self) -> None:
        """Schedule the next outage, now that a client is connected."""
        if self._outages and not self._outage_is_scheduled:
            self._outage_is_scheduled = True
            asyncio.get_running_loop().call_later(self._outages[0].after, self._begin_outage)

    def _begin_outage(self) -> None:
        outage = self._outages.popleft()
        self._outage_is_scheduled = False
        _log.info("outage of %s s", outage.seconds)
        self._outage_end = asyncio.get_running_loop().time() + outage.seconds
        for connection in self._connections.values():
            connection.drop(outage.how)

    def _check_credential(self, record: RequestRecord) -> web.Response | None:
        """Return an error response unless the client has a valid credential."""
        token, key = _credential(record)
        valid = {("key", self._settings.key), ("token", self._settings.token)}
        valid |= {("token", issued) for issued in self._issued}
        given = {("key", key), ("token", token)} - {("key", None), ("token", None)}
        if given & self._expired and not given & (valid - self._expired):
            return _error(401, "The credential has expired.")
        required = self._settings.key is not None or self._settings.token is not None
        if required and not given & (valid - self._expired):
            return _error(401, "Access denied due to invalid subscription key or token.")
        return None

    def _check_quota(self) -> web.Response | None:
        """Return an error response if the quota is used up."""
        if self._settings.quota is None or len(self._open) < self._settings.quota:
            return None
        response = _error(429, "Too many requests: the concurrency limit is reached.")
        response.headers["Retry-After"] = str(_RETRY_AFTER)
        return response

    def _issue_token(self) -> str:
        """Return a new token, which is accepted from now on."""
        token = token_hex(32)
        self._issued.add(token)
        return token

    def _expire(self, record: RequestRecord) -> None:
        """Revoke the credential of a request."""
        token, key = _credential(record)
        self._expired.add(("key", key) if token is None else ("token", token))


def _credential(record: RequestRecord) -> tuple[str | None, str | None]:
    """Return the bearer token and the key; browsers send them in the query."""
    given: Mapping[str, str] = {n.lower(): text for n, text in record.query.items()}
    given = {**given, **record.headers}
    bearer = given.get(_TOKEN, "")
    token = bearer[len("bearer ") :] if bearer.lower().startswith("bearer ") else None
    return (None if token is None else token.rpartition("#")[2]), given.get(_KEY)


def _reset(request: web.BaseRequest, record: RequestRecord) -> web.Response:
    """Reset the TCP connection; the returned response is never sent."""
    record.closed = "reset"
    cut(cast("asyncio.Transport", request.transport), "reset")
    return web.Response()


def _refusal(fault: Refuse) -> web.Response:
    response = _error(fault.status, fault.body)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    if fault.location is not None:
        response.headers["Location"] = fault.location
    return response


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": str(status), "message": message}}, status=status)
