"""The backend under test, and the checks that the contract's rules share."""

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
STEP_TIMEOUT = 60.0
#: Seconds of audio per write; also the tolerance of times.
CHUNK = 0.1

#: Acts on a session; the list holds the events so far.
Act: TypeAlias = Callable[[RecognizerSession, list[Event]], None]


@dataclass(frozen=True)
class Subject:
    """The backend under test, with the audio and the options to test it with."""

    backend: RecognizerBackend
    audio: AudioFormat
    speech: bytes
    options: RecognitionOptions

    @property
    def capabilities(self) -> Capabilities:
        return self.backend.capabilities

    def open(self, events: list[Event]) -> RecognizerSession:
        return self.backend.open(self.options, self.audio, events.append)

    def chunks(self, pcm: bytes) -> list[bytes]:
        step = self.audio.size(CHUNK)
        return [pcm[i : i + step] for i in range(0, len(pcm), step)]

    def run(
        self, pcm: bytes, *, at: int = 0, prepare: Act | None = None, act: Act | None = None
    ) -> list[Event]:
        """Recognize ``pcm`` from start to close; return the events.

        ``prepare`` is called before the start, ``act`` after ``at`` bytes.
        """
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
        for chunk in self.chunks(pcm):
            session.write(chunk)

    def silence(self, seconds: float) -> bytes:
        return bytes(self.audio.size(seconds))


def check_order(events: list[Event]) -> None:
    """Check that Started is the first event, and one Ended or Failed the last."""
    kinds = [event.kind for event in events]
    require(isinstance(events[0], Started), f"the first event is not Started: {kinds}")
    last = [kind for kind in kinds if kind in {"ended", "failed"}]
    require(len(last) == 1 and is_over(events), f"not exactly one Ended, at the end: {kinds}")


def check_end(events: list[Event], length: float) -> None:
    """Check that the session ended without a failure, at the end of the audio."""
    last = events[-1]
    require(isinstance(last, Ended), f"the session failed: {last!r}")
    position = last.position if isinstance(last, Ended) else 0.0
    require(
        abs(position - length) <= CHUNK, f"Ended(position={position}) after {length} s of audio"
    )


def check_finals(events: list[Event], length: float) -> None:
    """Check that finals are in order and within the audio, and words within their finals."""
    segments = [event.segment for event in events if isinstance(event, Final)]
    starts = [segment.start for segment in segments]
    require(starts == sorted(starts), f"finals are out of order: they start at {starts}")
    for segment in segments:
        require(
            segment.end <= length + CHUNK,
            f"a final ends at {segment.end} s, after the audio ({length} s)",
        )
        for word in segment.words:
            require(
                segment.start - CHUNK <= word.start and word.end <= segment.end + CHUNK,
                f"a word at {word.start} to {word.end} s lies outside its segment "
                f"({segment.start} to {segment.end} s)",
            )
            require(
                word.text_offset is None
                or segment.text.startswith(word.text.strip(), word.text_offset),
                f"text_offset={word.text_offset} is not where the word is in its segment",
            )


def is_over(events: list[Event]) -> bool:
    return bool(events) and isinstance(events[-1], Ended | Failed)


def text_of(events: list[Event]) -> str:
    return " ".join(event.segment.text for event in events if isinstance(event, Final))


def until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + STEP_TIMEOUT
    while not condition():
        require(time.monotonic() < deadline, complaint)
        time.sleep(0.01)


def require(condition: bool, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)
