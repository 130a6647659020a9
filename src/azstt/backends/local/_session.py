"""A session of the embedded recognizer: audio in, events out, decoding in shared threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from threading import Condition
from time import perf_counter
from typing import TYPE_CHECKING

from azstt._errors import RecognitionError, ServiceError, SessionStateError
from azstt._events import Ended, Failed, Final, Partial, SpeechEnded, SpeechStarted, Started
from azstt._result import Segment
from azstt._threads import exit as exits
from azstt.backends._base import Emit
from azstt.backends.local._listener import Speech, VadSegmenter, silero
from azstt.backends.local._pool import WorkerPool, pools
from azstt.backends.local._segmenter import VadParameters
from azstt.backends.local._utterance import CancelledError, Utterance

if TYPE_CHECKING:
    from azstt.backends.local._recognizer import Recognizer

#: Utterances that may wait, on top of one a worker: what bounds the memory.
_SPARE = 2
#: Seconds of speech between two partials, and the least multiple of the last one's cost.
_PARTIAL_EVERY = 1.0
_PARTIAL_PAUSE = 2.0


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a session works.

    Attributes:
        load: gives the loaded model; may take its time.
        model: the model's name.
        language: the tag that every segment gets.
        cutting: where segments are cut.
        partials: say what the open segment sounds like so far.
        workers: the size of the pool that decodes.
    """

    load: Callable[[], Recognizer]
    model: str
    language: str | None
    cutting: VadParameters
    partials: bool
    workers: int


class _State(Enum):
    NEW = auto()
    STARTING = auto()
    RUNNING = auto()
    ENDING = auto()
    ENDED = auto()
    FAILED = auto()
    CLOSED = auto()


class _Slot:
    """A segment's place in the order of results."""

    segment: Segment | None = None


