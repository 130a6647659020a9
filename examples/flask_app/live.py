"""Live sessions: whose they are, what they may take, and where their transcripts go.

The rest is azstt's: `azstt.BlockingWireServer` here and `LiveClient` of ``azstt.js`` on the page
say words and audio to each other, over as many connections as it takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Condition, Lock
from time import monotonic
from typing import TypeAlias

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

import azstt
from azstt._wire import Start
from azstt._wire_server import BlockingWireServer
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
        open_session: makes the session of what the page asks for.
        max_seconds: how long it may be.
        grace: seconds to wait for a page that lost its connection.
    """

    def __init__(
        self,
        open_session: Callable[[Start], azstt.LiveSession],
        *,
        max_seconds: float,
        grace: float,
    ) -> None:
        self._open_session = open_session
        self._ends_at = monotonic() + max_seconds + _LENIENCE
        self._server = BlockingWireServer(self._open, grace=grace, limit=1)
        self._live: azstt.LiveSession | None = None
        self._connections = 0
        self._lock = Lock()

    def serve(self, socket: Socket) -> bool:
        """Serve a connection; tell whether it was the last."""

        def receive() -> str | bytes | None:
            return socket.receive() if monotonic() < self._ends_at else None

        with self._lock:
            self._connections += 1
        try:
            self._server.serve(receive, socket.send)
        finally:
            with self._lock:
                self._connections -= 1
        return not self._connections

    @property
    def transcript(self) -> azstt.Transcript | None:
        """What was said; None if there was never a session."""
        return None if self._live is None else self._live.transcript

    def _open(self, start: Start) -> azstt.LiveSession:
        self._live = self._open_session(start)
        return self._live


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
            recording = self._recordings.get(key) or Recording(
                partial(self._open, who),
                max_seconds=self.config.max_seconds,
                grace=self.config.grace,
            )
            self._recordings[key] = recording
        if recording.serve(socket):
            self._end(recording, who, id_)
            with self._changed:
                self._recordings.pop(key, None)
                self._changed.notify_all()

    def _ask(self, id_: str) -> ResponseReturnValue:
        """Wait for the end of a session, and tell whether its transcript was saved."""
        key = client(), id_
        with self._changed:
            over = self._changed.wait_for(lambda: key not in self._recordings, _PATIENCE)
        return jsonify(saved=over and self.store.find(*key) is not None)

    def _open(self, who: str, start: Start) -> azstt.LiveSession:
        """Make a session, which a page that is too fast can't fill with audio.

        Raises:
            ThrottledError: there is no place left.
            ConfigurationError: the recogniser can't do what is asked.
        """
        live = azstt.LiveSession(
            audio=start.audio,
            backend=self.backend,
            overflow="drop_oldest",
            language=start.language,
            diarize=start.diarize,
            phrases=start.phrases,
        )
        try:
            self.places.take(who)
        except FullError as error:
            raise azstt.ThrottledError(str(error)) from error
        return live

    def _end(self, recording: Recording, who: str, id_: str) -> None:
        """Keep what was said, and give the place back."""
        transcript = recording.transcript
        if transcript is None:
            return
        self.places.leave(who)
        if transcript.ledger.sent:
            self.store.save(who, id_, "live", "live", transcript)
