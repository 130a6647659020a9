"""The format of PCM audio: converts bytes to seconds and back."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from azstt._models import FrozenModel


class AudioFormat(FrozenModel):
    """The format of interleaved little-endian PCM: signed integers, or floats from -1 to 1.

    Attributes:
        sample_rate: frames per second, in hertz.
        channels: samples per frame.
        sample_width: bytes per sample: 2, 3 or 4.
        floating: samples are 4-byte floats, which azstt reads but never produces.
    """

    sample_rate: Annotated[int, Field(ge=4_000, le=384_000)] = 16_000
    channels: Annotated[int, Field(ge=1, le=64)] = 1
    sample_width: Literal[2, 3, 4] = 2
    floating: bool = False

    @model_validator(mode="after")
    def _floats_have_four_bytes(self) -> Self:
        if self.floating and self.sample_width != 4:  # noqa: PLR2004 - the width of a float
            raise ValueError(f"floating samples need sample_width=4, not {self.sample_width}")
        return self

    @property
    def frame_size(self) -> int:
        """Bytes per frame: one sample of every channel."""
        return self.channels * self.sample_width

    def seconds(self, size: int) -> float:
        """Return the duration of ``size`` bytes."""
        return size / (self.frame_size * self.sample_rate)

    def size(self, seconds: float) -> int:
        """Return the number of bytes in ``seconds``, rounded to whole frames."""
        return round(seconds * self.sample_rate) * self.frame_size
