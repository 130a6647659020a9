"""An unreliable network between a browser and a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from math import inf
from typing import TypeVar

T = TypeVar("T")


class Network:
    """Forwards TCP to a port until it is cut. Made by `network`.

    Attributes:
        passed: bytes forwarded to the port. More reliable than a browser's own progress, which
            counts what the kernel has buffered: megabytes on loopback.
    """

    def __init__(self, target: int, rate: float, loop: asyncio.AbstractEventLoop) -> None:
        self.port = 0
        self._target = target
        self.passed = 0
        self._rate = rate
        self._loop = loop
        self._down = False
        self._cuts_answer = False
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset open connections, and refuse new ones."""
        self.call(self._cut())

    def cut_an_answer(self) -> None:
        """Cut between the headers and the body of the next answer."""
        self._cuts_answer = True

    def mend(self) -> None:
        """Accept connections again."""
        self._down = False

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await self._cut()

    async def _cut(self) -> None:
        serving = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        self._reset()
        if serving:
            await asyncio.wait(serving, timeout=5)

    def _reset(self) -> None:
        self._down = True
        for writer in self._connections:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._down:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is not running
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._connections |= ends
        await asyncio.gather(self._send(reader, far_writer), self._answer(far_reader, writer))
        self._connections -= ends
        for end in ends:
            end.close()

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the browser's data at the network's rate."""

        async def paced(data: bytes) -> None:
            await _write(writer, data)
            self.passed += len(data)
            await asyncio.sleep(len(data) / self._rate)

        await _pass(reader, writer, paced)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward the server's data, or only the headers of the answer to cut."""

        async def forward(data: bytes) -> None:
            headers, end, _ = data.partition(b"\r\n\r\n")
            if not (self._cuts_answer and end):
                await _write(writer, data)
                return
            self._cuts_answer = False
            await _write(writer, headers + end)
            await asyncio.sleep(0.5)  # the browser reads them
            self._reset()

        await _pass(reader, writer, forward)

    def call(self, work: Awaitable[T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)


@contextmanager
def network(target: int, rate: float = inf) -> Generator[Network]:
    """Put an unreliable network in front of a port on this machine.

    Args:
        target: the port.
        rate: the most bytes per second to the port, for each connection.
    """
    loop = asyncio.new_event_loop()
    between = Network(target, rate, loop)
    thread = threading.Thread(target=loop.run_forever, name="network", daemon=True)
    thread.start()
    try:
        between.call(between.start())
        yield between
        between.call(between.stop())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


async def _pass(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    forward: Callable[[bytes], Awaitable[None]],
) -> None:
    """Forward data, its end, and failures."""
    try:
        while data := await reader.read(1 << 16):
            await forward(data)
        writer.write_eof()
    except OSError:
        writer.transport.abort()
