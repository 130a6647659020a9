from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from azstt import AudioFormat, Ended, Failed, Final, Segment, ServiceError, Started, Word
from azstt.backends import Capabilities
from azstt.testing import _contract, check_backend

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
            raise _contract.SessionStateError("too late")
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
    capabilities = Capabilities()

    def __init__(self, session: type[Session]) -> None:
        self.session = session

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
    monkeypatch.setattr(_contract, "PATIENCE", 0.5)
    with pytest.raises(AssertionError, match=complaint):
        check_backend(Backend(session), speech=SPEECH)


def test_who_keeps_the_rules_passes():
    """The contract asks nothing that a plain backend can't give, with speech or without."""
    check_backend(Backend(Session), speech=SPEECH)
    check_backend(Backend(Session))
