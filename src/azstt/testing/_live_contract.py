"""The part of the contract that live sessions need: commits, updates, reconnections."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from azstt._events import Event, Final
from azstt.backends import (
    CommittingSession,
    RecognizerSession,
    ReconnectHook,
    ReconnectingSession,
    UpdatingSession,
)
from azstt.testing._subject import (
    PIECE,
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
    """Give the calls that belong between start and finish."""
    made: dict[str, Callable[[], None]] = {"write": lambda: session.write(subject.silence(PIECE))}
    if subject.able.commits:
        made["commit"] = _committing(session).commit
    if subject.able.updates:
        made["update"] = lambda: _updating(session).update(subject.options)
    return made


def commits(subject: Subject) -> None:
    """What was said so far becomes a final without any more audio; then the session goes on."""
    if not subject.able.commits:
        return

    def commit(session: RecognizerSession, events: list[Event]) -> None:
        _committing(session).commit()
        if subject.speech:
            until(
                lambda: bool(text_of(events)),
                "commit() in the middle of speech gave no Final of it",
            )
        _committing(session).commit()  # nothing was written since

    _goes_on_after(commit, subject)


def updates(subject: Subject) -> None:
    """Other options take nothing from the audio around them."""
    if not subject.able.updates:
        return
    phrases = {"phrases": ("azstt",)} if "phrases" in subject.able.updates else {}
    asked = subject.options.model_copy(update=phrases)
    _goes_on_after(lambda session, _: _updating(session).update(asked), subject)


def takes_a_hook(subject: Subject) -> None:
    """A hook that nobody has to be asked changes nothing."""
    if not subject.able.reconnects:
        return
    events = subject.run(b"", prepare=lambda session, _: _hook_of(session)(lambda _: None))
    check_order(events)
    check_end(events, 0.0)


def _goes_on_after(act: Act, subject: Subject) -> None:
    """Act in the middle of the first words; all else is as ever."""
    pcm = subject.speech or subject.silence(2.0)
    said = [e.segment for e in subject.run(pcm) if isinstance(e, Final) and e.segment.text]
    middle = (said[0].start + said[0].end) / 2 if said else 1.0
    events = subject.run(pcm, at=subject.audio.size(middle), act=act)
    length = subject.audio.seconds(len(pcm))
    check_order(events)
    check_end(events, length)
    check_finals(events, length)
    finals = [e.segment for e in events if isinstance(e, Final) and e.segment.text]
    for before, after in pairwise(finals):
        require(
            before.end <= after.start + PIECE,
            f"a final from {after.start} s on says again what one up to {before.end} s has said",
        )


def _committing(session: RecognizerSession) -> CommittingSession:
    if isinstance(session, CommittingSession):
        return session
    raise AssertionError("it claims to commit, but its sessions have no commit()")


def _updating(session: RecognizerSession) -> UpdatingSession:
    if isinstance(session, UpdatingSession):
        return session
    raise AssertionError("it claims to update, but its sessions have no update()")


def _hook_of(session: RecognizerSession) -> Callable[[ReconnectHook], None]:
    if isinstance(session, ReconnectingSession):
        return session.on_reconnect
    raise AssertionError("it claims to reconnect, but its sessions have no on_reconnect()")
