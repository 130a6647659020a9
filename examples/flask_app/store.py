"""Transcripts in one SQLite file, from their start to the end. Thread-safe.

A row of ``transcripts`` exists from the start of the work. Its segments and gaps are appended to
``parts`` as they come, and are its transcript until the finished one replaces them.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

import azstt

from . import versions
from .parts import RESTARTED, Part, assembled, parse
from .versions import Outcome, Versions

Kind: TypeAlias = Literal["upload", "record", "live"]
#: "interrupted": the server stopped before the end.
State: TypeAlias = Literal[
    "uploading", "recognizing", "live", "done", "canceled", "error", "interrupted"
]
#: The states of work in progress.
UNFINISHED: tuple[State, ...] = ("uploading", "recognizing", "live")

_SCHEMA = """
PRAGMA journal_mode = WAL;  -- readers and the writer do not block each other
CREATE TABLE IF NOT EXISTS transcripts (
    client     TEXT NOT NULL,
    id         TEXT NOT NULL,
    created    REAL NOT NULL,
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    backend    TEXT NOT NULL,
    state      TEXT NOT NULL,
    error      TEXT,
    retryable  INTEGER NOT NULL DEFAULT 0,
    seconds    REAL NOT NULL DEFAULT 0,
    preview    TEXT NOT NULL DEFAULT '',
    transcript TEXT,  -- NULL: the parts are the transcript
    version    INTEGER NOT NULL DEFAULT 0,  -- the one in use; 0 is as recognized
    deleted    REAL,
    PRIMARY KEY (client, id)
);
CREATE INDEX IF NOT EXISTS by_client ON transcripts (client, created);
CREATE TABLE IF NOT EXISTS parts (
    client     TEXT NOT NULL,
    id         TEXT NOT NULL,
    part       TEXT NOT NULL,
    FOREIGN KEY (client, id) REFERENCES transcripts ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS by_transcript ON parts (client, id);
"""
_PREVIEW = 120  # characters
_INTERRUPTED = "The server was restarted before the end."


class Start(BaseModel):
    """What is known of a transcript from its start.

    Attributes:
        client: its owner.
        backend: the name of the recognizer.
    """

    model_config = ConfigDict(frozen=True)

    client: str
    id: str
    kind: Kind
    name: str
    backend: str
    state: State


class Entry(BaseModel):
    """An entry in the list of transcripts.

    Attributes:
        created: Unix time in seconds.
        error: why it failed or was interrupted.
        seconds: the duration of the audio; so far, if it is in progress.
        preview: the beginning of the text.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    created: float
    kind: Kind
    name: str
    state: State
    error: str | None
    seconds: float
    preview: str


class SavedTranscript(Entry):
    """A transcript, or what there is of it so far, in the version in use or another one.

    Attributes:
        retryable: whether the same recording may succeed later, if there was an error.
    """

    retryable: bool
    transcript: azstt.Transcript


class Store:
    """Stores transcripts by client: every query needs the client's ID.

    Each call opens its own connection, and waits for other writers.

    Args:
        path: the database file; created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.executescript(_SCHEMA + versions.SCHEMA)

    def interrupt(self) -> None:
        """Mark what is in progress as interrupted. Call it when the server starts."""
        with self._open() as db:
            db.executemany(
                "UPDATE transcripts SET state = 'interrupted', error = ? WHERE state = ?",
                [(_INTERRUPTED, state) for state in UNFINISHED],
            )

    def begin(self, start: Start, earlier: azstt.Transcript | None = None) -> None:
        """Store that a transcript is in progress. Its corrections, if there are any, are kept.

        Args:
            start: what there is to know of it.
            earlier: what there is of it already, if it goes on after an interruption.
        """
        fields = start.model_dump() | {
            "created": time.time(),
            "seconds": earlier.duration if earlier else 0,
        }
        with self._open() as db:
            db.execute(
                "INSERT INTO transcripts (client, id, created, kind, name, backend, state, seconds)"
                " VALUES (:client, :id, :created, :kind, :name, :backend, :state, :seconds)"
                " ON CONFLICT DO UPDATE SET state = :state, error = NULL, retryable = 0,"
                " seconds = :seconds, transcript = NULL, version = 0",
                fields,
            )
            db.execute("DELETE FROM parts WHERE client = :client AND id = :id", fields)
            if not earlier:  # one that was there, even if it is deleted, begins again
                db.execute(
                    "UPDATE transcripts SET created = :created, name = :name, preview = '',"
                    " deleted = NULL WHERE client = :client AND id = :id",
                    fields,
                )
            else:
                _insert(db, start.client, start.id, *earlier.segments, *earlier.ledger.gaps)

    def add(self, client: str, id_: str, part: Part) -> None:
        """Append a segment or a gap to a transcript in progress, unless that was deleted."""
        fields = {
            "client": client,
            "id": id_,
            "end": part.end if isinstance(part, azstt.Segment) else part.at + part.span,
            "text": part.text if isinstance(part, azstt.Segment) else "",
            "preview": _PREVIEW,
        }
        with self._open() as db:
            found = db.execute(
                "UPDATE transcripts SET seconds = max(seconds, :end),"
                " preview = substr(trim(preview || ' ' || :text), 1, :preview)"
                " WHERE client = :client AND id = :id",
                fields,
            )
            if found.rowcount:
                _insert(db, client, id_, part)

    def advance(self, client: str, id_: str, state: State) -> None:
        """Store the state of a transcript in progress."""
        with self._open() as db:
            db.execute(
                "UPDATE transcripts SET state = ? WHERE client = ? AND id = ?", (state, client, id_)
            )

    def end(
        self,
        client: str,
        id_: str,
        state: State,
        transcript: azstt.Transcript | None = None,
        error: str | None = None,
        *,
        retryable: bool = False,
    ) -> None:
        """Store how a transcript ended, unless it was deleted.

        Args:
            client: its owner.
            id_: its ID.
            state: the last state.
            transcript: replaces the parts; None keeps them.
            error: why it failed.
            retryable: whether the same recording may succeed later.
        """
        with self._open() as db:
            db.execute(
                "UPDATE transcripts SET state = ?, error = ?, retryable = ?"
                " WHERE client = ? AND id = ?",
                (state, error, retryable, client, id_),
            )
            if transcript is None:
                return
            text = transcript.text[:_PREVIEW]
            db.execute(
                "UPDATE transcripts SET seconds = ?, preview = ?, transcript = ?"
                " WHERE client = ? AND id = ?",
                (transcript.duration, text, transcript.model_dump_json(), client, id_),
            )
            db.execute("DELETE FROM parts WHERE client = ? AND id = ?", (client, id_))

    def entries(self, client: str, limit: int = 200) -> list[Entry]:
        """Return a client's transcripts, latest first."""
        with self._open() as db:
            rows = db.execute(
                "SELECT id, created, kind, name, state, error, seconds, preview FROM transcripts"
                " WHERE client = ? AND deleted IS NULL ORDER BY created DESC LIMIT ?",
                (client, limit),
            ).fetchall()
        return [Entry.model_validate(dict(row)) for row in rows]

    def find(self, client: str, id_: str, version: int | None = None) -> SavedTranscript | None:
        """Return a transcript of this client, or what there is of it so far, or None.

        Args:
            client: its owner.
            id_: its ID.
            version: which version of the text; None for the one in use.
        """
        with self._open() as db:
            return _find(db, (client, id_), version)

    def versions(self, client: str, id_: str) -> Versions | None:
        """Return the versions of a transcript's text, or None if this client has no such one."""
        with self._open() as db:
            return versions.read(db, (client, id_))

    def correct(self, client: str, id_: str, text: str, base: int) -> Outcome:
        """Save a corrected text as a new version.

        Args:
            client: the owner.
            id_: the transcript's ID.
            text: the whole text.
            base: the version that was corrected. If another one is in use by now, that stays in
                use, and the new one is kept beside it.
        """
        key = client, id_
        with self._open() as db:
            outcome = versions.add(db, key, text, base)
            _show_beginning(db, key)
        return outcome

    def use(self, client: str, id_: str, version: int) -> bool:
        """Use a version of the text, and return whether there is such a one."""
        key = client, id_
        with self._open() as db:
            used = versions.use(db, key, version)
            _show_beginning(db, key)
        return used

    def delete(self, client: str, id_: str) -> bool:
        """Hide a transcript until it is purged, and return whether this client had it."""
        return self._mark(client, id_, "deleted = :now", "deleted IS NULL")

    def remove(self, client: str, id_: str) -> None:
        """Overwrite a transcript now."""
        with self._open() as db:
            db.execute("DELETE FROM transcripts WHERE client = ? AND id = ?", (client, id_))

    def undelete(self, client: str, id_: str) -> bool:
        """Undo a deletion, and return whether that was still possible."""
        return self._mark(client, id_, "deleted = NULL", "deleted IS NOT NULL")

    def purge(self, seconds: float = 0) -> None:
        """Overwrite what was deleted at least so many seconds ago."""
        with self._open() as db:
            db.execute("DELETE FROM transcripts WHERE deleted <= ?", (time.time() - seconds,))

    def _mark(self, client: str, id_: str, change: str, condition: str) -> bool:
        fields = {"client": client, "id": id_, "now": time.time()}
        with self._open() as db:
            marked = db.execute(
                f"UPDATE transcripts SET {change}"  # noqa: S608 - constants
                f" WHERE client = :client AND id = :id AND {condition}",
                fields,
            )
            return marked.rowcount == 1

    @contextmanager
    def _open(self) -> Generator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=30)
        try:
            db.row_factory = sqlite3.Row
            db.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
            db.execute("PRAGMA foreign_keys = ON")  # it is deleted from all tables
            with db:
                yield db
        finally:
            db.close()


