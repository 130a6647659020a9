"""The routes of uploads, by the tus protocol.

tus (https://tus.io/protocols/resumable-upload) is version 1.0.0 of a protocol that many clients
speak: POST announces a recording, HEAD asks how much of it has arrived, and PATCH continues there.
DELETE cancels. Unlike the protocol's, our POST has a body: the page's request, in JSON, which may
be longer than a header.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from time import monotonic

from flask import Blueprint, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue

from azstt.backends import RecognizerBackend

from .config import Config
from .jobs import Jobs, Key
from .security import client_id
from .store import UNFINISHED
from .upload import Upload, UploadRequest, megabytes

_VERSION = "1.0.0"
_CONTENT_TYPE = "application/offset+octet-stream"
_CHUNK = 1 << 16
#: Seconds that a request waits for the end of what it cancels.
_LONG_POLL = 15.0
#: Seconds that an upload is kept after its end.
_KEEP_ENDED = 600.0
#: How long the server waits for a lost page, as a multiple of the time that the page tries.
_PATIENCE = 1.25


@dataclass
class Uploads:
    """The uploads of all clients, and their routes."""

    backend: RecognizerBackend
    config: Config
    jobs: Jobs
    _active: dict[Key, Upload] = field(default_factory=dict[Key, Upload])
    _lock: Lock = field(default_factory=Lock)

    def blueprint(self) -> Blueprint:
        """Create the routes."""
        blueprint = Blueprint("uploads", __name__, url_prefix="/uploads")
        blueprint.post("")(self._create)
        blueprint.route("/<id_>", methods=["HEAD"])(self._offset)
        blueprint.patch("/<id_>")(self._append)
        blueprint.post("/<id_>")(self._append)  # where a proxy knows no PATCH
        blueprint.delete("/<id_>")(self._cancel)
        blueprint.before_request(_check_version)
        blueprint.after_request(self._add_headers)
        return blueprint

    def _create(self) -> ResponseReturnValue:
        """Start an upload; the same recording with the same options is only transcribed once."""
        length = request.headers.get("Upload-Length")
        asked = UploadRequest.model_validate({**request.get_json(), "size": length})
        if asked.size > self.config.max_upload:
            has, most = megabytes(asked.size), megabytes(self.config.max_upload)
            abort(413, f"{asked.name!r} is too large: {has} of at most {most}")
        key = client_id(), asked.id
        with self._lock:
            self._drop_ended()
            saved = self.jobs.store.find(*key)
            done = saved is not None and saved.state == "done"
            joins = saved is not None and saved.state in UNFINISHED
            if not (done or joins):
                self._start(key, asked)
        answer = jsonify(id=asked.id, done=done)
        return answer, 200 if done else 201, {"Location": f"/uploads/{asked.id}"}

    def _start(self, key: Key, asked: UploadRequest) -> None:
        upload = Upload(
            asked,
            self.backend,
            max_seconds=self.config.max_seconds,
            stall_timeout=_PATIENCE * self.config.grace,
            begin=partial(self.jobs.begin, key),
        )
        self._active[key] = upload
        upload.start()

    def _offset(self, id_: str) -> ResponseReturnValue:
        upload = self._find(id_)
        return (
            "",
            200,
            {
                "Upload-Offset": str(upload.received),
                "Upload-Length": str(upload.size),
            },
        )

    def _append(self, id_: str) -> ResponseReturnValue:
        """Accept the next bytes as they arrive, so that a request which breaks off counts."""
        request.max_content_length = self.config.max_upload
        upload = self._find(id_)
        if request.mimetype != _CONTENT_TYPE:
            abort(415, f"send the recording as {_CONTENT_TYPE}")
        offset = upload.write(request.headers.get("Upload-Offset", type=int, default=-1), b"")
        while data := request.stream.read(_CHUNK):
            offset = upload.write(offset, data)
        return "", 204, {"Upload-Offset": str(offset)}

    def _cancel(self, id_: str) -> ResponseReturnValue:
        """Stop, and tell whether there is a transcript of what was recognized until then."""
        upload = self._find(id_)
        upload.stop()
        upload.wait(_LONG_POLL)
        return jsonify(saved=self.jobs.store.find(client_id(), id_) is not None)

    def _find(self, id_: str) -> Upload:
        upload = self._active.get((client_id(), id_))
        if upload is None:
            abort(404, "no such upload")
        return upload

    def _drop_ended(self) -> None:
        for key, upload in list(self._active.items()):
            if upload.ended is not None and monotonic() - upload.ended > _KEEP_ENDED:
                del self._active[key]

    def _add_headers(self, response: Response) -> Response:
        response.headers["Tus-Resumable"] = _VERSION
        if request.method == "OPTIONS":
            response.headers["Tus-Version"] = _VERSION
            response.headers["Tus-Extension"] = "creation,termination"
            response.headers["Tus-Max-Size"] = str(self.config.max_upload)
        return response


def _check_version() -> None:
    if request.method in {"GET", "OPTIONS"}:
        return
    if request.headers.get("Tus-Resumable") != _VERSION:
        abort(412, f"this server speaks tus {_VERSION}; send the header Tus-Resumable")
