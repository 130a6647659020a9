"""Programs with handlers, and with exits in them: every session keeps its words."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import threading

import anyio
import pytest

import azstt
from azstt import BlockingLiveSession, ConfigurationError, LiveSession
from azstt.testing import Cue, ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")

#: Bytes that a program sends at a time: a tenth of a second.
PIECE = 3_200
EXIT = SystemExit(3)
EXITS = [EXIT, KeyboardInterrupt("on purpose")]
HELLO = ScriptedBackend.saying("Hello, world.")


def pump(live: BlockingLiveSession, speech: bytes) -> None:
    """Send audio piece by piece."""
    for at in range(0, len(speech), PIECE):
        live.send(speech[at : at + PIECE])


def leave_with(error: BaseException):
    """Return a handler that raises."""

    def handler(_: object) -> None:
        raise error

    return handler


@pytest.mark.parametrize("error", EXITS, ids=repr)
def test_an_exit_comes_out_and_harms_no_other_session(backend, speech, error):
    """It comes out of the call that waits, and the session beside it keeps every word."""

    def program() -> None:
        with BlockingLiveSession(backend=backend) as live:
            live.on(azstt.Final, leave_with(error))
            pump(live, speech)
            live.finish()
            live.wait()

    with BlockingLiveSession(backend=backend) as other:
        pump(other, speech[: len(speech) // 2])
        with pytest.raises(type(error)) as caught:
            program()
        pump(other, speech[len(speech) // 2 :])
    assert caught.value is error
    with BlockingLiveSession(backend=backend) as alone:
        pump(alone, speech)
    assert other.transcript.text == alone.transcript.text
    assert other.transcript.complete


@pytest.mark.parametrize("leaving", ["block", "close", "send", "iterate", "transcribe"])
def test_whoever_comes_next_gets_the_exit(leaving):
    """Where no call waits at that moment, the next one raises it."""
    raised = threading.Event()

    def handler(_: object) -> None:
        raised.set()
        sys.exit(3)

    def program() -> None:
        with BlockingLiveSession(backend=HELLO) as live:
            live.on(azstt.Final, handler)
            if leaving == "transcribe":
                live.transcribe([bytes(32_000)])
            live.send(bytes(32_000))
            raised.wait(20)
            if leaving == "send":
                live.send(bytes(PIECE))
            elif leaving == "iterate":
                assert [event.kind for event in live][-1] == "never"
            elif leaving == "close":
                live.close()

    with pytest.raises(SystemExit) as caught:
        program()
    assert caught.value.code == 3


@pytest.mark.parametrize("kind", ["failed", "final"])
def test_an_exit_is_not_lost_behind_another_error(kind):
    """`sys.exit` in a handler of `Failed`, or in the second handler of an event, counts."""
    failure = azstt.Failed(error=azstt.ThrottledError("too many"))
    backend = ScriptedBackend([Cue(event=failure, at=0.3)]) if kind == "failed" else HELLO
    wanted = azstt.Failed if kind == "failed" else azstt.Final

    def program() -> None:
        with BlockingLiveSession(backend=backend) as live:
            live.on(wanted, leave_with(LookupError()))
            live.on(wanted, leave_with(SystemExit(3)))
            live.send(bytes(32_000))
            live.wait()

    with pytest.raises(SystemExit):
        program()


@pytest.mark.anyio
@pytest.mark.parametrize("error", EXITS, ids=repr)
async def test_an_exit_comes_out_of_the_waiting_task(backend, speech, error):
    """On an event loop it is raised where somebody waits, and does not break the loop."""
    live = LiveSession(backend=backend)
    live.on(azstt.Final, leave_with(error))

    async def program() -> None:
        async with live:
            await live.send(speech)
            await live.finish()
            async for _ in live:
                pass

    with pytest.raises(type(error)) as caught:
        await program()
    assert caught.value is error
    await anyio.sleep(0.01)  # the loop goes on


def test_an_exit_while_a_file_is_transcribed(audio):
    """`progress` may exit, too."""
    for call in (
        lambda: azstt.transcribe_file(audio / "jfk.wav", backend=HELLO, progress=leave_with(EXIT)),
        lambda: anyio.run(
            functools.partial(
                azstt.atranscribe_file, audio / "jfk.wav", backend=HELLO, progress=leave_with(EXIT)
            )
        ),
    ):
        with pytest.raises(SystemExit) as caught:
            call()
        assert caught.value is EXIT


def test_an_exit_in_a_source_or_a_hook():
    """A source that exits, and a hook asked before a reconnection: both come out as they are."""

    def source():
        yield bytes(PIECE)
        raise EXIT

    lost = azstt.Reconnecting(attempt=1, delay=0.0, reason="lost")
    flaky = ScriptedBackend([Cue(event=lost, at=0.2)])

    def from_source() -> None:
        with BlockingLiveSession(backend=HELLO) as live:
            live.transcribe(source())

    def from_hook() -> None:
        with BlockingLiveSession(backend=flaky, on_reconnect=leave_with(EXIT)) as live:
            live.send(bytes(32_000))

    with BlockingLiveSession(backend=HELLO) as other:
        for program in (from_source, from_hook):
            with pytest.raises(SystemExit) as caught:
                program()
            assert caught.value is EXIT
        other.send(bytes(32_000))
    assert other.transcript.text == "Hello, world."


@pytest.mark.parametrize(("raising", "code"), [("sys.exit(3)", 3), ("raise KeyboardInterrupt", -2)])
def test_the_process_ends_with_the_exits_code(raising, code):
    """A script whose handler exits ends at once, with that code."""
    script = f"""
