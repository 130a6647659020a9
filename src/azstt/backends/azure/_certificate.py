"""Find the issuer of a rejected certificate, which the SDK does not report.

In a company it is usually the proxy that inspects the traffic; its name tells people whom to ask.
"""

from __future__ import annotations

import ssl
from base64 import b64encode
from contextlib import closing
from http.client import HTTPException, HTTPSConnection
from typing import TypeAlias, cast
from urllib.parse import unquote, urlsplit

from azstt._errors import RecognitionError
from azstt.backends.azure._failures import CERTIFICATE
from azstt.backends.azure._settings import AzureSettings

#: The parts of the issuer's name to show, and the maximum length: the text is untrusted.
_NAMES = ("organizationName", "commonName")
_MAX_LENGTH = 100
#: Seconds that each of the two connections may take.
_TIMEOUT = 3.0
#: A name in the form that `ssl` returns: relative names of key-value pairs.
_Name: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]


def add_issuer_hint(error: RecognitionError, settings: AzureSettings) -> None:
    """Name the issuer in the hint of a certificate error; best effort.

    Args:
        error: what ended the connection; one that is not about a certificate is left alone.
        settings: the service that was connected to.
    """
    if error.code != CERTIFICATE:
        return
    try:
        name = _issuer(settings)
    except (OSError, HTTPException):
        return
    error.hint = (
        f"its certificate was issued by {name!r}, which is not trusted here; if that is your "
        "organization's proxy, set ca_bundle (AZURE_SPEECH_CA_BUNDLE) to a file with the "
        "certificate of its CA, in PEM form"
    )


def _issuer(settings: AzureSettings) -> str:
    """Fetch the certificate unverified, then connect again trusting that certificate alone.

    Python returns the contents only of a certificate that it has verified.

    Raises:
        OSError: no connection, or the certificate fails that check too, for example as expired.
        HTTPException: the proxy refused the connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with closing(_connection(settings, context)) as connection:
        context.load_verify_locations(cadata=connection.sock.getpeercert(binary_form=True))
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    with closing(_connection(settings, context)) as connection:
        contents = cast("dict[str, _Name]", connection.sock.getpeercert())
    issuer = dict(pair for part in contents["issuer"] for pair in part)
    return ", ".join(issuer[name] for name in _NAMES if name in issuer)[:_MAX_LENGTH]


def _connection(settings: AzureSettings, context: ssl.SSLContext) -> HTTPSConnection:
    """Connect and complete the TLS handshake, through the proxy if there is one."""
    host, port = settings.server
    if url := settings.proxy_url():
        proxy = urlsplit(url)
        connection = HTTPSConnection(
            proxy.hostname or "", proxy.port or 8080, timeout=_TIMEOUT, context=context
        )
        connection.set_tunnel(host, port, _proxy_headers(proxy.username, proxy.password))
    else:
        connection = HTTPSConnection(host, port, timeout=_TIMEOUT, context=context)
    connection.connect()
    return connection


def _proxy_headers(user: str | None, password: str | None) -> dict[str, str]:
    """Return the authorization header, if the proxy has a user name."""
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
