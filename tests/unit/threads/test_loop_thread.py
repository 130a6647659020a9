from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import anyio
import anyio.to_thread
import pytest
from anyio.lowlevel import checkpoint

from azstt import SessionStateError
from azstt._threads.loop_thread import LoopThread

pytestmark = pytest.mark.usefixtures("no_thread_left")
#: As users run it: a tracer has locks of its own, which an interrupt may leave locked.
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and fork")


async def thread_name() -> str:
    """Return the name of the thread that this runs in."""
    await checkpoint()
    return threading.current_thread().name


async def raises(error: BaseException) -> None:
    """Fail."""
    await checkpoint()
    raise error


def test_an_async_function_runs_in_a_thread_of_its_own():
    """A call gives what the function returns, and leaves no thread."""
    assert LoopThread("azstt test").call(thread_name) == "azstt test"


@pytest.mark.parametrize("error", [LookupError("x"), KeyboardInterrupt(), SystemExit(3)])
def test_what_the_function_raises_comes_out(error):
    """Any exception is raised where the call was made, and the loop outlives it."""
    loop_thread = LoopThread("azstt test")
    loop_thread.enter("test")
    with pytest.raises(type(error)) as caught:
        loop_thread.call(raises, error)
    assert caught.value is error
    assert loop_thread.call(thread_name) == "azstt test"
    loop_thread.leave("test")


def test_an_exit_in_anybodys_task_ends_no_loop(caplog):
    """Other calls go on, and what nobody waits for is logged."""
    loop_thread = LoopThread("azstt test")
    loop_thread.enter("test")
    tasks: list[asyncio.Task[None]] = []

    async def stray() -> None:
        tasks.append(asyncio.create_task(raises(SystemExit(3))))
        asyncio.get_running_loop().call_soon(sys.exit, 4)
        await asyncio.wait(tasks)
        await asyncio.sleep(0.01)

    loop_thread.call(stray)
    assert loop_thread.call(thread_name) == "azstt test"
    loop_thread.leave("test")
    assert isinstance(tasks[0].exception(), SystemExit)
    assert caplog.text.count("SystemExit on the thread 'azstt test'") == 2


def test_the_loop_is_shared_while_anybody_holds_it():
    """Concurrent users get the same loop; after the last one has left there is none."""
    loop_thread = LoopThread("azstt test")
    first, second = loop_thread.enter(1), loop_thread.enter(2)
    assert first is second
    loop_thread.leave(1)
    loop_thread.leave(1)
    assert second.call(thread_name) == "azstt test"
    loop_thread.leave(2)
    assert not second.is_open
    assert loop_thread.enter(3) is not first
    loop_thread.leave(3)


def test_a_call_that_comes_too_late():
    """A call to a loop that has just ended raises, and does not wait forever."""
    loop_thread = LoopThread("azstt test")
    loop = loop_thread.enter("test")
    loop_thread.leave("test")
    with pytest.raises(SessionStateError, match="closed meanwhile"):
        loop.call(thread_name)


