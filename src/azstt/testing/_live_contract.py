"""The part of the contract for live sessions: commits, updates, reconnections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from azstt._events import Committed, Event, Final
from azstt.backends import (
    CommittingSession,
    RecognizerSession,
    ReconnectHook,
    ReconnectingSession,
    UpdatingSession,
)
from azstt.testing._subject import (
    CHUNK,
    Act,
    Subject,
    check_end,
    check_finals,
    check_order,
    require,
    text_of,
    until,
)


def calls(subject: Subject, session: RecognizerSession) -> dict[str, Callable[[], None]]:
    """Return the calls that belong between start and finish, by name."""
    found: dict[str, Callable[[], None]] = {"write": lambda: session.write(subject.silence(CHUNK))}
    if subject.capabilities.commits:
        found["commit"] = _committing(session).commit
    if subject.capabilities.updates:
        found["update"] = lambda: _updating(session).update(subject.options)
    return found


def commits(subject: Subject) -> None:
    """A commit makes a final of the audio so far, without further audio; the session goes on."""
    if not subject.capabilities.commits:
        return

    def commit(session: RecognizerSession, events: list[Event]) -> None:
        for number in (1, 2):  # nothing is written in between
            _committing(session).commit()
            until(
                partial(_has_answers, events, number),
                f"commit() number {number} was not answered by one Committed",
            )
        require(
            not subject.speech or bool(text_of(events)),
            "commit() in the middle of speech was not followed by a Final before Committed",
        )

    events, written = _continues_after(commit, subject)
    places = [event.at for event in _committed(events)]
    require(
        len(places) == 2 and all(abs(at - written) <= CHUNK for at in places),  # noqa: PLR2004
        f"two commits after {written} s of audio were answered by Committed at {places}",
    )


def updates(subject: Subject) -> None:
    """An update of the options loses no audio."""
    if not subject.capabilities.updates:
        return
    phrases = {"phrases": ("azstt",)} if "phrases" in subject.capabilities.updates else {}
    changed = subject.options.model_copy(update=phrases)
    _continues_after(lambda session, _: _updating(session).update(changed), subject)


def accepts_a_hook(subject: Subject) -> None:
    """A hook changes nothing while there is no need to reconnect."""
    if not subject.capabilities.reconnects:
        return
    events = subject.run(b"", prepare=lambda session, _: _hook_of(session)(lambda _: None))
    check_order(events)
    check_end(events, 0.0)


def _continues_after(act: Act, subject: Subject) -> tuple[list[Event], float]:
    """Act in the middle of the first words; the session must be as correct as without it.

    Returns:
        the events, and how many seconds of audio were written before.
    """
    pcm = subject.speech or subject.silence(2.0)
    spoken = [e.segment for e in subject.run(pcm) if isinstance(e, Final) and e.segment.text]
    middle = (spoken[0].start + spoken[0].end) / 2 if spoken else 1.0
    events = subject.run(pcm, at=subject.audio.size(middle), act=act)
    length = subject.audio.seconds(len(pcm))
    check_order(events)
    check_end(events, length)
    check_finals(events, length)
    finals = [e.segment for e in events if isinstance(e, Final) and e.segment.text]
    for before, after in pairwise(finals):
        require(
            before.end <= after.start + CHUNK,
            f"the final at {after.start} s repeats audio of the final that ends at {before.end} s",
        )
    return events, middle


def _has_answers(events: list[Event], number: int) -> bool:
    return len(_committed(events)) == number


def _committed(events: list[Event]) -> list[Committed]:
    return [event for event in events if isinstance(event, Committed)]


def _committing(session: RecognizerSession) -> CommittingSession:
    if isinstance(session, CommittingSession):
        return session
    raise AssertionError("capabilities.commits is true, but the sessions have no commit()")


def _updating(session: RecognizerSession) -> UpdatingSession:
    if isinstance(session, UpdatingSession):
        return session
    raise AssertionError("capabilities.updates is not empty, but the sessions have no update()")


def _hook_of(session: RecognizerSession) -> Callable[[ReconnectHook], None]:
    if isinstance(session, ReconnectingSession):
        return session.on_reconnect
    raise AssertionError("capabilities.reconnects is true, but the sessions have no on_reconnect()")
