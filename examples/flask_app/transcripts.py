"""The routes of saved transcripts: list, read, correct, choose a version, download, and delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from threading import Timer
from typing import Annotated, NoReturn

from flask import Blueprint, abort, jsonify, request, send_file
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

import azstt

from .jobs import Jobs
from .security import client_id
from .store import SavedTranscript, Store


def _json(transcript: azstt.Transcript) -> str:
    return transcript.model_dump_json(indent=2)


FORMATS: dict[str, tuple[Callable[[azstt.Transcript], str], str]] = {
    "txt": (azstt.Transcript.to_txt, "text/plain"),
    "srt": (azstt.Transcript.to_srt, "application/x-subrip"),
    "vtt": (azstt.Transcript.to_vtt, "text/vtt"),
    "csv": (azstt.Transcript.to_csv, "text/csv"),
    "json": (_json, "application/json"),
}


#: Seconds in which a deletion can be undone; then what was deleted is overwritten.
_UNDO = 60.0
_CONFLICT = (
    "This transcript was changed in another tab, and that text is in use. Yours is kept as a "
    "version: save it again to use it instead."
)


class Correction(BaseModel):
    """A corrected text.

    Attributes:
        version: the version that was corrected.
    """

    text: Annotated[str, Field(max_length=2_000_000)]
    version: int


class Choice(BaseModel):
    """The version to use."""

    version: int


@dataclass
class Transcripts:
    """The routes of saved transcripts."""

    store: Store
    jobs: Jobs

    def blueprint(self) -> Blueprint:
        """Create the routes."""
        blueprint = Blueprint("transcripts", __name__, url_prefix="/transcripts")
        blueprint.get("")(self._list)
        blueprint.get("/<id_>")(self._read)
        blueprint.get("/<id_>/versions")(self._versions)
        blueprint.patch("/<id_>")(self._correct)
        blueprint.put("/<id_>/version")(self._use)
        blueprint.delete("/<id_>")(self._delete)
        blueprint.post("/<id_>/undelete")(self._undelete)
        blueprint.get(f"/<id_>/<any({','.join(FORMATS)}):format_>")(self._download)
        return blueprint

    def _list(self) -> ResponseReturnValue:
        return jsonify([entry.model_dump() for entry in self.store.entries(client_id())])

    def _read(self, id_: str) -> ResponseReturnValue:
        transcript = self._find(id_, request.args.get("version", type=int)).transcript
        return jsonify(transcript.model_dump(mode="json") | {"doubt": transcript.doubt})

    def _versions(self, id_: str) -> ResponseReturnValue:
        versions = self.store.versions(client_id(), id_)
        if versions is None:
            _missing()
        return jsonify(versions.model_dump())

    def _correct(self, id_: str) -> ResponseReturnValue:
        correction = Correction.model_validate(request.get_json())
        outcome = self.store.correct(client_id(), id_, correction.text, correction.version)
        if outcome == "missing":
            _missing()
        if outcome == "conflict":
            abort(409, _CONFLICT)
        return "", 204

    def _use(self, id_: str) -> ResponseReturnValue:
        choice = Choice.model_validate(request.get_json())
        if not self.store.use(client_id(), id_, choice.version):
            _missing()
        return "", 204

    def _delete(self, id_: str) -> ResponseReturnValue:
        if not self.store.delete(client_id(), id_):
            _missing()
        self.jobs.stop((client_id(), id_))
        purge = Timer(_UNDO, self.store.purge, [_UNDO])
        purge.daemon = True
        purge.start()
        return "", 204

    def _undelete(self, id_: str) -> ResponseReturnValue:
        if not self.store.undelete(client_id(), id_):
            _missing()
        return "", 204

    def _download(self, id_: str, format_: str) -> ResponseReturnValue:
        saved = self._find(id_)
        write, mimetype = FORMATS[format_]
        name = " ".join(PurePath(saved.name.replace("\\", "/")).stem.split()) or "transcript"
        return send_file(  # encodes names in any script for the header
            BytesIO(write(saved.transcript).encode()),
            mimetype=mimetype,
            as_attachment=True,
            download_name=f"{name}.{format_}",
        )

    def _find(self, id_: str, version: int | None = None) -> SavedTranscript:
        saved = self.store.find(client_id(), id_, version)
        if saved is None:
            _missing()
        return saved


def _missing() -> NoReturn:
    abort(404, "no such transcript")
