"""Who issued a certificate that was refused: the SDK says only that it was.

In a company it is mostly the proxy that inspects the traffic; its name tells people whom to ask.
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

#: What is told of an issuer, and at most how much: it is what a stranger says of itself.
_NAMES = ("organizationName", "commonName")
_LONGEST = 100
#: Seconds that each of two looks may take.
_LOOK = 3.0
#: A name as Python gives it: parts of pairs.
_Name: TypeAlias = tuple[tuple[tuple[str, str], ...], ...]


def name_issuer(error: RecognitionError, settings: AzureSettings) -> None:
    """Put into the error's hint who issued the certificate, if it was about one and that shows.

    Args:
        error: what ended the connection.
        settings: where it went.
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
    """Look at the certificate, without trust, and again with trust in nothing but itself.

    Python gives the contents only of a certificate that it has verified.

    Raises:
        OSError: no connection, or one that can't be verified that way either, as it has expired.
        HTTPException: the proxy makes no connection.
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
    return ", ".join(issuer[name] for name in _NAMES if name in issuer)[:_LONGEST]


def _connection(settings: AzureSettings, context: ssl.SSLContext) -> HTTPSConnection:
    """Shake hands, through the proxy if there is one."""
    host, port = settings.server
    if url := settings.proxy_url():
        proxy = urlsplit(url)
        connection = HTTPSConnection(
            proxy.hostname or "", proxy.port or 8080, timeout=_LOOK, context=context
        )
        connection.set_tunnel(host, port, _sign_in(proxy.username, proxy.password))
    else:
        connection = HTTPSConnection(host, port, timeout=_LOOK, context=context)
    connection.connect()
    return connection


def _sign_in(user: str | None, password: str | None) -> dict[str, str]:
    """Make the header that a proxy with users wants."""
    if user is None:
        return {}
    pair = f"{unquote(user)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {b64encode(pair.encode()).decode()}"}
