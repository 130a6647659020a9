from __future__ import annotations

import random
import threading

import anyio
import pytest
from anyio.lowlevel import current_token

from azstt._threads.loop_queue import LoopQueue, loop_caller

pytestmark = pytest.mark.anyio


async def test_the_loop_is_reached_through_anyio():
    """The one attribute that `loop_caller` relies on exists, on both loops."""
    native = current_token().native_token
    assert hasattr(native, "call_soon_threadsafe") or hasattr(native, "run_sync_soon")


async def test_items_from_threads_arrive_in_order_under_random_cancellation():
    """Canceling a reader loses nothing and changes no order."""
    queue: LoopQueue[int] = LoopQueue()
    chance = random.Random(7)  # noqa: S311 - a seed, not a secret
    thread = threading.Thread(target=lambda: [queue.put(i) for i in range(400)])
    thread.start()
    taken: list[int] = []
    with anyio.fail_after(30):
        while len(taken) < 400:
            with anyio.move_on_after(chance.random() / 1000):
                taken.append(await queue.get())
    thread.join()
    assert taken == list(range(400))


async def test_a_waiting_reader_is_woken():
    """A reader that came before the item gets it."""
    queue: LoopQueue[str] = LoopQueue()
    threading.Timer(0.05, queue.put, ["late"]).start()
    with anyio.fail_after(30):
        assert await queue.get() == "late"


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_caller_of_this_loop_is_made():
    """The caller runs a function on the loop's own thread."""
    here, done = threading.get_ident(), anyio.Event()
    seen: list[int] = []
    call_soon = loop_caller()
    call_soon(lambda: (seen.append(threading.get_ident()), done.set()))
    with anyio.fail_after(30):
        await done.wait()
    assert seen == [here]


@pytest.mark.parametrize("loop", ["asyncio", "trio"])
async def test_a_closed_loop_drops_what_comes(loop, anyio_backend):  # noqa: ARG001
    """A callback that comes too late neither raises nor hangs."""

    def run() -> LoopQueue[int]:
        async def make() -> LoopQueue[int]:
            return LoopQueue()

        return anyio.run(make, backend=loop)

    queue = await anyio.to_thread.run_sync(run)
    queue.put(1)
