"""The transcripts that were saved: one SQLite file, safe for any number of threads."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

import azstt

Kind: TypeAlias = Literal["upload", "record", "live"]

_SCHEMA = """
PRAGMA journal_mode = WAL;  -- readers and a writer do not wait for each other
CREATE TABLE IF NOT EXISTS transcripts (
    id         TEXT PRIMARY KEY,
    client     TEXT NOT NULL,
    created    REAL NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    seconds    REAL NOT NULL,
    preview    TEXT NOT NULL,
    transcript TEXT NOT NULL,
    edits      TEXT
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
    """A transcript as it was recognised, and as its user corrected it.

    Attributes:
        edits: the text of each segment now; None as long as none was corrected.
    """

    transcript: azstt.Transcript
    edits: tuple[str, ...] | None = None

    @property
    def current(self) -> azstt.Transcript:
        """The transcript with the corrections, which is what is downloaded.

        The words of a segment that was corrected are dropped with their times, so that captions
        spread its text over the segment.
        """
        segments = self.transcript.segments
        if self.edits is None:
            return self.transcript
        now = [
            segment
            if segment.text == text
            else segment.model_copy(update={"text": text, "words": ()})
            for segment, text in zip(segments, self.edits, strict=True)
        ]
        kept = tuple(segment for segment in now if segment.text)
        return self.transcript.model_copy(update={"segments": kept})


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
    ) -> None:
        """Keep a transcript."""
        values = (id_, client, time.time(), kind, name, transcript.duration)
        preview = transcript.text[:_PREVIEW]
        with self._open() as db:
            db.execute(
                "INSERT INTO transcripts VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL)",
                (*values, preview, transcript.model_dump_json()),
            )

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
        fields = dict(row)
        fields["transcript"] = json.loads(fields["transcript"])
        fields["edits"] = json.loads(fields["edits"] or "null")
        return Saved.model_validate(fields)

    def edit(self, client: str, id_: str, texts: Sequence[str]) -> None:
        """Keep what the text of each segment shall be."""
        preview = " ".join(text for text in texts if text)[:_PREVIEW]
        with self._open() as db:
            db.execute(
                "UPDATE transcripts SET edits = ?, preview = ? WHERE client = ? AND id = ?",
                (json.dumps(list(texts)), preview, client, id_),
            )

    def delete(self, client: str, id_: str) -> bool:
        """Forget a transcript; tell whether this client had it."""
        with self._open() as db:
            gone = db.execute("DELETE FROM transcripts WHERE client = ? AND id = ?", (client, id_))
            return gone.rowcount == 1

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            with db:
                yield db
        finally:
            db.close()
