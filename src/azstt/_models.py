"""The base class of every model in azstt, and the type of parsed JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from pydantic import BaseModel, ConfigDict

#: An object as `json` parses it.
JsonObject: TypeAlias = Mapping[str, object]


class FrozenModel(BaseModel):
    """An immutable model that rejects unknown fields and shows no input in its errors.

    Input is hidden because it may be transcript text.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        json_schema_serialization_defaults_required=True,  # every field is written
    )
