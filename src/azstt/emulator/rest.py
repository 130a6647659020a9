"""The service's REST paths: tokens, fast transcription, short audio."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from aiohttp import web

from azstt.emulator.engines import Engine


class Rest:
    """Answers what is no WebSocket."""

    def __init__(self, engine: Engine, executor: Executor, issue: Callable[[], str]) -> None:
        self._engine = engine
        self._executor = executor
        self._issue = issue

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request."""
        if request.method == "POST" and request.path == "/sts/v1.0/issueToken":
            return web.Response(text=self._issue())
        return web.json_response(
            {"code": "NotFound", "message": f"no such resource: {request.path}"}, status=404
        )
