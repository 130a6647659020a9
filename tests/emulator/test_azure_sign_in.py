"""Keys, tokens and credentials; proxies and certificates."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from base64 import b64encode
from dataclasses import dataclass

import anyio
import pytest

import azstt
from azstt import emulator as emulators
from azstt.backends.azure import AzureBackend, AzureLimits, ReconnectPolicy
from azstt.backends.azure._settings import AzureSettings
from azstt.emulator import Faults, Script
from azstt.emulator.faults import Close, Expire

HELLO = Script.saying("Hello.", start=0.1)
ONCE = ReconnectPolicy(attempts=0)
#: No test here waits for a limit: they allow for a busy machine.
LIMITS = AzureLimits(connect=30, stop=2, pace=100)


@dataclass
class AccessToken:
    """A token as the credentials of azure-identity return it."""

    token: str
    expires_on: int


class Credential:
    """A credential that numbers its tokens."""

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
    """The right key works; the wrong one is an error that names the service."""
    with emulators.serve(script=HELLO, key="right") as emulator:
        good = AzureBackend(AzureSettings(host=emulator.host, key="right"), limits=LIMITS)
        assert run(good, bytes(32_000)).of(azstt.Final)
        bad = AzureBackend(AzureSettings(host=emulator.host, key="wr0ng"), limits=LIMITS)
        with pytest.raises(azstt.AuthenticationError, match="rejected by host 'ws://127") as caught:
            run(bad, b"")
    assert "wr0ng" not in str(caught.value)
    assert not caught.value.retryable
    assert len(emulator.requests) == 2


@pytest.mark.parametrize("how", ["setting", "static", "callable"])
def test_a_token_is_sent(run, how):
    """A bearer token works as a setting, as an argument and from a function."""
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
    """Without a token there is no anonymous connection but an error with the reason."""
    credential = kind(error=LookupError("not signed in"))
    with emulators.serve(script=HELLO) as emulator:
        backend = AzureBackend(AzureSettings(endpoint=emulator.endpoint), credential=credential)
        with pytest.raises(
            azstt.AuthenticationError, match="Credential raised LookupError"
        ) as caught:
            run(backend, b"")
        assert isinstance(caught.value.__cause__, LookupError)
        assert not emulator.requests


class Stuck(Credential):
    """A credential that hangs after so many tokens."""

    def __init__(self, *, after: int) -> None:
        super().__init__(lasts=1.0)
        self.after = after
        self.free = threading.Event()

    def get_token(self, *scopes: str) -> AccessToken:
        if len(self.scopes) >= self.after:
            self.free.wait(20)
        return super().get_token(*scopes)


def test_a_credential_that_hangs_times_out(run):
    """Signing in has a limit like every other wait."""
    stuck = Stuck(after=0)
    limits = AzureLimits(sign_in=0.3)
    with emulators.serve(script=HELLO) as emulator:
        settings = AzureSettings(endpoint=emulator.endpoint)
        with pytest.raises(azstt.AuthenticationError, match=r"from Stuck within 0.3 s \(sign_in\)"):
            run(AzureBackend(settings, credential=stuck, limits=limits), b"")
        stuck.free.set()
        assert not emulator.requests


def test_a_renewal_that_hangs_does_not_end_the_session(run, number_engine, numbers, said, caplog):
    """The current connection goes on, and the session ends as usual."""
    stuck = Stuck(after=1)
    limits = AzureLimits(sign_in=0.3, stop=2, pace=100)
    with emulators.serve(engine=number_engine, speed=10) as emulator:
        settings = AzureSettings(endpoint=emulator.endpoint)
        session = run(AzureBackend(settings, credential=stuck, limits=limits), numbers(40))
    stuck.free.set()
    assert " ".join(event.segment.text for event in session.of(azstt.Final)) == said(40)
    assert "could not renew the access token" in caplog.text


def test_an_empty_token_never_connects(run):
    """An empty token from a function is an error, and azstt does not connect."""
    with emulators.serve(script=HELLO) as emulator:
        backend = AzureBackend(AzureSettings(host=emulator.host), token=lambda: "")
        with pytest.raises(azstt.AuthenticationError, match="empty token"):
            run(backend, b"")
        assert not emulator.requests


def test_a_token_is_renewed_in_time(run, number_engine, numbers, said):
    """A session that outlives its token uses the next one, also for a new connection."""
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


def test_a_renewal_that_fails_does_not_end_the_session(run, number_engine, numbers, caplog):
    """The current connection outlives its token; the failure is logged."""
    credential = Credential(lasts=1.5)
    with emulators.serve(engine=number_engine, speed=8) as emulator:
        backend = AzureBackend(
            AzureSettings(endpoint=emulator.endpoint), credential=credential, limits=LIMITS
        )
        session = run(backend, numbers(40), wait=False)
        credential.error = LookupError("gone")
        session.finish()
    assert isinstance(session.events[-1], azstt.Ended)
    assert "could not renew the access token" in caplog.text


@pytest.mark.parametrize("how", ["setting", "environment"])
def test_a_proxy_is_used(run, monkeypatch, how):
    """The connection goes through the proxy, with the decoded user name and password."""
    received: list[bytes] = []

    def answer(server: socket.socket) -> None:
        client, _ = server.accept()
        with client:
            client.settimeout(5)
            received.append(client.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=[server], daemon=True)
        thread.start()
        proxy = f"http://user:p%40ssw0rd@127.0.0.1:{server.getsockname()[1]}"
        if how == "environment":
            monkeypatch.setenv("HTTPS_PROXY", proxy)
        # loopback too, but not an address that bypasses the proxy
        settings = AzureSettings(host="ws://127.0.0.2:1", proxy=proxy if how == "setting" else None)
        limits = AzureLimits(connect=1, stop=2)
        with pytest.raises(azstt.RecognitionError) as caught:
            run(AzureBackend(settings, limits=limits, reconnect=ONCE), b"")
        thread.join(5)
    assert received[0].startswith(b"CONNECT 127.0.0.2:1 ")
    assert b64encode(b"user:p@ssw0rd") in received[0]
    assert "ssw0rd" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return a self-signed certificate, its key, and a bundle where another comes first."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl program to make a certificate with")
    folder = tmp_path_factory.mktemp("tls")
    for name in "other", "ours":
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
                *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
            ],
            cwd=folder,
            check=True,
            capture_output=True,
        )
    cert, bundle = folder / "ours.pem", folder / "bundle.pem"
    bundle.write_bytes((folder / "other.pem").read_bytes() + cert.read_bytes())
    return cert, folder / "ours.key", bundle


def test_a_private_certificate_is_trusted(run, certificate):
    """With ca_bundle a private certificate is accepted; without it the error names the issuer."""
    with emulators.serve(script=HELLO, tls=certificate[:2]) as emulator:
        host = emulator.host.replace("127.0.0.1", "localhost")
        for bundle in certificate[0], certificate[2]:
            trusting = AzureSettings(host=host, ca_bundle=bundle)
            assert run(AzureBackend(trusting, limits=LIMITS), bytes(32_000)).of(azstt.Final)
        with pytest.raises(azstt.ServiceUnreachableError) as caught:
            run(AzureBackend(AzureSettings(host=host), limits=LIMITS, reconnect=ONCE), b"")
    assert caught.value.code == "certificate"
    assert "issued by 'localhost'" in str(caught.value)
    assert "set ca_bundle" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "more", "message"),
    [
        ({}, {}, "no endpoint is configured for the 'azure' backend: set AZURE_SPEECH_REGION"),
        ({"region": "westeurope"}, {}, "region 'westeurope' requires a key: set AZURE_SPEECH_KEY"),
        (
            {"region": "westeurope"},
            {"credential": Credential()},
            "a credential requires the resource's own endpoint",
        ),
        ({"host": "ws://x"}, {"credential": Credential(), "token": "t"}, "not both"),
    ],
)
def test_a_missing_setting_is_named(settings, more, message):
    """Insufficient settings are an error before any I/O, which names the missing one."""
    with pytest.raises(azstt.ConfigurationError, match=message):
        AzureBackend(AzureSettings(**settings), **more).open(
            azstt.RecognitionOptions(), azstt.AudioFormat(), lambda _: None
        )
