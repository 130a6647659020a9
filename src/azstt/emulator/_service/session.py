"""One turn at work: audio to the engine, at the pace that is set; messages to the client."""

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
from azstt.emulator._service.wire import WaveFormat, channel_of, decode_riff
from azstt.emulator.engines import Engine, EngineSession, Heard
from azstt.emulator.faults import EndTurn, TimedFault

_Result = TypeVar("_Result")

#: Pieces of audio that wait for the engine; more stay in the socket, which slows the client down.
_WAITING = 1000


@dataclass(frozen=True)
class _Position:
    """All audio up to here was heard."""

    seconds: float
    last: bool = False


#: What happens in a turn, in the order in which it is to be told.
_Happening: TypeAlias = "tuple[Heard, int] | _Position | TimedFault"


@dataclass(frozen=True, kw_only=True)
class Workplace:
    """What turns of a connection have in common.

    Attributes:
        engine: where the words come from.
        executor: threads for the engine, as many as there are turns.
        speed: seconds of audio a second; None is as fast as the engine is.
        faults: what goes wrong at a time of the session's audio, in order; each is taken out as
            it strikes.
        send: sends a message of a turn.
        strike: does what a fault says.
    """

    engine: Engine
    executor: Executor
    speed: float | None
    faults: deque[TimedFault]
    send: Callable[[TurnRecord, Outgoing], Awaitable[None]]
    strike: Callable[[TimedFault], Awaitable[None]]


class TurnSession:
    """Runs a turn from its context to its end, or until it is closed."""

    def __init__(self, place: Workplace, record: TurnRecord, tag: str, channels: int) -> None:
        self._place = place
        self._record = record
        self._channels = channels if record.request.separate_channels else 1
        self._turn = Turn(record.request, tag, channels=self._channels)
        self._audio: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._happened: asyncio.Queue[_Happening] = asyncio.Queue()
        self._engines: list[EngineSession] = []
        self._loop = asyncio.get_running_loop()
        self._heard_size = 0
        self._over = False
        self._began = 0.0

    async def run(self) -> None:
        """Run the turn; ends with its last message."""
        for message in self._turn.begin():
            await self._place.send(self._record, message)
        try:
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen())
                await self._speak()
                listening.cancel()
        finally:
            self._over = True
            while not self._audio.empty():  # frees whoever waits to put more
                self._audio.get_nowait()
            for engine in self._engines:  # a blocked write in a thread comes free
                self._place.executor.submit(engine.close)

    async def take(self, audio: bytes) -> None:
        """Take the next audio; empty is the end. The first begins with a RIFF header.

        Raises:
            WireError: it does not.
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

    async def _listen(self) -> None:
        """Let the engine hear what comes, and tell where it is."""
        while True:
            audio, last = await self._next()
            form = self._record.audio_format
            if form is not None and audio:
                await self._hear(audio, form)
            if last:
                for engine in self._engines:
                    await self._work(engine.finish)
                self._tell(_Position(self._seconds(self._heard_size), last=True))
                return

    async def _next(self) -> tuple[bytes, bool]:
        """Wait for audio; take all that is there, unless a pace is kept; tell if it is the last."""
        pieces = [await self._audio.get()]
        while pieces[-1] and not self._audio.empty() and self._place.speed is None:
            pieces.append(self._audio.get_nowait())
        return b"".join(pieces), not pieces[-1]

    async def _hear(self, audio: bytes, form: WaveFormat) -> None:
        """Let the engine hear audio, halting where a fault strikes."""
        if not self._engines:
            self._began = self._loop.time()
            await self._open(form, audio)
        for piece, fault in self._cut(audio, form):
            await self._keep_pace(form.seconds(len(piece)))
            for channel, engine in enumerate(self._engines):
                heard = channel_of(piece, form, channel) if self._channels > 1 else piece
                await self._work(partial(engine.write, heard))
            self._heard_size += len(piece)
            self._tell(_Position(form.seconds(self._heard_size)))
            if fault is not None:
                self._tell(fault)

    async def _open(self, form: WaveFormat, audio: bytes) -> None:
        """Open the engine, where in the session's audio the turn begins."""
        record, faults = self._record, self._place.faults
        record.position = find_mark(audio, form)
        if record.position is not None:
            record.request = replace(record.request, base=record.position)
        base = record.request.base
        while faults and base and faults[0].at <= base:  # struck before, on another connection
            faults.popleft()
        one = WaveFormat(
            form.tag,
            form.channels // self._channels,
            form.sample_rate,
            form.byte_rate // self._channels,
            form.sample_bits,
        )
        for channel in range(self._channels):
            listen = partial(self._listen_from, channel)
            opening = partial(self._place.engine.open, self._record.request, one, listen, channel)
            self._engines.append(await self._work(opening))

    def _listen_from(self, channel: int, heard: Heard) -> None:
        """Take what an engine heard, on whatever thread it says it."""
        with contextlib.suppress(RuntimeError):  # the loop has gone, and the client with it
            self._loop.call_soon_threadsafe(self._tell, (heard, channel))

    def _cut(self, audio: bytes, form: WaveFormat) -> Iterator[tuple[bytes, TimedFault | None]]:
        """Cut audio where faults strike."""
        base, faults = self._record.request.base, self._place.faults
        while faults:
            at = form.size(faults[0].at - base) - self._heard_size
            if at > len(audio):
                break
            yield audio[:at], faults.popleft()
            audio = audio[at:]
        if audio:
            yield audio, None

    async def _keep_pace(self, seconds: float) -> None:
        """Wait until so much audio may have been heard."""
        if self._place.speed is not None:
            due = (self._seconds(self._heard_size) + seconds) / self._place.speed
            await asyncio.sleep(self._began + due - self._loop.time())

    async def _speak(self) -> None:
        """Tell the client what happened, in order, until the turn is over."""
        turn = self._turn
        while not turn.over:
            match await self._happened.get():
                case _Position(seconds=seconds, last=last):
                    messages = turn.finish(seconds) if last else turn.pass_silence(seconds)
                case (heard, channel):
                    messages = turn.hear(heard, channel)
                case EndTurn():
                    messages = turn.end_early()
                case fault:
                    await self._place.strike(fault)
                    continue
            for message in messages:
                await self._place.send(self._record, message)

    def _tell(self, happening: _Happening) -> None:
        self._happened.put_nowait(happening)

    def _seconds(self, size: int) -> float:
        form = self._record.audio_format
        return 0.0 if form is None else form.seconds(size)

    async def _work(self, call: Callable[[], _Result]) -> _Result:
        """Do what may block in a thread."""
        return await self._loop.run_in_executor(self._place.executor, call)
