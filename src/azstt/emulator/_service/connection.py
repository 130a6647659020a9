"""One WebSocket: messages in, turns run one after the other, faults struck."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from uuid import uuid4

from aiohttp import WSMsgType, web

from azstt.emulator._service.records import RequestRecord, TurnRecord
from azstt.emulator._service.request import find, parse_json, read_request
from azstt.emulator._service.session import TurnSession, Workplace
from azstt.emulator._service.spoil import Spoiler
from azstt.emulator._service.turn import Outgoing
from azstt.emulator._service.wire import Message, WireError, decode_binary, decode_text, encode_text
from azstt.emulator.engines import Engine
from azstt.emulator.faults import Close, Delay, Drop, Expire, Fault, Mute, TimedFault

_log = logging.getLogger("azstt.emulator")

#: What a client may send besides the messages that are acted upon.
_IGNORED = {"speech.event", "event", "synthesis.context", "agent.config", "speech.agent.context"}
_REQUEST_ID = re.compile(r"[0-9a-fA-F]{32}")
_PROTOCOL_ERROR, _INVALID_PAYLOAD, _INTERNAL_ERROR, _EXPIRED = 1002, 1007, 1011, 4401
#: A close frame's reason has 123 bytes.
_REASON = 120


@dataclass(frozen=True, kw_only=True)
class Service:
    """What all connections of an emulator have in common.

    Attributes:
        engine: where the words come from.
        executor: threads for the engine.
        speed: seconds of audio a second; None is as fast as the engine is.
        expire: no longer accepts the credential in these headers and this query.
    """

    engine: Engine
    executor: Executor
    speed: float | None
    expire: Callable[[RequestRecord], None]


class Connection:
    """Serves one WebSocket until either side ends it."""

    def __init__(
        self,
        service: Service,
        ws: web.WebSocketResponse,
        transport: asyncio.Transport,
        record: RequestRecord,
        faults: tuple[Fault, ...],
    ) -> None:
        self._service = service
        self._ws = ws
        self._transport = transport
        self._record = record
        self._spoiler = Spoiler(faults)
        self._delay = sum(fault.seconds for fault in faults if isinstance(fault, Delay))
        timed = [fault for fault in faults if isinstance(fault, TimedFault)]
        self._place = Workplace(
            engine=service.engine,
            executor=service.executor,
            speed=service.speed,
            faults=deque(sorted(timed, key=lambda fault: fault.at)),
            send=self._send,
            strike=self._strike,
        )
        self._turn: TurnSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve it to its end."""
        try:
            while True:
                frame = await self._ws.receive()
                if frame.type is WSMsgType.TEXT:
                    await self._take(decode_text(frame.data))
                elif frame.type is WSMsgType.BINARY:
                    await self._take(decode_binary(frame.data))
                else:
                    if frame.type is WSMsgType.CLOSE:
                        self._closed(f"client {frame.data}")
                    self._closed("lost")
                    return
        except WireError as error:
            await self._violated(str(error))
        finally:
            await self._stop_turn()

    async def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket from this side."""
        self._closed(f"server {code}")
        await self._ws.close(code=code, message=reason[:_REASON].encode())

    def drop(self, how: str) -> None:
        """End the TCP connection."""
        self._closed(how)
        cut(self._transport, how)

    def _closed(self, how: str) -> None:
        """Record the first reason why the connection ended."""
        if self._record.closed is None:
            self._record.closed = how
            seconds = self._record.audio_seconds
            _log.info("connection %d closed: %s, %.1f s", self._record.number, how, seconds)

    async def _violated(self, what: str) -> None:
        """Close on a client that does not keep to the protocol, and say why."""
        self._record.violation = what
        _log.warning("connection %d violates the protocol: %s", self._record.number, what)
        code = _INVALID_PAYLOAD if "JSON" in what else _PROTOCOL_ERROR
        await self.close(code, what)

    async def _take(self, message: Message) -> None:
        """Act on a message.

        Raises:
            WireError: it is not what the protocol allows now.
        """
        paths = self._record.messages
        if message.path != "audio" or paths[-1:] != ["audio"]:
            paths.append(message.path)
        match message.path:
            case "speech.config":
                self._record.config = parse_json(message.body, message.path)
            case "speech.context":
                await self._start_turn(message)
            case "audio":
                await self._take_audio(message)
            case "audio.commit":
                self._current(message).committed += 1
            case "telemetry":
                self._record.telemetry.append(parse_json(message.body, message.path))
            case path if path not in _IGNORED:
                raise WireError(f"a message with the unknown path {path!r}")
            case _:
                pass

    async def _start_turn(self, message: Message) -> None:
        if not self._record.config:
            raise WireError("speech.context before speech.config")
        if not _REQUEST_ID.fullmatch(message.request_id):
            raise WireError("speech.context with an X-RequestId that is not 32 hex digits")
        if any(turn.request_id == message.request_id for turn in self._record.turns):
            raise WireError("speech.context with the X-RequestId of an earlier turn")
        await self._stop_turn()
        context = parse_json(message.body, message.path)
        query = {name.lower(): text for name, text in self._record.query.items()}
        request = read_request(self._record.path, query, self._record.config, context)
        record = TurnRecord(message.request_id, context, request)
        self._record.turns.append(record)
        self._turn = TurnSession(
            self._place, record, tag=uuid4().hex, channels=_channels(self._record.config)
        )
        self._task = asyncio.create_task(self._run_turn(self._turn))

    async def _take_audio(self, message: Message) -> None:
        record = self._current(message)
        if record.audio_ended:
            raise WireError("audio after the empty chunk that ends it")
        if self._turn is not None and record is self._record.turns[-1]:
            await self._turn.take(message.body)

    def _current(self, message: Message) -> TurnRecord:
        """Give the turn that a message belongs to.

        Raises:
            WireError: there was no such turn.
        """
        for turn in reversed(self._record.turns):
            if turn.request_id == message.request_id:
                return turn
        raise WireError(f"{message.path} for a turn that no speech.context began")

    async def _run_turn(self, turn: TurnSession) -> None:
        """Run a turn; an engine that fails closes the connection, a client that goes ends it."""
        try:
            await turn.run()
        except* (ConnectionError, asyncio.CancelledError):
            pass
        except* Exception as group:  # noqa: BLE001 - whatever an engine raises
            _log.exception("the engine failed", exc_info=group)
            await self.close(_INTERNAL_ERROR, "the emulator's engine failed; see its log")

    async def _stop_turn(self) -> None:
        task, self._task, self._turn = self._task, None, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _send(self, turn: TurnRecord, message: Outgoing) -> None:
        """Send a message of a turn, as the faults will have it."""
        if self._delay and message.path != "turn.start":
            await asyncio.sleep(self._delay)
        for spoiled in self._spoiler.spoil(message):
            frame = encode_text(
                spoiled.path,
                spoiled.text,
                X_RequestId=turn.request_id,
                Content_Type="application/json; charset=utf-8",
                **spoiled.headers,
            )
            await self._ws.send_str(frame)
            turn.phrases += spoiled.path.endswith(".phrase")
            turn.ended = turn.ended or spoiled.path == "turn.end"

    async def _strike(self, fault: TimedFault) -> None:
        """Do what a fault says."""
        _log.info("connection %d: %s at %s s", self._record.number, fault.kind, fault.at)
        match fault:
            case Mute():
                self._spoiler.mute = True
            case Close(code=code, reason=reason):
                await self.close(code, reason)
            case Expire():
                self._service.expire(self._record)
                await self.close(_EXPIRED, "the token has expired")
            case Drop(how=how):
                self.drop(how)
            case _:  # the turn ends itself
                pass


def cut(transport: asyncio.Transport, how: str) -> None:
    """End a TCP connection without another word: by a FIN, or by a reset."""
    if how == "fin":
        transport.close()
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # closing with a linger time of 0 sends a reset
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _channels(config: Mapping[str, object]) -> int:
    """Give the number of channels that the client announces."""
    count = find(config, "context", "audio", "source", "channelcount")
    try:
        return max(1, int(str(count)))
    except ValueError:
        return 1
