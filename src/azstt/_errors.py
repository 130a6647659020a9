"""Everything azstt raises on purpose.

::

    AzsttError                                .partial
      ConfigurationError (ValueError)         found before any I/O
      MissingDependencyError (ImportError)    names the extra to install
      AudioError                              .source
        AudioSourceError (OSError)            missing, a directory, not readable; .errno
        AudioDecodeError                      not audio, damaged beyond use, encrypted
        NoAudioStreamError                    says what was found instead
        AudioTooLargeError                    over a limit that the caller set
      RecognitionError                        .backend .code .session_id .hint
                                              .retryable .retry_after
        AuthenticationError
        RequestError
        ThrottledError*
        ServiceUnreachableError*
        RecognitionTimeoutError* (TimeoutError)
        ServiceError*
        IncompleteTranscriptError
      SessionStateError (RuntimeError)        a call that the session's state does not allow

``*`` is retryable. A message says what failed, the value seen and the remedy; it never holds a
key, a token or transcript text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azstt._transcript import Transcript


class AzsttError(Exception):
    """The root of everything azstt raises on purpose.

    Attributes:
        partial: what had been recognized before the failure, if anything was under way.
    """

    partial: Transcript | None = None


class ConfigurationError(AzsttError, ValueError):
    """An option, setting or argument is wrong; found before any audio is read or sent."""


class MissingDependencyError(AzsttError, ImportError):
    """An optional dependency is not installed; the message holds the line that installs it."""


class AudioError(AzsttError):
    """The audio could not be read.

    Attributes:
        source: what the audio came from, as text: a path, ``"<bytes>"`` or ``"<stream>"``.
    """

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source: str = source

    def __str__(self) -> str:
        """Give the message alone, also where a builtin parent would add to it."""
        return str(self.args[0])


class AudioSourceError(AudioError, OSError):
    """The source could not be opened or read: missing, a directory, permission, an I/O error."""

    def __init__(self, message: str, *, source: str = "", errno: int | None = None) -> None:
        super().__init__(message, source=source)
        self.errno: int | None = errno


class AudioDecodeError(AudioError):
    """The source is not audio, or is empty, truncated, encrypted or damaged beyond use."""


class NoAudioStreamError(AudioError):
    """The source is a picture, a document or a video without sound; the message says which."""


class AudioTooLargeError(AudioError):
    """The source passes a limit that the caller set, in seconds or in bytes."""


class RecognitionError(AzsttError):
    """A recognizer failed.

    Attributes:
        backend: the recognizer's name.
        code: the service's own code or status for it, where it gave one.
        session_id: what the service calls the session: name it in a support request.
        retryable: whether the same call may succeed later.
        retry_after: seconds to wait first, where the service said so.
        hint: the remedy in plain words; part of ``str(error)``.
    """

    #: What `retryable` is unless the one who raises knows better.
    _retryable: bool = False

    def __init__(
        self,
        message: str,
        *,
        backend: str = "",
        code: str | None = None,
        session_id: str | None = None,
        retryable: bool | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.backend: str = backend
        self.code: str | None = code
        self.session_id: str | None = session_id
        self.retryable: bool = self._retryable if retryable is None else retryable
        self.retry_after: float | None = retry_after
        self.hint: str | None = hint

    def __str__(self) -> str:
        """Give the message and the hint."""
        message = str(self.args[0])
        return f"{message}; {self.hint}" if self.hint else message


class AuthenticationError(RecognitionError):
    """The service refused the credential."""


class RequestError(RecognitionError):
    """The service refused the request as it stands; sending it again changes nothing."""


class ThrottledError(RecognitionError):
    """The quota, or the number of sessions allowed at once, is used up for now."""

    _retryable = True


class ServiceUnreachableError(RecognitionError):
    """No connection: name resolution, TCP, TLS or the proxy."""

    _retryable = True


class RecognitionTimeoutError(RecognitionError, TimeoutError):
    """A limit on waiting ran out."""

    _retryable = True


class ServiceError(RecognitionError):
    """The recognizer failed on its own side."""

    _retryable = True


class IncompleteTranscriptError(RecognitionError):
    """Audio is left that no result, no silence and no named gap accounts for.

    ``partial.ledger`` says which seconds.
    """


class SessionStateError(AzsttError, RuntimeError):
    """The call does not fit the session's state, such as a write after finish."""


class BackendFallbackWarning(UserWarning):
    """No backend was named and none is configured, so the embedded one does the work."""
