"""The sample buffers of a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from av.audio.frame import AudioFrame

if TYPE_CHECKING:
    from av.audio.plane import AudioPlane


def planes_of(frame: AudioFrame) -> tuple[AudioPlane, ...]:
    """Return a frame's buffers: one for each channel, or one for all.

    PyAV takes eight planar channels for nine, and touching the ninth crashes the process.
    """
    count = frame.layout.nb_channels if frame.format.is_planar else 1
    return frame.planes[:count]