import sys, azstt
from azstt.testing import ScriptedBackend

def handler(event):
    {raising}

with azstt.BlockingLiveSession(backend=ScriptedBackend.saying("Hello, world.")) as live:
    live.on(azstt.Final, handler)
    live.send(bytes(32_000))
    live.finish()
    live.wait()
"""
    done = run(script)
    assert done.returncode == code
    assert done.stderr == "" or code != 3


def run(script: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter."""
    command = [sys.executable, *options, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


class AsyncCallable:
    """An object that is called like a coroutine function."""

    async def __call__(self, event: object) -> None:
        """Do nothing."""

    async def method(self, event: object) -> None:
        """Do nothing."""


async def coroutine_function(event: object) -> None:
    """Do nothing."""


async def async_generator_function(event: object):
    """Yield something."""
    yield event


def generator_function(event: object):
    """Yield something."""
    yield event


BAD_HANDLERS = {
    "coroutine function": coroutine_function,
    "async generator function": async_generator_function,
    "generator function": generator_function,
    "partial": functools.partial(coroutine_function),
    "partial of an object": functools.partial(AsyncCallable()),
    "object": AsyncCallable(),
    "method": AsyncCallable().method,
    "string": "print",
    "none": None,
}


@pytest.mark.parametrize("name", BAD_HANDLERS)
@pytest.mark.parametrize("session", [LiveSession, BlockingLiveSession])
def test_a_handler_that_would_not_run_is_refused(session, name):
    """At once, with an error that names it."""
    handler = BAD_HANDLERS[name]
    with pytest.raises(ConfigurationError, match="function") as caught:
        session(backend=HELLO).on(azstt.Final, handler)
    assert repr(handler) in str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [
        "final",
        int,
        object,
        azstt.Segment,
        None,
        (azstt.Final, azstt.Partial),
        azstt.Final | int,
        list[azstt.Final],
        azstt.Ended(position=1.0),
    ],
    ids=str,
)
def test_what_is_no_event_class_is_refused(kind):
    """At once, with an error that says what is possible."""
    with pytest.raises(ConfigurationError, match=r"azstt\.Final, a union") as caught:
        LiveSession(backend=HELLO).on(kind, print)
    assert repr(kind) in str(caught.value)


def test_one_handler_for_several_kinds():
    """A union of event classes works, and `Event` stands for all of them."""
    some: list[str] = []
    everything: list[str] = []
    with BlockingLiveSession(backend=HELLO) as live:
        live.on(azstt.Final | azstt.Ended, lambda event: some.append(event.kind))
        live.on(azstt.Event, lambda event: everything.append(event.kind))
        live.send(bytes(32_000))
    assert some == ["final", "ended"]
    assert everything[-4:] == ["speech_started", "final", "speech_ended", "ended"]


@pytest.mark.parametrize("returned", [coroutine_function, async_generator_function])
def test_a_lambda_that_returns_a_coroutine(returned):
    """It is seen at the first event, and the error says what to do."""
    live = BlockingLiveSession(backend=HELLO)
    live.on(azstt.Final, lambda event: [returned(event)][0])
    live.start()
    live.send(bytes(32_000))
    with pytest.raises(ConfigurationError, match=r"<lambda>.*may start a task"):
        live.close()


def test_a_handler_may_start_a_task():
    """A task that it returns is no mistake, as the loop runs it."""

    async def text_of(event: azstt.Final) -> str:
        return event.segment.text

    async def program() -> list[str]:
        tasks: list[asyncio.Task[str]] = []

        def start(event: azstt.Final) -> asyncio.Task[str]:
            tasks.append(asyncio.create_task(text_of(event)))
            return tasks[-1]

        async with LiveSession(backend=HELLO) as live:
            live.on(azstt.Final, start)
            await live.send(bytes(32_000))
        return await asyncio.gather(*tasks)

    assert asyncio.run(program()) == ["Hello, world."]