@posix
def test_no_loop_can_be_had():
    """Where the system has no files left for a loop, the call says so and the next one may work."""
    code = """
import resource, anyio
from azstt._threads.loop_thread import LoopThread

async def nap():
    await anyio.sleep(0)
    return "slept"

loop_thread = LoopThread("azstt test")
usual = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (3, usual[1]))
try:
    loop_thread.call(nap)
except OSError as error:
    print(error.strerror)
resource.setrlimit(resource.RLIMIT_NOFILE, usual)
print(loop_thread.call(nap))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["Too many open files", "slept"]


def test_calls_of_many_threads_run_side_by_side():
    """Every call waits for all of the others, so none of them waits for its turn."""
    loop_thread = LoopThread("azstt test")
    together = 8
    came: list[anyio.Event] = []

    async def meet() -> None:
        mine = anyio.Event()
        came.append(mine)
        if len(came) == together:
            for event in came:
                event.set()
        await mine.wait()

    threads = [
        threading.Thread(target=loop_thread.call, args=(meet,), daemon=True)
        for _ in range(together)
    ]
    loop_thread.enter("test")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()
    loop_thread.leave("test")


def test_a_blocked_loop_holds_up_no_other():
    """A function that blocks its loop does not delay the calls on another."""
    blocked, release = threading.Event(), threading.Event()

    async def block() -> None:
        blocked.set()
        release.wait()
        await checkpoint()

    thread = threading.Thread(target=LoopThread("azstt one").call, args=(block,), daemon=True)
    thread.start()
    assert blocked.wait(20)
    assert LoopThread("azstt two").call(thread_name) == "azstt two"
    release.set()
    thread.join()


def test_it_works_inside_a_running_loop():
    """A notebook cell has a loop around it; its context does not get into ours."""

    async def cell() -> str:
        return LoopThread("azstt test").call(thread_name)

    assert asyncio.run(cell()) == "azstt test"
    assert anyio.run(cell, backend="trio") == "azstt test"


def test_workers_of_the_loop_end_with_it():
    """Worker threads that a function used are gone after the call."""

    async def work() -> int:
        return await anyio.to_thread.run_sync(threading.get_ident)

    assert LoopThread("azstt test").call(work) != threading.get_ident()


def test_a_call_on_the_loops_own_thread_is_refused():
    """It would wait for itself; the message says where to make it."""
    loop_thread = LoopThread("azstt test")

    async def nested() -> None:
        await checkpoint()
        loop_thread.call(thread_name)

    with pytest.raises(SessionStateError, match="make it on another thread"):
        loop_thread.call(nested)


@posix
def test_an_interrupt_cancels_and_waits():
    """What a signal's handler raises comes out after the function has cleaned up."""
    loop_thread = LoopThread("azstt test")
    begun, cleaned = threading.Event(), threading.Event()

    async def hang() -> None:
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.05)
            cleaned.set()

    def interrupt() -> None:
        begun.wait()
        os.kill(os.getpid(), signal.SIGUSR1)

    class OnPurposeError(Exception):
        pass

    def handler(*_: object) -> None:
        raise OnPurposeError

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(OnPurposeError):
            loop_thread.call(hang)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert cleaned.is_set()


@posix
def test_ctrl_c_at_any_moment():
    """Interrupts while loops start, work and end come out, and the next call works."""
    code = """
import signal, anyio
from azstt._threads.loop_thread import LoopThread

async def nap():
    await anyio.sleep(0.002)

signal.signal(signal.SIGALRM, signal.default_int_handler)
loop_thread, caught = LoopThread("azstt test"), 0
for turn in range(60):
    try:
        # It comes again: Python itself swallows one that comes within a __del__.
        signal.setitimer(signal.ITIMER_REAL, 0.00005 * turn + 0.00001, 1.0)
        while True:
            loop_thread.call(nap)
    except (KeyboardInterrupt, RuntimeError):  # the latter is Thread.start's, interrupted at times
        signal.setitimer(signal.ITIMER_REAL, 0)
        caught += 1
print(caught, loop_thread.call(nap))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env=UNTRACED,
    )
    assert (done.returncode, done.stdout) == (0, "60 None\n")


@posix
def test_a_fork_has_a_loop_of_its_own():
    """After a fork both processes can make calls, though only one has the thread."""
    code = """
import os, warnings, anyio
from azstt._threads.loop_thread import LoopThread

async def nap():
    await anyio.sleep(0)
    return "slept"

warnings.simplefilter("ignore", DeprecationWarning)
loop_thread = LoopThread("azstt test")
loop = loop_thread.enter("parent")
if (child := os.fork()) == 0:
    print(loop_thread.call(nap), loop.is_lost, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(loop_thread.call(nap), loop.is_lost)
loop_thread.leave("parent")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("slept True\nslept False\n", "")
