"""The routes of saved transcripts: list, read, correct, download, and delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePath
from typing import Annotated

from flask import Blueprint, Response, abort, jsonify, request, send_file
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


class Correction(BaseModel):
    """A corrected text."""

    text: Annotated[str, Field(max_length=2_000_000)]


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
        blueprint.patch("/<id_>")(self._correct)
        blueprint.delete("/<id_>")(self._delete)
        blueprint.get(f"/<id_>/<any({','.join(FORMATS)}):format_>")(self._download)
        return blueprint

    def _list(self) -> ResponseReturnValue:
        return jsonify([entry.model_dump() for entry in self.store.entries(client_id())])

    def _read(self, id_: str) -> ResponseReturnValue:
        saved = self._find(id_)
        return Response(_json(saved.current), mimetype="application/json")

    def _correct(self, id_: str) -> ResponseReturnValue:
        correction = Correction.model_validate(request.get_json())
        self._find(id_)
        self.store.correct(client_id(), id_, correction.text)
        return "", 204

    def _delete(self, id_: str) -> ResponseReturnValue:
        if not self.store.delete(client_id(), id_):
            abort(404, "no such transcript")
        self.jobs.stop((client_id(), id_))
        return "", 204

    def _download(self, id_: str, format_: str) -> ResponseReturnValue:
        saved = self._find(id_)
        write, mimetype = FORMATS[format_]
        name = " ".join(PurePath(saved.name.replace("\\", "/")).stem.split()) or "transcript"
        return send_file(  # encodes names in any script for the header
            BytesIO(write(saved.current).encode()),
            mimetype=mimetype,
            as_attachment=True,
            download_name=f"{name}.{format_}",
        )

    def _find(self, id_: str) -> SavedTranscript:
        saved = self.store.find(client_id(), id_)
        if saved is None:
            abort(404, "no such transcript")
        return saved
