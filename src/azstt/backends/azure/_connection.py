"""One recognizer of the SDK, from its making to its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from azstt._audio_format import AudioFormat
from azstt._errors import RecognitionError, RecognitionTimeoutError, ServiceError
from azstt._threads.tasks import BlockingCall
from azstt.backends.azure._buffer import AudioBuffer, Reader
from azstt.backends.azure._certificate import name_issuer
from azstt.backends.azure._failures import BACKEND
from azstt.backends.azure._link import ResultHandler, Sink
from azstt.backends.azure._request import Request
from azstt.backends.azure._sdk import Recognition
from azstt.backends.azure._tokens import Tokens

_log = logging.getLogger("azstt.azure")

#: Seconds between two looks at the clock: less than the SDK waits before it connects again.
_TICK = 0.2


class Owner(Sink, Protocol):
    """The session, as whoever keeps a connection sees it."""

    def attach(self, link: ResultHandler | None) -> None:
        """Hear this link from now on, and no other."""
        ...

    def broken(self, heard: float) -> None:
        """The connection is lost, and the SDK makes it again; ``heard`` as of `Connection`."""
        ...

    def concluded(self) -> None:
        """The service has dealt with more of the audio, or with all of it."""
        ...

    def pause(self, until: Callable[[], bool], seconds: float) -> bool:
        """Wait, until woken if that holds then; tell whether the session is closed."""
        ...


class Connection:
    """Sends a stretch of the audio to a recognizer; makes the calls of the SDK that may block.

    The SDK makes a connection that is lost again by itself, some times within about a second. It
    goes on with the same session of the service then, which a recognizer that we make does not.
    """

    def __init__(
        self,
        owner: Owner,
        request: Request,
        tokens: Tokens | None,
        audio: AudioFormat,
        buffer: AudioBuffer,
    ) -> None:
        self._owner: Owner = owner
        self._request: Request = request
        self._tokens: Tokens | None = tokens
        self._audio: AudioFormat = audio
        self._buffer: AudioBuffer = buffer
        #: Seconds of audio that had been read at the service's last word.
        self.heard: float = 0.0

    def run(self) -> RecognitionError | None:
        """Have the stretch recognized; give what ended that, None for its end or `close`."""
        try:
            token = self._tokens.get() if self._tokens else None
            reader = self._buffer.reader()
            recognition = Recognition(self._request, token, self._audio, reader)
        except RecognitionError as error:
            return error
        link = ResultHandler(self._owner, self._request, self._buffer, reader.base)
        self._owner.attach(link)
        try:
            recognition.start(link, partials=self._request.options.partials)
            return self._follow(link, recognition, reader)
        except RecognitionError as error:
            return error
        finally:
            self.heard = link.watch.heard
            self._owner.attach(None)
            self._buffer.detach()
            release = BlockingCall(recognition.close, name="azstt azure release")
            release.join(self._request.limits.stop)  # or abandon it

    def _follow(
        self, link: ResultHandler, recognition: Recognition, reader: Reader
    ) -> RecognitionError | None:
        """Wait for its end, with an eye on the clock and on the token."""
        breaks = 0
        while not self._owner.pause(lambda: link.over, _TICK):
            if link.breaks > breaks and link.error is None:
                breaks = link.breaks
                self._owner.broken(link.watch.heard)
            if link.over or self._is_empty(reader):
                return self._conclude(link)
            if late := self._late(link):
                return self._timeout(late, link)
            if self._tokens and self._tokens.due:
                self._renew(self._tokens, recognition)
        return None

    def _is_empty(self, reader: Reader) -> bool:
        """Whether there was no audio at all, of which the service would not say a word."""
        return self._buffer.drained and self._buffer.read == reader.base

    def _late(self, link: ResultHandler) -> str | None:
        """Say what has been waited for too long, if anything has.

        A service that has heard a long silence need not say a word of it, such as one that tells
        speakers apart. But to the end of the audio it has to answer: so the recognizer's audio
        ends there, and the next one goes on. The SDK would give up as soon as it held too much.
        """
        now, position = monotonic(), self._buffer.read
        late = link.watch.overdue(now, position, over=self._buffer.drained)
        if late and link.watch.silent(position) and not self._buffer.drained:
            _log.info("no word on the audio up to %.1f s: it ends there, to have one", position)
            self._buffer.stop()
            link.watch.expect(now)
            return None
        return late

    def _conclude(self, link: ResultHandler) -> RecognitionError | None:
        if link.error is not None:
            name_issuer(link.error, self._request.settings)
            return link.error
        if not self._buffer.drained:
            return ServiceError(
                f"{self._request.settings.target} ended the session before the audio was over",
                backend=BACKEND,
                session_id=link.session_id,
            )
        self._buffer.settle_all()
        self._owner.concluded()  # nobody has to wait for the recognizer to be let go of
        return None

    def _timeout(self, late: str, link: ResultHandler) -> RecognitionError:
        return RecognitionTimeoutError(
            f"{self._request.settings.target} kept us waiting: {late}",
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
