"""Samples as callers have them, in bytes or arrays, to bytes. Pure."""

from __future__ import annotations

from typing import Any, Final, Protocol, TypeAlias, TypeGuard, cast

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
#: Floats are from -1 to 1. Audio that is too loud exceeds that, but never as far as this, and
#: integers that only became floats nearly always do.
LOUDEST: Final = 8.0
#: The share of samples beyond it that is no accident.
BEYOND: Final = 0.1


def is_array(value: object) -> TypeGuard[Samples]:
    """Return whether this is a NumPy array, or quacks like one."""
    return all(hasattr(value, name) for name in ("dtype", "shape", "tobytes"))


def is_chunk(value: object, audio: AudioFormat | None) -> TypeGuard[AudioChunk]:
    """Return whether `to_bytes` takes this, and not what it yields when it is iterated over."""
    if not is_array(value):
        return isinstance(value, bytes | bytearray | memoryview)
    channels = audio.channels if audio else 1
    return len(value.shape) < 2 or value.shape[1:] == (channels,)  # noqa: PLR2004 - one dimension


def to_bytes(chunk: AudioChunk, audio: AudioFormat | None) -> bytes:
    """Return a chunk as bytes, with the samples of an array in the width of the PCM.

    Args:
        chunk: bytes of any kind are returned as they are.
        audio: the PCM format; None for a container, which is always bytes.

    Raises:
        ConfigurationError: it is neither bytes nor samples, or does not fit the format.
    """
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, bytearray | memoryview):
        return bytes(chunk)
    if not is_array(chunk):
        raise ConfigurationError(
            f"audio must be bytes or an array of samples, not {type(chunk).__name__}"
        )
    if audio is None:
        raise ConfigurationError(
            "an array of samples does not tell its sample rate: declare it with "
            "audio=AudioFormat(sample_rate=...)"
        )
    if len(chunk.shape) > 1 and chunk.shape[1:] != (audio.channels,):
        raise ConfigurationError(
            f"samples of shape {chunk.shape!r} do not fit channels={audio.channels} of the "
            "AudioFormat; each row must be a frame"
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
            if array.size and (abs(array) > LOUDEST).mean() > BEYOND:
                raise ConfigurationError(
                    "the samples are floats far beyond -1 to 1, so they would only be noise: "
                    "divide them by 32768, or pass them as int16"
                )
            return cast("bytes", (array.clip(-1.0, 1.0) * 32_767).astype("<i2").tobytes())
        case "int16", "float32":
            return cast("bytes", (array.astype("<f4") / 32_768).tobytes())
        case _:
            raise ConfigurationError(
                f"samples of type {given!r} do not fit {audio!r}: convert them to int16, or to "
                "float32 from -1 to 1, for an AudioFormat that has 16 bits or is floating"
            )
