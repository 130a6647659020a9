"""Who a request is from, and whether it may do what it asks.

A browser is known by an id that nobody can guess, in a signed cookie. What it changes it changes
with a token that only our own page has read. Nothing on the page runs or loads from elsewhere.
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
    # The page tells our answers from those of a proxy in between by this one.
    "X-Azstt": "1",
}


class _Cookies(SecureCookieSessionInterface):
    """Signed cookies that keep to HTTPS wherever the page came by it."""

    @override
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def protect(app: Flask, hosts: str) -> None:
    """Hold every request against the rules, and put the headers on every answer.

    Args:
        app: whose requests.
        hosts: names that the app may be reached by, with spaces between.
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
            client()  # after the upgrade it would be too late to refuse

    @app.after_request
    def harden(response: Response) -> Response:  # pyright: ignore[reportUnusedFunction] - as above
        response.headers.update(_HEADERS)
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response


def greet() -> str:
    """Give a browser its id, unless it has one; return the token for its page."""
    if "client" not in session:
        session["client"] = token_urlsafe(16)
        session["token"] = token_urlsafe(16)
        session.permanent = True
    return str(session["token"])


def client() -> str:
    """Give the id of the browser that asks."""
    if "client" not in session:
        abort(403, "this browser has no valid cookie of the page; reload the page")
    return str(session["client"])


def _check_host(names: set[str]) -> None:
    """Refuse names that are not ours: a stranger's name may lead here (DNS rebinding)."""
    name = (urlsplit(f"//{request.host}").hostname or "").lower()
    if name in names:
        return
    try:
        ip_address(name)  # an address is not a name that leads anywhere else
    except ValueError:
        abort(400, f"this app is not known as {name!r}; add the name to AZSTT_WEB_HOSTS")


def _check_origin() -> None:
    """Refuse what other sites' pages send. A WebSocket is bound to no origin but by this."""
    origin = request.headers.get("Origin")
    if origin is None:  # a browser names it wherever it matters
        return
    if origin.partition("://")[2] != request.host:
        abort(403, f"a page of {origin!r} may not use this app")


def _check_token() -> None:
    given = request.headers.get("X-CSRF-Token", "")
    if not hmac.compare_digest(given.encode(), session.get("token", "\0").encode()):
        abort(403, "the page is out of date; reload it")
