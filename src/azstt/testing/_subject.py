"""What is under test by the contract, and what any test of it asks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from azstt._audio_format import AudioFormat
from azstt._events import Ended, Event, Failed, Final, Started
from azstt._options import RecognitionOptions
from azstt.backends import Capabilities, RecognizerBackend, RecognizerSession

#: Seconds that any single step may take: far more than a healthy backend needs.
PATIENCE = 60.0
#: Seconds of audio a write.
PIECE = 0.1

#: Does something with a session, whose events so far are in the list.
Act: TypeAlias = Callable[[RecognizerSession, list[Event]], None]


@dataclass(frozen=True)
class Subject:
    """What is under test: a backend and the audio that it is tested with."""

    backend: RecognizerBackend
    audio: AudioFormat
    speech: bytes
    options: RecognitionOptions

    @property
    def able(self) -> Capabilities:
        return self.backend.capabilities

    def open(self, events: list[Event]) -> RecognizerSession:
        return self.backend.open(self.options, self.audio, events.append)

    def pieces(self, pcm: bytes) -> list[bytes]:
        step = self.audio.size(PIECE)
        return [pcm[i : i + step] for i in range(0, len(pcm), step)]

    def run(
        self, pcm: bytes, *, at: int = 0, prepare: Act | None = None, act: Act | None = None
    ) -> list[Event]:
        """Recognize ``pcm`` from start to close; prepare before, and act after ``at`` bytes."""
        events: list[Event] = []
        session = self.open(events)
        try:
            if prepare is not None:
                prepare(session, events)
            session.start()
            self.write(session, pcm[:at])
            if act is not None:
                act(session, events)
            self.write(session, pcm[at:])
            session.finish()
            until(lambda: is_over(events), "finish() was not followed by Ended or Failed")
        finally:
            session.close()
        return events

    def write(self, session: RecognizerSession, pcm: bytes) -> None:
        for piece in self.pieces(pcm):
            session.write(piece)

    def silence(self, seconds: float) -> bytes:
        return bytes(self.audio.size(seconds))


def check_order(events: list[Event]) -> None:
    """Started, then anything, then one last word."""
    kinds = [event.kind for event in events]
    require(isinstance(events[0], Started), f"the first event is not Started: {kinds}")
    last = [kind for kind in kinds if kind in {"ended", "failed"}]
    require(len(last) == 1 and is_over(events), f"not exactly one Ended, at the end: {kinds}")


def check_end(events: list[Event], length: float) -> None:
    """The session ended well and has dealt with all of the audio."""
    last = events[-1]
    require(isinstance(last, Ended), f"the session failed: {last!r}")
    position = last.position if isinstance(last, Ended) else 0.0
    require(
        abs(position - length) <= PIECE, f"Ended(position={position}) after {length} s of audio"
    )


def check_finals(events: list[Event], length: float) -> None:
    """Finals are in order and within the audio, and words within their finals."""
    segments = [event.segment for event in events if isinstance(event, Final)]
    starts = [segment.start for segment in segments]
    require(starts == sorted(starts), f"finals are out of order: they start at {starts}")
    for segment in segments:
        require(
            segment.end <= length + PIECE,
            f"a final ends at {segment.end} s, after the audio ({length} s)",
        )
        for word in segment.words:
            require(
                segment.start - PIECE <= word.start and word.end <= segment.end + PIECE,
                f"a word at {word.start} to {word.end} s lies outside its segment "
                f"({segment.start} to {segment.end} s)",
            )


def is_over(events: list[Event]) -> bool:
    return bool(events) and isinstance(events[-1], Ended | Failed)


def text_of(events: list[Event]) -> str:
    return " ".join(event.segment.text for event in events if isinstance(event, Final))


def until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        require(time.monotonic() < deadline, complaint)
        time.sleep(0.01)


def require(condition: bool, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)
