"""Live sessions: their owners, their limits, and where their transcripts are saved.

azstt does the rest: `azstt.BlockingWireServer` here and `LiveClient` from ``azstt.js`` in the page
exchange audio and text, over as many connections as it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Lock
from time import monotonic
from typing import TypeAlias

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

import azstt
from azstt.backends import RecognizerBackend

from .config import Config
from .security import client_id
from .slots import LimitReachedError, Slots
from .sockets import Socket, Sockets
from .store import Store

#: A client's ID, and the session ID that its page chose.
Key: TypeAlias = tuple[str, str]

#: Seconds past the limit after which a session that its page does not end is cut off.
_OVERTIME = 30.0
#: Seconds that a request waits for a transcript to be saved.
_LONG_POLL = 15.0


class BrowserSession:
    """One live session of a page. Each of its connections is served by its own thread.

    Args:
        backend: the recognizer to use.
        config: the longest session, and how long to wait for a lost connection.
        acquire_slot: takes a slot for the session.
    """

    def __init__(
        self, backend: RecognizerBackend, config: Config, acquire_slot: Callable[[], None]
    ) -> None:
        self._backend = backend
        self._acquire_slot = acquire_slot
        self._ends_at = monotonic() + config.max_seconds + _OVERTIME
        self._server = azstt.BlockingWireServer(self._open, grace=config.grace, limit=1)
        self._live: azstt.LiveSession | None = None
        self._connections = 0
        self._over = False
        self._lock = Lock()

    def serve(self, socket: Socket) -> bool:
        """Serve a connection, and return whether it was the last one."""

        def receive() -> str | bytes | None:
            return socket.receive() if monotonic() < self._ends_at else None

        with self._lock:
            if self._over:
                return False
            self._connections += 1
        try:
            self._server.serve(receive, socket.send)
        finally:
            with self._lock:
                self._connections -= 1
                self._over = not self._connections
        return self._over

    @property
    def has_slot(self) -> bool:
        """Whether it has taken a slot."""
        return self._live is not None

    @property
    def transcript(self) -> azstt.Transcript | None:
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
        if self.has_slot:
            raise azstt.ConfigurationError("this session was already started; start a new one")
        live = azstt.LiveSession(
            audio=audio,
            backend=self._backend,
            overflow="drop_oldest",
            language=language,
            diarize=diarize,
            phrases=phrases,
        )
        try:
            self._acquire_slot()
        except LimitReachedError as error:
            raise azstt.ThrottledError(str(error)) from error
        self._live = live
        return live


@dataclass
class Live:
    """The live sessions of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    slots: Slots
    sockets: Sockets
    store: Store
    _sessions: dict[Key, BrowserSession] = field(default_factory=dict[Key, BrowserSession])
    _changed: Condition = field(default_factory=Condition)

    def blueprint(self) -> Blueprint:
        """Create the routes. The page chooses the ID, and finds the transcript under it."""
        blueprint = Blueprint("live", __name__, url_prefix="/live")
        self.sockets.route(blueprint, "/<id_>/socket", self._serve)
        blueprint.get("/<id_>")(self._wait_for_end)
        return blueprint

    def _serve(self, socket: Socket, client: str, id_: str) -> None:
        key = client, id_
        with self._changed:
            if key not in self._sessions:
                acquire_slot = partial(self.slots.acquire, client)
                self._sessions[key] = BrowserSession(self.backend, self.config, acquire_slot)
            session = self._sessions[key]
        if not session.serve(socket):
            return
        try:
            self._save(session, client, id_)
        finally:
            with self._changed:
                del self._sessions[key]
                self._changed.notify_all()

    def _wait_for_end(self, id_: str) -> ResponseReturnValue:
        """Wait for the end of a session, and return whether its transcript was saved."""
        key = client_id(), id_
        with self._changed:
            over = self._changed.wait_for(lambda: key not in self._sessions, _LONG_POLL)
        return jsonify(saved=over and self.store.find(*key) is not None)

    def _save(self, session: BrowserSession, client: str, id_: str) -> None:
        """Free the slot, and save the transcript."""
        if session.has_slot:
            self.slots.release(client)
        if transcript := session.transcript:
            self.store.save(client, id_, "live", "live", transcript)
