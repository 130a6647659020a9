"""Why Azure Speech gave up, in our words: cancellation codes to our errors. Pure.

The service has many names for one trouble: a used-up quota comes as HTTP 429 or 503, as close code
4429, and as close code 1007 with "Quota exceeded".
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
#: The code of a connection whose certificate was refused: the SDK has none for that.
CERTIFICATE = "certificate"

_SESSION = re.compile(r"SessionId:\s*([0-9a-fA-F-]{32,36})")
_STATUS = re.compile(r"\((\d{3})\)")
_CLOSE_CODE = re.compile(r"[Ee]rror code:\s*(\d{4})")
_RETRY_AFTER = re.compile(r"retry[- ]after\W{0,3}(\d+(?:\.\d+)?)", re.IGNORECASE)
_QUOTA = re.compile(r"quota|too many requests|throttl|concurren", re.IGNORECASE)
#: The SDK has no words for a certificate that is not trusted, only a number that is no errno.
_CERTIFICATE = re.compile(r"certificate|Unknown error \d{4}", re.IGNORECASE)
_NAME = re.compile(r"\[DNS\]|getaddrinfo|name resolution", re.IGNORECASE)
_NOT_A_SPEECH_SERVICE = frozenset({"302", "404", "405", "410"})


class Reason(IntEnum):
    """The SDK's codes for what ends a session; what it adds one day is `RUNTIME_ERROR` to us."""

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
    def _missing_(cls, value: object) -> Reason | None:  # noqa: ARG003 - the enum's own hook
        return cls.RUNTIME_ERROR


@dataclass(frozen=True)
class _Trouble:
    """What is known of a failure."""

    reason: Reason
    details: str

    @property
    def code(self) -> str:
        """The most telling number or name: HTTP status, close code, or the SDK's own name."""
        for pattern in (_STATUS, _CLOSE_CODE):
            if match := pattern.search(self.details):
                return match[1]
        if self.reason is Reason.CONNECTION_FAILURE and _CERTIFICATE.search(self.details):
            return CERTIFICATE
        return self.reason.name.lower()

    @property
    def throttled(self) -> bool:
        """Whether it is the quota, under any of its names."""
        return (
            self.reason in {Reason.TOO_MANY_REQUESTS, Reason.SERVICE_UNAVAILABLE}
            or self.code in {"429", "4429", "503"}
            or (
                self.reason in {Reason.BAD_REQUEST, Reason.FORBIDDEN, Reason.CONNECTION_FAILURE}
                and bool(_QUOTA.search(self.details))
            )
        )


def failure(reason: int, details: str, *, target: str) -> RecognitionError:
    """Make an error of what the SDK said when it gave up.

    Args:
        reason: its cancellation code.
        details: its words; they never get into the message, for they hold addresses and bodies.
        target: where it was connected to, for people: ``region 'westeurope'``.
    """
    trouble = _Trouble(Reason(reason), details)
    kind, message, hint = _explain(trouble)
    session = _SESSION.search(details)
    wait = _RETRY_AFTER.search(details)
    error = kind(
        f"{message.format(target=target)} ({trouble.code})",
        backend=BACKEND,
        code=trouble.code,
        session_id=session[1] if session else None,
        retry_after=float(wait[1]) if wait else None,
        hint=hint,
    )
    if kind is ServiceError and trouble.reason is Reason.RUNTIME_ERROR:
        error.retryable = False
    return error


#: The error, what happened to {target}, and what to do, by the code.
_Words: TypeAlias = tuple[type[RecognitionError], str, str]
_THROTTLED: _Words = (
    ThrottledError,
    "the quota of {target} is used up for now",
    "wait and try again, run fewer transcriptions at once, or raise the resource's quota",
)
_NO_SUCH_SERVICE: _Words = (
    RequestError,
    "there is no speech service at {target}",
    "check host, endpoint or region",
)
_CLOSED: _Words = (
    ServiceError,
    "{target} closed the connection",
    "try again; name the session id in a support request",
)
_FAILED: _Words = (
    ServiceError,
    "{target} failed on its own side",
    "try again; name the session id in a support request",
)
_KEY = (
    "check that the key belongs to this region or endpoint (AZURE_SPEECH_KEY with "
    "AZURE_SPEECH_REGION or AZURE_SPEECH_ENDPOINT), and that a token has not expired"
)
_ROLE = "check the role (Cognitive Services Speech User), the pricing tier and the network rules"
_BY_REASON: dict[Reason, _Words] = {
    Reason.AUTHENTICATION_FAILURE: (
        AuthenticationError,
        "the key or token was refused by {target}",
        _KEY,
    ),
    Reason.FORBIDDEN: (AuthenticationError, "{target} forbids this key or token to do that", _ROLE),
    Reason.BAD_REQUEST: (
        RequestError,
        "{target} refused the request",
        "check the language, the custom model's id and the properties that were asked for",
    ),
    Reason.SERVICE_TIMEOUT: (
        RecognitionTimeoutError,
        "{target} did not answer in time",
        "try again; if it stays so, see the service's health page",
    ),
}


def _explain(trouble: _Trouble) -> _Words:
    """Say what went wrong and what to do."""
    if trouble.throttled:
        return _THROTTLED
    if trouble.code in _NOT_A_SPEECH_SERVICE:
        return _NO_SUCH_SERVICE
    if trouble.reason is Reason.CONNECTION_FAILURE:
        return _unreachable(trouble)
    return _BY_REASON.get(trouble.reason, _FAILED)


def _unreachable(trouble: _Trouble) -> _Words:
    """Tell a broken connection from one that never came about."""
    if "closed by the remote" in trouble.details:
        return _CLOSED
    if trouble.code == CERTIFICATE:
        hint = "the certificate was not accepted: set ca_bundle (AZURE_SPEECH_CA_BUNDLE) to its CA"
    elif _NAME.search(trouble.details):
        hint = "check the name in region, host or endpoint, the network and the proxy"
    else:
        hint = "check the network, the proxy (HTTPS_PROXY) and host, endpoint or region"
    return ServiceUnreachableError, "no connection to {target}", hint
