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
from azstt.emulator._service.fast import Definition, response_body
from azstt.emulator._service.recordings import transcribe
from azstt.emulator._service.request import parse_json, read_request
from azstt.emulator._service.wire import WireError
from azstt.emulator.engines._port import Engine

_Result = TypeVar("_Result")

_TOKEN = "/sts/v1.0/issueToken"  # noqa: S105 - a path
_FAST = "/speechtotext/transcriptions:transcribe"
_SHORT = re.compile(
    r"/speech/recognition/(conversation|interactive|dictation)/cognitiveservices/v1"
)
#: Seconds; the rest of longer audio is ignored.
_MAX_SHORT_AUDIO = 60.0


class RestHandler:
    """Answers requests other than WebSocket upgrades."""

    def __init__(self, engine: Engine, executor: Executor, issue_token: Callable[[], str]) -> None:
        self._engine = engine
        self._executor = executor
        self._issue_token = issue_token

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """Answer a request, an invalid one with the service's error format."""
        try:
            if request.method == "POST" and request.path == _TOKEN:
                return web.Response(text=self._issue_token())
            if request.method == "POST" and request.path == _FAST:
                return web.json_response(await self._fast(request))
            if request.method == "POST" and _SHORT.fullmatch(request.path):
                return web.json_response(await self._short(request))
        except AudioError:
            return _bad_request("InvalidAudioFormat", "The audio can't be decoded.")
        except (WireError, ValueError) as error:
            return _bad_request("InvalidPayload", str(error))
        return _error(404, "NotFound", f"no such resource: {request.method} {request.path}")

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
                raise WireError("the multipart body contains another one")
            parts[part.name or ""] = bytes(await part.read(decode=True))
        if not parts.get("audio"):
            raise WireError("the part 'audio' is missing or empty")
        definition = Definition.read(parse_json(parts.get("definition") or b"{}", "definition"))
        seconds, utterances = await self._in_thread(
            partial(
                transcribe,
                self._engine,
                parts["audio"],
                definition.request,
                channels=definition.channels,
            )
        )
        return response_body(definition, seconds, utterances)

    async def _short(self, request: web.BaseRequest) -> Body:
        """Recognize the first phrase of short audio."""
        query = {name.lower(): text for name, text in request.query.items()}
        if not query.get("language"):
            raise WireError("the query parameter 'language' is missing")
        turn = read_request(request.path, query, {}, _assessment_context(request.headers))
        audio = await request.content.read()
        seconds, utterances = await self._in_thread(
            partial(transcribe, self._engine, audio, turn, end=_MAX_SHORT_AUDIO)
        )
        if not utterances:
            return {
                "RecognitionStatus": "InitialSilenceTimeout",
                "Offset": seconds_to_ticks(seconds),
                "Duration": 0,
            }
        body = phrase(utterances[0], turn, turn.language)
        kept = {"RecognitionStatus", "Offset", "Duration"}
        kept.add("NBest" if "NBest" in body else "DisplayText")
        return {name: _flatten(value) for name, value in body.items() if name in kept}

    async def _in_thread(self, call: Callable[[], _Result]) -> _Result:
        """Run a blocking call in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


def _assessment_context(headers: Mapping[str, str]) -> Body:
    """Convert the header that asks for an assessment to the form of a context."""
    header = headers.get("Pronunciation-Assessment")
    if header is None:
        return {}
    try:
        text = base64.b64decode(header, validate=True)
    except binascii.Error as error:
        raise WireError("the header 'Pronunciation-Assessment' is not Base64") from error
    fields = parse_json(text, "the header 'Pronunciation-Assessment'")
    options = {name[:1].lower() + name[1:]: value for name, value in fields.items()}
    return {"phraseDetection": {"enrichment": {"pronunciationAssessment": options}}}


def _flatten(value: object) -> object:
    """Move scores up from their own object, which is how short audio returns them."""
    if isinstance(value, list):
        return [_flatten(item) for item in cast("list[object]", value)]
    if not isinstance(value, dict):
        return value
    lifted: Body = {}
    for name, member in cast("Body", value).items():
        if name == "PronunciationAssessment":
            lifted |= cast("Body", member)
        else:
            lifted[name] = _flatten(member)
    return lifted


def _bad_request(code: str, message: str) -> web.Response:
    inner = {"code": code, "message": message}
    return web.json_response(
        {"code": "InvalidRequest", "message": message, "innerError": inner}, status=400
    )


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"code": code, "message": message}, status=status)
