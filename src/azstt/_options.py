"""What a caller may ask of a recogniser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, TypedDict, cast

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from azstt._errors import ConfigurationError
from azstt._models import FrozenModel


def _one_or_more(value: object) -> object:
    """Take one string for a tuple of one."""
    return (value,) if isinstance(value, str) else value


Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class RecognitionOptions(FrozenModel):
    """How to recognise, in one immutable value; the port hands it to the backend.

    Attributes:
        language: BCP-47 tags (``en-US``); several are candidates to detect; empty is the
            backend's default.
        diarize: tell the speakers apart.
        phrases: words and names to expect.
        partials: emit `Partial` events while a segment is open.
        segmentation_silence: seconds of silence that end a segment; None is the backend's
            default.
    """

    language: Annotated[tuple[Language, ...], BeforeValidator(_one_or_more)] = ()
    diarize: bool = False
    phrases: Annotated[tuple[str, ...], BeforeValidator(_one_or_more), Field(repr=False)] = ()
    partials: bool = False
    segmentation_silence: Annotated[float, Field(ge=0.1, le=5.0)] | None = None

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> RecognitionOptions:
        """Make options of keyword arguments.

        Raises:
            ConfigurationError: a name or a value is wrong; the message says which and why.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            shown = "" if name == "phrases" else f" (given: {fields[name]!r})"
            raise ConfigurationError(f"option {name!r}: {first['msg'].lower()}{shown}") from None


class OptionFields(TypedDict, total=False):
    """The fields of `RecognitionOptions` as keyword arguments; its docstring explains each."""

    language: str | Sequence[str]
    diarize: bool
    phrases: Sequence[str]
    partials: bool
    segmentation_silence: float | None


class AudioFields(TypedDict, total=False):
    """Which part of the source to transcribe, as keyword arguments; `open_audio` explains each."""

    start: float
    end: float | None
    track: int
    max_seconds: float | None
    max_bytes: int | None


class TranscribeFields(OptionFields, AudioFields, total=False):
    """The keyword arguments that `transcribe_file` and its siblings have in common."""


def split_fields(fields: TranscribeFields) -> tuple[AudioFields, RecognitionOptions]:
    """Tell what the decoder is asked from what the recogniser is.

    Raises:
        ConfigurationError: there is no such name, or an option's value is wrong.
    """
    known = [*RecognitionOptions.model_fields, *AudioFields.__annotations__]
    for name in fields:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]!r}" if close else f"there are {', '.join(known)}"
            raise ConfigurationError(f"no such option: {name!r}; {meant}")
    audio = {name: value for name, value in fields.items() if name in AudioFields.__annotations__}
    rest = {name: value for name, value in fields.items() if name not in audio}
    return cast("AudioFields", audio), RecognitionOptions.of(rest)
