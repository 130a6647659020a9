from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from azstt import (
    AudioFormat,
    Ended,
    Failed,
    Final,
    Segment,
    ServiceError,
    SessionStateError,
    Started,
    Word,
)
from azstt.backends import Capabilities
from azstt.testing import _subject, check_backend

SPEECH = bytes(AudioFormat().size(1.0))


class Session:
    """A session that keeps the rules; each rogue below breaks one."""

    def __init__(self, emit: Callable[[object], None]) -> None:
        self.emit = emit
        self.size = 0
        self.finished = self.closed = False

    def start(self) -> None:
        self.emit(Started())

    def write(self, pcm: bytes) -> None:
        if self.finished:
            raise SessionStateError("too late")
        self.size += len(pcm)

    def hear(self, seconds: float) -> None:
        if seconds:
            self.emit(Final(segment=Segment(text="x", start=0, end=seconds)))

    def finish(self) -> None:
        self.finished = True
        seconds = AudioFormat().seconds(self.size)
        self.hear(seconds)
        self.emit(Ended(position=seconds))

    def close(self) -> None:
        self.closed = True


class Backend:
    """Makes sessions of one class."""

    name = "rogue"

    def __init__(self, session: type[Session], **claims) -> None:
        self.session = session
        self.capabilities = Capabilities(**claims)

    def open(self, options, audio, emit):
        return self.session(emit)


class NeverStarts(Session):
    def start(self):
        pass


class EndsTwice(Session):
    def finish(self):
        super().finish()
        self.emit(Ended(position=0))


class ForgetsTheEnd(Session):
    def finish(self):
        pass


class LosesAudio(Session):
    def finish(self):
        self.size //= 2
        super().finish()


class Fails(Session):
    def finish(self):
        self.emit(Failed(error=ServiceError("on purpose")))


class IsDeaf(Session):
    def hear(self, seconds):
        pass


class RunsOver(Session):
    def hear(self, seconds):
        super().hear(seconds + 5)


class MixesOrder(Session):
    def hear(self, seconds):
        self.emit(Final(segment=Segment(text="b", start=0.5, end=seconds)))
        self.emit(Final(segment=Segment(text="a", start=0.0, end=0.5)))


class MisplacesWords(Session):
    def hear(self, seconds):
        word = Word(text="x", start=0, end=seconds)
        segment = Segment(text="x", start=seconds / 2, end=seconds, words=(word,))
        self.emit(Final(segment=segment))


class WritesAfterFinish(Session):
    def write(self, pcm):
        self.size += len(pcm)


class TalksAfterClose(Session):
    def close(self):
        if not self.closed:
            threading.Timer(0.05, self.emit, [Ended(position=0)]).start()
        super().close()


class FailsOnClose(Session):
    def close(self):
        if not self.finished and not self.closed:
            self.emit(Failed(error=ServiceError("closed")))
        super().close()


class BlocksForEver(Session):
    def write(self, pcm):
        super().write(pcm)
        if self.size > 10 * len(SPEECH):
            time.sleep(2)


class LeavesAThread(Session):
    def start(self):
        super().start()
        threading.Thread(target=time.sleep, args=[2], daemon=True).start()


class SharesState(Session):
    seen = 0

    def hear(self, seconds):
        type(self).seen += 1
        self.emit(Final(segment=Segment(text=str(self.seen), start=0, end=seconds)))


class Commits(Session):
    """One that can do all that a live session may want; each rogue below breaks one."""

    said = 0.0

    def commit(self):
        if self.finished:
            raise SessionStateError("too late")
        seconds = AudioFormat().seconds(self.size)
        if seconds > self.said and not self.closed:
            self.emit(Final(segment=Segment(text="x", start=self.said, end=seconds)))
            self.said = seconds

    def hear(self, seconds):
        self.commit_rest(seconds)

    def commit_rest(self, seconds):
        if seconds > self.said:
            self.emit(Final(segment=Segment(text="x", start=self.said, end=seconds)))

    def update(self, options):
        if self.finished:
            raise SessionStateError("too late")

    def on_reconnect(self, hook):
        pass


