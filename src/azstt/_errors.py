"""The errors that azstt raises on purpose.

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

``*`` marks the retryable ones. A message says what failed, the value seen and the remedy; it
never contains a key, a token or transcript text. `partial_of` returns what had been recognized for
any exception that ends a transcription, also for an interrupt.
"""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

from azstt._models import refuse_with

if TYPE_CHECKING:
    from azstt._transcript import Transcript

_PACKAGE = f"{Path(__file__).parent}{os.sep}"  # not azstt_x beside it, which is somebody else's


class AzsttError(Exception):
    """Base class of every error that azstt raises on purpose.

    Attributes:
        partial: what had been recognized before the failure; None if no transcription was under
            way.
    """

    partial: Transcript | None = None


def partial_of(error: BaseException) -> Transcript | None:
    """Return what had been recognized when an exception ended a transcription.

    For an `AzsttError` that is its ``.partial``. The other exceptions that may end one are kept as
    they are: `KeyboardInterrupt`, what a ``progress`` callback, a handler or a source raised, and a
    cancellation, whether it is caught as such or as the `TimeoutError` of `asyncio.timeout`. In an
    interactive session, the last one that was raised is ``sys.last_value``.

    Returns:
        The transcript so far; None if the exception did not end a transcription.
    """
    exception: BaseException | None = error
    while exception is not None:
        if (partial := vars(exception).get("partial")) is not None:
            return cast("Transcript", partial)
        exception = exception.__cause__
    return None


def keep_partial(error: BaseException, partial: Transcript) -> None:
    """Let an exception carry what had been recognized; see `partial_of`."""
    vars(error)["partial"] = partial
    note = "azstt.partial_of() of this exception has what was recognized until then"
    told = isinstance(error, AzsttError) or note in getattr(error, "__notes__", ())
    if partial.segments and not told:
        error.add_note(note)


class ConfigurationError(AzsttError, ValueError):
    """A value is wrong: an argument, an option, a setting, or the content of a file of azstt's.

    Where it concerns a transcription it is raised before any audio is read or sent. That data are
    refused with it too, such as a saved `Transcript` that is none, makes it the one error for
    everything that azstt cannot take.
    """


refuse_with(ConfigurationError)


class MissingDependencyError(AzsttError, ImportError):
    """An optional dependency is not installed; the message says how to install it."""


class AudioError(AzsttError):
    """The audio could not be read.

    Attributes:
        source: where the audio came from: a path, ``"<bytes>"`` or ``"<stream>"``.
    """

    def __init__(self, message: str, *, source: str = "") -> None:
        super().__init__(message)
        self.source: str = source

    def __str__(self) -> str:
        """Return the message alone, even if a builtin parent class would add to it."""
        return str(self.args[0])


class AudioSourceError(AudioError, OSError):
    """The source could not be opened or read: missing, a directory, not permitted, an I/O error.

    Attributes:
        errno: the operating system's error number, if there is one.
    """

    def __init__(self, message: str, *, source: str = "", errno: int | None = None) -> None:
        super().__init__(message, source=source)
        self.errno: int | None = errno

    def __reduce__(self) -> tuple[type[Self], tuple[object, ...], dict[str, object]]:
        """Return what a copy is made of; an `OSError` keeps its errno outside the dict."""
        return type(self), self.args, {**vars(self), "errno": self.errno}


class AudioDecodeError(AudioError):
    """The source is not audio, or it is empty, truncated, encrypted or damaged beyond use."""


class NoAudioStreamError(AudioError):
    """The source is a picture, a document or a video without sound; the message says which."""


class AudioTooLargeError(AudioError):
    """The source exceeds a limit that the caller set, in seconds or in bytes."""


class RecognitionError(AzsttError):
    """The recognizer failed.

    Attributes:
        backend: the recognizer's name.
        code: the service's own error code or status, if it sent one.
        session_id: the service's id of the session; include it in a support request.
        retryable: whether the same call may succeed later.
        retry_after: seconds to wait before a retry, if the service said so.
        hint: the remedy in plain words; part of ``str(error)``.
    """

    #: The default of `retryable`; an instance may override it.
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
        """Return the message and the hint."""
        message = str(self.args[0])
        return f"{message}; {self.hint}" if self.hint else message