class LocalSession:
    """One stretch of audio; see `RecognizerSession`.

    The caller's thread listens for speech and cuts; the pool decodes. Every event is emitted
    under the lock, so they come one at a time and none comes after `close`.
    """

    def __init__(self, plan: Plan, emit: Emit) -> None:
        self._plan: Plan = plan
        self._emit: Emit = emit
        self._lock: Condition = Condition()  # reentrant: whoever takes an event may close
        self._state: _State = _State.NEW
        self._pool: WorkerPool | None = None
        self._slots: deque[_Slot] = deque()
        self._cut: int = 0  # utterances cut
        self._given: int = 0  # finals emitted
        self._partial_busy: bool = False
        self._partial_cost: float = 0.0  # seconds that the last one took

    def start(self) -> None:
        """Load the model if nobody has yet, and emit `Started`.

        Raises:
            RecognitionError: the model can't be loaded.
            SessionStateError: the session was started before.
        """
        with self._lock:
            if self._state is _State.CLOSED:
                return
            if self._state is not _State.NEW:
                raise SessionStateError("the session was started before; open another one")
            self._state = _State.STARTING
        try:
            self._recognizer: Recognizer = self._plan.load()
            self._listener: VadSegmenter = VadSegmenter(silero(), self._plan.cutting)
        except Exception as error:
            with self._lock:
                self._state = _State.CLOSED
            raise _as_recognition_error(error) from error
        with self._lock:
            if self._state is _State.STARTING:
                exits.at_exit(self, LocalSession.close)
                self._pool = pools.enter(self._plan.workers)
                self._state = _State.RUNNING
                self._emit(Started(model=self._plan.model))

    def write(self, pcm: bytes, /) -> None:
        """Take the next audio; blocks while too many segments wait to be decoded.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("write"):
            self._follow(self._listener.hear(pcm))

    def commit(self) -> None:
        """End the open utterance here; its final follows, and speech that goes on is another.

        Blocks as `write` does. A word that is under way is heard as two; less than 0.15 s of
        speech is left to the next utterance.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("commit"):
            self._follow(self._listener.cut())

    def finish(self) -> None:
        """Recognize what is left; returns after `Ended` or `Failed`.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if not self._takes_audio("finish"):
            return
        self._follow(self._listener.finish())
        with self._lock:
            if self._alive:
                self._state = _State.ENDING
                self._lock.wait_for(lambda: not (self._slots and self._alive))
            if self._alive:
                self._state = _State.ENDED
                self._emit(Ended(position=self._listener.position))

    def close(self) -> None:
        """Stop everything; the last session to close waits until the worker threads are gone."""
        with self._lock:
            self._state = _State.CLOSED
            self._slots.clear()
            self._lock.notify_all()
            pool, self._pool = self._pool, None
            exits.forget(self)
        if pool is not None:
            pools.leave(self._plan.workers)

    @property
    def _alive(self) -> bool:
        """Whether events may still come."""
        return self._state in {_State.RUNNING, _State.ENDING}

    def _takes_audio(self, call: str) -> bool:
        """Tell whether there is any use in more audio."""
        with self._lock:
            if self._state in {_State.NEW, _State.STARTING}:
                raise SessionStateError(f"{call}() before start(); start the session first")
            if self._state in {_State.ENDING, _State.ENDED}:
                raise SessionStateError(f"{call}() after finish(); open another session")
            return self._alive

    def _follow(self, heard: Iterable[Speech | Utterance | None]) -> None:
        """Act on what the listener makes of the audio, as long as there is any use in it."""
        try:
            for item in heard:
                match item:
                    case Speech(start=start):
                        self._say(SpeechStarted(at=start))
                    case Utterance():
                        self._queue(item)
                    case None:
                        self._queue_partial()
                if not self._alive:
                    return
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)

    def _say(self, event: SpeechStarted | SpeechEnded) -> None:
        with self._lock:
            if self._alive:
                self._emit(event)

    def _queue(self, utterance: Utterance) -> None:
        """Have an utterance decoded; wait first while too many are."""
        self._say(SpeechEnded(at=utterance.end))
        room = self._plan.workers + _SPARE
        with self._lock:
            self._lock.wait_for(lambda: len(self._slots) < room or not self._alive)
            if self._pool is not None and self._alive:
                slot = _Slot()
                self._slots.append(slot)
                self._cut += 1
                self._pool.submit(partial(self._decode, utterance, slot))

    def _decode(self, utterance: Utterance, slot: _Slot) -> None:
        """In a worker: recognize, then emit every final whose turn has come."""
        try:
            segment = self._recognizer.segment(
                utterance, language=self._plan.language, canceled=lambda: not self._alive
            )
        except CancelledError:
            return
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)
            return
        with self._lock:
            slot.segment = segment
            while self._alive and self._slots and (ready := self._slots[0].segment):
                self._slots.popleft()
                self._given += 1
                self._emit(Final(segment=ready))
            self._lock.notify_all()

    def _queue_partial(self) -> None:
        """Have the open utterance decoded so far, if it is time and no final has to wait for it."""
        if not self._plan.partials or self._slots or self._partial_busy:
            return
        cost = self._partial_cost * _PARTIAL_PAUSE
        utterance = self._listener.unfinished(max(_PARTIAL_EVERY, cost))
        with self._lock:
            if utterance is not None and self._pool is not None:
                self._partial_busy = True
                job = partial(self._decode_partial, utterance, self._cut)
                self._pool.submit(job, later=True)

    def _decode_partial(self, utterance: Utterance, number: int) -> None:
        """In a worker: say what an utterance sounds like so far, unless its final was there."""
        began = perf_counter()
        try:
            text = self._recognizer.text(
                utterance.pcm, canceled=lambda: not self._alive or self._given > number
            )
        except CancelledError:
            text = ""
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)
            return
        with self._lock:
            self._partial_busy = False
            self._partial_cost = perf_counter() - began
            if text and self._alive and self._given == number:
                start, end, language = utterance.start, utterance.end, self._plan.language
                self._emit(Partial(start=start, end=end, text=text, language=language))

    def _fail(self, error: Exception) -> None:
        """Emit the one `Failed` and let go of all that waits."""
        failure = _as_recognition_error(error)
        failure.__cause__ = error if failure is not error else None
        with self._lock:
            if self._alive:
                self._state = _State.FAILED
                self._slots.clear()
                self._emit(Failed(error=failure))
            self._lock.notify_all()


def _as_recognition_error(error: Exception) -> RecognitionError:
    """Wrap what went wrong inside the engine."""
    if isinstance(error, RecognitionError):
        return error
    return ServiceError(
        f"the embedded recognizer failed: {type(error).__name__}", backend="local", retryable=False
    )
