"""The transcript: what `transcribe_file` and its siblings return."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from azstt._captions import formats
from azstt._captions.layout import Limits
from azstt._models import FrozenModel
from azstt._result import AudioLedger, Seconds, Segment, Usage, Word


class Transcript(FrozenModel):
    """Everything that was recognized in one piece of audio.

    ``str(transcript)`` is its text; its repr shows none of it. `model_dump_json` and
    `model_validate_json` round-trip it.

    Attributes:
        segments: in order of their start.
        duration: seconds of audio that were recognized or found silent.
        language: the language of the first segment, or the one that was asked for.
        backend: the name of the recognizer that did the work.
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

    def to_srt(self, *, max_chars: int = 42, max_lines: int = 2, max_seconds: float = 7.0) -> str:
        """Write SubRip captions, cut at word times where there are words.

        Breaks come after sentences first, then after clauses, then at pauses. A cue never
        overlaps the next and stays for a second where there is room. The speaker is named where
        another one begins.

        Args:
            max_chars: columns of a line; full-width characters take two. Only a single word,
                with the speaker's name before it, may be wider.
            max_lines: lines of a cue.
            max_seconds: how long a cue stays at most.

        Raises:
            ValueError: a limit is too small.
        """
        return formats.srt(self.segments, Limits(max_chars, max_lines, max_seconds))

    def to_vtt(self, *, max_chars: int = 42, max_lines: int = 2, max_seconds: float = 7.0) -> str:
        """Write WebVTT captions, cut as those of `to_srt`, with speakers as voice tags.

        Args:
            max_chars: columns of a line; full-width characters take two. Only a single word may
                be wider.
            max_lines: lines of a cue.
            max_seconds: how long a cue stays at most.

        Raises:
            ValueError: a limit is too small.
        """
        return formats.vtt(self.segments, Limits(max_chars, max_lines, max_seconds))

    def to_txt(self) -> str:
        """Write a line for each segment, after its speaker's name where it has one."""
        return formats.txt(self.segments)

    def to_csv(self) -> str:
        """Write a row for each segment: start, end, speaker, language, confidence, text, channel.

        The first row holds those names. Times are seconds; what the recognizer did not say is
        empty. Rows end with CRLF (RFC 4180): open the file with ``newline=""``.
        """
        return formats.csv_text(self.segments)

    def __str__(self) -> str:
        """Give the text."""
        return self.text