class AuthenticationError(RecognitionError):
    """The service rejected the credentials."""


class RequestError(RecognitionError):
    """The service rejected the request; sending the same request again will not help."""


class ThrottledError(RecognitionError):
    """The quota, or the number of concurrent sessions, is exhausted for now."""

    _retryable = True


class ServiceUnreachableError(RecognitionError):
    """No connection could be made: name resolution, TCP, TLS or the proxy failed."""

    _retryable = True


class RecognitionTimeoutError(RecognitionError, TimeoutError):
    """A time limit was exceeded: the caller's timeout, or a limit on waiting for the recognizer.

    If the recognizer was reconnecting by then, the error of its last attempt is the ``__cause__``,
    part of the message, and where ``code``, ``session_id`` and ``retry_after`` are from.
    """

    _retryable = True

    def __str__(self) -> str:
        """Return the message and the hint, and what had gone wrong before the limit."""
        cause = self.__cause__
        told = f"; the last error was: {cause}" if isinstance(cause, RecognitionError) else ""
        return f"{super().__str__()}{told}"


def tell_last_error(timeout: RecognitionTimeoutError, error: RecognitionError | None) -> None:
    """Tell the last error before a limit, unless it says the same or another is told."""
    if error is None or timeout.__cause__ is not None or str(error) == str(timeout):
        return
    timeout.__cause__ = error
    timeout.code = timeout.code or error.code
    timeout.session_id = timeout.session_id or error.session_id
    timeout.retry_after = error.retry_after


class ServiceError(RecognitionError):
    """The recognizer failed for reasons of its own."""

    _retryable = True


class IncompleteTranscriptError(RecognitionError):
    """Some audio has no result, no reported silence and no gap with a known reason.

    With ``strict`` also: some audio is missing, whatever the reason. The gaps in ``partial.ledger``
    say what and where.
    """


class SessionStateError(AzsttError, RuntimeError):
    """The session's state does not allow the call, such as a write after finish."""


class IncompleteAudioWarning(UserWarning):
    """Some of the audio is missing: the recording is cut off or damaged, or was dropped.

    The transcript is that of the rest. Its ledger says what is missing; with ``strict=True`` this
    is an `IncompleteTranscriptError`.
    """


class AudioFormatWarning(UserWarning):
    """Raw PCM does not look like samples of the format that was declared for it.

    PCM has no header that could be checked, so it is used as declared all the same: the transcript
    is probably empty, or made up.
    """


class LowConfidenceWarning(UserWarning):
    """Most of the text is probably wrong, as for another language; see `Transcript.doubt`."""


class BackendFallbackWarning(UserWarning):
    """No backend was named and none is configured, so the embedded recognizer is used."""


class Caller(NamedTuple):
    """A line of the user's code that called azstt, for the warnings about that call."""

    filename: str
    line: int
    module: dict[str, Any]

    @classmethod
    def here(cls) -> Caller:
        """Return the line that called azstt, or the one that `active` says on this thread."""
        if (active := _caller.get()) is not None:
            return active
        frame = cast("FrameType", inspect.currentframe())  # CPython always has one
        while frame.f_code.co_filename.startswith(_PACKAGE) and frame.f_back is not None:
            frame = frame.f_back
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)

    @contextmanager
    def active(self) -> Generator[None]:
        """Work for this call on another thread, or in another task."""
        token = _caller.set(self)
        try:
            yield
        finally:
            _caller.reset(token)


_caller: ContextVar[Caller | None] = ContextVar("azstt caller", default=None)


def warn(message: str, category: type[Warning], *, source: object = None) -> None:
    """Give a warning that names the line of the user's code that called azstt.

    Args:
        message: what is wrong, and the remedy.
        category: the kind of warning.
        source: what was not closed, for a `ResourceWarning`.
    """
    filename, line, module = Caller.here()
    registry = module.setdefault("__warningregistry__", {})
    name = module.get("__name__")
    warnings.warn_explicit(message, category, filename, line, name, registry, source=source)
