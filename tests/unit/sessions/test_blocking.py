from __future__ import annotations

import asyncio
import inspect
import math
import os
import subprocess
import sys
import threading
from functools import partial

import anyio
import pytest

from azstt import (
    AuthenticationError,
    BlockingLiveSession,
    Ended,
    Failed,
    Final,
    LiveSession,
    Partial,
    Segment,
    ServiceError,
    SessionStateError,
    SpeechStarted,
    Started,
)
from azstt.testing import Cue, ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")
#: As users run it: a tracer has locks of its own, which an interrupt may leave locked.
UNTRACED = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and fork")

PIECE = bytes(3_200)
HELLO = ScriptedBackend.saying("Hello, world.")
HANGS = ScriptedBackend([Cue(event=SpeechStarted(at=0.0), at=0.0, delay=math.inf)])

#: What the twins call differently, as everywhere in azstt: the async name has an ``a``.
NAMES = {
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}


def members(cls: type) -> dict[str, object]:
    """Return the public members of a class, inherited ones too, and its special methods."""
    hidden = ("__module__", "__doc__", "__dict__", "__weakref__")
    special = {name for name in vars(cls) if name.startswith("__") and name not in hidden}
    public = {name for name in dir(cls) if not name.startswith("_")}
    return {name: inspect.getattr_static(cls, name) for name in special | public}


def pump(live: BlockingLiveSession, pieces: int = 10) -> None:
    """Send audio, and finish."""
    for _ in range(pieces):
        live.send(PIECE)
    live.finish()


def test_the_twins_have_the_same_methods():
    """Both classes have the same methods with the same arguments."""
    ours, theirs = members(BlockingLiveSession), members(LiveSession)
    assert set(ours) == {NAMES.get(name, name) for name in theirs}
    for name, theirs_ in theirs.items():
        if isinstance(theirs_, property):
            assert isinstance(ours[name], property)
            continue
        parameters = dict(inspect.signature(ours[NAMES.get(name, name)]).parameters)
        if name == "receive":
            assert parameters.pop("timeout").default is None  # instead of a cancel scope
        if name == "aclose":  # which cleans up after a cancellation, too
            parameters["now"] = parameters["now"].replace(default=True)
        wanted = inspect.signature(theirs_).parameters
        assert [(p.name, p.kind, p.default) for p in parameters.values()] == [
            (p.name, p.kind, p.default) for p in wanted.values()
        ]


def test_one_thread_sends_and_another_reads():
    """As in a web server: each call blocks its own thread only."""
    with BlockingLiveSession(backend=HELLO) as live:
        sender = threading.Thread(target=pump, args=(live,))
        sender.start()
        kinds = [event.kind for event in live.events()]
        sender.join()
    assert kinds == ["started", "speech_started", "final", "speech_ended", "ended"]
    assert live.transcript.text == "Hello, world."
    assert live.usage.audio_seconds == 1.0


def test_sessions_share_one_thread():
    """Many sessions at once are not many event loops."""
    sessions = [BlockingLiveSession(backend=HELLO) for _ in range(20)]
    for live in sessions:
        live.start()
    loops = [thread for thread in threading.enumerate() if thread.name == "azstt live"]
    assert len(loops) == 1
    for live in sessions:
        pump(live)
        assert live.wait().text == "Hello, world."
        live.close()
    assert not loops[0].is_alive()


def test_all_of_a_source():
    """`transcribe` takes any iterable of pieces, in one call; handlers get the events."""
    heard: list[str] = []
    with BlockingLiveSession(backend=HELLO) as live:
        live.on(Final, lambda event: heard.append(event.segment.text))
        forget = live.on(Ended, heard.append)
        forget()
        transcript = live.transcribe(PIECE for _ in range(10))
    assert heard == [transcript.text] == ["Hello, world."]


