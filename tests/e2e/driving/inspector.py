"""A company's inspecting proxy as a mitmproxy addon: blocks kinds of requests.

Runs in mitmproxy's own interpreter. Writes a line of JSON for each request.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

PAGE = "<!doctype html><title>Blocked</title><h1>Your organization does not allow this upload</h1>"

#: The most bytes in a request that is not large.
LARGE = 100_000


class Inspector:
    """Blocks kinds of requests: ``multipart``, ``audio``, ``websocket``, ``patch``, ``large``."""

    def load(self, loader: Loader) -> None:
        """Declare the options for ``--set``."""
        loader.add_option("blocked", Sequence[str], [], "kinds of requests to block")
        loader.add_option("refusal", str, "403", "403, 413, page (with status 200), or reset")
        loader.add_option("record", str, "", "file for a line of JSON about each request")

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Block a request by its headers, as these products do, and answer it."""
        kind = kind_of(flow.request)
        blocked = kind in ctx.options.blocked
        self.note(flow, kind, blocked=blocked)
        if not blocked:
            return
        if ctx.options.refusal == "reset":
            flow.kill()
        else:
            status = 200 if ctx.options.refusal == "page" else int(ctx.options.refusal)
            flow.response = http.Response.make(status, PAGE, {"content-type": "text/html"})

    def note(self, flow: http.HTTPFlow, kind: str, *, blocked: bool) -> None:
        """Record a request."""
        line = {
            "kind": kind,
            "method": flow.request.method,
            "path": flow.request.path,
            "tls": flow.client_conn.tls,
            "blocked": blocked,
        }
        with Path(ctx.options.record).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def kind_of(request: http.Request) -> str:
    """Classify a request as a media upload, large, a PATCH, plain bytes, a WebSocket, or other."""
    content = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("upgrade", "").lower() == "websocket":
        return "websocket"
    if content.startswith(("audio/", "video/")):
        return "audio"
    if content == "multipart/form-data":
        return "multipart"
    if int(request.headers.get("content-length", "0")) > LARGE and "large" in ctx.options.blocked:
        return "large"
    if request.method == "PATCH":
        return "patch"
    return "octets" if content.endswith("octet-stream") else "other"


addons = [Inspector()]
