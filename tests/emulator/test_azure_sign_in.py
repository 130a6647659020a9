"""Keys, tokens and credentials; proxies and certificates."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from dataclasses import dataclass

import anyio
import pytest

import azstt
from azstt import emulator as emulators
from azstt._settings import AzureSettings
from azstt.backends.azure import AzureBackend, AzureLimits, ReconnectPolicy
from azstt.emulator import Faults, Script
from azstt.emulator.faults import Close, Expire

HELLO = Script.saying("Hello.", start=0.1)
ONCE = ReconnectPolicy(attempts=0)
LIMITS = AzureLimits(connect=3, stop=2, pace=100)


@dataclass
class AccessToken:
    """What azure-identity's credentials give."""

    token: str
    expires_on: int


class Credential:
    """A credential that counts."""

    def __init__(self, *, lasts: float = 3600.0, error: Exception | None = None) -> None:
        self.lasts = lasts
        self.error = error
        self.scopes: list[str] = []

    def get_token(self, *scopes: str) -> AccessToken:
        self.scopes += scopes
        if self.error is not None:
            raise self.error
        return AccessToken(f"entra-{len(self.scopes)}", int(time.time() + self.lasts))


class AsyncCredential(Credential):
    """The same, to be awaited."""

    async def get_token(self, *scopes: str) -> AccessToken:
        await anyio.sleep(0.01)
        return super().get_token(*scopes)


def test_the_key_is_sent_and_checked(run):
    """The right key opens the service; the wrong one is an error that names the place."""
    with emulators.serve(script=HELLO, key="right") as emulator:
        good = AzureBackend(AzureSettings(host=emulator.host, key="right"), limits=LIMITS)
        assert run(good, bytes(32_000)).of(azstt.Final)
        bad = AzureBackend(AzureSettings(host=emulator.host, key="wr0ng"), limits=LIMITS)
        with pytest.raises(azstt.AuthenticationError, match="refused by host 'ws://127") as caught:
            run(bad, b"")
    assert "wr0ng" not in str(caught.value)
    assert not caught.value.retryable
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("how", ["setting", "static", "callable"])
def test_a_token_is_sent(run, how):
    """A bearer token works, as a setting, as it is or from a function."""
    given = {"static": "tok", "callable": lambda: "tok"}
    settings = {"token": "tok"} if how == "setting" else {}
    with emulators.serve(script=HELLO, token="tok") as emulator:  # noqa: S106 - the emulator's
        backend = AzureBackend(
            AzureSettings(host=emulator.host, **settings), token=given.get(how), limits=LIMITS
        )
        assert run(backend, bytes(32_000)).of(azstt.Final)
    assert emulator.requests[0].headers["authorization"] == "Bearer tok"
    assert "ocp-apim-subscription-key" not in emulator.requests[0].headers


@pytest.mark.parametrize("kind", [Credential, AsyncCredential])
def test_a_credential_signs_in(run, kind):
    """Credentials of azure-identity work, sync and async."""
    credential = kind()
    with emulators.serve(script=HELLO) as emulator:
        backend = AzureBackend(
            AzureSettings(endpoint=emulator.endpoint), credential=credential, limits=LIMITS
        )
        assert run(backend, bytes(32_000)).of(azstt.Final)
    assert emulator.requests[0].headers["authorization"] == "Bearer entra-1"
    assert credential.scopes == ["https://cognitiveservices.azure.com/.default"]


@pytest.mark.parametrize("kind", [Credential, AsyncCredential])
def test_a_failing_credential_never_connects(run, kind):
    """Without a token there is no anonymous connection, but an error that says why."""
    credential = kind(error=LookupError("not signed in"))
    with emulators.serve(script=HELLO) as emulator:
        backend = AzureBackend(AzureSettings(endpoint=emulator.endpoint), credential=credential)
        with pytest.raises(azstt.AuthenticationError, match="LookupError was raised by") as caught:
            run(backend, b"")
        assert isinstance(caught.value.__cause__, LookupError)
        assert not emulator.requests


