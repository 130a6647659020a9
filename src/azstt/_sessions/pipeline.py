"""The line from whoever sends audio to the recognizer: decoder, queue, thread, session."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeAlias, get_args

from azstt._audio import Container, DecodeReport, LiveDecoder
from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._events import Event
from azstt._options import RecognitionOptions
from azstt._sessions.pcm_queue import Call, Dropped, PcmQueue
from azstt._threads.loop_queue import Soon, loop_caller
from azstt._threads.tasks import BlockingCall
from azstt.backends import (
    CommittingSession,
    RecognizerBackend,
    RecognizerSession,
    ReconnectHook,
    ReconnectingSession,
    UpdatingSession,
)

Overflow: TypeAlias = Literal["block", "drop_oldest", "error"]
#: Takes, on the loop, what the recognizer says to other options: nothing, or why not.
Answer: TypeAlias = Callable[[ConfigurationError | None], None]

#: Bytes of a container that may wait to be decoded.
_BACKLOG = 1 << 20
#: Bytes that are decoded before the loop gets its turn: some milliseconds' work.
_SLICE = 1 << 15


@dataclass(frozen=True, kw_only=True)
class LiveConfig:
    """What a line is made of.

    Attributes:
        audio: what is sent.
        backend: who recognizes.
        options: how.
        overflow: what becomes of audio that the recognizer is too slow for.
        buffer: seconds of it that may wait.
        on_reconnect: is asked before a lost connection is made again.
    """

    audio: AudioFormat | Container
    backend: RecognizerBackend
    options: RecognitionOptions
    overflow: Overflow
    buffer: float
    on_reconnect: ReconnectHook | None

    def check(self) -> None:
        """Refuse what can't be.

        Raises:
            ConfigurationError: says what, and what could.
        """
        backend, able = self.backend.name, self.backend.capabilities
        if not isinstance(self.audio, AudioFormat) and self.audio not in get_args(Container):
            raise ConfigurationError(
                f"audio={self.audio!r} is neither an AudioFormat nor one of "
                f"{', '.join(get_args(Container))}"
            )
        if self.overflow not in get_args(Overflow):
            raise ConfigurationError(
                f"overflow={self.overflow!r} is none of {', '.join(get_args(Overflow))}"
            )
        if not (math.isfinite(self.buffer) and self.buffer > 0):
            raise ConfigurationError(f"buffer={self.buffer!r} is not a number of seconds above 0")
        if self.on_reconnect is not None and not able.reconnects:
            raise ConfigurationError(f"the {backend!r} backend has no connection to make again")
        if self.options.channels == "separate":
            raise ConfigurationError(
                "a live session mixes the channels; for channels='separate' open one for each"
            )


class PipelineEvents:
    """Hears of a line: on the loop, but for `on_audio`."""

    def on_event(self, event: Event) -> None:
        """The recognizer says something."""

    def on_failure(self, error: Exception) -> None:
        """Something on the line has failed."""

    def on_drop(self, dropped: Dropped) -> None:
        """Audio was dropped."""

    def on_stand(self) -> None:
        """The session takes audio."""

    def on_room(self) -> None:
        """There may be room again; told after `AudioPipeline.ask_for_room`."""

    def on_audio(self, position: float) -> None:
        """Audio up to this second waits for the recognizer; told on any thread."""


class AudioPipeline:
    """Takes audio on the loop and never blocks it.

    Decoding happens where the audio comes in; a thread of the line's own takes the PCM and makes
    the session's calls, which may block.
    """

    def __init__(self, plan: LiveConfig, listener: PipelineEvents) -> None:
        self._plan: LiveConfig = plan
        self._listener: PipelineEvents = listener
        self._soon: Soon = loop_caller()
        self._pcm: AudioFormat = AudioFormat(sample_rate=plan.backend.capabilities.sample_rates[0])
        self._outlet: PcmQueue = PcmQueue(self._pcm, plan.buffer, self._tell_of_room)
        self._decoder: LiveDecoder | None = None
        self._jobs: deque[Call] = deque()  # on the loop, for what was fed and asked for
        self._wanted: bool = False  # somebody waits for room
        self._busy: bool = False  # the session has a call to return from
        self._session: RecognizerSession | None = None
        self._feeding: BlockingCall | None = None

    async def open(self) -> None:
        """Begin to start the session; `on_stand` or `on_failure` follows, unless it is closed.

        Raises:
            ConfigurationError: the backend does not take the options.
            MissingDependencyError: an extra is not installed.
        """
        await BlockingCall(self._open, name="azstt open").wait()
        if not self._outlet.closed:
            self._feeding = BlockingCall(self._feed, name="azstt feed")

    async def close(self) -> None:
        """Let go of everything, in bounded time; nothing is told afterwards."""
        self._outlet.close()
        releasing = BlockingCall(self._release, name="azstt close")
        await releasing.over()
        if self._feeding is not None:
            await self._feeding.over()

    @property
    def full(self) -> bool:
        """Whether as much waits as may."""
        backlog = self._decoder.backlog if self._decoder else 0
        return self._outlet.full or backlog >= _BACKLOG

    def ask_for_room(self) -> None:
        """Have `on_room` told once it may be worth another look at `full`; look again at once."""
        self._wanted = True

    @property
    def waits(self) -> bool:
        """Whether it is the recognizer's turn to do something."""
        return self._busy or not self._outlet.idle

    @property
    def sent(self) -> float:
        """Seconds of audio that the recognizer took, or that were dropped before it could."""
        return self._outlet.taken_seconds + self._outlet.dropped_seconds

    @property
    def taken(self) -> float:
        """Seconds of audio that the recognizer took."""
        return self._outlet.taken_seconds

    @property
    def decoded(self) -> float:
        """Seconds of audio that came out of the decoder."""
        return self._outlet.put_seconds

    @property
    def report(self) -> DecodeReport | None:
        """What the decoder found."""
        return self._decoder.report if self._decoder else None

    @property
    def decoding(self) -> bool:
        """Whether what was fed last still waits for its turn on the loop."""
        return bool(self._jobs)

    def feed(self, data: bytes) -> None:
        """Take audio, all of it at once; much of it is decoded bit by bit, as the loop has time."""
        decoder = self._decoder
        if decoder is None:
            return
        if len(data) <= _SLICE:  # as of whoever speaks
            self._do(partial(decoder.feed, data))
            return
        slices = (data[at : at + _SLICE] for at in range(0, len(data), _SLICE))
        self._do(*(partial(decoder.feed, piece) for piece in slices))

    def finish(self) -> None:
        """Take no more."""
        if self._decoder is not None:
            self._do(self._decoder.finish)

    def commit(self) -> None:
        """Have the recognizer end the open segment after what was fed."""
        session = self._session
        if isinstance(session, CommittingSession):
            self._do(partial(self._outlet.call, session.commit))

    def update(self, options: RecognitionOptions, answer: Answer) -> None:
        """Have the recognizer use other options after what was fed, and answer when it does."""
        session = self._session
        if isinstance(session, UpdatingSession):
            update = partial(self._update, session, options, answer)
            self._do(partial(self._outlet.call, update))

    def _do(self, *jobs: Call) -> None:
        """Do the first now, unless others wait, and each further one in its turn."""
        waiting = self.decoding
        self._jobs.extend(jobs)
        if not waiting:
            self._work()

    def _work(self) -> None:
        """Do the next job, and let others have the loop before the one after it."""
        try:
            if self._jobs:
                self._jobs.popleft()()
        except Exception as error:  # noqa: BLE001 - told, for nobody may wait for this job
            self._listener.on_failure(error)
        if self._jobs:
            self._soon(self._work)
        else:
            self._tell_of_room()

    def _open(self) -> None:
        """Make what may take its time: libraries are loaded here."""
        plan = self._plan
        self._decoder = LiveDecoder(plan.audio, self._pcm, sink=self._put, done=self._decoded)
        session = plan.backend.open(plan.options, self._pcm, self._emit)
        if plan.on_reconnect is not None and isinstance(session, ReconnectingSession):
            session.on_reconnect(plan.on_reconnect)
        self._session = session
        if self._outlet.closed:  # by one who did not wait for this
            self._release()

    def _emit(self, event: Event) -> None:
        self._soon(partial(self._listener.on_event, event))

    def _put(self, pcm: bytes) -> None:
        """Take what the decoder gives, on any thread."""
        self._listener.on_audio(self._outlet.put(pcm))
        if self._plan.overflow == "drop_oldest":
            self._outlet.trim(self._tell_of_drop)
        self._tell_of_room()

    def _decoded(self, error: Exception | None) -> None:
        """Take note that the decoder is at its end, on any thread."""
        if error is not None:
            self._soon(partial(self._listener.on_failure, error))
        else:
            self._outlet.end()

    def _tell_of_drop(self, dropped: Dropped) -> None:
        self._soon(partial(self._listener.on_drop, dropped))

    def _tell_of_room(self) -> None:
        if self._wanted:
            self._wanted = False
            self._soon(self._listener.on_room)

    def _feed(self) -> None:
        """Make the session's calls, one after the other; on the feeding thread."""
        session = self._session
        assert session is not None  # noqa: S101 - open() has made it
        try:
            self._call(session.start)
            self._soon(self._listener.on_stand)
            while (item := self._outlet.take()) is not None:
                self._call(partial(session.write, item) if isinstance(item, bytes) else item)
            if not self._outlet.closed:
                self._call(session.finish)
        except Exception as error:  # noqa: BLE001 - told, for nobody waits for this thread
            self._soon(partial(self._listener.on_failure, error))

    def _update(
        self, session: UpdatingSession, options: RecognitionOptions, answer: Answer
    ) -> None:
        refusal: ConfigurationError | None = None
        try:
            session.update(options)
        except ConfigurationError as error:  # which leaves the session as it was
            refusal = error
        self._soon(partial(answer, refusal))

    def _call(self, call: Call) -> None:
        self._busy = True
        call()
        self._busy = False

    def _release(self) -> None:
        if self._decoder is not None:
            self._decoder.close()
        if self._session is not None:
            self._session.close()  # last, for it may hang
