from __future__ import annotations

import pytest

import azstt
from azstt.backends.azure._failures import CancellationCode, cancellation_error

SESSION = " SessionId: 110c41f7ad454822b7035c5f0dc3e565"
UPGRADE = "WebSocket upgrade failed: "


def of(reason, details, target="region 'westeurope'"):
    """Return the error for what the SDK reports."""
    return cancellation_error(reason, details + SESSION, target=target)


CLOSED = "Connection was closed by the remote host. Error code:"
CASES = [
    (1, "Authentication error (401). Please check...", azstt.AuthenticationError, "401"),
    (4, "Forbidden", azstt.AuthenticationError, "forbidden"),
    (2, "Bad request (400). Error details: body", azstt.RequestError, "400"),
    (3, "Too many requests (429).", azstt.ThrottledError, "429"),
    (8, "Service unavailable (503).", azstt.ThrottledError, "503"),
    (2, f"{CLOSED} 1007. Error details: Quota exceeded", azstt.ThrottledError, "1007"),
    (3, f"{CLOSED} 4429.", azstt.ThrottledError, "4429"),
    (2, f"{CLOSED} 1007. Error details: bad", azstt.RequestError, "1007"),
    (5, f"{CLOSED} 1002.", azstt.ServiceError, "1002"),
    (
        5,
        "Connection failed. code=111: Connection refused",
        azstt.ServiceUnreachableError,
        "connection_failure",
    ),
    (5, "Unspecified connection error (405).", azstt.RequestError, "405"),
    (7, "Internal service error (404).", azstt.RequestError, "404"),
    (7, "Internal service error (500).", azstt.ServiceError, "500"),
    (6, "Timeout (408).", azstt.RecognitionTimeoutError, "408"),
    (
        6,
        "the client buffer exceeded maximum size",
        azstt.RecognitionTimeoutError,
        "service_timeout",
    ),
    (9, "something", azstt.ServiceError, "runtime_error"),
    (99, "a code of next year", azstt.ServiceError, "runtime_error"),
]


@pytest.mark.parametrize(("reason", "details", "kind", "code"), CASES)
def test_each_failure_has_its_error(reason, details, kind, code):
    """The SDK's codes, HTTP statuses and close codes are mapped to azstt's error classes."""
    error = of(reason, UPGRADE + details)
    assert (type(error), error.code) == (kind, code)
    assert error.backend == "azure"
    assert error.session_id == "110c41f7ad454822b7035c5f0dc3e565"
    assert error.hint


def test_errors_are_retryable_or_not():
    """An exhausted quota is retryable; a rejected key and an SDK error are not."""
    assert not of(1, "").retryable
    assert of(3, "").retryable
    assert of(7, "").retryable
    assert not of(9, "").retryable


def test_retry_after_is_read():
    """The delay that the service asks for is in the error."""
    assert of(3, "(429) Retry-After: 7").retry_after == 7.0
    assert of(3, "(429)").retry_after is None


def test_the_message_names_the_service():
    """It says which service rejected the key, and what to do."""
    message = str(of(1, "Authentication error (401)."))
    assert message.startswith("the key or token was rejected by region 'westeurope' (401); check")


def test_the_message_has_no_text_of_the_service():
    """Addresses and bodies, which may contain secrets, stay out of the message."""
    assert "sig=secret" not in str(of(2, "(400) wss://x/?sig=secret"))


@pytest.mark.parametrize(
    ("details", "hint"),
    [
        ("code=2859: Unknown error 2859", "ca_bundle"),
        ("code=-2: [DNS] DNS resolution failed", "check the name"),
        ("code=111: [CONNECTION] Connection refused", "HTTPS_PROXY"),
    ],
)
def test_the_hint_fits_the_cause_of_a_failed_connection(details, hint):
    """A certificate, a name and a refused connection each have their own remedy."""
    assert hint in str(of(5, f"Connection failed. {details}"))


def test_the_codes_are_the_sdks():
    """Each code has the name that the SDK gives it."""
    speech = pytest.importorskip("azure.cognitiveservices.speech")
    for reason in CancellationCode:
        theirs = speech.CancellationErrorCode(reason.value).name
        assert theirs.lower() == reason.name.lower().replace("_", "")
