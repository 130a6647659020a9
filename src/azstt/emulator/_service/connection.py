"""One WebSocket connection: dispatches messages, runs the turns and applies the faults."""

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

from azstt.emulator._service.message_faults import MessageFaults
from azstt.emulator._service.records import RequestRecord, TurnRecord
from azstt.emulator._service.request import find, parse_json, read_request
from azstt.emulator._service.session import TurnEnvironment, TurnSession
from azstt.emulator._service.turn import Outgoing
from azstt.emulator._service.wire import (
    SpeechMessage,
    WireError,
    decode_binary,
    decode_text,
    encode_text,
)
from azstt.emulator.engines._port import Engine
from azstt.emulator.faults import Close, Delay, Drop, Expire, Fault, Mute, TimedFault

_log = logging.getLogger("azstt.emulator")

#: Messages that a client may send and that have no effect.
_IGNORED = {"speech.event", "event", "synthesis.context", "agent.config", "speech.agent.context"}
_REQUEST_ID = re.compile(r"[0-9a-fA-F]{32}")
_PROTOCOL_ERROR, _INVALID_PAYLOAD, _INTERNAL_ERROR, _EXPIRED = 1002, 1007, 1011, 4401
#: A close frame has room for 123 bytes.
_MAX_REASON = 120


@dataclass(frozen=True, kw_only=True)
class Service:
    """What all connections of an emulator share.

    Attributes:
        engine: where the words come from.
        executor: threads for the engine.
        speed: seconds of audio to accept per second; None is as fast as the engine can.
        expire: revokes the credential of a request.
    """

    engine: Engine
    executor: Executor
    speed: float | None
    expire: Callable[[RequestRecord], None]


class Connection:
    """Serves one WebSocket until either side closes it."""

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
        self._message_faults = MessageFaults(faults)
        self._delay = sum(fault.seconds for fault in faults if isinstance(fault, Delay))
        timed = [fault for fault in faults if isinstance(fault, TimedFault)]
        self._environment = TurnEnvironment(
            engine=service.engine,
            executor=service.executor,
            speed=service.speed,
            faults=deque(sorted(timed, key=lambda fault: fault.at)),
            send=self._send,
            apply_fault=self._apply_fault,
        )
        self._turn: TurnSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the connection until it closes."""
        try:
            while True:
                frame = await self._ws.receive()
                if frame.type is WSMsgType.TEXT:
                    await self._handle(decode_text(frame.data))
                elif frame.type is WSMsgType.BINARY:
                    await self._handle(decode_binary(frame.data))
                else:
                    if frame.type is WSMsgType.CLOSE:
                        self._record_close(f"client {frame.data}")
                    self._record_close("lost")
                    return
        except WireError as error:
            await self._reject(str(error))
        finally:
            await self._stop_turn()

    async def close(self, code: int, reason: str = "") -> None:
        """Close the WebSocket from this side."""
        self._record_close(f"server {code}")
        await self._ws.close(code=code, message=reason[:_MAX_REASON].encode())

    def drop(self, how: str) -> None:
        """End the TCP connection without a close frame, by a "reset" or a "fin"."""
        self._record_close(how)
        cut(self._transport, how)

    def _record_close(self, how: str) -> None:
        """Record how the connection ended; only the first call counts."""
        if self._record.closed is None:
            self._record.closed = how
            seconds = self._record.audio_seconds
            _log.info("connection %d closed: %s, %.1f s", self._record.number, how, seconds)

    async def _reject(self, violation: str) -> None:
        """Close the connection because the client violated the protocol."""
        self._record.violation = violation
        _log.warning("connection %d violated the protocol: %s", self._record.number, violation)
        code = _INVALID_PAYLOAD if "JSON" in violation else _PROTOCOL_ERROR
        await self.close(code, violation)

    async def _handle(self, message: SpeechMessage) -> None:
        """Handle a message.

        Raises:
            WireError: the protocol does not allow it at this point.
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
                await self._handle_audio(message)
            case "audio.commit":
                self._turn_of(message).committed += 1
            case "telemetry":
                self._record.telemetry.append(parse_json(message.body, message.path))
            case path if path not in _IGNORED:
                raise WireError(f"a message with unknown path {path!r}")
            case _:
                pass

    async def _start_turn(self, message: SpeechMessage) -> None:
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
            self._environment, record, tag=uuid4().hex, channels=_channels(self._record.config)
        )
        self._task = asyncio.create_task(self._run_turn(self._turn))

    async def _handle_audio(self, message: SpeechMessage) -> None:
        record = self._turn_of(message)
        if record.audio_ended:
            raise WireError("audio after the empty chunk that ends it")
        if self._turn is not None and record is self._record.turns[-1]:
            await self._turn.take_audio(message.body)

    def _turn_of(self, message: SpeechMessage) -> TurnRecord:
        """Return the turn that a message belongs to.

        Raises:
            WireError: there is no such turn.
        """
        for turn in reversed(self._record.turns):
            if turn.request_id == message.request_id:
                return turn
        raise WireError(f"{message.path} for a turn that no speech.context started")

    async def _run_turn(self, turn: TurnSession) -> None:
        """Run a turn until it ends or the client goes; close the connection if the engine fails."""
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
        """Send a message of a turn with the faults applied."""
        if self._delay and message.path != "turn.start":
            await asyncio.sleep(self._delay)
        for outgoing in self._message_faults.apply(message):
            frame = encode_text(
                outgoing.path,
                outgoing.text,
                X_RequestId=turn.request_id,
                Content_Type="application/json; charset=utf-8",
                **outgoing.headers,
            )
            await self._ws.send_str(frame)
            turn.phrases += outgoing.path.endswith(".phrase")
            turn.ended = turn.ended or outgoing.path == "turn.end"

    async def _apply_fault(self, fault: TimedFault) -> None:
        """Apply a timed fault."""
        _log.info("connection %d: %s at %s s", self._record.number, fault.kind, fault.at)
        match fault:
            case Mute():
                self._message_faults.mute = True
            case Close(code=code, reason=reason):
                await self.close(code, reason)
            case Expire():
                self._service.expire(self._record)
                await self.close(_EXPIRED, "the token has expired")
            case Drop(how=how):
                self.drop(how)
            case _:  # EndTurn, which the turn handles
                pass


def cut(transport: asyncio.Transport, how: str) -> None:
    """End a TCP connection without a close frame, by a "reset" or a "fin"."""
    if how == "fin":
        transport.close()
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # closing a socket whose linger time is 0 sends a reset
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _channels(config: Mapping[str, object]) -> int:
    """Return the number of channels that the client announces."""
    count = find(config, "context", "audio", "source", "channelcount")
    try:
        return max(1, int(str(count)))
    except ValueError:
        return 1