def _insert(db: sqlite3.Connection, client: str, id_: str, *parts: Part) -> None:
    db.executemany(
        "INSERT INTO parts VALUES (?, ?, ?)",
        [(client, id_, part.model_dump_json()) for part in parts],
    )


def _find(
    db: sqlite3.Connection, key: tuple[str, str], version: int | None = None
) -> SavedTranscript | None:
    row = db.execute(
        "SELECT t.*, v.text FROM transcripts AS t LEFT JOIN versions AS v"
        " ON v.client = t.client AND v.id = t.id AND v.number = coalesce(?, t.version)"
        " WHERE t.client = ? AND t.id = ? AND deleted IS NULL",
        (version, *key),
    ).fetchone()
    if row is None or (version and row["text"] is None):
        return None
    if row["transcript"] is None:
        parts = db.execute(
            "SELECT part FROM parts WHERE client = ? AND id = ? ORDER BY rowid", key
        ).fetchall()
        transcript = _assembled(row, [parse(part) for (part,) in parts])
    else:
        transcript = azstt.Transcript.model_validate_json(row["transcript"])
    if row["text"] is not None:
        transcript = transcript.corrected(row["text"])
    return SavedTranscript.model_validate({**dict(row), "transcript": transcript})


def _show_beginning(db: sqlite3.Connection, key: tuple[str, str]) -> None:
    """Show the beginning of the version in use in the list."""
    saved = _find(db, key)
    if saved:
        db.execute(
            "UPDATE transcripts SET preview = ? WHERE client = ? AND id = ?",
            (saved.transcript.text[:_PREVIEW], *key),
        )


def _assembled(row: sqlite3.Row, parts: list[Part]) -> azstt.Transcript:
    if row["state"] == "interrupted":  # nobody knows how much is missing
        parts = [*parts, azstt.Gap(at=row["seconds"], seconds=None, reason=RESTARTED)]
    return assembled(row["backend"], parts, row["seconds"])
