"""Saved transcripts in one SQLite file. Thread-safe."""

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
PRAGMA journal_mode = WAL;  -- readers and the writer do not block each other
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
    """An entry in the list of transcripts.

    Attributes:
        created: Unix time in seconds.
        seconds: the duration of the audio.
        preview: the beginning of the text.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    created: float
    kind: Kind
    name: str
    seconds: float
    preview: str


class SavedTranscript(Entry):
    """A transcript as recognized, and the user's corrected text, if any."""

    transcript: azstt.Transcript
    text: str | None

    @property
    def current(self) -> azstt.Transcript:
        """The transcript with the user's corrections."""
        return self.transcript if self.text is None else corrected(self.transcript, self.text)


class Store:
    """Stores transcripts by client: every query needs the client's ID.

    Each call opens its own connection, and waits for other writers.

    Args:
        path: the database file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.executescript(_SCHEMA)

    def save(
        self, client: str, id_: str, kind: Kind, name: str, transcript: azstt.Transcript
    ) -> str:
        """Save a transcript and return its ID."""
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
        columns, values = ", ".join(fields), ", ".join(f":{name}" for name in fields)
        with self._open() as db:
            db.execute(f"INSERT INTO transcripts ({columns}) VALUES ({values})", fields)  # noqa: S608 - constant names
        return id_

    def entries(self, client: str, limit: int = 200) -> list[Entry]:
        """Return a client's transcripts, latest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT id, created, kind, name, seconds, preview FROM transcripts"
                " WHERE client = ? ORDER BY created DESC LIMIT ?",
                (client, limit),
            ).fetchall()
        return [Entry.model_validate(dict(row)) for row in rows]

    def find(self, client: str, id_: str) -> SavedTranscript | None:
        """Return a transcript of this client, or None."""
        with self._open() as db:
            row = db.execute(
                "SELECT * FROM transcripts WHERE client = ? AND id = ?", (client, id_)
            ).fetchone()
        if row is None:
            return None
        transcript = azstt.Transcript.model_validate_json(row["transcript"])
        return SavedTranscript.model_validate({**dict(row), "transcript": transcript})

    def correct(self, client: str, id_: str, text: str) -> None:
        """Save a corrected text."""
        with self._open() as db:
            db.execute(
                "UPDATE transcripts SET text = ?, preview = ? WHERE client = ? AND id = ?",
                (text, text[:_PREVIEW], client, id_),
            )

    def delete(self, client: str, id_: str) -> bool:
        """Delete a transcript, and return whether this client had it."""
        with self._open() as db:
            deleted = db.execute(
                "DELETE FROM transcripts WHERE client = ? AND id = ?", (client, id_)
            )
            return deleted.rowcount == 1

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
