"""The transcripts that were saved: one SQLite file, safe for any number of threads."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

import azstt

from .corrections import corrected

Kind: TypeAlias = Literal["upload", "record", "live"]

_SCHEMA = """
PRAGMA journal_mode = WAL;  -- readers and a writer do not wait for each other
CREATE TABLE IF NOT EXISTS transcripts (
    client     TEXT NOT NULL,
    id         TEXT NOT NULL,
    created    REAL NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    seconds    REAL NOT NULL,
    preview    TEXT NOT NULL,
    transcript TEXT NOT NULL,
    text       TEXT,
    PRIMARY KEY (client, id)
);
CREATE INDEX IF NOT EXISTS by_client ON transcripts (client, created);
"""
_PREVIEW = 120  # characters


class Entry(BaseModel):
    """A line of the history.

    Attributes:
        created: seconds since 1970, UTC.
        seconds: how long the audio was.
        preview: how the text begins.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    created: float
    kind: Kind
    name: str
    seconds: float
    preview: str


class Saved(Entry):
    """A transcript as it was recognized, and the text that its user made of it, if any."""

    transcript: azstt.Transcript
    text: str | None

    @property
    def current(self) -> azstt.Transcript:
        """The transcript as its user wants it."""
        return self.transcript if self.text is None else corrected(self.transcript, self.text)


class Store:
    """Keeps each client's transcripts apart: nothing is found without its client's id.

    Every call has a connection of its own, and waits its turn to write.

    Args:
        path: the database's file; made if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.executescript(_SCHEMA)

    def save(
        self, client: str, id_: str, kind: Kind, name: str, transcript: azstt.Transcript
    ) -> str:
        """Keep a transcript; give back its id."""
        fields = {
            "client": client,
            "id": id_,
            "created": time.time(),
            "kind": kind,
            "name": name,
            "seconds": transcript.duration,
            "preview": transcript.text[:_PREVIEW],
            "transcript": transcript.model_dump_json(),
        }
        names, places = ", ".join(fields), ", ".join(f":{name}" for name in fields)
        with self._open() as db:
            db.execute(f"INSERT INTO transcripts ({names}) VALUES ({places})", fields)  # noqa: S608 - the names are ours
        return id_

    def entries(self, client: str, most: int = 200) -> list[Entry]:
        """List a client's transcripts, the latest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT id, created, kind, name, seconds, preview FROM transcripts"
                " WHERE client = ? ORDER BY created DESC LIMIT ?",
                (client, most),
            ).fetchall()
        return [Entry.model_validate(dict(row)) for row in rows]

    def find(self, client: str, id_: str) -> Saved | None:
        """Give a transcript, if this client has it."""
        with self._open() as db:
            row = db.execute(
                "SELECT * FROM transcripts WHERE client = ? AND id = ?", (client, id_)
            ).fetchone()
        if row is None:
            return None
        transcript = azstt.Transcript.model_validate_json(row["transcript"])
        return Saved.model_validate({**dict(row), "transcript": transcript})

    def correct(self, client: str, id_: str, text: str) -> None:
        """Keep what the text shall be."""
        with self._open() as db:
            db.execute(
                "UPDATE transcripts SET text = ?, preview = ? WHERE client = ? AND id = ?",
                (text, text[:_PREVIEW], client, id_),
            )

    def delete(self, client: str, id_: str) -> bool:
        """Forget a transcript; tell whether this client had it."""
        with self._open() as db:
            gone = db.execute("DELETE FROM transcripts WHERE client = ? AND id = ?", (client, id_))
            return gone.rowcount == 1

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            with db:
                yield db
        finally:
            db.close()
