"""The padding that some formats have after the length that they announce. Pure."""

from __future__ import annotations

from typing import Final

from azstt._audio_format import AudioFormat

#: Seconds that an encoder may have padded its last frames with.
_PADDING: Final = 0.15


class Ending:
    """Leaves out padding, of which nobody knows that it is some before the end has come.

    Args:
        audio: what passes through.
        seconds: the length that is announced.
    """

    def __init__(self, audio: AudioFormat, seconds: float) -> None:
        self._limit: int | None = audio.size(seconds)
        self._longest = audio.size(_PADDING)
        self._held = b""

    def cut(self, chunk: bytes) -> bytes:
        """Give what of the next chunk, and of what is held, is sound."""
        if self._limit is None:
            return chunk
        kept, self._limit = chunk[: self._limit], max(0, self._limit - len(chunk))
        self._held += chunk[len(kept) :]
        if len(self._held) <= self._longest:
            return kept
        # This is sound: the announced length is what is wrong.
        held, self._held, self._limit = self._held, b"", None
        return kept + held
