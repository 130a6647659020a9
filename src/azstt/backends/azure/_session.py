"""A session with Azure Speech: one stretch of audio over as many connections as it takes."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import TIMEOUT_MAX, Condition, Thread, current_thread, get_ident
from time import monotonic

from azstt._audio_format import AudioFormat
from azstt._errors import AuthenticationError, RecognitionError, SessionStateError
from azstt._events import Ended, Event, Failed, Partial, Reconnecting, Started
from azstt._options import RecognitionOptions
from azstt._result import Segment
from azstt._threads import exit as exits
from azstt.backends._base import Emit, ReconnectHook
from azstt.backends._hooks import ask_to_reconnect
from azstt.backends.azure._buffer import AudioBuffer
from azstt.backends.azure._connection import Connection
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._limits import ReconnectPolicy
from azstt.backends.azure._link import ResultHandler, unexpected
from azstt.backends.azure._payload import Phrase
from azstt.backends.azure._request import Request
from azstt.backends.azure._retry import ReconnectCounter
from azstt.backends.azure._speech import SpeechBoundaries
from azstt.backends.azure._tokens import Tokens

_log = logging.getLogger("azstt.azure")

#: Seconds after which the SDK makes a lost connection again.
_SDK_DELAY = 0.25
#: Seconds that closing may take beyond the limit for letting go of a recognizer.
_GRACE = 0.4
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

    A thread of its own, the supervisor, keeps one connection after the other: another when the
    service is lost, and at each commit or update, where a stretch of the audio ends that one
    recognizer hears. The SDK's own thread only hands events over. Every event is emitted under
    the lock, so they come one at a time and none after `close`.
    """

    def __init__(self, plan: Plan, audio: AudioFormat, emit: Emit) -> None:
        self._plan: Plan = plan
        self._audio: AudioFormat = audio
        self._emit: Emit = emit
        self._buffer: AudioBuffer = AudioBuffer(audio, plan.request.limits.hold)
        self._lock: Condition = Condition()  # reentrant: whoever takes an event may close
        self._requests: deque[Request] = deque([plan.request])  # the present stretch's, and further
        self._retry: ReconnectCounter = ReconnectCounter(plan.policy)
        self._hook: ReconnectHook | None = None
        self._link: ResultHandler | None = None
        self._supervisor: Thread | None = None
        self._emitting: int | None = None  # the thread that is in `emit`
        self._standing: bool = False  # Started was emitted
        self._finished: bool = False
        self._over: bool = False
        self._closed: bool = False
        self._start_error: RecognitionError | None = None
        self._speech: SpeechBoundaries = SpeechBoundaries()
        self._token_was_good: bool = False
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
            exits.at_exit(self, AzureSession.close)
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

    def commit(self) -> None:
        """End the open segment after what was written; returns at once, its `Final` follows.

        To the service it is the end of the audio: it says all that is left to say, and the audio
        that follows goes to another recognizer, over another connection. So a word that is under
        way is heard as two, language detection and the labels of speakers begin anew, and until
        the new connection stands, a fraction of a second, audio waits. Where nothing was written
        since the last one it does nothing.

        Raises:
            SessionStateError: before `start` or after `finish`.
        """
        # The SDK's push stream has a commit of its own, which sends the message audio.commit. How
        # the service answers is published nowhere, and without an answer nobody could say when
        # all before it was recognized.
        if self._takes_audio("commit"):
            with self._lock:
                self._cut(self._requests[-1])

    def update(self, options: RecognitionOptions, /) -> None:
        """Use other options from here on, as of `commit`, by another recognizer.

        Raises:
            ConfigurationError: options do not go together.
            SessionStateError: before `start` or after `finish`.
        """
        request = replace(self._plan.request, options=options)
        request.check()
        if self._takes_audio("update"):
            with self._lock:
                if request != self._requests[-1]:
                    self._cut(request, anyhow=True)

    def on_reconnect(self, hook: ReconnectHook, /) -> None:
        """Ask ``hook`` before each further attempt, on a thread of the session's.

        A connection that the SDK makes again by itself, at once and for about a second, is told
        of and not asked about. What the hook adds to a delay the policy does not count. What it
        raises ends the session.
        """
        self._hook = hook

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
            supervisor = self._supervisor
            # whoever takes an event, or answers as the hook, may close
            reentered = self._emitting == get_ident() or supervisor is current_thread()
        self._buffer.close()
        if supervisor is not None and not reentered:
            supervisor.join(self._plan.request.limits.stop + _GRACE)

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
            exits.forget(self)

    def _keep_connected(self) -> None:
        """Connect, and again, until all of the audio is dealt with or there is no point in it.

        Raises:
            RecognitionError: the one that ended it.
        """
        plan = self._plan
        while not (self._closed or self._over):
            request = self._next_request()
            connection = Connection(self, request, plan.tokens, self._audio, self._buffer)
            error = connection.run()
            self.concluded()  # lost in the end, but all had its answer
            if error is not None and not self._over:
                self._await_next(error, connection.heard)

    def _next_request(self) -> Request:
        """Give what is asked for in the stretch of audio that is next."""
        with self._lock:
            while self._buffer.pass_cut():
                self._requests.popleft()
            return self._requests[0]

    def _await_next(self, error: RecognitionError, heard: float) -> None:
        """Wait until it is time to connect again.

        Raises:
            RecognitionError: it never is: ``error``, or the hook failed.
        """
        self._drop_token(error)
        number = self._number_loss(heard)
        delay = self._retry.after(error, monotonic(), stood=self._standing)
        planned = Reconnecting(attempt=number, delay=delay, reason=str(error))
        attempt = ask_to_reconnect(self._hook, planned, backend=BACKEND)
        if attempt is None:
            raise error
        self._retry.postpone(attempt.delay - delay)
        _log.warning(
            "connection lost at %.1f s (%s); attempt %d in %.1f s",
            *(self._buffer.settled, error.code or type(error).__name__, number, attempt.delay),
        )
        self._say(attempt)
        self.pause(lambda: False, attempt.delay)

    def _drop_token(self, error: RecognitionError) -> None:
        """Have a token that was good before and is refused now replaced: it has expired."""
        if isinstance(error, AuthenticationError) and self._token_was_good and self._plan.tokens:
            self._token_was_good = False
            error.retryable = self._plan.tokens.drop()

    def _number_loss(self, heard: float) -> int:
        """Give the number of the attempt that follows, ours or the SDK's."""
        return self._retry.lost(monotonic(), settled=self._buffer.settled, heard=heard)

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

    def _cut(self, request: Request, *, anyhow: bool = False) -> None:
        """Begin another stretch after what was written, and another recognizer for it."""
        if self._buffer.cut(anyhow=anyhow):
            self._requests.append(request)

    def attach(self, link: ResultHandler | None) -> None:
        """Hear this connection from now on, and no other."""
        with self._lock:
            self._link = link

    def pause(self, until: Callable[[], bool], seconds: float) -> bool:
        """Wait, until woken if that holds then; tell whether the session is closed."""
        with self._lock:
            self._lock.wait_for(lambda: self._closed or until(), min(seconds, TIMEOUT_MAX))
            return self._closed

    def concluded(self) -> None:
        """The service has dealt with more of the audio: with all of it, that is the end."""
        if self._buffer.complete:
            self._say(Ended(position=self._buffer.written))

    def broken(self, heard: float) -> None:
        """The connection is lost, and the SDK makes it again."""
        reason = f"the connection to {self._target} was lost"
        number = self._number_loss(heard)
        self._say(Reconnecting(attempt=number, delay=_SDK_DELAY, reason=reason))

    def stands(self, link: ResultHandler) -> None:
        """A connection stands: the first one is the session's start."""
        with self._lock:
            self._token_was_good = True
            if not self._standing and link is self._link:
                self._standing = True
                self._say(Started(session_id=link.session_id))
                self._lock.notify_all()

    def settle(self, phrase: Phrase, link: ResultHandler) -> None:
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

    def speech(self, at: float, link: ResultHandler, *, starts: bool) -> None:
        """Emit where speech starts and ends."""
        with self._lock:
            if link is self._link:
                for event in self._speech.starts(at) if starts else self._speech.ends(at):
                    self._say(event)

    def partial(self, segment: Segment, link: ResultHandler) -> None:
        """Emit an interim result."""
        with self._lock:
            if link is self._link:
                fields = {"start", "end", "text", "speaker", "language"}
                self._say(Partial.model_validate(segment.model_dump(include=fields)))

    def wake(self) -> None:
        """Have the supervisor look."""
        with self._lock:
            self._lock.notify_all()

    @property
    def _target(self) -> str:
        return self._plan.request.settings.target

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
