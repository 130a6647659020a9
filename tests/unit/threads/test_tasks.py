from __future__ import annotations

import asyncio
import threading

import anyio
import anyio.lowlevel
import pytest

from azstt import SessionStateError
from azstt._threads.tasks import BlockingCall, both, each

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


@pytest.mark.usefixtures("no_thread_left")
async def test_each_item_of_a_blocking_source_comes_in_order():
    """A source that makes the thread wait does not keep the loop from its work."""
    gate = threading.Event()

    def source():
        yield 1
        gate.wait(5)
        yield 2

    items: list[int] = []
    async for item in each(source()):
        items.append(item)
        gate.set()
    assert items == [1, 2]


@pytest.mark.usefixtures("no_thread_left")
async def test_an_endless_source_is_left_in_the_middle():
    """It is never far ahead of who takes from it, and its thread ends when nobody does."""
    made: list[int] = []

    def source():
        while True:
            made.append(len(made))
            yield made[-1]

    items = each(source())
    assert [await anext(items) for _ in range(20)] == list(range(20))
    await items.aclose()
    assert len(made) < 40


@pytest.mark.usefixtures("no_thread_left")
async def test_what_a_source_raises_comes_out_after_its_items():
    """Nothing that it gave before is lost."""

    def source():
        yield 1
        raise OSError("unplugged")

    items = each(source())
    assert await anext(items) == 1
    with pytest.raises(OSError, match="unplugged"):
        await anext(items)


async def test_an_async_source_is_taken_as_it_is():
    """No thread is needed for it."""

    async def source():
        for item in range(3):
            await anyio.lowlevel.checkpoint()
            yield item

    assert [item async for item in each(source())] == [0, 1, 2]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # trio does not let a test raise it by hand
async def test_a_job_that_is_canceled_from_within_is_an_error():
    """A job that ends because something that it awaited was canceled did not do its work."""

    async def canceled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(SessionStateError, match="canceled from within"):
        await both(canceled, nothing)
