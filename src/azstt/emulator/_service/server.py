"""The service on a port: who may come in, and which room they are led to."""

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
from azstt.emulator._service.rest import Rest
from azstt.emulator.engines import Engine
from azstt.emulator.faults import Faults, Outage, Refuse, Stall

_log = logging.getLogger("azstt.emulator")
#: The most turns at work at once: each has a thread while its engine hears.
_THREADS = 512
_MOST_BYTES = 1 << 24
_CLOSE_TIMEOUT = 1.0
_RETRY_AFTER = 1
_KEY, _TOKEN = "ocp-apim-subscription-key", "authorization"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How an emulator is set up.

    Attributes:
        engine: where the words come from.
        host: the address to listen on.
        port: the port; 0 is any that is free.
        speed: seconds of audio a second; None is as fast as the engine is.
        quota: connections at once; None is any number.
        key: the subscription key that is asked for; None asks for none.
        token: the bearer token that is asked for; None asks for none.
        tls: a certificate's file and its key's; None is no TLS.
        faults: what goes wrong.
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
    """Runs on one event loop; records what comes."""

    def __init__(self, settings: Settings) -> None:
        self.requests: list[RequestRecord] = []
        self.port: int = 0
        self._settings = settings
        self._executor = ThreadPoolExecutor(_THREADS, thread_name_prefix="azstt-emulator")
        self._service = Service(
            engine=settings.engine,
            executor=self._executor,
            speed=settings.speed,
            expire=self._expire,
        )
        self._rest = Rest(settings.engine, self._executor, self._issue)
        self._arrivals = itertools.count()
        self._posts = itertools.count()
        self._open: dict[int, RequestRecord] = {}
        self._connections: dict[int, Connection] = {}
        self._outages: deque[Outage] = deque(settings.faults.outages)
        self._outage_is_due: bool = False
        self._back_at: float = 0.0  # when the last outage is over, by the loop's clock
        self._tasks: set[asyncio.Task[object]] = set()
        self._issued: set[str] = set()
        self._expired: set[tuple[str, str | None]] = set()

    @property
    def connected(self) -> bool:
        """Whether any client is connected."""
        return any(record.is_open for record in self.requests)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port can't be had, or the certificate not be read.
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
        """Let go of everybody; connections that stand are recorded as left open."""
        for record in self._open.values():
            record.closed = record.closed or "left open"
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._runner.cleanup()
        await asyncio.sleep(0)  # transports close with the loop's next turn
        self._executor.shutdown(wait=False)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._tasks.add(task)
        try:
            upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
            record = self._record(request, next(self._arrivals if upgrade else self._posts))
            if asyncio.get_running_loop().time() < self._back_at:
                return _cut_off(request, record)
            if upgrade:
                return await self._upgrade(request, record)
            refusal = self._refusal(record) or await self._rest.answer(request)
            record.status = refusal.status
            return refusal
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
        """Let a client in, or refuse it."""
        faults = self._settings.faults.on(record.number)
        stalls = [fault for fault in faults if isinstance(fault, Stall)]
        for stall in stalls:
            if stall.when == "before_upgrade":
                await asyncio.sleep(1e9 if stall.seconds is None else stall.seconds)
        refusals = [_refused(fault) for fault in faults if isinstance(fault, Refuse)]
        refusal = next(iter(refusals), None) or self._refusal(record) or self._crowded()
        if refusal is not None:
            record.status = refusal.status
            return refusal
        self._open[record.number] = record
        try:
            ws = web.WebSocketResponse(
                protocols=("USP",),
                compress=False,
                max_msg_size=_MOST_BYTES,
                timeout=_CLOSE_TIMEOUT,
            )
            if ws.can_prepare(request):
                record.status = HTTPStatus.SWITCHING_PROTOCOLS  # before the client hears of it
            await ws.prepare(request)
            transport = cast("asyncio.Transport", request.transport)
            connection = Connection(self._service, ws, transport, record, faults)
            self._connections[record.number] = connection
            self._expect_outage()
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

    def _expect_outage(self) -> None:
        """Have the next outage begin in its time, now that somebody is connected."""
        if self._outages and not self._outage_is_due:
            self._outage_is_due = True
            asyncio.get_running_loop().call_later(self._outages[0].after, self._go)

    def _go(self) -> None:
        """Begin an outage."""
        outage = self._outages.popleft()
        self._outage_is_due = False
        _log.info("gone for %s s", outage.seconds)
        self._back_at = asyncio.get_running_loop().time() + outage.seconds
        for connection in self._connections.values():
            connection.drop(outage.how)

    def _refusal(self, record: RequestRecord) -> web.Response | None:
        """Refuse a client without the right credential."""
        token, key = _credential(record)
        good = {("key", self._settings.key), ("token", self._settings.token)}
        good |= {("token", issued) for issued in self._issued}
        given = {("key", key), ("token", token)} - {("key", None), ("token", None)}
        if given & self._expired and not given & (good - self._expired):
            return _failed(401, "The credential has expired.")
        asked = self._settings.key is not None or self._settings.token is not None
        if asked and not given & (good - self._expired):
            return _failed(401, "Access denied due to invalid subscription key or token.")
        return None

    def _crowded(self) -> web.Response | None:
        """Refuse a client beyond the quota."""
        if self._settings.quota is None or len(self._open) < self._settings.quota:
            return None
        response = _failed(429, "Too many requests: the concurrency limit is reached.")
        response.headers["Retry-After"] = str(_RETRY_AFTER)
        return response

    def _issue(self) -> str:
        """Give a token that is accepted from now on."""
        token = token_hex(32)
        self._issued.add(token)
        return token

    def _expire(self, record: RequestRecord) -> None:
        """Accept a connection's credential no longer."""
        token, key = _credential(record)
        self._expired.add(("key", key) if token is None else ("token", token))


def _credential(record: RequestRecord) -> tuple[str | None, str | None]:
    """Give the bearer token and the key; browsers send them in the query."""
    given: Mapping[str, str] = {n.lower(): text for n, text in record.query.items()}
    given = {**given, **record.headers}
    bearer = given.get(_TOKEN, "")
    token = bearer[len("bearer ") :] if bearer.lower().startswith("bearer ") else None
    return (None if token is None else token.rpartition("#")[2]), given.get(_KEY)


def _cut_off(request: web.BaseRequest, record: RequestRecord) -> web.Response:
    """Answer nobody; what is returned goes nowhere."""
    record.closed = "reset"
    cut(cast("asyncio.Transport", request.transport), "reset")
    return web.Response()


def _refused(fault: Refuse) -> web.Response:
    response = _failed(fault.status, fault.body)
    if fault.retry_after is not None:
        response.headers["Retry-After"] = str(fault.retry_after)
    if fault.location is not None:
        response.headers["Location"] = fault.location
    return response


def _failed(status: int, message: str) -> web.Response:
    return web.json_response({"error": {"code": str(status), "message": message}}, status=status)
