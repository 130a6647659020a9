"""Programs that forget a session, or call it from another event loop than its own."""

from __future__ import annotations

import functools
import gc
import subprocess
import sys
import threading
import time
import weakref

import anyio
import pytest

import azstt
from azstt import BlockingLiveSession, LiveSession, SessionStateError
from azstt.testing import ScriptedBackend

pytestmark = pytest.mark.usefixtures("untraced_threads", "no_thread_left")

#: Bytes that a program sends at a time: a tenth of a second.
PIECE = 3_200
#: Sessions that a program forgets.
MANY = 5


@pytest.fixture
def untraced_threads():
    """Keep coverage from new threads: Python fails if two of them begin to trace at once."""
    trace = threading.gettrace()
    threading.settrace(None)
    yield
    threading.settrace(trace)


HELLO = ScriptedBackend.saying("Hello, world.")


async def started(backend) -> LiveSession:
    """Start a session, as a fixture of a larger scope does."""
    live = LiveSession(backend=backend)
    await live.start()
    return live


CALLS = {
    "send": lambda live: live.send(bytes(PIECE)),
    "finish": lambda live: live.finish(),
    "commit": lambda live: live.commit(),
    "update": lambda live: live.update(phrases=["azstt"]),
    "receive": lambda live: live.receive(),
    "wait": lambda live: live.wait(),
    "transcribe": lambda live: live.transcribe([bytes(PIECE)]),
    "close": lambda live: live.aclose(now=False),
}


@pytest.mark.parametrize("call", CALLS)
def test_each_call_in_a_run_of_its_own(anyio_backend, call):
    """`asyncio.run` for each call is told at once, and with the remedy."""
    live = anyio.run(started, HELLO, backend=anyio_backend)
    began = time.monotonic()

    async def program() -> None:
        await CALLS[call](live)

    with pytest.raises(SessionStateError, match=r"another event loop than start\(\).*asyncio.run"):
        anyio.run(program, backend=anyio_backend)
    anyio.run(live.aclose, backend=anyio_backend)
    assert time.monotonic() - began < 5
    assert live.transcript.ledger is not None


@pytest.mark.parametrize("now", [True, False])
def test_closing_in_another_run_lets_go(backend, speech, now, anyio_backend):
    """Once the session's loop has ended, `aclose` on another one still ends its threads."""
    before = set(threading.enumerate())

    async def send() -> LiveSession:
        live = await started(backend)
        await live.send(speech)
        return live

    live = anyio.run(send, backend=anyio_backend)
    assert ours(before)
    try:
        anyio.run(functools.partial(live.aclose, now=now), backend=anyio_backend)
    except SessionStateError:
        assert not now
    gone(before)
    assert not live.transcript.complete


def test_closing_from_the_loop_of_another_thread(anyio_backend):
    """Whoever waits on the session's own loop is woken, and the threads end."""
    live: list[LiveSession] = []
    waits = threading.Event()
    outcome: list[BaseException] = []

    async def wait() -> None:
        live.append(await started(HELLO))
        waits.set()
        with pytest.raises(SessionStateError, match="closed before its end") as caught:
            await live[0].wait()
        outcome.append(caught.value)

    thread = threading.Thread(target=anyio.run, args=[wait], kwargs={"backend": anyio_backend})
    thread.start()
    waits.wait(20)
    with pytest.raises(SessionStateError, match="another event loop"):
        anyio.run(live[0].wait, backend=anyio_backend)
    anyio.run(live[0].aclose, backend=anyio_backend)
    thread.join(20)
    assert outcome


def test_what_is_left_of_a_closed_session_can_be_read_anywhere(anyio_backend):
    """After the end its events and transcript need no particular loop."""

    async def program() -> LiveSession:
        async with LiveSession(backend=HELLO) as live:
            await live.send(bytes(32_000))
        return live

    async def drain(live: LiveSession) -> list[str]:
        return [event.kind async for event in live]

    live = anyio.run(program, backend=anyio_backend)
    assert anyio.run(drain, live, backend=anyio_backend)[-1] == "ended"
    assert anyio.run(live.wait, backend=anyio_backend).text == "Hello, world."


def ours(before: set[threading.Thread]) -> list[str]:
    """Return the names of the threads that are new, save for those of the event loop."""
    new = set(threading.enumerate()) - before
    return [thread.name for thread in new if not thread.name.startswith("Trio thread")]


