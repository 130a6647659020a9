"""A session of the embedded recognizer: audio in, events out, decoded in shared threads."""

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
from azstt._events import (
    Committed,
    Ended,
    Failed,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
    Started,
)
from azstt._threads import exit as exits
from azstt.backends._base import Emit
from azstt.backends.local._endpointer import VadParameters
from azstt.backends.local._pool import Heartbeat, PoolTask, WorkerPool, pools
from azstt.backends.local._utterance import DecodeCanceledError, UtteranceAudio
from azstt.backends.local._vad_segmenter import SpeechOnset, VadSegmenter, silero

if TYPE_CHECKING:
    from azstt.backends.local._recognizer import Recognizer

#: Utterances that may wait, on top of one per worker: this bounds the memory.
_SPARE = 2
#: Seconds of speech between two partials, and at least this multiple of the last one's cost.
_PARTIAL_EVERY = 1.0
_PARTIAL_COST = 2.0


@dataclass(frozen=True, kw_only=True)
class LocalSessionConfig:
    """How a session works.

    Attributes:
        load: returns the loaded model; may block.
        loading: when the loading last went on, of this session or of those before it.
        model: the model's name.
        language: the tag that every segment gets.
        vad: where segments are cut.
        partials: whether to emit partials of the open segment.
        workers: the size of the pool that decodes.
        max_sessions: how many sessions the process may have open with this one; None is any number.
    """

    load: Callable[[], Recognizer]
    loading: Heartbeat
    model: str
    language: str | None
    vad: VadParameters
    partials: bool
    workers: int
    max_sessions: int | None = None


class _Phase(Enum):
    NEW = auto()
    STARTING = auto()
    RUNNING = auto()
    ENDING = auto()
    ENDED = auto()
    FAILED = auto()
    CLOSED = auto()


class _Slot:
    """A place in the order of results, and what comes there once it is known."""

    event: Final | Committed | None = None


