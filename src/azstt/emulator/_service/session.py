"""Runs a turn: feeds the engine, at the set pace, and sends the messages to the client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias, TypeVar

from azstt.emulator._service.markers import find_mark
from azstt.emulator._service.records import TurnRecord
from azstt.emulator._service.turn import Outgoing, Turn
from azstt.emulator._service.wire import StreamFormat, channel_of, decode_riff
from azstt.emulator.engines._port import Engine, EngineEvent, EngineSession
from azstt.emulator.faults import EndTurn, TimedFault

_Result = TypeVar("_Result")

#: Maximum number of audio messages queued for the engine. Further ones stay in the socket, which
#: slows the client down.
_MAX_QUEUED = 1000


@dataclass(frozen=True)
class _Position:
    """The engine has processed the audio up to here."""

    seconds: float
    last: bool = False


#: What happens in a turn; the order decides the order of the messages.
_TurnEvent: TypeAlias = "tuple[EngineEvent, int] | _Position | TimedFault"


@dataclass(frozen=True, kw_only=True)
class TurnEnvironment:
    """What the turns of a connection share.

    Attributes:
        engine: where the words come from.
        executor: threads for the engine, enough for all turns.
        speed: seconds of audio to accept per second; None is as fast as the engine can.
        faults: the pending timed faults, in order; each is removed when it is applied.
        send: sends a message of a turn.
        apply_fault: applies a fault.
    """

    engine: Engine
    executor: Executor
    speed: float | None
    faults: deque[TimedFault]
    send: Callable[[TurnRecord, Outgoing], Awaitable[None]]
    apply_fault: Callable[[TimedFault], Awaitable[None]]


class TurnSession:
    """Runs a turn until it ends or is canceled."""

    def __init__(
        self, environment: TurnEnvironment, record: TurnRecord, tag: str, channels: int
    ) -> None:
        self._environment = environment
        self._record = record
        self._channels = channels if record.request.separate_channels else 1
        self._turn = Turn(record.request, tag, channels=self._channels)
        self._audio: asyncio.Queue[bytes] = asyncio.Queue(_MAX_QUEUED)
        self._events: asyncio.Queue[_TurnEvent] = asyncio.Queue()
        self._engines: list[EngineSession] = []
        self._loop = asyncio.get_running_loop()
        self._processed_size = 0
        self._over = False
        self._start_time = 0.0

    async def run(self) -> None:
        """Run the turn; returns after its last message."""
        for message in self._turn.begin():
            await self._environment.send(self._record, message)
        try:
            async with asyncio.TaskGroup() as group:
                feeding = group.create_task(self._feed_engine())
                await self._send_messages()
                feeding.cancel()
        finally:
            self._over = True
            while not self._audio.empty():  # unblocks a pending put
                self._audio.get_nowait()
            for engine in self._engines:  # unblocks a pending write in a thread
                self._environment.executor.submit(engine.close)

    async def take_audio(self, audio: bytes) -> None:
        """Accept the next audio; empty audio is the end. The first begins with a RIFF header.

        Raises:
            WireError: the RIFF header is missing or invalid.
        """
        record = self._record
        if not audio:
            record.audio_ended = True
        elif record.audio_format is None:
            record.audio_format, audio = decode_riff(audio)
            if not audio:
                return
        record.audio_bytes += len(audio)
        if not self._over:
            await self._audio.put(audio)

    async def _feed_engine(self) -> None:
        """Write the audio to the engine as it arrives, to its end."""
        while True:
            audio, last = await self._next_audio()
            form = self._record.audio_format
            if form is not None and audio:
                await self._feed(audio, form)
            if last:
                for engine in self._engines:
                    await self._in_thread(engine.finish)
                self._post(_Position(self._seconds(self._processed_size), last=True))
                return

    async def _next_audio(self) -> tuple[bytes, bool]:
        """Wait for audio; return it, and whether it is the last.

        Without a set speed this is all audio that has arrived.
        """
        chunks = [await self._audio.get()]
        while chunks[-1] and not self._audio.empty() and self._environment.speed is None:
            chunks.append(self._audio.get_nowait())
        return b"".join(chunks), not chunks[-1]

    async def _feed(self, audio: bytes, form: StreamFormat) -> None:
        """Write audio to the engine and post the faults in between."""
        if not self._engines:
            self._start_time = self._loop.time()
            await self._open_engines(form, audio)
        for chunk, fault in self._split_at_faults(audio, form):
            await self._keep_pace(form.seconds(len(chunk)))
            for channel, engine in enumerate(self._engines):
                own = channel_of(chunk, form, channel) if self._channels > 1 else chunk
                await self._in_thread(partial(engine.write, own))
            self._processed_size += len(chunk)
            self._post(_Position(form.seconds(self._processed_size)))
            if fault is not None:
                self._post(fault)

    async def _open_engines(self, form: StreamFormat, audio: bytes) -> None:
        """Open a session of the engine for each channel, at the turn's position."""
        record, faults = self._record, self._environment.faults
        record.position = find_mark(audio, form)
        if record.position is not None:
            record.request = replace(record.request, base=record.position)
        base = record.request.base
        while faults and base and faults[0].at <= base:  # applied before, on another connection
            faults.popleft()
        one = replace(
            form,
            channels=form.channels // self._channels,
            byte_rate=form.byte_rate // self._channels,
        )
        for channel in range(self._channels):
            emit = partial(self._on_engine_event, channel)
            opening = partial(self._environment.engine.open, record.request, one, emit, channel)
            self._engines.append(await self._in_thread(opening))

    def _on_engine_event(self, channel: int, event: EngineEvent) -> None:
        """Post an engine's event; called on any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, so the client is gone too
            self._loop.call_soon_threadsafe(self._post, (event, channel))

    def _split_at_faults(
        self, audio: bytes, form: StreamFormat
    ) -> Iterator[tuple[bytes, TimedFault | None]]:
        """Split audio at the times of faults; yield each part and the fault after it."""
        base, faults = self._record.request.base, self._environment.faults
        while faults:
            at = form.size(faults[0].at - base) - self._processed_size
            if at > len(audio):
                break
            yield audio[:at], faults.popleft()
            audio = audio[at:]
        if audio:
            yield audio, None

    async def _keep_pace(self, seconds: float) -> None:
        """Wait until the set speed allows so much more audio."""
        if self._environment.speed is not None:
            due = (self._seconds(self._processed_size) + seconds) / self._environment.speed
            await asyncio.sleep(self._start_time + due - self._loop.time())

    async def _send_messages(self) -> None:
        """Send the messages that follow from the events, in order, until the turn is over."""
        turn = self._turn
        while not turn.over:
            match await self._events.get():
                case _Position(seconds=seconds, last=last):
                    messages = turn.finish(seconds) if last else turn.advance(seconds)
                case (event, channel):
                    messages = turn.handle(event, channel)
                case EndTurn():
                    messages = turn.end_early()
                case fault:
                    await self._environment.apply_fault(fault)
                    continue
            for message in messages:
                await self._environment.send(self._record, message)

    def _post(self, event: _TurnEvent) -> None:
        self._events.put_nowait(event)

    def _seconds(self, size: int) -> float:
        form = self._record.audio_format
        return 0.0 if form is None else form.seconds(size)

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        """Run a blocking call in a thread."""
        return await self._loop.run_in_executor(self._environment.executor, call)
