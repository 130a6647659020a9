from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from azstt import (
    AudioFormat,
    Committed,
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
    """A session that keeps the rules; each class below breaks one."""

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

    def recognize(self, seconds: float) -> None:
        if seconds:
            self.emit(Final(segment=Segment(text="x", start=0, end=seconds)))

    def finish(self) -> None:
        self.finished = True
        seconds = AudioFormat().seconds(self.size)
        self.recognize(seconds)
        self.emit(Ended(position=seconds))

    def close(self) -> None:
        self.closed = True


class Backend:
    """Opens sessions of one class."""

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


class RecognizesNothing(Session):
    def recognize(self, seconds):
        pass


class RunsOver(Session):
    def recognize(self, seconds):
        super().recognize(seconds + 5)


class MixesOrder(Session):
    def recognize(self, seconds):
        self.emit(Final(segment=Segment(text="b", start=0.5, end=seconds)))
        self.emit(Final(segment=Segment(text="a", start=0.0, end=0.5)))


class MisplacesWords(Session):
    def recognize(self, seconds):
        word = Word(text="x", start=0, end=seconds)
        segment = Segment(text="x", start=seconds / 2, end=seconds, words=(word,))
        self.emit(Final(segment=segment))


class PointsElsewhere(Session):
    def recognize(self, seconds):
        word = Word(text="x", start=0, end=seconds, text_offset=1)
        self.emit(Final(segment=Segment(text="x x", start=0, end=seconds, words=(word,))))


class WritesAfterFinish(Session):
    def write(self, pcm):
        self.size += len(pcm)


class EmitsAfterClose(Session):
    def close(self):
        if not self.closed:
            threading.Timer(0.05, self.emit, [Ended(position=0)]).start()
        super().close()


class FailsOnClose(Session):
    def close(self):
        if not self.finished and not self.closed:
            self.emit(Failed(error=ServiceError("closed")))
        super().close()


class BlocksForever(Session):
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

    def recognize(self, seconds):
        type(self).seen += 1
        self.emit(Final(segment=Segment(text=str(self.seen), start=0, end=seconds)))


class Commits(Session):
    """A session with every live feature; each class below breaks one rule."""

    committed = 0.0

    def commit(self):
        if self.finished:
            raise SessionStateError("too late")
        seconds = AudioFormat().seconds(self.size)
        if seconds > self.committed and not self.closed:
            self.emit(Final(segment=Segment(text="x", start=self.committed, end=seconds)))
            self.committed = seconds
        if not self.closed:
            self.emit(Committed(at=seconds))

    def recognize(self, seconds):
        self.commit_rest(seconds)

    def commit_rest(self, seconds):
        if seconds > self.committed:
            self.emit(Final(segment=Segment(text="x", start=self.committed, end=seconds)))

    def update(self, options):
        if self.finished:
            raise SessionStateError("too late")

    def on_reconnect(self, hook):
        pass


class IgnoresCommits(Commits):
    def commit(self):
        if self.finished:
            raise SessionStateError("too late")


class SaysNothingOfAnEmptyCommit(Commits):
    def commit(self):
        seconds = AudioFormat().seconds(self.size)
        if seconds > self.committed or self.finished:
            super().commit()


class AnswersBeforeTheFinal(Commits):
    def commit(self):
        if self.finished:
            raise SessionStateError("too late")
        if not self.closed:
            self.emit(Committed(at=AudioFormat().seconds(self.size)))


class AnswersAtAnotherPlace(Commits):
    def commit(self):
        emit, self.emit = self.emit, lambda e: emit(Committed(at=9) if e.kind == "committed" else e)
        super().commit()
        self.emit = emit


class EndsWithACommit(Commits):
    def commit(self):
        super().commit()
        if not self.closed:
            self.emit(Ended(position=0))


class RepeatsEverythingAfterACommit(Commits):
    def commit_rest(self, seconds):
        self.committed = 0.0
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
        (Session, "commits", "capabilities.commits is true, but"),
        (Session, "updates", "capabilities.updates is not empty, but"),
        (Session, "reconnects", "capabilities.reconnects is true, but"),
        (IgnoresCommits, "commits", "number 1 was not answered by one Committed"),
        (SaysNothingOfAnEmptyCommit, "commits", "number 2 was not answered by one Committed"),
        (AnswersBeforeTheFinal, "commits", "was not followed by a Final before Committed"),
        (AnswersAtAnotherPlace, "commits", "after 0.5 s of audio were answered by Committed at"),
        (EndsWithACommit, "commits", "not exactly one Ended"),
        (RepeatsEverythingAfterACommit, "commits", "the final at 0.0 s repeats audio"),
        (CommitsAfterFinish, "commits", "commit\\(\\) after finish\\(\\) did not raise"),
        (UpdatesAfterFinish, "updates", "update\\(\\) after finish\\(\\) did not raise"),
        (LosesWhatCameBeforeAnUpdate, "updates", "after 1.0 s of audio"),
    ],
)
def test_a_broken_claim_is_reported(session, claims, complaint, monkeypatch):
    """A backend that claims commits, updates or reconnections must keep their rules too."""
    monkeypatch.setattr(_subject, "STEP_TIMEOUT", 0.5)
    with pytest.raises(AssertionError, match=complaint):
        check_backend(Backend(session, **CLAIMS[claims]), speech=SPEECH)


def test_a_backend_that_keeps_every_claim_passes():
    """A backend with every live feature passes, with speech or without."""
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
        (RecognizesNothing, "no words were recognized"),
        (RunsOver, "after the audio"),
        (MixesOrder, "out of order"),
        (MisplacesWords, "outside its segment"),
        (PointsElsewhere, "text_offset=1 is not where the word is"),
        (WritesAfterFinish, "did not raise SessionStateError"),
        (EmitsAfterClose, "events were emitted after close"),
        (FailsOnClose, "closing a session is not a failure"),
        (BlocksForever, "still blocked after close"),
        (LeavesAThread, "threads were left behind"),
        (SharesState, "did not recognize what one alone does"),
    ],
)
def test_a_broken_rule_is_reported(session, complaint, monkeypatch):
    """The error says which rule of the contract a backend breaks, and how."""
    monkeypatch.setattr(_subject, "STEP_TIMEOUT", 0.5)
    with pytest.raises(AssertionError, match=complaint):
        check_backend(Backend(session), speech=SPEECH)


def test_a_backend_that_keeps_the_rules_passes():
    """A plain backend without optional features passes, with speech or without."""
    check_backend(Backend(Session), speech=SPEECH)
    check_backend(Backend(Session))