def test_a_wait_may_have_a_limit():
    """No event in time is a TimeoutError; the event that comes later is there for the next call."""
    with BlockingLiveSession(backend=HELLO) as live:
        assert live.receive(timeout=20) == Started()
        for timeout in (0, 0.02):
            with pytest.raises(TimeoutError):
                live.receive(timeout)
        pump(live)
        assert live.wait().text == "Hello, world."
        kinds = [live.receive(timeout=0).kind for _ in range(4)]
        assert kinds == ["speech_started", "final", "speech_ended", "ended"]
        with pytest.raises(anyio.EndOfStream):
            live.receive(timeout=0)


def test_waiting_briefly_again_and_again_loses_nothing():
    """Timeouts that expire just as events arrive lose none."""
    partials = [Partial(text="x", start=0.0, end=n / 10) for n in range(1, 101)]
    with BlockingLiveSession(backend=ScriptedBackend(partials)) as live:
        threading.Thread(target=pump, args=(live, 100)).start()
        ends: list[float] = []
        event = None
        while not isinstance(event, Ended):
            try:
                event = live.receive(timeout=0.0005)
            except TimeoutError:
                continue
            if isinstance(event, Partial):
                ends.append(event.end)
    assert ends == [partial.end for partial in partials]


@posix
def test_interrupts_lose_nothing():
    """Whatever a signal's handler raises leaves `receive`, and the next call goes on."""
    code = """
import signal, threading, azstt
from azstt.testing import ScriptedBackend

class Alarm(Exception):
    pass

def alarm(*_):
    raise Alarm

def pump():
    for _ in range(200):
        live.send(bytes(3_200))
    live.finish()

signal.signal(signal.SIGALRM, alarm)
partials = [azstt.Partial(text="x", start=0.0, end=n / 10) for n in range(1, 201)]
ends, interrupted, event = [], 0, None
with azstt.BlockingLiveSession(backend=ScriptedBackend(partials)) as live:
    threading.Thread(target=pump).start()
    while not isinstance(event, azstt.Ended):
        try:
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0003)
                live._call(live._fetch, live._live.receive, None)  # what `receive` waits for
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Alarm:
            interrupted += 1
        while live._unread:
            event = live.receive()
            ends += [event.end] if isinstance(event, azstt.Partial) else []
print(ends == [partial.end for partial in partials], interrupted > 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        env=UNTRACED,
    )
    assert done.stdout == "True True\n"


def test_there_is_one_reader():
    """A second thread that wants the next event is refused, not fed every other one."""
    refused: list[SessionStateError] = []
    with BlockingLiveSession(backend=HELLO) as live:
        live.receive()

        def read() -> None:
            try:
                live.receive(timeout=20)
            except SessionStateError as error:
                refused.append(error)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        while not refused:
            readers[0].join(0.01)
        pump(live)
        for reader in readers:
            reader.join()
    assert len(refused) == 1
    assert "one reader at a time" in str(refused[0])


def test_another_thread_may_close():
    """A reader comes to the end, and a sender gets an error."""
    with BlockingLiveSession(backend=HANGS) as live:
        threading.Timer(0.1, partial(live.close, now=True)).start()
        assert list(live) == [Started()]
        with pytest.raises(SessionStateError, match=r"send\(\) after"):
            live.send(PIECE)
    live.close()


def test_what_ends_the_session_comes_out():
    """An error of the recognizer is raised by the call that meets it, with what there was."""
    script = [
        Final(segment=Segment(text="Hello.", start=0.0, end=0.1)),
        Cue(event=Failed(error=ServiceError("on purpose")), at=0.2),
    ]
    with BlockingLiveSession(backend=ScriptedBackend(script)) as live:
        live.send(PIECE * 2)
        with pytest.raises(ServiceError, match="on purpose") as caught:
            list(live)
        with pytest.raises(SessionStateError, match=r"send\(\) after the session failed"):
            live.send(PIECE)
    assert caught.value.partial.text == "Hello."


def test_a_session_that_can_not_be_had():
    """A refusal comes out of the start, and leaves nothing."""
    backend = ScriptedBackend(start_error=AuthenticationError("refused"))
    with pytest.raises(AuthenticationError, match="refused"), BlockingLiveSession(backend=backend):
        pass


def test_before_the_start_and_twice():
    """The messages are the async twin's."""
    live = BlockingLiveSession(backend=HELLO)
    with pytest.raises(SessionStateError, match=r"send before start\(\)"):
        live.send(PIECE)
    with pytest.raises(SessionStateError, match=r"transcript before start\(\)"):
        _ = live.transcript
    with live, pytest.raises(SessionStateError, match="starts once"):
        live.start()
    with pytest.raises(SessionStateError, match="starts once"):
        live.start()


