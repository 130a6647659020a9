"""The transcript: what `transcribe_file` and its siblings return."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from azstt._models import FrozenModel
from azstt._result import AudioLedger, Seconds, Segment, Usage, Word


class Transcript(FrozenModel):
    """Everything that was recognised in one piece of audio.

    ``str(transcript)`` is its text; its repr shows none of it. `model_dump_json` and
    `model_validate_json` round-trip it.

    Attributes:
        segments: in order of their start.
        duration: seconds of audio that were recognised or found silent.
        language: the language of the first segment, or the one that was asked for.
        backend: the name of the recogniser that did the work.
        model: its model, where that has a name.
        ledger: where every second of the audio went.
        usage: what it took.
        schema_version: raised when a field changes its meaning or goes.
    """

    segments: Annotated[tuple[Segment, ...], Field(repr=False)] = ()
    duration: Seconds = 0.0
    language: str | None = None
    backend: str
    model: str | None = None
    ledger: AudioLedger = AudioLedger()
    usage: Usage = Usage()
    schema_version: Literal[1] = 1

    @property
    def text(self) -> str:
        """The text of all segments, a space between them."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments."""
        return tuple(word for segment in self.segments for word in segment.words)

    def __str__(self) -> str:
        """Give the text."""
        return self.text
