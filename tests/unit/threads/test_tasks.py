from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest

from azstt import SessionStateError
from azstt._threads.tasks import BackgroundTask, BlockingCall, SourceReader, both

pytestmark = pytest.mark.anyio


async def nothing() -> None:
    """Succeed."""


async def for_ever() -> None:
    """Wait to be canceled."""
    await anyio.sleep_forever()


async def fail() -> None:
    """Fail."""
    raise ValueError("on purpose")


async def test_both_wait_for_both():
    """Two jobs that succeed are both done."""
    await both(nothing, nothing)


@pytest.mark.parametrize("jobs", [(fail, for_ever), (for_ever, fail)], ids=["first", "second"])
async def test_a_failure_comes_out_bare_and_stops_the_other(jobs):
    """The caller sees the failure itself, not a group around it."""
    with pytest.raises(ValueError, match="on purpose"), anyio.fail_after(30):
        await both(*jobs)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=repr)
async def test_an_exit_comes_out_bare_too(error):
    """It ends neither the loop nor the program before the caller has seen it."""

    async def leave() -> None:
        raise error

    with pytest.raises(type(error)) as caught, anyio.fail_after(30):
        await both(leave, for_ever)
    assert caught.value is error


async def test_a_blocking_call_is_awaited():
    """The function runs in a thread of its own, which is gone when it is over."""
    ran_on: list[threading.Thread] = []
    call = BlockingCall(lambda: ran_on.append(threading.current_thread()), name="test call")
    with anyio.fail_after(30):
        await call.wait()
    assert ran_on[0].name == "test call"
    assert not ran_on[0].is_alive()


async def test_a_blocking_call_raises_what_the_function_raises():
    """A failure in the thread is a failure of the call."""

    def blow() -> None:
        raise KeyError("on purpose")

    call = BlockingCall(blow, name="test call")
    with pytest.raises(KeyError), anyio.fail_after(30):
        await call.wait()


async def test_a_blocking_call_can_be_left_alone():
    """Canceling the wait comes back at once, though the function hangs; later it can be met."""
    release = threading.Event()
    call = BlockingCall(release.wait, name="test call")
    with anyio.move_on_after(0.05) as scope:
        await call.wait()
    assert scope.cancelled_caught
    release.set()
    with anyio.fail_after(30):
        await call.over()


async def test_a_blocking_call_has_a_value():
    """What the function returns is the result, however it is waited for."""
    call = BlockingCall(lambda: 42, name="test call")
    with anyio.fail_after(30):
        assert await call.wait() == await call.wait() == 42
    assert call.join(0.0)
    assert call.result() == 42


def test_a_thread_waits_for_a_blocking_call_for_so_long_at_most():
    """A function that hangs is left alone after the time that was given."""
    release = threading.Event()
    call = BlockingCall(release.wait, name="test call")
    assert not call.join(0.01)
    release.set()
    assert call.join(30)
    assert call.result()


async def take(reader: SourceReader[int], most: int = 1_000) -> list[int]:
    """Take items to the end of the source, or so many."""
    items: list[int] = []
    while len(items) < most and await reader.ready():
        items += reader.item
        reader.take()
    return items


@pytest.mark.usefixtures("no_thread_left")
async def test_each_item_of_a_blocking_source_comes_in_order():
    """A source that makes the thread wait does not keep the loop from its work."""
    gate = threading.Event()

    def source():
        yield 1
        gate.wait(5)
        yield 2

    reader = SourceReader(source())
    assert await take(reader, 1) == [1]
    gate.set()
    assert await take(reader) == [2]
    assert reader.failure is None


@pytest.mark.usefixtures("no_thread_left")
async def test_nothing_is_pulled_ahead():
    """What nobody asks for stays in the source, and its thread ends when nobody will."""
    made: list[int] = []

    def source():
        while True:
            made.append(len(made))
            yield made[-1]

    reader = SourceReader(source())
    assert await take(reader, 20) == made == list(range(20))
    await anyio.sleep(0.01)
    assert len(made) == 20
    reader.close()


async def test_a_source_that_is_not_begun_is_closed():
    """Nothing was started, so nothing is to be ended."""
    reader = SourceReader([1])
    reader.close()
    await reader.over()


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("kind", ["blocking", "async"])
async def test_what_a_source_raises_is_known_after_its_items(kind):
    """Nothing that it gave before is lost, and an exit of the program is no exception."""

    def blocking():
        yield 1
        raise SystemExit("unplugged")

    async def asynchronous():
        yield 1
        raise SystemExit("unplugged")

    reader = SourceReader(blocking() if kind == "blocking" else asynchronous())
    assert await take(reader) == [1]
    assert isinstance(reader.failure, SystemExit)
    assert not await reader.ready()


async def test_an_async_source_is_taken_as_it_is():
    """No thread is needed for it."""

    async def source():
        for item in range(3):
            await anyio.lowlevel.checkpoint()
            yield item

    assert await take(SourceReader(source())) == [0, 1, 2]


@pytest.mark.usefixtures("no_thread_left")
@pytest.mark.parametrize("kind", ["blocking", "async"])
async def test_a_pull_that_nobody_waits_for_is_not_lost(kind):
    """Its item is there for whoever comes next, and the source is not entered twice."""
    gate, loop_gate = threading.Event(), anyio.Event()

    def blocking():
        gate.wait(5)
        yield 1
        yield 2

    async def asynchronous():
        await loop_gate.wait()
        yield 1
        yield 2

    reader = SourceReader(blocking() if kind == "blocking" else asynchronous())
    for _ in range(3):
        with anyio.move_on_after(0.01) as scope:
            await reader.ready()
        assert scope.cancelled_caught
        assert reader.pulling
    gate.set()
    loop_gate.set()
    assert await take(reader) == [1, 2]


async def test_an_async_source_is_canceled_when_it_is_closed():
    """A wait inside it ends, in the task that began it."""
    ended: list[bool] = []

    async def source():
        try:
            with anyio.CancelScope():  # which only the same task may leave
                yield 1
                await anyio.sleep_forever()
        finally:
            ended.append(True)

    reader = SourceReader(source())
    assert await take(reader, 1) == [1]
    with anyio.move_on_after(0.01):
        await reader.ready()
    reader.close()
    with anyio.fail_after(10):
        await reader.over()
    assert ended


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio does not let a test raise it by hand
async def test_a_source_that_is_canceled_from_within_has_failed():
    """A source that ends because something that it awaited was canceled did not end by itself."""

    async def source():
        yield 1
        raise asyncio.CancelledError

    reader = SourceReader(source())
    assert await take(reader) == [1]
    assert "canceled from within" in str(reader.failure)


async def test_a_background_task_outlives_who_began_it():
    """It belongs to its owner, who cancels it."""
    began, tasks = anyio.Event(), list[BackgroundTask]()

    async def work() -> None:
        began.set()
        await anyio.sleep_forever()

    async def begin() -> None:
        tasks.append(BackgroundTask(work, name="test task"))

    async with anyio.create_task_group() as group:
        group.start_soon(begin)
    with anyio.fail_after(10):
        await began.wait()
        assert tasks[0].running
        tasks[0].cancel()
        assert not tasks[0].running
        await tasks[0].over()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio does not let a test raise it by hand
async def test_a_job_that_is_canceled_from_within_is_an_error():
    """A job that ends because something that it awaited was canceled did not do its work."""

    async def canceled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(SessionStateError, match="canceled from within"):
        await both(canceled, nothing)
