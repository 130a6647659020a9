"""An inspecting proxy as companies run them: mitmproxy, with its own certificate authority."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from driving.processes import free_port, running

ADDON = Path(__file__).with_name("inspector.py")
#: The issuer of the proxy's certificates, which errors must name.
ISSUER = "Example Inspection, Example Inspection Root CA"


@dataclass(frozen=True)
class Authority:
    """A temporary certificate authority."""

    certificate: Path
    key: Path

    @classmethod
    def make(cls, folder: Path, organization: str, name: str) -> Authority:
        """Create one."""
        folder.mkdir()
        ours = cls(folder / "ca.pem", folder / "ca.key")
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/O={organization}/CN={name}", "-addext", "keyUsage=critical,keyCertSign"),
            *("-keyout", str(ours.key), "-out", str(ours.certificate)),
        )
        return ours

    def sign_loopback(self, folder: Path) -> tuple[Path, Path]:
        """Create a certificate and key for servers on this machine."""
        folder.mkdir()
        certificate, key = folder / "server.pem", folder / "server.key"
        request, names = folder / "request", folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="ascii")
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
            *("-keyout", str(key), "-out", str(request)),
        )
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(names)),
            *("-CA", str(self.certificate), "-CAkey", str(self.key), "-CAcreateserial"),
            *("-out", str(certificate)),
        )
        return certificate, key


@dataclass(frozen=True)
class Inspection:
    """A running proxy."""

    url: str
    record: Path

    def requests(self, **like: object) -> list[dict[str, object]]:
        """Return the requests with these attributes, whether passed or blocked."""
        lines = self.record.read_text(encoding="utf-8").splitlines()
        return [
            request
            for request in map(json.loads, lines)
            if all(request[name] == value for name, value in like.items())
        ]


def program() -> str | None:
    """Find mitmproxy, which is installed in its own environment because of its pinned versions."""
    return shutil.which("mitmdump")


@contextmanager
def inspection(
    folder: Path,
    own: Authority,
    upstream: Authority,
    *,
    blocked: Sequence[str] = (),
    refusal: str = "403",
    user: str | None = None,
) -> Generator[Inspection]:
    """Run a proxy.

    Args:
        folder: a folder to create for its files.
        own: signs the certificates that it presents.
        upstream: signs the certificates that it trusts.
        blocked: kinds of requests to block: ``multipart``, ``audio``, ``websocket``, ``patch``,
            or ``large``.
        refusal: how it blocks: ``403``, ``413``, ``page`` with status 200, ``reset``.
        user: the required ``user:password``.
    """
    folder.mkdir()
    port, record = free_port(), folder / "requests"
    record.touch()
    both = own.key.read_text() + own.certificate.read_text()
    (folder / "mitmproxy-ca.pem").write_text(both, encoding="ascii")
    chosen = {
        "confdir": folder,
        "record": record,
        "refusal": refusal,
        "ssl_verify_upstream_trusted_ca": upstream.certificate,
    }
    settings = [f"{name}={value}" for name, value in chosen.items()]
    settings += [f"blocked={kind}" for kind in blocked]
    settings += [f"proxyauth={user}"] if user else []
    command = [
        *(program(), "--quiet", "--listen-host", "127.0.0.1", "--listen-port", str(port)),
        *("--scripts", ADDON),
        *(part for setting in settings for part in ("--set", setting)),
    ]
    with running(command, port, folder / "log", cwd=folder):
        yield Inspection(f"http://127.0.0.1:{port}", record)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)  # noqa: S607
