"""The contract of `RecognizerBackend`, as a test for any backend."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from azstt._audio_format import AudioFormat
from azstt._errors import SessionStateError
from azstt._events import Event, Failed
from azstt._options import RecognitionOptions
from azstt.backends import RecognizerBackend, resolve
from azstt.testing._live_contract import accepts_a_hook, calls, commits, updates
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
    """Check that a backend keeps the contract of `RecognizerBackend`.

    Opens about a dozen sessions, one after another and concurrently. Commits, updates and
    reconnections are checked if the backend's capabilities claim them.

    Args:
        backend: a backend, or the name under which one is registered.
        speech: a few seconds of PCM in which it must recognize words: mono, 16-bit, at the first
            of its ``capabilities.sample_rates``. Without it, only the rules that need no words
            are checked.
        options: the options of every session; the defaults if None.

    Raises:
        AssertionError: a rule is broken; the message says which, and how.
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
        f"threads were left behind: {[thread.name for thread in threading.enumerate()]}",
    )


def _has_a_name(subject: Subject) -> None:
    require(bool(subject.backend.name), "the backend has no name")


def _recognizes_speech(subject: Subject) -> None:
    if not subject.speech:
        return
    events = subject.run(subject.speech)
    check_order(events)
    length = subject.audio.seconds(len(subject.speech))
    check_end(events, length)
    require(bool(text_of(events)), "no words were recognized in the speech")
    check_finals(events, length)


def _accounts_for_silence(subject: Subject) -> None:
    events = subject.run(subject.silence(2.0))
    check_order(events)
    check_end(events, 2.0)


def _accepts_no_audio_at_all(subject: Subject) -> None:
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
            raise AssertionError(f"{name}() after finish() did not raise SessionStateError")
    finally:
        session.close()


def _emits_nothing_once_closed(subject: Subject) -> None:
    events: list[Event] = []
    session = subject.open(events)
    session.start()
    for chunk in subject.chunks(subject.speech or subject.silence(1.0)):
        session.write(chunk)
    session.close()
    before = len(events)
    session.close()
    for call in calls(subject, session).values():
        call()
    time.sleep(0.3)
    require(len(events) == before, f"{len(events) - before} events were emitted after close()")
    failed = any(isinstance(event, Failed) for event in events)
    require(not failed, "close() emitted Failed; closing a session is not a failure")


def _close_unblocks_write(subject: Subject) -> None:
    session = subject.open([])
    session.start()
    stop = threading.Event()

    def write_forever() -> None:
        chunk = subject.speech or subject.silence(1.0)
        while not stop.is_set():
            session.write(chunk)

    writer = threading.Thread(target=write_forever, daemon=True)
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
    until(
        lambda: not any(thread.is_alive() for thread in threads),
        "three sessions at once took too long",
    )
    require(results == [alone] * 3, "three sessions at once did not recognize what one alone does")


_CHECKS: tuple[Callable[[Subject], None], ...] = (
    _has_a_name,
    _recognizes_speech,
    _accounts_for_silence,
    _accepts_no_audio_at_all,
    _refuses_audio_after_finish,
    _emits_nothing_once_closed,
    _close_unblocks_write,
    _runs_sessions_at_once,
    commits,
    updates,
    accepts_a_hook,
)
