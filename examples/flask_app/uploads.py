"""The routes of uploads: announce one, send its bytes in one of two ways, or cancel it.

The bytes are sent as a form, as browsers do and inspecting proxies like to block, or as frames over
a socket.
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
from .jobs import Jobs
from .security import client_id
from .sockets import Socket, Sockets
from .upload import Upload, UploadRequest

_CHUNK = 1 << 16
#: The most bytes that a form adds to a file.
_FORM_OVERHEAD = 10_000
#: Seconds that an upload is kept after its end.
_KEEP_ENDED = 600.0


@dataclass
class Uploads:
    """The uploads of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    sockets: Sockets
    jobs: Jobs
    _active: dict[tuple[str, str], Upload] = field(default_factory=dict[tuple[str, str], Upload])

    def blueprint(self) -> Blueprint:
        """Create the routes."""
        blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")
        blueprint.post("")(self._announce)
        blueprint.delete("/<id_>")(self._cancel)
        blueprint.post("/<id_>/form")(self._form)
        self.sockets.route(blueprint, "/<id_>/frames", self._frames)
        return blueprint

    def _announce(self) -> ResponseReturnValue:
        upload_request = UploadRequest.model_validate(request.get_json())
        size, limit = upload_request.size, self.config.max_upload
        if size > limit:
            abort(413, f"the recording has {size:,} bytes; this server accepts {limit:,} at most")
        client, id_ = client_id(), token_urlsafe(16)
        self._drop_ended()
        upload = Upload(
            upload_request,
            self.backend,
            max_seconds=self.config.max_seconds,
            stall_timeout=self.config.grace,
            begin=partial(self.jobs.begin, (client, id_)),
        )
        self._active[client, id_] = upload
        upload.start()
        return jsonify(id=id_), 201

    def _cancel(self, id_: str) -> ResponseReturnValue:
        self._find(client_id(), id_).stop()
        return "", 204

    def _form(self, id_: str) -> ResponseReturnValue:
        request.max_content_length = self.config.max_upload + _FORM_OVERHEAD
        upload, offset = self._find(client_id(), id_), 0
        for chunk in _file_in_form():
            upload.write(offset, chunk)
            offset += len(chunk)
        return jsonify(received=offset)

    def _frames(self, socket: Socket, client: str, id_: str) -> None:
        """Send how many bytes were received, then accept the next, one frame at a time."""
        upload = self._find(client, id_)
        received = upload.write(0, b"")
        while True:
            socket.send(str(received))
            frame = socket.receive()
            if not isinstance(frame, bytes):
                return
            received = upload.write(received, frame)

    def _find(self, client: str, id_: str) -> Upload:
        upload = self._active.get((client, id_))
        if upload is None:
            abort(404, "no such upload")
        return upload

    def _drop_ended(self) -> None:
        for key, upload in list(self._active.items()):
            if upload.ended is not None and monotonic() - upload.ended > _KEEP_ENDED:
                self._active.pop(key, None)


def _file_in_form() -> Iterator[bytes]:
    """Yield the bytes of the file in the form as they arrive.

    `request.files` would write files above 500 kB to the server's disk.
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
                decoder.receive_data(request.stream.read(_CHUNK) or None)
    except ValueError:
        abort(400, "the form is truncated or invalid")
