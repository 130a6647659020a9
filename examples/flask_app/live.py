"""Live sessions: whose they are, what they may take, and where their transcripts go.

The rest is azstt's: `azstt.BlockingWireServer` here and `LiveClient` of ``azstt.js`` on the page
say words and audio to each other, over as many connections as it takes.
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
from .places import FullError, Places
from .security import client
from .sockets import Socket, Sockets
from .store import Store

#: A client and an id of its making.
Key: TypeAlias = tuple[str, str]

#: Seconds over the limit after which a page that does not end its session is cut off.
_LENIENCE = 30.0
#: Seconds that a page's question waits for a transcript to be saved.
_PATIENCE = 15.0


class Recording:
    """One live session; its connections are served by a thread each.

    Args:
        backend: who recognizes.
        config: how long it may be, and how long it waits for a page that lost its connection.
        admit: takes a place.
    """

    def __init__(
        self, backend: RecognizerBackend, config: Config, admit: Callable[[], None]
    ) -> None:
        self._backend = backend
        self._admit = admit
        self._ends_at = monotonic() + config.max_seconds + _LENIENCE
        self._server = azstt.BlockingWireServer(self._open, grace=config.grace, limit=1)
        self._live: azstt.LiveSession | None = None
        self._connections = 0
        self._over = False
        self._lock = Lock()

    def serve(self, socket: Socket) -> bool:
        """Serve a connection; tell whether it was the last."""

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
    def admitted(self) -> bool:
        """Whether it has taken a place."""
        return self._live is not None

    @property
    def transcript(self) -> azstt.Transcript | None:
        """What was said, if the recognizer took any sound."""
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
        """Make the session, which a page that is too fast can't fill with audio.

        Raises:
            ConfigurationError: the recognizer can't do what is asked.
            ThrottledError: there is no place left.
        """
        if self.admitted:
            raise azstt.ConfigurationError("this session was begun before; begin another one")
        live = azstt.LiveSession(
            audio=audio,
            backend=self._backend,
            overflow="drop_oldest",
            language=language,
            diarize=diarize,
            phrases=phrases,
        )
        try:
            self._admit()
        except FullError as error:
            raise azstt.ThrottledError(str(error)) from error
        self._live = live
        return live


@dataclass
class Live:
    """The live sessions of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    places: Places
    sockets: Sockets
    store: Store
    _recordings: dict[Key, Recording] = field(default_factory=dict[Key, Recording])
    _changed: Condition = field(default_factory=Condition)

    def blueprint(self) -> Blueprint:
        """Make the routes. The id is of the page's making; with it, it finds the transcript."""
        blueprint = Blueprint("live", __name__, url_prefix="/live")
        self.sockets.route(blueprint, "/<id_>/socket", self._speak)
        blueprint.get("/<id_>")(self._ask)
        return blueprint

    def _speak(self, socket: Socket, who: str, id_: str) -> None:
        key = who, id_
        with self._changed:
            if key not in self._recordings:
                admit = partial(self.places.take, who)
                self._recordings[key] = Recording(self.backend, self.config, admit)
            recording = self._recordings[key]
        if not recording.serve(socket):
            return
        try:
            self._keep(recording, who, id_)
        finally:
            with self._changed:
                del self._recordings[key]
                self._changed.notify_all()

    def _ask(self, id_: str) -> ResponseReturnValue:
        """Wait for the end of a session, and tell whether its transcript was saved."""
        key = client(), id_
        with self._changed:
            over = self._changed.wait_for(lambda: key not in self._recordings, _PATIENCE)
        return jsonify(saved=over and self.store.find(*key) is not None)

    def _keep(self, recording: Recording, who: str, id_: str) -> None:
        """Keep what was said, and give the place back."""
        if recording.admitted:
            self.places.leave(who)
        if transcript := recording.transcript:
            self.store.save(who, id_, "live", "live", transcript)
