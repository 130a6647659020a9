"""What may be sent to a live session, as bytes. Pure."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, cast

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError


class Samples(Protocol):
    """A NumPy array of samples: flat and interleaved, or a row a frame."""

    @property
    def dtype(self) -> object:
        """What the samples are."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """How many there are."""
        ...

    def tobytes(self) -> bytes:
        """Give them in order."""
        ...


AudioChunk: TypeAlias = bytes | bytearray | memoryview | Samples

_FLOATS = "float32"


def to_bytes(piece: AudioChunk, audio: AudioFormat | None) -> bytes:
    """Give the bytes of a piece; samples in the width of the session's PCM.

    Args:
        piece: bytes of any kind are taken as they are.
        audio: the session's PCM; None where it takes a container, of which there are only bytes.

    Raises:
        ConfigurationError: it is nothing that can be sent, or not what was announced.
    """
    if isinstance(piece, bytes):
        return piece
    if isinstance(piece, bytearray | memoryview):
        return bytes(piece)
    if not all(hasattr(piece, name) for name in ("dtype", "shape", "tobytes")):
        raise ConfigurationError(
            f"send() takes bytes or an array of samples, not {type(piece).__name__}"
        )
    if audio is None:
        raise ConfigurationError(
            "send() was given samples, but the session's audio is a container; for PCM give "
            "LiveSession an AudioFormat"
        )
    if len(piece.shape) > 1 and piece.shape[1:] != (audio.channels,):
        raise ConfigurationError(
            f"samples of shape {piece.shape!r} do not fit channels={audio.channels}; "
            "a row is a frame"
        )
    return _samples(piece, audio)


def _samples(piece: Samples, audio: AudioFormat) -> bytes:
    """Give samples as the session's PCM has them; floats and 16-bit integers become each other."""
    wanted = _FLOATS if audio.floating else f"int{8 * audio.sample_width}"
    given = str(piece.dtype)
    array = cast("Any", piece)  # NumPy is not a dependency: the array brings its own arithmetic
    match given, wanted:
        case _ if given == wanted:
            return piece.tobytes()
        case "float32", "int16":
            return cast("bytes", (array.clip(-1.0, 1.0) * 32_767).astype("<i2").tobytes())
        case "int16", "float32":
            return cast("bytes", (array.astype("<f4") / 32_768).tobytes())
        case _:
            raise ConfigurationError(
                f"samples of type {given!r} do not fit {audio!r}: send int16 or float32, to a "
                "session whose audio has 16 bits or is floating"
            )