class IgnoresCommits(Commits):
    def commit(self):
        if self.finished:
            raise SessionStateError("too late")


class EndsWithACommit(Commits):
    def commit(self):
        super().commit()
        if not self.closed:
            self.emit(Ended(position=0))


class SaysAllAgainAfterACommit(Commits):
    def commit_rest(self, seconds):
        self.said = 0.0
        self.emit(Final(segment=Segment(text="y", start=0, end=seconds)))


class CommitsAfterFinish(Commits):
    def commit(self):
        pass


class UpdatesAfterFinish(Commits):
    def update(self, options):
        pass


class LosesWhatCameBeforeAnUpdate(Commits):
    def update(self, options):
        super().update(options)
        self.size = 0


CLAIMS = {"commits": {"commits": True}, "updates": {"updates": {"phrases"}}}
CLAIMS["reconnects"] = {"reconnects": True}


@pytest.mark.parametrize(
    ("session", "claims", "complaint"),
    [
        (Session, "commits", "claims to commit"),
        (Session, "updates", "claims to update"),
        (Session, "reconnects", "claims to reconnect"),
        (IgnoresCommits, "commits", "gave no Final of it"),
        (EndsWithACommit, "commits", "not exactly one Ended"),
        (SaysAllAgainAfterACommit, "commits", "from 0.0 s on says again"),
        (CommitsAfterFinish, "commits", "a commit after finish\\(\\) did not raise"),
        (UpdatesAfterFinish, "updates", "an? update after finish\\(\\) did not raise"),
        (LosesWhatCameBeforeAnUpdate, "updates", "after 1.0 s of audio"),
    ],
)
def test_a_broken_claim_is_named(session, claims, complaint, monkeypatch):
    """What capabilities claim beyond the rest is held to its own rules."""
    monkeypatch.setattr(_subject, "PATIENCE", 0.5)
    with pytest.raises(AssertionError, match=complaint):
        check_backend(Backend(session, **CLAIMS[claims]), speech=SPEECH)


def test_who_keeps_every_claim_passes():
    """With speech or without."""
    claims = CLAIMS["commits"] | CLAIMS["updates"] | CLAIMS["reconnects"]
    check_backend(Backend(Commits, **claims), speech=SPEECH)
    check_backend(Backend(Commits, **claims))


@pytest.mark.parametrize(
    ("session", "complaint"),
    [
        (NeverStarts, "the first event is not Started"),
        (EndsTwice, "not exactly one Ended"),
        (ForgetsTheEnd, "not followed by Ended or Failed"),
        (LosesAudio, "after 1.0 s of audio"),
        (Fails, "the session failed"),
        (IsDeaf, "no words were heard"),
        (RunsOver, "after the audio"),
        (MixesOrder, "out of order"),
        (MisplacesWords, "outside its segment"),
        (WritesAfterFinish, "did not raise SessionStateError"),
        (TalksAfterClose, "events came after close"),
        (FailsOnClose, "close\\(\\) is not a failure"),
        (BlocksForEver, "still blocked after close"),
        (LeavesAThread, "threads are left behind"),
        (SharesState, "did not hear what one alone hears"),
    ],
)
def test_a_broken_rule_is_named(session, complaint, monkeypatch):
    """Whoever breaks the contract learns which rule, and how."""
    monkeypatch.setattr(_subject, "PATIENCE", 0.5)
    with pytest.raises(AssertionError, match=complaint):
        check_backend(Backend(session), speech=SPEECH)


def test_who_keeps_the_rules_passes():
    """The contract asks nothing that a plain backend can't give, with speech or without."""
    check_backend(Backend(Session), speech=SPEECH)
    check_backend(Backend(Session))
