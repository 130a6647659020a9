"""What comes over one connection, on the SDK's thread, put into our words."""

from __future__ import annotations

from time import monotonic
from typing import Protocol

from azstt._errors import RecognitionError, ServiceError
from azstt._result import Segment
from azstt._units import ticks_to_seconds
from azstt.backends.azure._buffer import AudioBuffer
from azstt.backends.azure._deadlines import Deadlines
from azstt.backends.azure._failures import BACKEND, failure
from azstt.backends.azure._payload import Phrase, parse_phrase
from azstt.backends.azure._request import Request


class Sink(Protocol):
    """The session, as a connection sees it; ignores connections of the past."""

    def stands(self, link: ResultHandler) -> None:
        """The connection stands."""
        ...

    def settle(self, phrase: Phrase, link: ResultHandler) -> None:
        """A final has come."""
        ...

    def partial(self, segment: Segment, link: ResultHandler) -> None:
        """An interim result has come."""
        ...

    def speech(self, at: float, link: ResultHandler, *, starts: bool) -> None:
        """Speech starts or ends."""
        ...

    def wake(self) -> None:
        """The connection is over."""
        ...


class ResultHandler:
    """One connection's ear; see `Listener`.

    Attributes:
        watch: the connection's clock.
        session_id: what the service calls it; None before it stands.
        breaks: how often it was lost; the SDK makes it again by itself, if that is no use it fails.
        over: whether it has come to its end.
        error: why, if that is not the end of the audio.
    """

    def __init__(self, sink: Sink, request: Request, buffer: AudioBuffer, base: float) -> None:
        self.watch: Deadlines = Deadlines(request.limits, monotonic(), base)
        self.session_id: str | None = None
        self.breaks: int = 0
        self.over: bool = False
        self.error: RecognitionError | None = None
        self._sink: Sink = sink
        self._request: Request = request
        self._buffer: AudioBuffer = buffer
        self._base: float = base

    def on_connected(self, session_id: str) -> None:
        """Start the clock of the first answer."""
        self.session_id = session_id
        self.watch.connected(monotonic())
        self._sink.stands(self)

    def on_disconnected(self) -> None:
        """Start the clock of the SDK's own attempts."""
        self.breaks += 1
        self.watch.disconnected(monotonic())

    def on_message(self) -> None:
        """Take note that the service is alive."""
        self.watch.message(self._buffer.read)

    def on_result(self, body: str) -> None:
        """Hand over a final."""
        alternatives = self._request.options.alternatives
        self._sink.settle(parse_phrase(body, base=self._base, alternatives=alternatives), self)

    def on_partial(self, body: str) -> None:
        """Hand over an interim result."""
        self._sink.partial(parse_phrase(body, base=self._base).segment, self)

    def on_speech(self, ticks: int, *, starts: bool) -> None:
        """Hand over where speech starts or ends."""
        self._sink.speech(self._base + ticks_to_seconds(ticks), self, starts=starts)

    def on_end(self) -> None:
        """Note the good end."""
        self._finish(None)

    def on_failure(self, code: int, details: str) -> None:
        """Note why the SDK gave up."""
        self._finish(failure(code, details, target=self._request.settings.target))

    def on_broken(self, error: Exception) -> None:
        """Note that one of these went wrong."""
        self._finish(unexpected(error))

    def _finish(self, error: RecognitionError | None) -> None:
        if not self.over:
            self.error, self.over = error, True
            self._sink.wake()


def unexpected(error: Exception) -> RecognitionError:
    """Wrap what is a fault of ours, without its message: that may hold text."""
    wrapped = ServiceError(
        f"what the SDK said could not be read: {type(error).__name__}",
        backend=BACKEND,
        retryable=False,
    )
    wrapped.__cause__ = error
    return wrapped
