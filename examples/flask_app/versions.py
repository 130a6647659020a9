"""The versions of a transcript's text: as recognized, and each correction that was saved."""

from __future__ import annotations

import sqlite3
import time
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

SCHEMA = """
CREATE TABLE IF NOT EXISTS versions (
    client     TEXT NOT NULL,
    id         TEXT NOT NULL,
    number     INTEGER NOT NULL,  -- from 1; 0 is the text as recognized, which is not stored here
    created    REAL NOT NULL,
    text       TEXT NOT NULL,
    PRIMARY KEY (client, id, number),
    FOREIGN KEY (client, id) REFERENCES transcripts ON DELETE CASCADE
);
"""
#: How many corrections of a transcript are kept: the latest, and the one in use.
MOST_VERSIONS = 50

#: What became of a correction: it is in use, another one was saved meanwhile, or there is no
#: such transcript.
Outcome: TypeAlias = Literal["saved", "conflict", "missing"]


class Version(BaseModel):
    """A version of a transcript's text.

    Attributes:
        number: 0 for the text as recognized.
        created: Unix time in seconds.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    created: float


class Versions(BaseModel):
    """All versions of a transcript's text, and which one is in use."""

    model_config = ConfigDict(frozen=True)

    current: int
    versions: list[Version]


def add(db: sqlite3.Connection, key: tuple[str, str], text: str, base: int) -> Outcome:
    """Add a correction, and use it if the one in use is the one that it is a correction of."""
    fields: dict[str, str | float] = {"client": key[0], "id": key[1], "base": base}
    fields |= {"text": text, "now": time.time()}
    added = db.execute(  # a write first, so that nobody else can write before the end
        "INSERT INTO versions SELECT client, id, 1 + (SELECT coalesce(max(number), 0)"
        " FROM versions AS v WHERE v.client = t.client AND v.id = t.id), :now, :text"
        " FROM transcripts AS t WHERE client = :client AND id = :id AND deleted IS NULL"
        " RETURNING number",
        fields,
    ).fetchone()
    if added is None:
        return "missing"
    fields |= {"number": added["number"], "most": MOST_VERSIONS}
    used = db.execute(
        "UPDATE transcripts SET version = :number"
        " WHERE client = :client AND id = :id AND version = :base",
        fields,
    )
    db.execute(
        "DELETE FROM versions AS v WHERE client = :client AND id = :id"
        " AND number <= :number - :most AND number != (SELECT version"
        " FROM transcripts AS t WHERE t.client = v.client AND t.id = v.id)",
        fields,
    )
    return "saved" if used.rowcount else "conflict"


def use(db: sqlite3.Connection, key: tuple[str, str], number: int) -> bool:
    """Use a version, and return whether there is one of this number."""
    fields = {"client": key[0], "id": key[1], "number": number}
    used = db.execute(
        "UPDATE transcripts SET version = :number"
        " WHERE client = :client AND id = :id AND deleted IS NULL AND (:number = 0 OR :number IN"
        " (SELECT number FROM versions WHERE client = :client AND id = :id))",
        fields,
    )
    return used.rowcount == 1


def read(db: sqlite3.Connection, key: tuple[str, str]) -> Versions | None:
    """Return the versions of a transcript, if there is one."""
    used = db.execute(
        "SELECT version, created FROM transcripts WHERE client = ? AND id = ? AND deleted IS NULL",
        key,
    ).fetchone()
    if used is None:
        return None
    rows = db.execute(
        "SELECT number, created FROM versions WHERE client = ? AND id = ? ORDER BY number", key
    ).fetchall()
    recognized = Version(number=0, created=used["created"])
    corrections = [Version.model_validate(dict(row)) for row in rows]
    return Versions(current=used["version"], versions=[recognized, *corrections])
