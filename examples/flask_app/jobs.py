"""Transcripts in progress: each can be watched, by any page of its browser, until it is over."""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Condition
from typing import Protocol, TypeAlias

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

import azstt

from .parts import DISCONNECTED, RESTARTED, Part, assembled, joined, moved
from .security import client_id
from .slots import LimitReachedError, Slots
from .store import UNFINISHED, Kind, Start, State, Store

_log = logging.getLogger(__name__)

#: The owner of a transcript, and its ID.
Key: TypeAlias = tuple[str, str]

#: What a page learns of a bug.
INTERNAL = "internal server error; see the server's log"
#: Seconds that a request waits for news.
_LONG_POLL = 15.0


class Line(BaseModel):
    """A segment as the page shows it."""

    start: float
    speaker: str | None
    text: str

    @classmethod
    def of(cls, segment: azstt.Segment) -> Line:
        """Return what is shown of a segment."""
        return cls(start=segment.start, speaker=segment.speaker, text=segment.text)


class Snapshot(BaseModel):
    """The progress of a transcript.

    Attributes:
        version: changes with everything else.
        kind: how it is made.
        received: of an upload, bytes received, out of `size`.
        decoded: seconds decoded, out of `total` if the container states it.
        recognized: seconds recognized.
        offset: of a live transcript that goes on in a new session, seconds before that.
        segments: the segments so far, starting with the first one requested.
        partial: the hypothesis for the open segment.
        error: why it failed or was interrupted.
        retryable: whether the same recording may succeed later, if there was an error.
    """

    version: int = 0
    kind: Kind
    state: State
    received: int = 0
    size: int = 0
    decoded: float = 0
    recognized: float = 0
    total: float | None = None
    offset: float = 0
    segments: list[Line] = []
    partial: str = ""
    error: str | None = None
    retryable: bool = False


class Work(Protocol):
    """What makes a transcript."""

    @property
    def abandoned(self) -> bool:
        """Whether nothing comes from its page any more."""
        ...

    def stop(self) -> None:
        """End it now; its transcript is what was recognized."""
        ...


