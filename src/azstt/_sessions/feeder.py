"""The thread that makes all calls of a backend's sessions, for files and live audio."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import ParamSpec, TypeAlias

import anyio

from azstt._assembly.channels import deinterleave
from azstt._events import Event
from azstt._sessions.monitor import Monitor
from azstt._threads import exit as exits
from azstt._threads.loop_queue import CallSoon, loop_caller
from azstt._threads.tasks import GRACE, BlockingCall
from azstt.backends import Emit, RecognizerSession

P = ParamSpec("P")

SessionFactory: TypeAlias = Callable[[Emit], RecognizerSession]


class Feeder:
    """Opens, starts, feeds and finishes sessions, one for each channel, where that may block.

    The first session is opened before any audio is read, so that a backend can refuse the options
    first. What happens is reported to the monitor, on the event loop.
    """

    def __init__(self, open_session: SessionFactory, monitor: Monitor) -> None:
        self.sessions: list[RecognizerSession] = monitor.sessions
        self._open_session: SessionFactory = open_session
        self._monitor: Monitor = monitor
        self._call_soon: CallSoon = loop_caller()
        self._threads: list[BlockingCall[None]] = []
        self._closed: bool = False

    def start(self) -> None:
        """Let the thread run.

        Raises:
            SessionStateError: the interpreter is exiting.
        """
        exits.check()
        exits.at_exit(self, Feeder._stop)
        self._threads.append(BlockingCall(self._run, name="azstt feed"))

    async def close(self) -> None:
        """Close everything within 2 s, shielded from cancellation; nothing is reported then."""
        calls = self._begin_close()
        with anyio.move_on_after(GRACE, shield=True):
            for call in calls:
                await call.over()
        exits.forget(self)  # what still hangs is not worth a delay of the exit

    def abandon(self) -> bool:
        """Begin to close everything, on any thread; return whether `close` has not done it."""
        if not exits.is_open(self):
            return False
        self._begin_close()
        return True

    def _stop(self) -> None:
        for call in self._begin_close():
            call.join(exits.LIMIT)

    def _begin_close(self) -> list[BlockingCall[None]]:
        """Close the sessions side by side, for each may hang; return what to wait for."""
        self._closed = True
        closing = [partial(self._close, session) for session in self.sessions]
        return [*(BlockingCall(close, name="azstt close") for close in closing), *self._threads]

    def _close(self, session: RecognizerSession) -> None:
        self._monitor.source.cancel()
        session.close()  # last, for it may hang

    def _run(self) -> None:
        try:
            self._feed()
        except BaseException as error:  # noqa: BLE001 - raised again where somebody waits
            self._tell(self._monitor.on_failure, error)

    def _feed(self) -> None:
        self._call(self._open)
        if self._closed:
            return
        with self._monitor.source.open() as (channels, items):
            self._tell(self._monitor.track, channels)
            for _ in range(1, channels):
                self._call(self._open)
            for session in self.sessions:
                self._call(session.start)
            self._tell(self._monitor.on_started)
            for item in items:
                if self._closed:
                    return
                if isinstance(item, bytes):
                    for session, pcm in zip(
                        self.sessions, deinterleave(item, channels), strict=True
                    ):
                        self._call(session.write, pcm)
                else:
                    self._call(item)
        self._monitor.progress = monotonic()  # first: from here on the sessions are awaited
        self._monitor.source_is_over = True
        for session in self.sessions:
            self._call(session.finish)

    def _open(self) -> None:
        session = self._open_session(partial(self._emit, len(self.sessions)))
        self.sessions.append(session)
        if self._closed:  # perhaps too early for this session to be seen
            session.close()

    def _emit(self, channel: int, event: Event) -> None:
        self._monitor.progress = monotonic()
        self._tell(self._monitor.on_event, channel, event)

    def _call(self, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        if not self._closed:
            self._monitor.progress = monotonic()
            self._monitor.in_call = True
            function(*args, **kwargs)
            self._monitor.progress = monotonic()
            self._monitor.in_call = False

    def _tell(self, function: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        if not self._closed:
            self._call_soon(partial(function, *args, **kwargs))
