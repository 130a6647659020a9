"""The base class of every model in azstt, its error messages, and the type of parsed JSON."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

#: An object as `json` parses it.
JsonObject: TypeAlias = Mapping[str, object]

#: How many wrong values a message lists, and how much of each.
_LISTED, _LONGEST = 3, 60
#: pydantic's "Input should be a valid integer, unable to parse string as an integer".
_SHOULD = re.compile(r"(?:Input|\w+) should (.*?)(?:, (?:unable to|got|but) .*)?")


class FrozenModel(BaseModel):
    """An immutable model; wrong values are refused with a `ConfigurationError` when it is made.

    The message names the field, the value unless it may be confidential, and what is possible;
    pydantic's own error is the ``__context__``. So it is with the constructor, `model_validate` and
    `model_validate_json`. As a part of another model, and by a `TypeAdapter`, it is validated as
    pydantic does it, so that the outer model reports all errors at once.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # it may be transcript text
        json_schema_serialization_defaults_required=True,  # every field is written
    )

    #: What a wrong value raises: `ConfigurationError`, which sets this itself. An error carries a
    #: transcript, so the errors import the models and not the other way around.
    _refusal: ClassVar[type[ValueError]] = ValueError
    #: What messages call a field.
    _path: ClassVar[str] = "{model}.{field}"

    def __init__(self, /, *values: object, **fields: object) -> None:
        if values:
            raise self._refusal(_unnamed(type(self)))
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise self._refuse(error) from None

    # pydantic need not call it for the models in a model, and help() shows the fields.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]
    __init__.__signature__ = inspect.signature(BaseModel.__init__)  # type: ignore[attr-defined]  # pyright: ignore[reportFunctionMemberAccess]

    @classmethod
    def model_validate(cls, obj: Any, **settings: Any) -> Self:  # noqa: ANN401 - as pydantic has it
        """Make one from a mapping, or return an instance; pydantic explains the settings.

        Raises:
            ConfigurationError: a value is wrong.
        """
        try:
            return super().model_validate(obj, **settings)
        except ValidationError as error:
            raise cls._refuse(error) from None

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **settings: Any) -> Self:  # noqa: ANN401 - as pydantic has it
        """Make one from JSON; pydantic explains the settings.

        Raises:
            ConfigurationError: it is not JSON, or a value is wrong.
        """
        try:
            return super().model_validate_json(json_data, **settings)
        except ValidationError as error:
            raise cls._refuse(error) from None

    @classmethod
    def _refuse(cls, error: ValidationError) -> ValueError:
        return cls._refusal(_message(error, cls, cls._path))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the remedy for an unknown name: the nearest one that is known, or all of them."""
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"


def _unnamed(model: type[BaseModel]) -> str:
    """Return the message for positional arguments."""
    fields = ", ".join(f"{name}=..." for name in model.model_fields)
    return f"{model.__name__} takes its values by name: {model.__name__}({fields})"


def _message(error: ValidationError, model: type[BaseModel], path: str) -> str:
    """Return what is wrong with the values for a model: the first few of them."""
    errors = error.errors(include_url=False)
    listed = [
        _explain(model, path, one["loc"], one["type"], one["msg"], one["input"])
        for one in errors[:_LISTED]
    ]
    rest = [f"and {len(errors) - _LISTED} more"] if len(errors) > _LISTED else []
    return "; ".join(listed + rest)


def _explain(
    model: type[BaseModel],
    path: str,
    loc: tuple[int | str, ...],
    kind: str,
    message: str,
    value: object,
) -> str:
    """Return what is wrong with one value; the last four are as in pydantic's errors."""
    field, where, owners = _locate(loc, model)
    what = path.format(model=model.__name__, field=where) if where else model.__name__
    if kind == "missing":
        return f"{what} is missing"
    if kind == "extra_forbidden":
        name = str(loc[-1])[:_LONGEST]
        known = dict.fromkeys(field for owner in owners for field in owner.model_fields)
        return f"{what} has no field {name!r}; {did_you_mean(name, known)}"
    if kind == "value_error":
        return f"{what}: {message.removeprefix('Value error, ')}"
    if (should := _SHOULD.fullmatch(message)) is None:
        return f"{what}: {message[:1].lower()}{message[1:]}"
    if ", not " in message:  # the value is there
        return f"{what} should {should[1]}"
    confidential = bool(owners) or (field is not None and not field.repr)
    seen = _seen(value, confidential=confidential, mistyped=kind.endswith("_type"))
    return f"{what} should {should[1]}{seen}"


def _locate(
    loc: tuple[int | str, ...], model: type[BaseModel]
) -> tuple[FieldInfo | None, str, list[type[BaseModel]]]:
    """Find the field at a place in a model, its path, and the models that may be there.

    Keys of mappings are left out: they are the user's, and may be as confidential as the values.
    """
    field: FieldInfo | None = None
    path = ""
    models = [model]
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            continue
        fields = (each.model_fields[part] for each in models if part in each.model_fields)
        if (found := next(fields, None)) is not None:
            field, path = found, f"{path}.{part}"
            models = list(_models_in(found.annotation))
    return field, path.removeprefix("."), models


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models that an annotation names."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def _seen(value: object, *, confidential: bool, mistyped: bool) -> str:
    """Return the value that was seen, or its type if it is long, has parts or is confidential."""
    if isinstance(value, bool | int | float | None) or (
        isinstance(value, str) and not confidential and len(value) <= _LONGEST
    ):
        return f", not {value!r}"
    return f", not of type {type(value).__name__}" if mistyped else ""
