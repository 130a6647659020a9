"""Map the SDK's cancellation codes and details to azstt's errors. Pure.

The service reports one problem in many ways: an exhausted quota comes as HTTP 429 or 503, as close
code 4429, and as close code 1007 with "Quota exceeded".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from azstt._errors import (
    AuthenticationError,
    RecognitionError,
    RecognitionTimeoutError,
    RequestError,
    ServiceError,
    ServiceUnreachableError,
    ThrottledError,
)

BACKEND = "azure"
#: Our code for a rejected certificate: the SDK has none for that.
CERTIFICATE = "certificate"

_SESSION = re.compile(r"SessionId:\s*([0-9a-fA-F-]{32,36})")
_STATUS = re.compile(r"\((\d{3})\)")
_CLOSE_CODE = re.compile(r"[Ee]rror code:\s*(\d{4})")
_RETRY_AFTER = re.compile(r"retry[- ]after\W{0,3}(\d+(?:\.\d+)?)", re.IGNORECASE)
_QUOTA = re.compile(r"quota|too many requests|throttl|concurren", re.IGNORECASE)
#: For an untrusted certificate the SDK reports only a number that is not an errno.
_CERTIFICATE = re.compile(r"certificate|Unknown error \d{4}", re.IGNORECASE)
_NAME = re.compile(r"\[DNS\]|getaddrinfo|name resolution", re.IGNORECASE)
_NOT_A_SPEECH_SERVICE = frozenset({"302", "404", "405", "410"})


class CancellationCode(IntEnum):
    """The SDK's error codes for a canceled session; an unknown one is a `RUNTIME_ERROR`."""

    NO_ERROR = 0
    AUTHENTICATION_FAILURE = 1
    BAD_REQUEST = 2
    TOO_MANY_REQUESTS = 3
    FORBIDDEN = 4
    CONNECTION_FAILURE = 5
    SERVICE_TIMEOUT = 6
    SERVICE_ERROR = 7
    SERVICE_UNAVAILABLE = 8
    RUNTIME_ERROR = 9

    @classmethod
    def _missing_(cls, value: object) -> CancellationCode | None:  # noqa: ARG003 - the enum's hook
        return cls.RUNTIME_ERROR


@dataclass(frozen=True)
class _Cancellation:
    """What the SDK reports about a failure."""

    reason: CancellationCode
    details: str

    @property
    def code(self) -> str:
        """The most specific code: the HTTP status, the close code, or the SDK's own name."""
        for pattern in (_STATUS, _CLOSE_CODE):
            if match := pattern.search(self.details):
                return match[1]
        if self.reason is CancellationCode.CONNECTION_FAILURE and _CERTIFICATE.search(self.details):
            return CERTIFICATE
        return self.reason.name.lower()

    @property
    def throttled(self) -> bool:
        """Whether the quota is exhausted, however that was reported."""
        return (
            self.reason in _THROTTLED_REASONS
            or self.code in {"429", "4429", "503"}
            or (self.reason in _MAYBE_THROTTLED_REASONS and bool(_QUOTA.search(self.details)))
        )


_THROTTLED_REASONS = {CancellationCode.TOO_MANY_REQUESTS, CancellationCode.SERVICE_UNAVAILABLE}
#: Reasons that are about the quota only if the details say so.
_MAYBE_THROTTLED_REASONS = {
    CancellationCode.BAD_REQUEST,
    CancellationCode.FORBIDDEN,
    CancellationCode.CONNECTION_FAILURE,
}


def cancellation_error(reason: int, details: str, *, target: str) -> RecognitionError:
    """Return the error for a session that the SDK has canceled.

    Args:
        reason: the SDK's cancellation error code.
        details: the SDK's text; never part of the message, since it holds addresses and bodies.
        target: the service, for people: ``region 'westeurope'``.
    """
    cancellation = _Cancellation(CancellationCode(reason), details)
    kind, message, hint = _explain(cancellation)
    session = _SESSION.search(details)
    wait = _RETRY_AFTER.search(details)
    error = kind(
        f"{message.format(target=target)} ({cancellation.code})",
        backend=BACKEND,
        code=cancellation.code,
        session_id=session[1] if session else None,
        retry_after=float(wait[1]) if wait else None,
        hint=hint,
    )
    if kind is ServiceError and cancellation.reason is CancellationCode.RUNTIME_ERROR:
        error.retryable = False
    return error


#: The error's class, its message about {target}, and the remedy.
_Explanation: TypeAlias = tuple[type[RecognitionError], str, str]
_THROTTLED: _Explanation = (
    ThrottledError,
    "the quota of {target} is exhausted",
    "wait and try again, run fewer transcriptions at once, or raise the resource's quota",
)
_NO_SUCH_SERVICE: _Explanation = (
    RequestError,
    "there is no Speech service at {target}",
    "check host, endpoint or region",
)
_CLOSED: _Explanation = (
    ServiceError,
    "{target} closed the connection",
    "try again; include the session id in a support request",
)
_FAILED: _Explanation = (
    ServiceError,
    "{target} reported an internal error",
    "try again; include the session id in a support request",
)
_KEY = (
    "check that the key belongs to this region or endpoint (AZURE_SPEECH_KEY with "
    "AZURE_SPEECH_REGION or AZURE_SPEECH_ENDPOINT), and that the token has not expired"
)
_ROLE = "check the role (Cognitive Services Speech User), the pricing tier and the network rules"
_BY_REASON: dict[CancellationCode, _Explanation] = {
    CancellationCode.AUTHENTICATION_FAILURE: (
        AuthenticationError,
        "the key or token was rejected by {target}",
        _KEY,
    ),
    CancellationCode.FORBIDDEN: (
        AuthenticationError,
        "{target} does not allow this request with this key or token",
        _ROLE,
    ),
    CancellationCode.BAD_REQUEST: (
        RequestError,
        "{target} rejected the request",
        "check the language, the custom model's id and the properties that were set",
    ),
    CancellationCode.SERVICE_TIMEOUT: (
        RecognitionTimeoutError,
        "{target} did not respond in time",
        "try again; if the error persists, see the service's health page",
    ),
}


def _explain(cancellation: _Cancellation) -> _Explanation:
    """Return the error's class, message and remedy."""
    if cancellation.throttled:
        return _THROTTLED
    if cancellation.code in _NOT_A_SPEECH_SERVICE:
        return _NO_SUCH_SERVICE
    if cancellation.reason is CancellationCode.CONNECTION_FAILURE:
        return _explain_connection_failure(cancellation)
    return _BY_REASON.get(cancellation.reason, _FAILED)


def _explain_connection_failure(cancellation: _Cancellation) -> _Explanation:
    """Distinguish a connection that was closed from one that was never established."""
    if "closed by the remote" in cancellation.details:
        return _CLOSED
    if cancellation.code == CERTIFICATE:
        hint = "the certificate is not trusted: set ca_bundle (AZURE_SPEECH_CA_BUNDLE) to its CA"
    elif _NAME.search(cancellation.details):
        hint = "check the name in region, host or endpoint, the network and the proxy"
    else:
        hint = "check the network, the proxy (HTTPS_PROXY) and host, endpoint or region"
    return ServiceUnreachableError, "could not connect to {target}", hint