class LocalSession:
    """One stretch of audio; see `RecognizerSession`.

    The caller's thread detects speech and cuts; the pool decodes. Every event is emitted under
    the lock, so they come one at a time and none comes after `close`.
    """

    def __init__(self, config: LocalSessionConfig, emit: Emit) -> None:
        self._config: LocalSessionConfig = config
        self._emit: Emit = emit
        self._lock: Condition = Condition()  # reentrant: an event handler may close
        self._state: _Phase = _Phase.NEW
        self._pool: WorkerPool | None = None
        self._slots: deque[_Slot] = deque()
        self._utterances: int = 0  # queued so far
        self._finals: int = 0  # emitted so far
        self._heartbeat: Heartbeat = Heartbeat()
        self._running: int = 0  # own tasks that have their turn
        self._partial_busy: bool = False
        self._partial_cost: float = 0.0  # seconds that the last partial took

    def start(self) -> None:
        """Load the model unless the process has it already, and emit `Started`.

        Raises:
            ThrottledError: too many sessions are open.
            RecognitionError: the model can't be loaded.
            SessionStateError: the session was already started.
        """
        with self._lock:
            if self._state is _Phase.CLOSED:
                return
            if self._state is not _Phase.NEW:
                raise SessionStateError("the session was started before; open another one")
            self._pool = pools.enter(self._config.workers, limit=self._config.max_sessions)
            exits.at_exit(self, LocalSession.close)
            self._state = _Phase.STARTING
        try:
            self._recognizer: Recognizer = self._config.load()
            self._segmenter: VadSegmenter = VadSegmenter(silero(), self._config.vad)
        except Exception as error:
            self.close()
            raise _as_recognition_error(error) from error
        with self._lock:
            if self._state is _Phase.STARTING:
                self._state = _Phase.RUNNING
                self._emit(Started(model=self._config.model))

    def write(self, pcm: bytes, /) -> None:
        """Take the next audio; blocks while too many segments wait to be decoded.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("write"):
            self._process(self._segmenter.push(pcm))

    def commit(self) -> None:
        """End the open utterance here; its final follows, and further speech opens another.

        `Committed` comes after the finals of all audio so far. Blocks as `write` does. A word in
        progress is recognized as two; less than 0.15 s of speech is left to the next utterance.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("commit"):
            self._process(self._segmenter.cut())
            slot = _Slot()
            with self._lock:
                self._slots.append(slot)
                self._fill(slot, Committed(at=self._segmenter.position))

    def finish(self) -> None:
        """Recognize what is left; returns after `Ended` or `Failed`.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if not self._takes_audio("finish"):
            return
        self._process(self._segmenter.finish())
        with self._lock:
            if self._alive:
                self._state = _Phase.ENDING
                self._lock.wait_for(lambda: not (self._slots and self._alive))
            if self._alive:
                self._state = _Phase.ENDED
                self._emit(Ended(position=self._segmenter.position))

    def close(self) -> None:
        """Stop everything; the last session to close waits for the worker threads to end."""
        with self._lock:
            self._state = _Phase.CLOSED
            self._slots.clear()
            self._lock.notify_all()
            pool, self._pool = self._pool, None
            exits.forget(self)
        if pool is not None:
            pools.leave(self._config.workers)

    @property
    def last_progress(self) -> float:
        """See `QueuingSession`: sessions take turns at loading the model, and in the pool."""
        if self._state is _Phase.STARTING:
            return self._config.loading.last
        if (pool := self._pool) is not None and self._slots and not self._running:
            return max(pool.heartbeat.last, self._heartbeat.last)
        return self._heartbeat.last

    @property
    def _alive(self) -> bool:
        """Whether events may still come."""
        return self._state in {_Phase.RUNNING, _Phase.ENDING}

    def _takes_audio(self, call: str) -> bool:
        """Return whether more audio is of any use; raise if the call is out of order."""
        with self._lock:
            if self._state in {_Phase.NEW, _Phase.STARTING}:
                raise SessionStateError(f"{call}() before start(); start the session first")
            if self._state in {_Phase.ENDING, _Phase.ENDED}:
                raise SessionStateError(f"{call}() after finish(); open another session")
            return self._alive

    def _process(self, found: Iterable[SpeechOnset | UtteranceAudio | None]) -> None:
        """Act on what the segmenter finds in the audio, until the session ends."""
        try:
            for item in found:
                self._heartbeat.beat()
                match item:
                    case SpeechOnset(start=start):
                        self._emit_if_alive(SpeechStarted(at=start))
                    case UtteranceAudio():
                        self._queue(item)
                    case None:
                        self._queue_partial()
                if not self._alive:
                    return
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)

    def _emit_if_alive(self, event: SpeechStarted | SpeechEnded) -> None:
        with self._lock:
            if self._alive:
                self._emit(event)

    def _queue(self, utterance: UtteranceAudio) -> None:
        """Queue an utterance for decoding; block while too many are waiting."""
        self._emit_if_alive(SpeechEnded(at=utterance.end))
        room = self._config.workers + _SPARE
        with self._lock:
            self._lock.wait_for(lambda: len(self._slots) < room or not self._alive)
            if self._pool is not None and self._alive:
                slot = _Slot()
                self._slots.append(slot)
                self._utterances += 1
                self._submit(partial(self._decode, utterance, slot))

    def _submit(self, task: PoolTask, *, later: bool = False) -> None:
        if self._pool is not None:
            self._pool.submit(partial(self._work, task), user=self, later=later)

    def _work(self, task: PoolTask) -> None:
        """Run a task, in a worker."""
        with self._lock:
            self._running += 1
            self._heartbeat.beat()
        if self._alive:
            task()
        with self._lock:
            self._running -= 1
            self._heartbeat.beat()

    def _is_canceled(self) -> bool:
        """Return whether a task's result is no longer wanted; called between its steps."""
        self._heartbeat.beat()
        if (pool := self._pool) is not None:
            pool.heartbeat.beat()
        return not self._alive

    def _decode(self, utterance: UtteranceAudio, slot: _Slot) -> None:
        """Recognize an utterance, in a worker."""
        try:
            segment = self._recognizer.segment(
                utterance, language=self._config.language, canceled=self._is_canceled
            )
        except DecodeCanceledError:
            return
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)
            return
        self._fill(slot, Final(segment=segment))

    def _fill(self, slot: _Slot, event: Final | Committed) -> None:
        """Note what comes in a place, then emit every event that is next in order."""
        with self._lock:
            slot.event = event
            while self._alive and self._slots and (ready := self._slots[0].event):
                self._slots.popleft()
                self._finals += isinstance(ready, Final)
                self._emit(ready)
            self._lock.notify_all()

    def _queue_partial(self) -> None:
        """Queue the open utterance for a partial, if one is due and no final would wait for it."""
        if not self._config.partials or self._slots or self._partial_busy:
            return
        cost = self._partial_cost * _PARTIAL_COST
        utterance = self._segmenter.unfinished(max(_PARTIAL_EVERY, cost))
        with self._lock:
            if utterance is not None and self._pool is not None:
                self._partial_busy = True
                task = partial(self._decode_partial, utterance, self._utterances)
                self._submit(task, later=True)

    def _decode_partial(self, utterance: UtteranceAudio, number: int) -> None:
        """Emit a partial of an utterance, in a worker, unless its final has come already."""
        began = perf_counter()
        try:
            # Once its final is queued, it isn't worth a worker's time any more.
            text = (
                ""
                if self._utterances > number
                else self._recognizer.text(
                    utterance.pcm, canceled=lambda: self._is_canceled() or self._finals > number
                )
            )
        except DecodeCanceledError:
            text = ""
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(error)
            return
        with self._lock:
            self._partial_busy = False
            self._partial_cost = perf_counter() - began if text else self._partial_cost
            if text and self._alive and self._finals == number:
                start, end, language = utterance.start, utterance.end, self._config.language
                self._emit(Partial(start=start, end=end, text=text, language=language))

    def _fail(self, error: Exception) -> None:
        """Emit the one `Failed` and drop everything that waits."""
        failure = _as_recognition_error(error)
        failure.__cause__ = error if failure is not error else None
        with self._lock:
            if self._alive:
                self._state = _Phase.FAILED
                self._slots.clear()
                self._emit(Failed(error=failure))
            self._lock.notify_all()


def _as_recognition_error(error: Exception) -> RecognitionError:
    """Wrap an exception from inside the engine."""
    if isinstance(error, RecognitionError):
        return error
    return ServiceError(
        f"the embedded recognizer failed: {type(error).__name__}", backend="local", retryable=False
    )
