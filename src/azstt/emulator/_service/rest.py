"""The service's REST paths: tokens, fast transcription, short audio."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import TypeVar, cast

from aiohttp import MultipartReader, web

from azstt._errors import AudioError
from azstt._units import seconds_to_ticks
from azstt.emulator._service.bodies import Body, phrase
from azstt.emulator._service.fast import Definition, answer_of
from azstt.emulator._service.recordings import transcribe
from azstt.emulator._service.request import parse_json, read_request
from azstt.emulator._service.wire import WireError
from azstt.emulator.engines import Engine

_Result = TypeVar("_Result")

_TOKEN = "/sts/v1.0/issueToken"  # noqa: S105 - a path
_FAST = "/speechtotext/transcriptions:transcribe"
_SHORT = re.compile(
    r"/speech/recognition/(conversation|interactive|dictation)/cognitiveservices/v1"
)
#: Short audio is as short as this, in seconds.
_SHORTEST = 60.0


class Rest:
    """Answers what is no WebSocket."""

    def __init__(self, engine: Engine, executor: Executor, issue: Callable[[], str]) -> None:
        self._engine = engine
        self._executor = executor
        self._issue = issue

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a request; what is wrong with it is said the way the service says it."""
        try:
            if request.method == "POST" and request.path == _TOKEN:
                return web.Response(text=self._issue())
            if request.method == "POST" and request.path == _FAST:
                return web.json_response(await self._fast(request))
            if request.method == "POST" and _SHORT.fullmatch(request.path):
                return web.json_response(await self._short(request))
        except AudioError:
            return _wrong("InvalidAudioFormat", "The audio can't be decoded.")
        except (WireError, ValueError) as error:
            return _wrong("InvalidPayload", str(error))
        return _failed(404, "NotFound", f"no such resource: {request.method} {request.path}")

    async def _fast(self, request: web.BaseRequest) -> Body:
        """Transcribe a file."""
        if "api-version" not in request.query:
            raise WireError("the query parameter 'api-version' is missing")
        if not request.content_type.startswith("multipart/"):
            raise WireError(f"the body must be multipart/form-data, not {request.content_type!r}")
        parts: dict[str, bytes] = {}
        reader = MultipartReader(request.headers, request.content)
        while (part := await reader.next()) is not None:
            if isinstance(part, MultipartReader):
                raise WireError("a multipart body within a multipart body")
            parts[part.name or ""] = bytes(await part.read(decode=True))
        if not parts.get("audio"):
            raise WireError("the part 'audio' is missing or empty")
        definition = Definition.read(parse_json(parts.get("definition") or b"{}", "definition"))
        seconds, said = await self._work(
            partial(
                transcribe,
                self._engine,
                parts["audio"],
                definition.request,
                channels=definition.channels,
            )
        )
        return answer_of(definition, seconds, said)

    async def _short(self, request: web.BaseRequest) -> Body:
        """Recognize the first phrase of short audio."""
        query = {name.lower(): text for name, text in request.query.items()}
        if not query.get("language"):
            raise WireError("the query parameter 'language' is missing")
        turn = read_request(request.path, query, {}, _assessed(request.headers))
        audio = await request.content.read()
        seconds, said = await self._work(
            partial(transcribe, self._engine, audio, turn, end=_SHORTEST)
        )
        if not said:
            return {
                "RecognitionStatus": "InitialSilenceTimeout",
                "Offset": seconds_to_ticks(seconds),
                "Duration": 0,
            }
        body = phrase(said[0], turn, turn.language)
        kept = {"RecognitionStatus", "Offset", "Duration"}
        kept.add("NBest" if "NBest" in body else "DisplayText")
        return {name: _flat(value) for name, value in body.items() if name in kept}

    async def _work(self, call: Callable[[], _Result]) -> _Result:
        """Do what takes long in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


def _assessed(headers: Mapping[str, str]) -> Body:
    """Read the header that asks for an assessment, as if it were a context."""
    header = headers.get("Pronunciation-Assessment")
    if header is None:
        return {}
    try:
        text = base64.b64decode(header, validate=True)
    except binascii.Error as error:
        raise WireError("the header 'Pronunciation-Assessment' is not Base64") from error
    asked = {name[:1].lower() + name[1:]: value for name, value in parse_json(text, "it").items()}
    return {"phraseDetection": {"enrichment": {"pronunciationAssessment": asked}}}


def _flat(value: object) -> object:
    """Lift scores out of their own object, as this path gives them."""
    if isinstance(value, list):
        return [_flat(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    lifted: Body = {}
    for name, member in cast("Body", value).items():
        if name == "PronunciationAssessment":
            lifted |= cast("Body", member)
        else:
            lifted[name] = _flat(member)
    return lifted


def _wrong(code: str, message: str) -> web.Response:
    inner = {"code": code, "message": message}
    return web.json_response(
        {"code": "InvalidRequest", "message": message, "innerError": inner}, status=400
    )


def _failed(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)
