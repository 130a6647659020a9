"""The port's contract as a test that any backend can run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._events import Event, Failed
from azstt._options import RecognitionOptions
from azstt.backends import RecognizerBackend, resolve
from azstt.testing._live_contract import calls, commits, takes_a_hook, updates
from azstt.testing._subject import (
    Subject,
    check_end,
    check_finals,
    check_order,
    require,
    text_of,
    until,
)


def check_backend(
    backend: str | RecognizerBackend,
    *,
    speech: bytes = b"",
    options: RecognitionOptions | None = None,
) -> None:
    """Hold a backend against the contract of `RecognizerBackend`.

    It opens about a dozen sessions, in turn and at once. What its capabilities claim of commits,
    updates and reconnections is checked too.

    Args:
        backend: the backend, or the name that it is registered under.
        speech: a few seconds of PCM in which it must hear words: mono, 16-bit, at the first of
            its ``capabilities.sample_rates``. Without it only what needs no words is checked.
        options: what to ask of it.

    Raises:
        AssertionError: says which rule is broken, and how.
    """
    backend = resolve(backend)
    subject = Subject(
        backend=backend,
        audio=AudioFormat(sample_rate=backend.capabilities.sample_rates[0]),
        speech=speech,
        options=options or RecognitionOptions(),
    )
    before = threading.active_count()
    for check in _CHECKS:
        check(subject)
    until(
        lambda: threading.active_count() <= before,
        f"threads are left behind: {[thread.name for thread in threading.enumerate()]}",
    )


def _names_itself(subject: Subject) -> None:
    require(bool(subject.backend.name), "the backend has no name")


def _hears_speech(subject: Subject) -> None:
    if not subject.speech:
        return
    events = subject.run(subject.speech)
    check_order(events)
    length = subject.audio.seconds(len(subject.speech))
    check_end(events, length)
    require(bool(text_of(events)), "no words were heard in the speech")
    check_finals(events, length)


def _accounts_for_silence(subject: Subject) -> None:
    events = subject.run(subject.silence(2.0))
    check_order(events)
    check_end(events, 2.0)


def _takes_no_audio_at_all(subject: Subject) -> None:
    events = subject.run(b"")
    check_order(events)
    check_end(events, 0.0)


def _refuses_audio_after_finish(subject: Subject) -> None:
    session = subject.open([])
    try:
        session.start()
        session.finish()
        for name, call in calls(subject, session).items():
            try:
                call()
            except SessionStateError:
                continue
            raise AssertionError(f"a {name} after finish() did not raise SessionStateError")
    finally:
        session.close()


def _is_silent_once_closed(subject: Subject) -> None:
    events: list[Event] = []
    session = subject.open(events)
    session.start()
    for piece in subject.pieces(subject.speech or subject.silence(1.0)):
        session.write(piece)
    session.close()
    said = len(events)
    session.close()
    for call in calls(subject, session).values():
        call()
    time.sleep(0.3)
    require(len(events) == said, f"{len(events) - said} events came after close()")
    require(not any(isinstance(event, Failed) for event in events), "close() is not a failure")


def _close_frees_a_blocked_write(subject: Subject) -> None:
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
    until(lambda: not writer.is_alive(), "a write was still blocked after close()")


def _runs_sessions_at_once(subject: Subject) -> None:
    pcm = subject.speech or subject.silence(1.0)
    alone = text_of(subject.run(pcm))
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda: results.append(text_of(subject.run(pcm))), daemon=True)
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    until(lambda: not any(thread.is_alive() for thread in threads), "three at once take too long")
    require(results == [alone] * 3, "three sessions at once did not hear what one alone hears")


_CHECKS: tuple[Callable[[Subject], None], ...] = (
    _names_itself,
    _hears_speech,
    _accounts_for_silence,
    _takes_no_audio_at_all,
    _refuses_audio_after_finish,
    _is_silent_once_closed,
    _close_frees_a_blocked_write,
    _runs_sessions_at_once,
    commits,
    updates,
    takes_a_hook,
)