def test_an_empty_token_never_connects(run):
    """A function that has no token is an error."""
    with emulators.serve(script=HELLO) as emulator:
        backend = AzureBackend(AzureSettings(host=emulator.host), token=lambda: "")
        with pytest.raises(azstt.AuthenticationError, match="empty token"):
            run(backend, b"")
        assert not emulator.requests


def test_a_token_is_renewed_in_time(run, number_engine, numbers, said):
    """A session that outlives its token goes on with the next, also over a new connection."""
    credential = Credential(lasts=1.5)
    faults = Faults.of(Expire(at=6.0), Close(at=9.0, code=1002, connection=1))
    with emulators.serve(engine=number_engine, speed=5, faults=faults) as emulator:
        backend = AzureBackend(
            AzureSettings(endpoint=emulator.endpoint), credential=credential, limits=LIMITS
        )
        session = run(backend, numbers(40))
    assert " ".join(event.segment.text for event in session.of(azstt.Final)) == said(40)
    used = [request.headers["authorization"] for request in emulator.requests]
    assert len(set(used)) == len(used) == 3


def test_a_renewal_that_fails_is_not_the_end(run, number_engine, numbers, caplog):
    """The connection of now outlives its token; the failure is a line in the log."""
    credential = Credential(lasts=1.5)
    with emulators.serve(engine=number_engine, speed=8) as emulator:
        backend = AzureBackend(
            AzureSettings(endpoint=emulator.endpoint), credential=credential, limits=LIMITS
        )
        session = run(backend, numbers(40), wait=False)
        credential.error = LookupError("gone")
        session.finish()
    assert isinstance(session.events[-1], azstt.Ended)
    assert "the token could not be renewed" in caplog.text


def test_a_proxy_is_used(run):
    """The proxy of the settings is asked for the connection, with its user's name."""
    asked: list[bytes] = []

    def answer(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.settimeout(5)
            asked.append(client.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server, emulators.serve() as emulator:
        thread = threading.Thread(target=answer, args=[server], daemon=True)
        thread.start()
        proxy = f"http://user:passw0rd@127.0.0.1:{server.getsockname()[1]}"
        settings = AzureSettings(host=emulator.host, proxy=proxy)
        backend = AzureBackend(settings, limits=LIMITS, reconnect=ONCE)
        with pytest.raises(azstt.RecognitionError) as caught:
            run(backend, b"")
        thread.join(5)
        assert not emulator.requests
    assert asked[0].startswith(b"CONNECT 127.0.0.1:")
    assert b"proxy-authorization: basic" in asked[0].lower()
    assert "passw0rd" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody else trusts, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl program to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def test_a_certificate_of_ones_own_is_trusted(run, certificate):
    """With ca_bundle a private certificate is accepted; without it the error says what to do."""
    with emulators.serve(script=HELLO, tls=certificate) as emulator:
        host = emulator.host.replace("127.0.0.1", "localhost")
        trusting = AzureSettings(host=host, ca_bundle=certificate[0])
        assert run(AzureBackend(trusting, limits=LIMITS), bytes(32_000)).of(azstt.Final)
        with pytest.raises(azstt.ServiceUnreachableError, match="ca_bundle"):
            run(AzureBackend(AzureSettings(host=host), limits=LIMITS, reconnect=ONCE), b"")


@pytest.mark.parametrize(
    ("settings", "more", "message"),
    [
        ({}, {}, "does not know where the service is: set AZURE_SPEECH_REGION"),
        ({"region": "westeurope"}, {}, "region 'westeurope' needs a key: set AZURE_SPEECH_KEY"),
        (
            {"region": "westeurope"},
            {"credential": Credential()},
            "a credential needs the resource's own endpoint",
        ),
        ({"host": "ws://x"}, {"credential": Credential(), "token": "t"}, "not both"),
    ],
)
def test_what_is_missing_is_named(settings, more, message):
    """What can't work is refused before any I/O, with the setting that mends it."""
    with pytest.raises(azstt.ConfigurationError, match=message):
        AzureBackend(AzureSettings(**settings), **more).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), lambda _: None
        )
