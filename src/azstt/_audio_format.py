"""The shape of PCM: bytes to seconds and back."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from azstt._models import FrozenModel


class AudioFormat(FrozenModel):
    """Interleaved signed little-endian integer PCM.

    Attributes:
        sample_rate: frames a second, in hertz.
        channels: samples a frame.
        sample_width: bytes a sample: 2, 3 or 4.
    """

    sample_rate: Annotated[int, Field(ge=4_000, le=384_000)] = 16_000
    channels: Annotated[int, Field(ge=1, le=64)] = 1
    sample_width: Literal[2, 3, 4] = 2

    @property
    def frame_size(self) -> int:
        """Bytes a frame: one sample of every channel."""
        return self.channels * self.sample_width

    def seconds(self, size: int) -> float:
        """Give how long ``size`` bytes last."""
        return size / (self.frame_size * self.sample_rate)

    def size(self, seconds: float) -> int:
        """Give how many bytes last ``seconds``, in whole frames."""
        return round(seconds * self.sample_rate) * self.frame_size
