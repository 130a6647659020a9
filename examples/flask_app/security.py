"""Who sent a request, and whether it is allowed.

A browser is identified by a random ID in a signed cookie. Requests that change anything need a
token that only our own page can read. The page neither runs nor loads anything from other sites.
"""

from __future__ import annotations

import hmac
from datetime import timedelta
from ipaddress import ip_address
from secrets import token_urlsafe
from urllib.parse import urlsplit

from flask import Flask, Response, abort, request, session
from flask.sessions import SecureCookieSessionInterface
from typing_extensions import override

_SAFE = {"GET", "HEAD", "OPTIONS"}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; media-src blob:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Tells the page that an answer is ours, not that of a proxy in between.
    "X-Azstt": "1",
}


class _Cookies(SecureCookieSessionInterface):
    """Signed cookies, restricted to HTTPS if the page was loaded over HTTPS."""

    @override
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def protect(app: Flask, hosts: str) -> None:
    """Check every request, and add the security headers to every answer.

    Args:
        app: the app to protect.
        hosts: host names that the app is served under, separated by spaces.
    """
    app.session_interface = _Cookies()
    app.config.from_mapping(
        SESSION_COOKIE_NAME="azstt",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=365),
    )
    names = {"localhost", *hosts.lower().split()}

    @app.before_request
    def check() -> None:  # pyright: ignore[reportUnusedFunction] - Flask calls it
        _check_host(names)
        _check_origin()
        if request.method not in _SAFE:
            _check_token()
        if request.headers.get("Upgrade", "").lower() == "websocket":
            client_id()  # after the upgrade it is too late to refuse

    @app.after_request
    def harden(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction] - as above
        response.headers.update(_HEADERS)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def page_token() -> str:
    """Return the token for the page, after giving the browser an ID if it has none."""
    if "client" not in session:
        session["client"] = token_urlsafe(16)
        session["token"] = token_urlsafe(16)
        session.permanent = True
    return str(session["token"])


def client_id() -> str:
    """Return the ID of the browser that sent the request."""
    if "client" not in session:
        abort(403, "this browser has no valid cookie for this app; reload the page")
    return str(session["client"])


def _check_host(names: set[str]) -> None:
    """Reject unknown host names, as another site's name may resolve to us (DNS rebinding)."""
    name = (urlsplit(f"//{request.host}").hostname or "").lower()
    if name in names:
        return
    try:
        ip_address(name)  # an address can't be rebound
    except ValueError:
        abort(400, f"unknown host name: {name!r}; add it to AZSTT_WEB_HOSTS")


def _check_origin() -> None:
    """Reject requests from other sites' pages. Nothing else restricts a WebSocket's origin."""
    origin = request.headers.get("Origin")
    if origin is None:  # browsers send it whenever it matters
        return
    if origin.partition("://")[2] != request.host:
        abort(403, f"pages from {origin!r} may not use this app")


def _check_token() -> None:
    given = request.headers.get("X-CSRF-Token", "")
    if not given and request.mimetype == "text/plain":  # a beacon, which has no headers of ours
        given = request.get_data(as_text=True)
    if not hmac.compare_digest(given.encode(), session.get("token", "\0").encode()):
        abort(403, "this page is out of date; reload it")
