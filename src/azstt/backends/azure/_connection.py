"""Run one SDK recognizer over a stretch of the audio, from creation to release."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceError
from azstt._threads.tasks import BlockingCall
from azstt.backends.azure._buffer import AudioBuffer, Reader
from azstt.backends.azure._certificate import add_issuer_hint
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._request import RecognitionRequest
from azstt.backends.azure._result_handler import ResultHandler, ResultSink
from azstt.backends.azure._sdk import SdkRecognizer
from azstt.backends.azure._tokens import TokenCache

_log = logging.getLogger("azstt.azure")

#: Seconds between checks of the deadlines.
_POLL_INTERVAL = 0.2
#: Seconds after a loss in which the SDK says whether it gives up; it reconnects later than that.
_VERDICT = 0.1


class ConnectionOwner(ResultSink, Protocol):
    """The session, as a connection sees it."""

    def attach(self, handler: ResultHandler | None) -> None:
        """Take events from this handler from now on, and from no other."""
        ...

    def disconnected(self, last_response: float) -> None:
        """Called when the connection is lost and the SDK reconnects by itself.

        Args:
            last_response: see `RecognizerConnection`.
        """
        ...

    def stretch_over(self) -> None:
        """Called when no more results come from a recognizer."""
        ...

    def wait(self, until: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition, checked on each wake-up; return whether the session is closed."""
        ...


class RecognizerConnection:
    """Sends a stretch of the audio to a recognizer; makes the SDK's blocking calls.

    The SDK reopens a lost connection by itself, several times within about a second, and continues
    the same session of the service; a new recognizer starts a new session.

    Attributes:
        last_response: seconds of audio that had been read when the service last sent a message.
    """

    def __init__(
        self,
        owner: ConnectionOwner,
        request: RecognitionRequest,
        tokens: TokenCache | None,
        audio: AudioFormat,
        buffer: AudioBuffer,
    ) -> None:
        self.last_response: float = 0.0
        self._owner: ConnectionOwner = owner
        self._request: RecognitionRequest = request
        self._tokens: TokenCache | None = tokens
        self._audio: AudioFormat = audio
        self._buffer: AudioBuffer = buffer

    def run(self) -> RecognitionError | None:
        """Recognize the stretch; return the error that ended it, or None at its end or `close`."""
        try:
            token = self._tokens.get() if self._tokens else None
            reader = self._buffer.reader()
            recognizer = SdkRecognizer(self._request, token, self._audio, reader)
        except RecognitionError as error:
            return error
        handler = ResultHandler(self._owner, self._request, self._buffer, reader.base)
        self._owner.attach(handler)
        try:
            recognizer.start(handler, partials=self._request.options.partials)
            return self._monitor(handler, recognizer, reader)
        except RecognitionError as error:
            return error
        finally:
            self.last_response = handler.deadlines.last_response
            self._owner.attach(None)
            self._buffer.detach()
            release = BlockingCall(recognizer.close, name="azstt azure release")
            release.join(self._request.limits.stop)  # or abandon it

    def _monitor(
        self, handler: ResultHandler, recognizer: SdkRecognizer, reader: Reader
    ) -> RecognitionError | None:
        """Wait for the end, checking deadlines and renewing the token meanwhile."""
        while not self._owner.wait(lambda: handler.ended or handler.lost, _POLL_INTERVAL):
            if handler.lost:
                handler.lost = False
                self._owner.wait(lambda: handler.ended, _VERDICT)
                if handler.error is None:
                    self._owner.disconnected(handler.deadlines.last_response)
            if handler.ended or self._is_empty(reader):
                return self._conclude(handler)
            if overdue := self._overdue(handler):
                return self._timeout(overdue, handler)
            if self._tokens and self._tokens.due:
                self._renew(self._tokens, recognizer)
        return None

    def _is_empty(self, reader: Reader) -> bool:
        """Whether there was no audio at all, to which the service would never respond."""
        return self._buffer.drained and self._buffer.read == reader.base

    def _overdue(self, handler: ResultHandler) -> str | None:
        """Return a description of the limit that has passed, or None.

        A service need not send any message during a long silence, for example with diarization.
        But it has to respond to the end of the audio: so this recognizer's audio ends here, and
        the next one continues. Otherwise the SDK would fail as soon as it held too much.
        """
        now, position = monotonic(), self._buffer.read
        overdue = handler.deadlines.overdue(now, position, at_end=self._buffer.drained)
        if overdue and handler.deadlines.silent(position) and not self._buffer.drained:
            _log.info("no response up to %.1f s: ending the stretch there to get one", position)
            self._buffer.stop()
            handler.deadlines.expect_response(now)
            return None
        return overdue

    def _conclude(self, handler: ResultHandler) -> RecognitionError | None:
        if handler.error is not None:
            add_issuer_hint(handler.error, self._request.settings)
            return handler.error
        if not self._buffer.drained:
            return ServiceError(
                f"{self._request.settings.target} ended the session before the end of the audio",
                backend=BACKEND,
                session_id=handler.session_id,
            )
        self._buffer.settle_all()
        self._owner.stretch_over()  # before the recognizer is released, which takes a while
        return None

    def _timeout(self, overdue: str, handler: ResultHandler) -> RecognitionError:
        return RecognitionTimeoutError(
            f"timed out waiting for {self._request.settings.target}: {overdue}",
            backend=BACKEND,
            code="timeout",
            session_id=handler.session_id,
            hint="try again, or raise that limit in AzureLimits",
        )

    def _renew(self, tokens: TokenCache, recognizer: SdkRecognizer) -> None:
        """Set a new token for the next connection; the current connection outlives its token."""
        try:
            recognizer.renew(tokens.get())
        except RecognitionError as error:
            tokens.postpone_renewal()
            _log.warning("could not renew the access token: %s", error)
