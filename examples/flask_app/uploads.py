"""The routes of uploads: announce one, send its bytes in either of two ways, watch it.

The bytes come as a form, which is what browsers do and what inspecting proxies like to block, or
as frames over a socket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from secrets import token_urlsafe
from time import monotonic

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.sansio.multipart import Data, Epilogue, MultipartDecoder, NeedData

from azstt.backends import RecognizerBackend

from .config import Config
from .places import Places
from .security import client
from .sockets import Socket, Sockets
from .store import Store
from .upload import Asked, Upload

_PIECE = 1 << 16
#: Bytes around a file in a form.
_AROUND = 10_000
#: Seconds that a page's question waits for news.
_PATIENCE = 15.0
#: Seconds that the end of an upload can be asked for.
_REMEMBERED = 600.0


@dataclass
class Uploads:
    """The uploads of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    places: Places
    sockets: Sockets
    store: Store
    _at_work: dict[tuple[str, str], Upload] = field(default_factory=dict[tuple[str, str], Upload])

    def blueprint(self) -> Blueprint:
        """Make the routes."""
        blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")
        blueprint.post("")(self._announce)
        blueprint.get("/<id_>")(self._watch)
        blueprint.delete("/<id_>")(self._cancel)
        blueprint.post("/<id_>/form")(self._form)
        self.sockets.route(blueprint, "/<id_>/frames", self._frames)
        return blueprint

    def _announce(self) -> ResponseReturnValue:
        asked = Asked.model_validate(request.get_json())
        if asked.size > self.config.max_upload:
            most = self.config.max_upload
            abort(413, f"the recording has {asked.size:,} bytes; this server takes {most:,}")
        who, id_ = client(), token_urlsafe(16)
        self._forget_the_old()
        self.places.take(who)
        upload = Upload(
            asked,
            self.backend,
            max_seconds=self.config.max_seconds,
            patience=self.config.grace,
            save=lambda transcript: self.store.save(who, id_, asked.kind, asked.name, transcript),
        )
        self._at_work[who, id_] = upload
        upload.start(then=partial(self.places.leave, who))
        return jsonify(id=id_), 201

    def _watch(self, id_: str) -> ResponseReturnValue:
        after = request.args.get("after", type=int, default=0)
        texts = request.args.get("texts", type=int, default=0)
        upload = self._find(client(), id_)
        return upload.snapshot(after=after, texts=texts, timeout=_PATIENCE).model_dump()

    def _cancel(self, id_: str) -> ResponseReturnValue:
        self._find(client(), id_).cancel()
        return "", 204

    def _form(self, id_: str) -> ResponseReturnValue:
        request.max_content_length = self.config.max_upload + _AROUND
        upload, offset = self._find(client(), id_), 0
        for piece in _file_in_form():
            upload.write(offset, piece)
            offset += len(piece)
        return jsonify(received=offset)

    def _frames(self, socket: Socket, who: str, id_: str) -> None:
        """Say how much is here; then take what follows, a message at a time."""
        upload = self._find(who, id_)
        received = upload.write(0, b"")
        while True:
            socket.send(str(received))
            frame = socket.receive()
            if not isinstance(frame, bytes):
                return
            received = upload.write(received, frame)

    def _find(self, who: str, id_: str) -> Upload:
        upload = self._at_work.get((who, id_))
        if upload is None:
            abort(404, "there is no such upload")
        return upload

    def _forget_the_old(self) -> None:
        for key, upload in list(self._at_work.items()):
            if upload.ended is not None and monotonic() - upload.ended > _REMEMBERED:
                self._at_work.pop(key, None)


def _file_in_form() -> Iterator[bytes]:
    """Give the bytes of the one file in the form as they come.

    `request.files` would write whatever is longer than 500 kB to the server's disk.
    """
    boundary = request.mimetype_params.get("boundary", "").encode()
    if request.mimetype != "multipart/form-data" or not boundary:
        abort(415, "send the recording as multipart/form-data")
    decoder = MultipartDecoder(boundary)
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Data):
                yield event.data
            elif isinstance(event, NeedData):
                decoder.receive_data(request.stream.read(_PIECE) or None)
    except ValueError:
        abort(400, "the form is cut off, or none")