class Job:
    """A transcript in progress: stores what comes, and shows it to those who watch. Thread-safe.

    Args:
        store: where the transcript is stored already.
        key: its owner and its ID.
        now: the progress to begin with.
        earlier: what there is of it already, if it goes on after an interruption.
        then: called when it is over, before those who watch are told, with whether it is stored.
    """

    def __init__(
        self,
        store: Store,
        key: Key,
        now: Snapshot,
        *,
        earlier: azstt.Transcript | None,
        then: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._key = key
        self._now = now
        self._earlier = earlier
        self._then = then
        self._changed = Condition()

    @property
    def now(self) -> Snapshot:
        """The progress."""
        return self._now

    def watch(self, *, after: int, timeout: float) -> Snapshot:
        """Wait for another version than the one that the caller has, and return it."""
        with self._changed:
            self._changed.wait_for(lambda: self._now.version != after, timeout)
            return self._now

    def wait(self, timeout: float) -> None:
        """Wait until it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._now.state not in UNFINISHED, timeout)

    def update(self, **changes: object) -> None:
        """Show progress: fields of the snapshot."""
        with self._changed:
            if all(getattr(self._now, name) == value for name, value in changes.items()):
                return
            version = self._now.version + 1
            self._now = self._now.model_copy(update={"version": version, **changes})
            self._changed.notify_all()

    def advance(self, state: State) -> None:
        """Go on to another state."""
        self._keep(partial(self._store.advance, *self._key, state))
        self.update(state=state)

    def add(self, part: Part) -> None:
        """Store a segment or a gap of this session, and show it."""
        part = moved(part, self._now.offset)
        self._keep(partial(self._store.add, *self._key, part))
        if isinstance(part, azstt.Segment):
            self.update(segments=[*self._now.segments, Line.of(part)], partial="")

    def follow(self, event: azstt.Event) -> None:
        """Store or show what an event of this session says of the transcript."""
        match event:
            case azstt.Partial(text=text):
                self.update(partial=text)
            case azstt.Final(segment=segment) if segment.text:
                self.add(segment)
            case azstt.AudioGap(start=at, seconds=seconds, reason=reason):
                self.add(azstt.Gap(at=at, seconds=seconds, reason=reason, span=event.duration))
            case _:
                pass

    def end(
        self,
        transcript: azstt.Transcript | None = None,
        error: str | None = None,
        *,
        canceled: bool = False,
        retryable: bool = False,
    ) -> None:
        """Store how it ended.

        Args:
            transcript: the transcript of this session; None keeps the segments so far.
            error: why it failed.
            canceled: whether its user ended it before its end.
            retryable: whether the same recording may succeed later, if there was an error.
        """
        if transcript and self._earlier:
            transcript = joined(self._earlier, transcript)
        state: State = "canceled" if canceled else "error" if error else "done"
        end = partial(self._store.end, *self._key, state, transcript, error, retryable=retryable)
        stored = self._keep(end)
        if not stored:
            state, error, retryable = "error", INTERNAL, True
        self._over(stored, state=state, error=error, retryable=retryable)

    def discard(self, *, canceled: bool = False) -> None:
        """End it, and keep nothing of this session."""
        if self._earlier:
            self.end(canceled=canceled)
            return
        stored = self._keep(partial(self._store.remove, *self._key))
        self._over(stored, state="canceled" if canceled else "error")

    def _over(self, stored: bool, /, **how: object) -> None:
        self._then(stored)
        self.update(partial="", **how)

    def _keep(self, write: Callable[[], object]) -> bool:
        """Write to the store, and return whether that worked. The page still gets its text."""
        try:
            write()
        except sqlite3.Error:
            _log.exception("a transcript can't be stored")
            return False
        return True


@dataclass
class Jobs:
    """The transcripts in progress of all clients, and the route to watch them. Thread-safe."""

    store: Store
    slots: Slots
    _active: dict[Key, tuple[Job, Work]] = field(default_factory=dict[Key, tuple[Job, Work]])

    def blueprint(self) -> Blueprint:
        """Create the route."""
        blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")
        blueprint.get("/<id_>")(self._watch)
        return blueprint

    def begin(self, key: Key, work: Work, now: Snapshot, *, name: str, backend: str) -> Job:
        """Begin a transcript, or go on with a live one after an interruption.

        Args:
            key: its owner and its ID.
            work: what makes it.
            now: the progress to begin with.
            name: the name of the recording.
            backend: the name of the recognizer.

        Raises:
            LimitReachedError: this client, or all clients together, have too many in progress.
        """
        client, id_ = key
        try:
            self.slots.acquire(client)
        except LimitReachedError:
            if not self._stop_abandoned(client):
                raise
            self.slots.acquire(client)
        earlier = self._earlier(key, backend) if now.kind == "live" else None
        if earlier:
            shown = map(Line.of, earlier.segments)
            now = now.model_copy(update={"offset": earlier.duration, "segments": list(shown)})
        start = Start(
            client=client, id=id_, kind=now.kind, name=name, backend=backend, state=now.state
        )
        try:
            self.store.begin(start, earlier)
        except sqlite3.Error:
            self.slots.release(client)
            raise
        job = Job(self.store, key, now, earlier=earlier, then=partial(self._end, key))
        self._active[key] = job, work
        return job

    def _earlier(self, key: Key, backend: str) -> azstt.Transcript | None:
        """Return what there is of a transcript, up to now: the rest is missing."""
        saved = self.store.find(*key)
        if saved is None:
            return None
        now = max(saved.seconds, time.time() - saved.created)
        reason = RESTARTED if saved.state == "interrupted" else DISCONNECTED
        missing = azstt.Gap(at=saved.seconds, seconds=now - saved.seconds, reason=reason)
        known = [gap for gap in saved.transcript.ledger.gaps if gap.seconds is not None]
        return assembled(backend, [*saved.transcript.segments, *known, missing], now)

    def stop(self, key: Key) -> None:
        """Stop what is in progress under an ID, if anything is."""
        if active := self._active.get(key):
            active[1].stop()

    def _stop_abandoned(self, client: str) -> bool:
        """Stop what pages of this client have left, and return whether there was any."""
        own = [both for key, both in list(self._active.items()) if key[0] == client]
        left = [(job, work) for job, work in own if work.abandoned]
        for job, work in left:
            work.stop()
            job.wait(_LONG_POLL)
        return bool(left)

    def _end(self, key: Key, stored: bool, /) -> None:
        if stored:  # otherwise only the job itself can tell how it ended
            del self._active[key]
        self.slots.release(key[0])

    def _watch(self, id_: str) -> ResponseReturnValue:
        key = client_id(), id_
        after = request.args.get("after", type=int, default=-1)
        known = request.args.get("segments", type=int, default=0)
        active = self._active.get(key)
        now = active[0].watch(after=after, timeout=_LONG_POLL) if active else self._saved(key)
        return now.model_copy(update={"segments": now.segments[known:]}).model_dump()

    def _saved(self, key: Key) -> Snapshot:
        saved = self.store.find(*key)
        if saved is None:
            abort(404, "there is no such transcript; it may have been deleted")
        return Snapshot(
            kind=saved.kind,
            state=saved.state,
            segments=list(map(Line.of, saved.transcript.segments)),
            error=saved.error,
            retryable=saved.retryable,
        )