def test_commit_and_update():
    """A commit gives what was said so far, and other options go for what follows."""
    with BlockingLiveSession(backend=HELLO) as live:
        live.send(PIECE * 4)
        live.commit()
        live.update(phrases=["azstt"])
        live.send(PIECE * 2)
        live.finish()
        finals = [event.segment.text for event in live if isinstance(event, Final)]
    assert finals == ["Hello,", "world."]
    with pytest.raises(SessionStateError, match=r"update\(\) after"):
        live.update(language="sv-SE")


@pytest.mark.parametrize("call", ["finish", "close"])
def test_a_handler_may_look_but_not_wait(call):
    """On the loop's thread the transcript can be read; a call that would block it is refused."""
    texts: list[str] = []

    def look(_: Final) -> None:
        texts.append(live.transcript.text)
        assert live.usage.wall_seconds
        getattr(live, call)()

    with BlockingLiveSession(backend=HELLO) as live:
        live.on(Final, look)
        live.send(PIECE * 6)
        with pytest.raises(SessionStateError, match="make it on another thread"):
            live.wait()
    assert texts == ["Hello, world."]


def test_it_works_inside_a_running_loop():
    """The cells of a notebook run inside an event loop; the session uses its own."""

    async def cells() -> str:
        live = BlockingLiveSession(backend=HELLO)
        live.start()
        await asyncio.sleep(0)
        pump(live)
        await asyncio.sleep(0)
        live.wait()
        live.close()
        return live.transcript.text

    assert asyncio.run(cells()) == "Hello, world."


@posix
def test_ctrl_c_leaves_a_session_in_use_and_usable():
    """An interrupted call ends at once; the session then finishes as it should."""
    code = """
import _thread, threading, azstt
from azstt.testing import ScriptedBackend

with azstt.BlockingLiveSession(backend=ScriptedBackend.saying("Hello, world.")) as live:
    live.receive()
    threading.Timer(0.3, _thread.interrupt_main).start()
    try:
        live.receive()
    except KeyboardInterrupt:
        print("interrupted")
    live.send(bytes(32_000))
    live.finish()
    print(live.wait().text)
print([thread.name for thread in threading.enumerate()])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == ["interrupted", "Hello, world.", "['MainThread']"]
    assert done.stderr == ""


@posix
def test_a_fork_says_what_to_do():
    """A session that was opened before a fork is not the child's; a new one is."""
    code = """
import os, warnings, azstt
from azstt.testing import ScriptedBackend

warnings.simplefilter("ignore", DeprecationWarning)
backend = ScriptedBackend.saying("Hello, world.")
with azstt.BlockingLiveSession(backend=backend) as live:
    if (child := os.fork()) == 0:
        try:
            live.send(b"..")
        except azstt.SessionStateError as error:
            print("open another one here" in str(error))
        with azstt.BlockingLiveSession(backend=backend) as other:
            print(other.transcribe([bytes(32_000)]).text, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    print(live.transcribe([bytes(32_000)]).text)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("True\nHello, world.\nHello, world.\n", "")


def test_the_fallback_warns_at_the_callers_line():
    """Without a backend the warning points at the line that called."""
    code = (
        "import warnings, azstt\n"
        "with warnings.catch_warnings(record=True) as told:\n"
        "    warnings.simplefilter('always')\n"
        "    azstt.BlockingLiveSession()\n"
        "    print(told[0].filename, told[0].lineno)"
    )
    env = {name: value for name, value in os.environ.items() if not name.startswith("AZURE_SPEECH")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    assert done.stdout == "<string> 4\n"
