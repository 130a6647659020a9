"""PROVISIONAL: only PCM as it is; the live decoders replace this file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from azstt._audio_format import AudioFormat
from azstt._decode._report import DecodeReport

Container: TypeAlias = Literal["auto", "webm", "ogg", "mp4", "mp3", "aac", "flac", "wav"]


class LiveDecoder:
    """Pieces of a stream in, PCM out as soon as it can be had."""

    def __init__(
        self,
        audio: AudioFormat | Container,
        target: AudioFormat,
        *,
        sink: Callable[[bytes], None],
        done: Callable[[Exception | None], None],
    ) -> None:
        self._sink = sink
        self._done = done
        self.backlog: int = 0
        self.report: DecodeReport | None = None

    def feed(self, data: bytes, /) -> None:
        """Take the next bytes."""
        if data:
            self._sink(data)

    def finish(self) -> None:
        """Take no more."""
        self._done(None)

    def close(self) -> None:
        """Free everything."""
