"""A session with Azure Speech: one stretch of audio over as many connections as it takes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition, Thread, get_ident
from time import monotonic

from azstt._audio_format import AudioFormat
from azstt._azure_failures import BACKEND
from azstt._azure_payload import Phrase
from azstt._errors import (
    RecognitionError,
    RecognitionTimeoutError,
    ServiceError,
    ServiceUnreachableError,
    SessionStateError,
)
from azstt._events import (
    Ended,
    Event,
    Failed,
    Partial,
    Reconnecting,
    Started,
)
from azstt._result import Segment
from azstt.backends._base import Emit
from azstt.backends.azure import _exit
from azstt.backends.azure._buffer import AudioBuffer
from azstt.backends.azure._certificate import name_issuer
from azstt.backends.azure._limits import ReconnectPolicy
from azstt.backends.azure._link import Link, unexpected
from azstt.backends.azure._request import Request
from azstt.backends.azure._sdk import Recognition
from azstt.backends.azure._speech import Speech
from azstt.backends.azure._tokens import Tokens

_log = logging.getLogger("azstt.azure")

#: Seconds between two looks at the clock.
_TICK = 0.2
#: Results to remember, to tell one that is sent twice.
_REMEMBERED = 64


@dataclass(frozen=True)
class Plan:
    """How a session works."""

    request: Request
    policy: ReconnectPolicy
    tokens: Tokens | None


class AzureSession:
    """One stretch of audio; see `RecognizerSession`.

    A thread of its own, the supervisor, makes every call of the SDK that may block, and makes the
    recogniser anew when the service is lost. The SDK's own thread only hands events over.
    Every event is emitted under the lock, so they come one at a time and none after `close`.
    """

    def __init__(self, plan: Plan, audio: AudioFormat, emit: Emit) -> None:
        self._plan: Plan = plan
        self._audio: AudioFormat = audio
        self._emit: Emit = emit
        self._buffer: AudioBuffer = AudioBuffer(audio, plan.request.limits.hold)
        self._lock: Condition = Condition()  # reentrant: whoever takes an event may close
        self._link: Link | None = None
        self._supervisor: Thread | None = None
        self._emitting: int | None = None  # the thread that is in `emit`
        self._standing: bool = False  # Started was emitted
        self._finished: bool = False
        self._over: bool = False
        self._closed: bool = False
        self._start_error: RecognitionError | None = None
        self._speech: Speech = Speech()
        self._seen: deque[tuple[object, ...]] = deque(maxlen=_REMEMBERED)

    def start(self) -> None:
        """Connect; returns when the service takes audio.

        Raises:
            RecognitionError: no connection, no token, refused...
            SessionStateError: the session was started before.
        """
        with self._lock:
            if self._closed:
                return
            if self._supervisor is not None:
                raise SessionStateError("the session was started before; open another one")
            self._supervisor = Thread(target=self._supervise, name="azstt azure", daemon=True)
            _exit.watch(self)
            self._supervisor.start()
            self._lock.wait_for(lambda: self._standing or self._over or self._closed)
            if self._start_error is not None:
                raise self._start_error

    def write(self, pcm: bytes, /) -> None:
        """Take the next audio; blocks while 5 s wait to be sent.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("write"):
            self._buffer.write(pcm)

    def finish(self) -> None:
        """Take no more audio; returns at once, `Ended` or `Failed` follows.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._takes_audio("finish"):
            self._finished = True
            self._buffer.end()

    def close(self) -> None:
        """Let go of everything, within the limit ``stop``."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            supervisor, reentered = self._supervisor, self._emitting == get_ident()
        self._buffer.close()
        if supervisor is not None and not reentered:
            supervisor.join(self._plan.request.limits.stop + 2 * _TICK)

    # What follows runs in the supervisor.

    def _supervise(self) -> None:
        try:
            self._keep_connected()
        except RecognitionError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - the port reports failures as an event
            self._fail(unexpected(error))
        finally:
            self._buffer.close()
            _exit.forget(self)

    def _keep_connected(self) -> None:
        """Connect, and again, until the audio is dealt with or there is no point in it.

        Raises:
            RecognitionError: the one that ended it.
        """
        attempts, lost_at, settled = 0, 0.0, 0.0
        while (error := self._connection()) is not None:
            if self._buffer.drained and self._buffer.settled >= self._buffer.written:
                self._say(Ended(position=self._buffer.written))  # all has its answer
                return
            now = monotonic()
            if attempts == 0 or self._buffer.settled > settled:
                attempts, lost_at, settled = 0, now, self._buffer.settled
            attempts += 1
            delay = self._plan.policy.delay(attempts, error.retry_after)
            if not self._worth_another(error, attempts, now - lost_at + delay):
                raise error
            _log.warning(
                "connection lost at %.1f s (%s); attempt %d in %.1f s",
                *(settled, error.code or type(error).__name__, attempts, delay),
            )
            self._say(Reconnecting(attempt=attempts, delay=delay, reason=str(error)))
            with self._lock:
                if self._lock.wait_for(lambda: self._closed, delay):
                    return

    def _worth_another(self, error: RecognitionError, attempt: int, elapsed: float) -> bool:
        """Whether to connect again. What was never reached is not waited for."""
        if not self._standing and isinstance(
            error, ServiceUnreachableError | RecognitionTimeoutError
        ):
            return False
        policy = self._plan.policy
        return error.retryable and attempt <= policy.attempts and elapsed <= policy.total

    def _connection(self) -> RecognitionError | None:
        """Recognise over one recogniser of the SDK; give what ended it, None for the good end."""
        tokens = self._plan.tokens
        try:
            token = tokens.get() if tokens else None
            reader = self._buffer.reader()
            recognition = Recognition(self._plan.request, token, self._audio, reader)
        except RecognitionError as error:
            return error
        link = Link(self, self._plan.request, self._buffer, reader.base)
        with self._lock:
            self._link = link
        try:
            recognition.start(link, partials=self._plan.request.options.partials)
            return self._follow(link, recognition)
        except RecognitionError as error:
            return error
        finally:
            with self._lock:
                self._link = None
            self._buffer.detach()
            _bounded(recognition.close, self._plan.request.limits.stop)

    def _follow(self, link: Link, recognition: Recognition) -> RecognitionError | None:
        """Wait for the end of a connection, with an eye on the clock and on the token."""
        tokens = self._plan.tokens
        while True:
            with self._lock:
                self._lock.wait_for(lambda: link.over or self._closed, _TICK)
                if self._closed:
                    return None
            if link.over:
                return self._conclude(link)
            late = link.watch.overdue(monotonic(), self._buffer.read, over=self._buffer.drained)
            if late:
                return self._timeout(late, link)
            if tokens and tokens.due:
                self._renew(tokens, recognition)

    def _conclude(self, link: Link) -> RecognitionError | None:
        if link.error is not None:
            name_issuer(link.error, self._plan.request.settings)
            return link.error
        if not self._buffer.drained:
            return ServiceError(
                f"{self._target} ended the session before the audio was over",
                backend=BACKEND,
                session_id=link.session_id,
            )
        self._say(Ended(position=self._buffer.written))
        return None

    def _timeout(self, late: str, link: Link) -> RecognitionError:
        return RecognitionTimeoutError(
            f"{self._target} kept us waiting: {late}",
            backend=BACKEND,
            code="timeout",
            session_id=link.session_id,
            hint="try again, or raise that limit in AzureLimits",
        )

    def _renew(self, tokens: Tokens, recognition: Recognition) -> None:
        """Have a new token at hand for the next connection; the present one outlives its own."""
        try:
            recognition.renew(tokens.get())
        except RecognitionError as error:
            tokens.later()
            _log.warning("the token could not be renewed: %s", error)

    @property
    def _target(self) -> str:
        return self._plan.request.settings.target

    # What follows runs on any thread, also the SDK's.

    def _takes_audio(self, call: str) -> bool:
        with self._lock:
            if self._closed:
                return False
            if not self._standing:
                raise SessionStateError(f"{call}() before start(); start the session first")
            if self._finished:
                raise SessionStateError(f"{call}() after finish(); open another session")
            return not self._over

    def stands(self, link: Link) -> None:
        """A connection stands: the first one is the session's start."""
        with self._lock:
            if not self._standing and link is self._link:
                self._standing = True
                self._say(Started(session_id=link.session_id))
                self._lock.notify_all()

    def settle(self, phrase: Phrase, link: Link) -> None:
        """Emit a final, once, and let go of the audio that it covers."""
        segment = phrase.segment
        key = (phrase.id or segment.text, segment.start, segment.end)
        with self._lock:
            if link is not self._link or key in self._seen:
                return
            self._seen.append(key)
            self._buffer.settle(segment.end)
            for event in self._speech.settles(segment):
                self._say(event)

    def speech(self, at: float, link: Link, *, starts: bool) -> None:
        """Emit where speech starts and ends."""
        with self._lock:
            if link is self._link:
                for event in self._speech.starts(at) if starts else self._speech.ends(at):
                    self._say(event)

    def partial(self, segment: Segment, link: Link) -> None:
        """Emit an interim result."""
        with self._lock:
            if link is self._link:
                fields = {"start", "end", "text", "speaker", "language"}
                self._say(Partial.model_validate(segment.model_dump(include=fields)))

    def wake(self) -> None:
        """Have the supervisor look."""
        with self._lock:
            self._lock.notify_all()

    def _say(self, event: Event) -> None:
        """Emit, unless the session is closed or has said its last word."""
        with self._lock:
            if self._over or self._closed:
                return
            self._over = isinstance(event, Ended | Failed)
            self._emitting, before = get_ident(), self._emitting
            try:
                self._emit(event)
            finally:
                self._emitting = before

    def _fail(self, error: RecognitionError) -> None:
        """Raise it in `start`, or emit the one `Failed`."""
        with self._lock:
            if self._standing:
                self._say(Failed(error=error))
            else:
                self._start_error = error
                self._over = True
            self._lock.notify_all()
        self._buffer.close()


def _bounded(call: Callable[[], None], seconds: float) -> None:
    """Call in a thread, and leave it to itself if it takes longer."""
    thread = Thread(target=call, name="azstt azure release", daemon=True)
    thread.start()
    thread.join(seconds)
