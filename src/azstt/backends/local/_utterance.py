"""What a session passes to the recognizer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

#: Start and end in seconds.
Span: TypeAlias = tuple[float, float]


class DecodeCanceledError(Exception):
    """The result is no longer wanted."""


@dataclass(frozen=True)
class UtteranceAudio:
    """A stretch of audio to recognize; all times are seconds from the session's first sample.

    Attributes:
        pcm: the audio, padding included.
        start: where it starts.
        end: where it ends.
        runs: where in it there is speech.
    """

    pcm: bytes = field(repr=False)
    start: float
    end: float
    runs: tuple[Span, ...]
