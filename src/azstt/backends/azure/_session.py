"""A session with Azure Speech: one stream of audio over as many connections as it takes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from threading import TIMEOUT_MAX, Condition, Thread, current_thread, get_ident
from time import monotonic

from azstt._audio_format import AudioFormat
from azstt._errors import (
    AuthenticationError,
    RecognitionError,
    ServiceError,
    SessionStateError,
)
from azstt._events import Committed, Ended, Event, Failed, Partial, Reconnecting, Started
from azstt._options import RecognitionOptions
from azstt._threads import exit as exits
from azstt.backends._base import Emit, ReconnectHook
from azstt.backends._hooks import ask_to_reconnect
from azstt.backends.azure._buffer import AudioBuffer
from azstt.backends.azure._connection import RecognizerConnection
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._limits import ReconnectPolicy
from azstt.backends.azure._payload import PhraseResult
from azstt.backends.azure._reconnect_counter import ReconnectCounter
from azstt.backends.azure._request import RecognitionRequest
from azstt.backends.azure._result_handler import ResultHandler, unexpected_error
from azstt.backends.azure._speech_boundaries import SpeechBoundaries
from azstt.backends.azure._tokens import TokenCache

_log = logging.getLogger("azstt.azure")

#: Seconds after which the SDK reopens a lost connection.
_SDK_DELAY = 0.25
#: Seconds that `close` may take beyond the limit for releasing a recognizer.
_GRACE = 0.4
#: Number of recent results to remember, to detect duplicates.
_REMEMBERED = 64


class AzureSession:
    """One stream of audio; see `RecognizerSession`.

    A thread of its own, the supervisor, runs one connection after the other: a new one when the
    service is lost, and at each commit or update, where a stretch of audio ends and the next
    recognizer takes over. The SDK's own thread only passes events on. Every event is emitted under
    the lock, so events come one at a time and none after `close`.

    Args:
        request: where to connect, and what to request until the first `update`.
        policy: how to reestablish a lost connection.
        tokens: bearer tokens to sign in with; None uses the key, if any.
        audio: the format of the PCM.
        emit: called with each event.
    """

    def __init__(
        self,
        request: RecognitionRequest,
        policy: ReconnectPolicy,
        tokens: TokenCache | None,
        audio: AudioFormat,
        emit: Emit,
    ) -> None:
        self._request: RecognitionRequest = request
        self._tokens: TokenCache | None = tokens
        self._audio: AudioFormat = audio
        self._emit: Emit = emit
        self._buffer: AudioBuffer = AudioBuffer(audio, request.limits.hold)
        self._lock: Condition = Condition()  # reentrant: `emit` may call `close`
        # of the current stretch of audio, and of those that follow
        self._requests: deque[RecognitionRequest] = deque([request])
        self._commits: deque[float] = deque()  # positions of those that were not answered yet
        self._answered: float = 0.0  # position up to which no more results come
        self._reconnects: ReconnectCounter = ReconnectCounter(policy)
        self._hook: ReconnectHook | None = None
        self._handler: ResultHandler | None = None
        self._supervisor: Thread | None = None
        self._emitting: int | None = None  # the thread that is calling `emit`
        self._started: bool = False  # Started was emitted
        self._finished: bool = False
        self._over: bool = False  # Ended or Failed was emitted
        self._closed: bool = False
        self._start_error: RecognitionError | None = None
        self._boundaries: SpeechBoundaries = SpeechBoundaries()
        self._token_was_good: bool = False
        self._seen: deque[tuple[object, ...]] = deque(maxlen=_REMEMBERED)

    def start(self) -> None:
        """Connect; returns when the service accepts audio.

        Raises:
            RecognitionError: no connection, no token, rejected by the service...
            SessionStateError: the session was started before.
        """
        with self._lock:
            if self._closed:
                return
            if self._supervisor is not None:
                raise SessionStateError("the session was started before; open another one")
            self._supervisor = Thread(target=self._supervise, name="azstt azure", daemon=True)
            exits.at_exit(self, AzureSession.close)
            self._supervisor.start()
            self._lock.wait_for(lambda: self._started or self._over or self._closed)
            if self._start_error is not None:
                raise self._start_error

    def write(self, pcm: bytes, /) -> None:
        """Send audio; blocks while 5 s wait to be sent.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._accepts_audio("write"):
            self._buffer.write(pcm)

    def commit(self) -> None:
        """End the open segment after the last `write`; returns at once, its `Final` follows.

        For the service this is the end of the audio: it sends all remaining results, which
        `Committed` follows, and the audio that follows goes to another recognizer, over another
        connection. So a word that is being spoken is recognized as two, language detection and
        speaker labels start over, and audio waits for the fraction of a second until the new
        connection is established. If nothing was written since the last commit, the recognizer
        goes on.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        # The SDK's push stream has a commit of its own, which sends an audio.commit message. How
        # the service responds is not documented, and without a response there is no way to know
        # when everything before it was recognized.
        if self._accepts_audio("commit"):
            with self._lock:
                self._cut(self._requests[-1])
                self._commits.append(self._buffer.written)
                self._answer_commits()

    def update(self, options: RecognitionOptions, /) -> None:
        """Use other options for the audio that follows; another recognizer takes it, see `commit`.

        Raises:
            ConfigurationError: the options cannot be combined.
            SessionStateError: before `start` or after `finish`.
        """
        request = replace(self._request, options=options)
        request.check()
        if self._accepts_audio("update"):
            with self._lock:
                if request != self._requests[-1]:
                    self._cut(request, force=True)

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        """Call ``hook`` before each further attempt of ours, on a thread of the session's.

        Reconnections that the SDK makes by itself, at once and for about a second, are reported as
        events, but the hook is not called. The policy's ``total`` does not include the delay that
        the hook adds. An exception from the hook ends the session.
        """
        self._hook = hook

    def finish(self) -> None:
        """End the audio; returns at once, `Ended` or `Failed` follows.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        if self._accepts_audio("finish"):
            self._finished = True
            self._buffer.end()

    def close(self) -> None:
        """Release everything, within the limit ``stop``. Idempotent; may be called from `emit`."""
        with self._lock:
            self._closed = True
            self._lock.notify_all()
            supervisor = self._supervisor
            # called from `emit` or from the hook: joining would be a deadlock
            reentrant = self._emitting == get_ident() or supervisor is current_thread()
        self._buffer.close()
        if supervisor is not None and not reentrant:
            supervisor.join(self._request.limits.stop + _GRACE)

    # These methods run in the supervisor.

    def _supervise(self) -> None:
        try:
            self._keep_connected()
        except RecognitionError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - failures are reported as an event
            self._fail(unexpected_error(error))
        finally:
            self._buffer.close()
            exits.forget(self)

    def _keep_connected(self) -> None:
        """Connect, and reconnect, until all audio is processed or reconnecting is pointless.

        Raises:
            RecognitionError: the error that ended the last connection.
        """
        while not (self._closed or self._over):
            connection = RecognizerConnection(
                self, self._next_request(), self._tokens, self._audio, self._buffer
            )
            error = connection.run()
            self.stretch_over()  # also if the connection was lost after the last result
            if error is not None and not self._over:
                self._await_next_attempt(error, connection.last_response)

    def _next_request(self) -> RecognitionRequest:
        """Advance to the next stretch of audio, and return its request."""
        with self._lock:
            while self._buffer.pass_cut():
                self._requests.popleft()
            return self._requests[0]

    def _await_next_attempt(self, error: RecognitionError, last_response: float) -> None:
        """Wait until it is time to reconnect.

        Raises:
            RecognitionError: there is no further attempt (then it is ``error``), or the hook
                failed.
        """
        self._discard_expired_token(error)
        number = self._number_loss(last_response)
        delay = self._reconnects.next_delay(error, monotonic(), was_connected=self._started)
        planned = Reconnecting(attempt=number, delay=delay, reason=str(error), error=error)
        attempt = ask_to_reconnect(self._hook, planned, backend=BACKEND)
        if attempt is None:
            raise error
        self._reconnects.postpone(attempt.delay - delay)
        _log.warning(
            "connection lost (%s); attempt %d in %.1f s, to resume at %.1f s",
            *(error.code or type(error).__name__, number, attempt.delay, self._buffer.settled),
        )
        self._emit_event(attempt)
        self.wait(lambda: False, attempt.delay)

    def _discard_expired_token(self, error: RecognitionError) -> None:
        """Replace a token that worked before and is rejected now: it has expired."""
        if isinstance(error, AuthenticationError) and self._token_was_good and self._tokens:
            self._token_was_good = False
            error.retryable = self._tokens.discard()

    def _number_loss(self, last_response: float) -> int:
        """Return the number of the attempt that follows, ours or the SDK's."""
        settled = self._buffer.settled
        return self._reconnects.lost(monotonic(), settled=settled, last_response=last_response)

    # These methods run on any thread, including the SDK's.

    def _accepts_audio(self, call: str) -> bool:
        with self._lock:
            if self._closed:
                return False
            if not self._started:
                raise SessionStateError(f"{call}() before start(); start the session first")
            if self._finished:
                raise SessionStateError(f"{call}() after finish(); open another session")
            return not self._over

    def _answer_commits(self) -> None:
        while self._commits and self._commits[0] <= self._answered:
            self._emit_event(Committed(at=self._commits.popleft()))

    def _cut(self, request: RecognitionRequest, *, force: bool = False) -> None:
        """Begin another stretch after the last `write`, with another recognizer for it."""
        if self._buffer.cut(force=force):
            self._requests.append(request)

    def attach(self, handler: ResultHandler | None) -> None:
        """See `ConnectionOwner`."""
        with self._lock:
            self._handler = handler

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """See `ConnectionOwner`."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or until(), min(seconds, TIMEOUT_MAX))
            return self._closed

    def stretch_over(self) -> None:
        """Answer the commits of what is settled; emit `Ended` if that is all of the audio."""
        with self._lock:
            self._answered = self._buffer.settled
            self._answer_commits()
            if self._buffer.complete:
                self._emit_event(Ended(position=self._buffer.written))

    def disconnected(self, last_response: float) -> None:
        """Emit `Reconnecting` for a connection that the SDK reopens."""
        reason = f"the connection to {self._request.settings.target} was lost"
        error = ServiceError(reason, backend=BACKEND)
        number = self._number_loss(last_response)
        self._emit_event(Reconnecting(attempt=number, delay=_SDK_DELAY, reason=reason, error=error))

    def connected(self, handler: ResultHandler) -> None:
        """Emit `Started` for the first connection."""
        with self._lock:
            self._token_was_good = True
            if not self._started and handler is self._handler:
                self._started = True
                self._emit_event(Started(session_id=handler.session_id))
                self._lock.notify_all()

    def final(self, result: PhraseResult, handler: ResultHandler) -> None:
        """Emit a final once, and settle the audio that it covers."""
        segment = result.segment
        key = (result.id or segment.text, segment.start, segment.end)
        with self._lock:
            if handler is self._handler and key not in self._seen:
                self._seen.append(key)
                self._buffer.settle(segment.end)
                self._emit_events(self._boundaries.final(segment))

    def speech(self, at: float, handler: ResultHandler, *, starts: bool) -> None:
        """Emit where speech starts and ends."""
        boundaries = self._boundaries
        with self._lock:
            if handler is self._handler:
                self._emit_events(
                    boundaries.speech_started(at) if starts else boundaries.speech_ended(at)
                )

    def partial(self, event: Partial, handler: ResultHandler) -> None:
        """Emit an interim result."""
        with self._lock:
            if handler is self._handler:
                self._emit_event(event)

    def wake(self) -> None:
        """Wake the supervisor."""
        with self._lock:
            self._lock.notify_all()

    def _emit_events(self, events: Iterable[Event]) -> None:
        for event in events:
            self._emit_event(event)

    def _emit_event(self, event: Event) -> None:
        """Emit an event, unless the session is closed or has emitted its last one."""
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
        """Raise the error in `start`, or emit `Failed`."""
        with self._lock:
            if self._started:
                self._emit_event(Failed(error=error))
            else:
                self._start_error = error
                self._over = True
            self._lock.notify_all()
        self._buffer.close()