def gone(before: set[threading.Thread]) -> None:
    """Wait until no new thread is left."""
    deadline = time.monotonic() + 5
    while left := ours(before):
        assert time.monotonic() < deadline, f"threads are left behind: {left}"
        time.sleep(0.01)


def break_down(_: object) -> None:
    """Fail, as a handler with a bug does."""
    raise LookupError("on purpose")


class App:
    """A program that keeps its session, and whose methods are its callbacks."""

    def __init__(self, backend, session) -> None:
        hook = {"on_reconnect": self.reconnect} if backend.capabilities.reconnects else {}
        self.live = session(backend=backend, **hook)
        self.live.on(azstt.Final, self.show)
        self.texts: list[str] = []

    def show(self, event: azstt.Final) -> None:
        """Show a result."""
        self.texts.append(self.live.transcript.text)

    def reconnect(self, event: azstt.Reconnecting) -> None:
        """Ask nothing."""


def collect(*forgotten: weakref.ref[App]) -> None:
    """Wait until nothing is left of these programs."""
    deadline = time.monotonic() + 5
    while any(app() for app in forgotten):
        assert time.monotonic() < deadline
        gc.collect()
        time.sleep(0.01)


def test_forgotten_sessions_let_go(backend, speech):
    """A session that nobody closed and nothing refers to warns, and its threads end."""
    before = set(threading.enumerate())

    def forget() -> weakref.ref[App]:
        app = App(backend, BlockingLiveSession)
        app.live.start()
        app.live.send(speech[: 5 * PIECE])
        return weakref.ref(app)

    with pytest.warns(
        ResourceWarning, match=r"unclosed <.*BlockingLiveSession.*use 'with'"
    ) as told:
        collect(*[forget() for _ in range(MANY)])
    assert len(told) == MANY
    gone(before)


@pytest.mark.anyio
async def test_forgotten_async_sessions_let_go(backend, speech):
    """The same on an event loop, also where an iteration was left half-way."""
    before = set(threading.enumerate())

    async def forget() -> weakref.ref[App]:
        app = App(backend, LiveSession)
        await app.live.start()
        await app.live.send(speech[: 5 * PIECE])
        async for _ in app.live:
            break
        return weakref.ref(app)

    with pytest.warns(ResourceWarning, match="unclosed <.*use 'async with'") as told:
        collect(*[await forget() for _ in range(MANY)])
    assert len(told) == MANY
    gone(before)


def test_a_session_that_failed_is_forgotten_too(backend, speech):
    """An error that was caught keeps nothing alive."""
    before = set(threading.enumerate())

    def forget() -> weakref.ref[App]:
        app = App(backend, BlockingLiveSession)
        app.live.on(azstt.Final, break_down)
        app.live.start()
        with pytest.raises(LookupError, match="on purpose"):
            app.live.transcribe([speech])
        return weakref.ref(app)

    with pytest.warns(ResourceWarning, match="unclosed"):
        collect(forget())
    gone(before)


def test_closed_sessions_do_not_warn():
    """Neither do sessions that were never started, or could not be created."""

    def program() -> None:
        with BlockingLiveSession(backend=HELLO) as live:
            live.send(bytes(32_000))
        LiveSession(backend=HELLO)
        BlockingLiveSession(backend=HELLO)
        with pytest.raises(TypeError):
            LiveSession("webm")
        with pytest.raises(TypeError):
            BlockingLiveSession("webm")

    program()
    gc.collect()  # a warning is an error here


def test_the_interpreter_exits_with_forgotten_sessions():
    """At once and without a word, whether or not they have been collected."""
    script = """
import asyncio, azstt
from azstt.testing import ScriptedBackend

kept = []

def forget(keep):
    live = azstt.BlockingLiveSession(backend=ScriptedBackend.saying("Hello, world."))
    live.on(azstt.Final, lambda event: live.transcript)
    live.start()
    live.send(bytes(32_000))
    if keep:
        kept.append(live)

async def forget_async():
    live = azstt.LiveSession(backend=ScriptedBackend.saying("Hello, world."))
    live.on(azstt.Final, lambda event: live.transcript)
    await live.start()
    kept.append(live)

for turn in range(10):
    forget(turn % 2)
    asyncio.run(forget_async())
"""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - began < 15
