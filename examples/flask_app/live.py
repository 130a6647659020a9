"""Live sessions: their owners and their limits.

azstt does the rest: `azstt.BlockingWireServer` here and `LiveClient` from ``azstt.js`` in the page
exchange audio and text, over as many connections as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from time import monotonic

from flask import Blueprint
from flask.typing import ResponseReturnValue

import azstt
from azstt.backends import RecognizerBackend

from .config import Config
from .jobs import Job, Jobs, Key, Snapshot
from .security import client_id
from .slots import LimitReachedError
from .sockets import Socket, Sockets

#: Seconds past the limit after which a session that its page does not end is cut off.
_OVERTIME = 30.0


class BrowserSession:
    """One live session of a page. Each of its connections is served by its own thread.

    Args:
        backend: the recognizer to use.
        config: the longest session, and how long to wait for a lost connection.
        begin: begins a job, given its work, its first snapshot, and two names.
    """

    def __init__(
        self, backend: RecognizerBackend, config: Config, begin: Callable[..., Job]
    ) -> None:
        self._backend = backend
        self._begin = begin
        self._ends_at = monotonic() + config.max_seconds + _OVERTIME
        self._server = azstt.BlockingWireServer(self._open, grace=config.grace, limit=1)
        self._live: azstt.LiveSession | None = None
        self._job: Job | None = None
        self._error: str | None = None
        self._attached = set[Socket]()  # those that can still bring something
        self._serving = 0  # calls, of which the first lasts as long as the session
        self._over = False
        self._lock = Lock()

    @property
    def abandoned(self) -> bool:
        """Whether it waits for a page that has lost its connection, or is gone."""
        return not self._attached

    def serve(self, socket: Socket) -> bool:
        """Serve a connection, and return whether it was the last one."""

        def receive() -> str | bytes | None:
            try:
                return socket.receive() if monotonic() < self._ends_at else None
            except BaseException:
                self._attached.discard(socket)
                raise

        with self._lock:
            if self._over:
                return False
            self._serving += 1
        self._attached.add(socket)
        try:
            self._server.serve(receive, socket.send)
        finally:
            self._attached.discard(socket)
            with self._lock:
                self._serving -= 1
                self._over = not self._serving
        return self._over

    def stop(self) -> None:
        """End the session: what was received is recognized, for some seconds at most."""
        self._server.close()

    def end(self) -> None:
        """Save the transcript of a session that is over, if it was ever started."""
        if self._job is not None:
            self._job.end(self._transcript, self._error)

    @property
    def _transcript(self) -> azstt.Transcript | None:
        """The transcript, or None if the recognizer got no audio."""
        with suppress(azstt.SessionStateError):  # it was never started
            if self._live and self._live.transcript.ledger.sent:
                return self._live.transcript
        return None

    def _open(
        self,
        *,
        audio: azstt.AudioFormat | azstt.Container,
        language: Sequence[str],
        diarize: bool,
        phrases: Sequence[str],
    ) -> azstt.LiveSession:
        """Create the session. It drops audio from a page that sends too fast.

        Raises:
            ConfigurationError: the recognizer does not support the options.
            ThrottledError: no slot is free.
        """
        if self._job is not None:
            raise azstt.ConfigurationError("this session was already started; start a new one")
        live = azstt.LiveSession(
            audio=audio,
            backend=self._backend,
            overflow="drop_oldest",
            language=language,
            diarize=diarize,
            phrases=phrases,
        )
        now = Snapshot(kind="live", state="live")
        try:
            job = self._begin(self, now, name="live", backend=self._backend.name)
        except LimitReachedError as error:
            raise azstt.ThrottledError(str(error)) from error
        live.on(azstt.Event, partial(self._on_event, job))
        self._live, self._job = live, job
        return live

    def _on_event(self, job: Job, event: azstt.Event) -> None:
        job.follow(event)
        if isinstance(event, azstt.Failed):
            self._error = str(event.error)


@dataclass
class Live:
    """The live sessions of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    sockets: Sockets
    jobs: Jobs
    _sessions: dict[Key, BrowserSession] = field(default_factory=dict[Key, BrowserSession])
    _lock: Lock = field(default_factory=Lock)

    def blueprint(self) -> Blueprint:
        """Create the routes. The page chooses the ID, and finds the transcript under it."""
        blueprint = Blueprint("live", __name__, url_prefix="/live")
        self.sockets.route(blueprint, "/<id_>/socket", self._serve)
        blueprint.post("/<id_>/end")(self._end)
        return blueprint

    def _serve(self, socket: Socket, client: str, id_: str) -> None:
        key = client, id_
        with self._lock:
            if key not in self._sessions:
                begin = partial(self.jobs.begin, key)
                self._sessions[key] = BrowserSession(self.backend, self.config, begin)
            session = self._sessions[key]
        if not session.serve(socket):
            return
        try:
            session.end()
        finally:
            with self._lock:
                del self._sessions[key]

    def _end(self, id_: str) -> ResponseReturnValue:
        """End a session whose page was left, or that is stopped from another one."""
        self.jobs.stop((client_id(), id_))
        return "", 204
