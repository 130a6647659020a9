"""Converts what may be sent to a live session to bytes. Pure."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, cast

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError


class Samples(Protocol):
    """A NumPy array of samples: flat and interleaved, or with a row for each frame."""

    @property
    def dtype(self) -> object:
        """The type of the samples."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The dimensions."""
        ...

    def tobytes(self) -> bytes:
        """Return the samples in row order."""
        ...


AudioChunk: TypeAlias = bytes | bytearray | memoryview | Samples

_FLOATS = "float32"


def to_bytes(chunk: AudioChunk, audio: AudioFormat | None) -> bytes:
    """Return a chunk as bytes, with samples in the width of the session's PCM.

    Args:
        chunk: bytes of any kind are returned as they are.
        audio: the session's PCM format; None if it takes a container, which is always bytes.

    Raises:
        ConfigurationError: it cannot be sent, or does not fit the session's format.
    """
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, bytearray | memoryview):
        return bytes(chunk)
    if not all(hasattr(chunk, name) for name in ("dtype", "shape", "tobytes")):
        raise ConfigurationError(
            f"send() takes bytes or an array of samples, not {type(chunk).__name__}"
        )
    if audio is None:
        raise ConfigurationError(
            "send() was given samples, but the session takes a container; for PCM give "
            "LiveSession an AudioFormat"
        )
    if len(chunk.shape) > 1 and chunk.shape[1:] != (audio.channels,):
        raise ConfigurationError(
            f"samples of shape {chunk.shape!r} do not fit channels={audio.channels}; "
            "each row must be a frame"
        )
    return _samples(chunk, audio)


def _samples(chunk: Samples, audio: AudioFormat) -> bytes:
    """Return samples as the session's PCM, converted between floats and 16-bit integers."""
    wanted = _FLOATS if audio.floating else f"int{8 * audio.sample_width}"
    given = str(chunk.dtype)
    array = cast("Any", chunk)  # NumPy is not a dependency: the array brings its own arithmetic
    match given, wanted:
        case _ if given == wanted:
            return chunk.tobytes()
        case "float32", "int16":
            return cast("bytes", (array.clip(-1.0, 1.0) * 32_767).astype("<i2").tobytes())
        case "int16", "float32":
            return cast("bytes", (array.astype("<f4") / 32_768).tobytes())
        case _:
            raise ConfigurationError(
                f"samples of type {given!r} do not fit {audio!r}: send int16 or float32, to a "
                "session whose audio has 16 bits or is floating"
            )
