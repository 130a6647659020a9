"""All errors as JSON, with messages that the page can show."""

from __future__ import annotations

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException

from .slots import LimitReachedError
from .upload import OffsetError


def _http(error: HTTPException) -> ResponseReturnValue:
    return jsonify(error=error.description or error.name), error.code or 500


def _invalid(error: ValidationError) -> ResponseReturnValue:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return jsonify(error=f"{where}: {first['msg'].lower()}"), 400


def _limit_reached(error: LimitReachedError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 429


def _offset(error: OffsetError) -> ResponseReturnValue:
    return jsonify(error=str(error)), 409


def register_error_handlers(app: Flask) -> None:
    """Answer with these errors in all routes."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(ValidationError, _invalid)
    app.register_error_handler(LimitReachedError, _limit_reached)
    app.register_error_handler(OffsetError, _offset)
