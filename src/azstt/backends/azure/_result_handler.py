"""Turn the SDK's callbacks of one connection into events of the session."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from azstt._errors import RecognitionError, ServiceError
from azstt._events import Partial
from azstt._units import ticks_to_seconds
from azstt.backends.azure._buffer import AudioBuffer
from azstt.backends.azure._deadlines import Deadlines
from azstt.backends.azure._failures import BACKEND, cancellation_error
from azstt.backends.azure._payload import PhraseResult, parse_hypothesis, parse_phrase
from azstt.backends.azure._request import RecognitionRequest

_END_OF_STREAM = 2  # one of the SDK's cancellation reasons


class ResultSink(Protocol):
    """The session, as a handler sees it; ignores all handlers but the attached one."""

    def connected(self, handler: ResultHandler) -> None:
        """Called when the connection is established."""
        ...

    def final(self, result: PhraseResult, handler: ResultHandler) -> None:
        """Called for each final."""
        ...

    def partial(self, event: Partial, handler: ResultHandler) -> None:
        """Called for each interim result."""
        ...

    def speech(self, at: float, handler: ResultHandler, *, starts: bool) -> None:
        """Called where speech starts or ends."""
        ...

    def wake(self) -> None:
        """Called when the connection is lost or has ended."""
        ...


class ResultHandler:
    """Handles the events of one recognizer, on the SDK's thread; its methods return immediately.

    Attributes:
        deadlines: the deadlines of the connection.
        session_id: the service's id of the session; None before it is connected.
        lost: whether the connection was lost since somebody last set this to False; the SDK
            reconnects by itself, and fails if it can't.
        ended: whether the session with the service has ended.
        error: why it ended; None at the end of the audio.
    """

    def __init__(
        self, sink: ResultSink, request: RecognitionRequest, buffer: AudioBuffer, base: float
    ) -> None:
        self.deadlines: Deadlines = Deadlines(request.limits, monotonic(), base)
        self.session_id: str | None = None
        self.lost: bool = False
        self.ended: bool = False
        self.error: RecognitionError | None = None
        self._sink: ResultSink = sink
        self._request: RecognitionRequest = request
        self._buffer: AudioBuffer = buffer
        self._base: float = base

    def on_connected(self, session_id: str) -> None:
        """Record the session's id and tell the session."""
        self.session_id = session_id
        self.deadlines.connected(monotonic())
        self._sink.connected(self)

    def on_disconnected(self) -> None:
        """Record the loss and start the deadline for the SDK's reconnection."""
        self.lost = True
        self.deadlines.disconnected(monotonic())
        self._sink.wake()

    def on_message(self) -> None:
        """Record a message of any kind: the service is alive."""
        self.deadlines.message(self._buffer.read)

    def on_result(self, body: str) -> None:
        """Pass on a final result, given as the service's JSON."""
        alternatives = self._request.options.alternatives
        self._sink.final(parse_phrase(body, base=self._base, alternatives=alternatives), self)

    def on_partial(self, body: str) -> None:
        """Pass on an interim result, given as the service's JSON."""
        self._sink.partial(parse_hypothesis(body, base=self._base), self)

    def on_speech(self, ticks: int, *, starts: bool) -> None:
        """Pass on where speech starts or ends, in ticks of 100 ns."""
        self._sink.speech(self._base + ticks_to_seconds(ticks), self, starts=starts)

    def on_canceled(self, reason: int, code: int, details: str) -> None:
        """Record a normal end, which is a cancellation too, or why the SDK canceled the session."""
        ended = reason == _END_OF_STREAM  # the service has processed all of the audio
        target = self._request.settings.target
        self._finish(None if ended else cancellation_error(code, details, target=target))

    def on_exception(self, error: Exception) -> None:
        """Record an exception from one of these methods, or from the code that calls it."""
        self._finish(unexpected_error(error))

    def _finish(self, error: RecognitionError | None) -> None:
        if not self.ended:
            self.error, self.ended = error, True
            self._sink.wake()


def unexpected_error(error: Exception) -> RecognitionError:
    """Wrap an exception that is a bug of ours, without its message: that may hold transcript."""
    wrapped = ServiceError(
        f"unexpected {type(error).__name__} while handling the Speech SDK's events",
        backend=BACKEND,
        retryable=False,
    )
    wrapped.__cause__ = error
    return wrapped
