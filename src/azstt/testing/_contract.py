"""The port's contract as a test that any backend can run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._events import Ended, Event, Failed, Final, Started
from azstt._options import RecognitionOptions
from azstt.backends import RecognizerBackend, RecognizerSession, resolve

#: Seconds that any single step may take: far more than a healthy backend needs.
PATIENCE = 60.0
#: Seconds of audio a write.
PIECE = 0.1


@dataclass(frozen=True)
class _Subject:
    """What is under test: a backend and the audio that it is tested with."""

    backend: RecognizerBackend
    audio: AudioFormat
    speech: bytes
    options: RecognitionOptions

    def open(self, events: list[Event]) -> RecognizerSession:
        return self.backend.open(self.options, self.audio, events.append)

    def pieces(self, pcm: bytes) -> list[bytes]:
        step = self.audio.size(PIECE)
        return [pcm[i : i + step] for i in range(0, len(pcm), step)]

    def run(self, pcm: bytes) -> list[Event]:
        """Recognise ``pcm`` from start to close."""
        events: list[Event] = []
        session = self.open(events)
        try:
            session.start()
            for piece in self.pieces(pcm):
                session.write(piece)
            session.finish()
            _until(lambda: _is_over(events), "finish() was not followed by Ended or Failed")
        finally:
            session.close()
        return events

    def silence(self, seconds: float) -> bytes:
        return bytes(self.audio.size(seconds))


def check_backend(
    backend: str | RecognizerBackend,
    *,
    speech: bytes = b"",
    options: RecognitionOptions | None = None,
) -> None:
    """Hold a backend against the contract of `RecognizerBackend`.

    It opens about ten sessions, in turn and at once.

    Args:
        backend: the backend, or the name that it is registered under.
        speech: a few seconds of PCM in which it must hear words: mono, 16-bit, at the first of
            its ``capabilities.sample_rates``. Without it only what needs no words is checked.
        options: what to ask of it.

    Raises:
        AssertionError: says which rule is broken, and how.
    """
    backend = resolve(backend)
    subject = _Subject(
        backend=backend,
        audio=AudioFormat(sample_rate=backend.capabilities.sample_rates[0]),
        speech=speech,
        options=options or RecognitionOptions(),
    )
    before = threading.active_count()
    for check in _CHECKS:
        check(subject)
    _until(
        lambda: threading.active_count() <= before,
        f"threads are left behind: {[thread.name for thread in threading.enumerate()]}",
    )


def _names_itself(subject: _Subject) -> None:
    _require(bool(subject.backend.name), "the backend has no name")


def _hears_speech(subject: _Subject) -> None:
    if not subject.speech:
        return
    events = subject.run(subject.speech)
    _check_order(events)
    length = subject.audio.seconds(len(subject.speech))
    _check_end(events, length)
    segments = [event.segment for event in events if isinstance(event, Final)]
    _require(any(segment.text for segment in segments), "no words were heard in the speech")
    starts = [segment.start for segment in segments]
    _require(starts == sorted(starts), f"finals are out of order: they start at {starts}")
    for segment in segments:
        _require(
            segment.end <= length + PIECE,
            f"a final ends at {segment.end} s, after the audio ({length} s)",
        )
        for word in segment.words:
            _require(
                segment.start - PIECE <= word.start and word.end <= segment.end + PIECE,
                f"a word at {word.start} to {word.end} s lies outside its segment "
                f"({segment.start} to {segment.end} s)",
            )


def _accounts_for_silence(subject: _Subject) -> None:
    events = subject.run(subject.silence(2.0))
    _check_order(events)
    _check_end(events, 2.0)


def _takes_no_audio_at_all(subject: _Subject) -> None:
    events = subject.run(b"")
    _check_order(events)
    _check_end(events, 0.0)


def _refuses_audio_after_finish(subject: _Subject) -> None:
    session = subject.open([])
    try:
        session.start()
        session.finish()
        try:
            session.write(subject.silence(PIECE))
        except SessionStateError:
            return
        raise AssertionError("a write after finish() did not raise SessionStateError")
    finally:
        session.close()


def _is_silent_once_closed(subject: _Subject) -> None:
    events: list[Event] = []
    session = subject.open(events)
    session.start()
    for piece in subject.pieces(subject.speech or subject.silence(1.0)):
        session.write(piece)
    session.close()
    said = len(events)
    session.close()
    session.write(subject.silence(PIECE))
    time.sleep(0.3)
    _require(len(events) == said, f"{len(events) - said} events came after close()")
    _require(not any(isinstance(event, Failed) for event in events), "close() is not a failure")


def _close_frees_a_blocked_write(subject: _Subject) -> None:
    session = subject.open([])
    session.start()
    stop = threading.Event()

    def write_for_ever() -> None:
        piece = subject.speech or subject.silence(1.0)
        while not stop.is_set():
            session.write(piece)

    writer = threading.Thread(target=write_for_ever, daemon=True)
    writer.start()
    time.sleep(0.5)
    session.close()
    stop.set()
    writer.join(PATIENCE)
    _require(not writer.is_alive(), "a write was still blocked after close()")


def _runs_sessions_at_once(subject: _Subject) -> None:
    pcm = subject.speech or subject.silence(1.0)
    alone = _text(subject.run(pcm))
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(_text(subject.run(pcm))), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    _require(results == [alone] * 3, "three sessions at once did not hear what one alone hears")


_CHECKS: tuple[Callable[[_Subject], None], ...] = (
    _names_itself,
    _hears_speech,
    _accounts_for_silence,
    _takes_no_audio_at_all,
    _refuses_audio_after_finish,
    _is_silent_once_closed,
    _close_frees_a_blocked_write,
    _runs_sessions_at_once,
)


def _check_order(events: list[Event]) -> None:
    """Started, then anything, then one last word."""
    kinds = [event.kind for event in events]
    _require(isinstance(events[0], Started), f"the first event is not Started: {kinds}")
    last = [kind for kind in kinds if kind in {"ended", "failed"}]
    _require(len(last) == 1 and _is_over(events), f"not exactly one Ended, at the end: {kinds}")


def _check_end(events: list[Event], length: float) -> None:
    """The session ended well and has dealt with all of the audio."""
    last = events[-1]
    _require(isinstance(last, Ended), f"the session failed: {last!r}")
    position = last.position if isinstance(last, Ended) else 0.0
    _require(
        abs(position - length) <= PIECE, f"Ended(position={position}) after {length} s of audio"
    )


def _is_over(events: list[Event]) -> bool:
    return bool(events) and isinstance(events[-1], Ended | Failed)


def _text(events: list[Event]) -> str:
    return " ".join(event.segment.text for event in events if isinstance(event, Final))


def _until(condition: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        _require(time.monotonic() < deadline, complaint)
        time.sleep(0.01)


def _require(condition: bool, complaint: str) -> None:
    if not condition:
        raise AssertionError(complaint)
