from __future__ import annotations

import threading

import anyio
import pytest

from azstt._tasks import BlockingCall, both

pytestmark = pytest.mark.anyio


async def nothing() -> None:
    """Succeed."""


async def for_ever() -> None:
    """Wait to be cancelled."""
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
    """Cancelling the wait comes back at once, though the function hangs; later it can be met."""
    release = threading.Event()
    call = BlockingCall(lambda: (release.wait(), None)[1], name="test call")
    with anyio.move_on_after(0.05) as scope:
        await call.wait()
    assert scope.cancelled_caught
    release.set()
    with anyio.fail_after(30):
        await call.over()
