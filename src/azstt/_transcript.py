"""The transcript that `transcribe_file` and its siblings return."""

from __future__ import annotations

import math
from collections import defaultdict
from statistics import fmean
from typing import Annotated, Literal, Self

from pydantic import Field

from azstt._captions import formats
from azstt._captions.layout import Limits
from azstt._models import FrozenModel
from azstt._result import (
    TOLERANCE,
    AudioLedger,
    AudioTrack,
    Channel,
    Seconds,
    Segment,
    Usage,
    Word,
)
from azstt._words.correction import correct_segments

#: The mean confidence of words below which a model's text is probably wrong. Measured on recordings
#: with at least ten recognized words. Of 44 in six other languages it doubts 43. Of 51 in English
#: that are clean (least mean: 0.73) and 42 with noise 10 dB below the voice (0.58) it doubts none,
#: and of 47 with noise as loud as the voice 20; in these, nine words of ten are wrong.
_DOUBTFUL_BELOW = {"moonshine-tiny-en": 0.55}
#: Fewer words may have a low confidence by chance.
_ENOUGH_WORDS = 10


class Transcript(FrozenModel):
    """Everything that was recognized in a recording or a live session.

    ``str(transcript)`` is its text; its repr contains no text. It survives a round trip through
    JSON by `model_dump_json` and `model_validate_json`.

    Attributes:
        segments: the recognized speech, in order of start time.
        duration: the length of the media that was transcribed, in seconds; see `AudioLedger.sent`.
        language: the language of the first segment that has one, or else the requested one.
        backend: the name of the recognizer that was used.
        model: the name of its model, if it has one.
        track: which of the recording's audio tracks this is; None if no audio was decoded.
        ledger: where every second of the audio went.
        usage: what the transcription consumed, and how fast it was.
        schema_version: increased when a field changes its meaning or is removed.
    """

    segments: Annotated[tuple[Segment, ...], Field(repr=False)] = ()
    duration: Seconds = 0.0
    language: str | None = None
    backend: str
    model: str | None = None
    track: AudioTrack | None = None
    ledger: AudioLedger = AudioLedger()
    usage: Usage = Usage()
    schema_version: Literal[1] = 1

    @property
    def text(self) -> str:
        """The text of all segments, joined with spaces."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing; the gaps of the ledger say what is.

        False if a gap's length is unknown, or if the gaps of a channel together are longer than
        0.1 s. Audio of a live session that is still ``"pending"`` is not missing.
        """
        missing: defaultdict[Channel, float] = defaultdict(float)
        for gap in self.ledger.gaps:
            if gap.reason != "pending":
                missing[gap.channel] += math.inf if gap.seconds is None else gap.seconds
        return all(seconds <= TOLERANCE for seconds in missing.values())

    @property
    def doubt(self) -> str | None:
        """Why most of the text is probably wrong, in words; None if nothing suggests that.

        A recognizer that knows one language hears that language in everything, and writes fluent
        sentences that nobody said; so it is with very noisy audio. Its confidence tells: if that
        of all words, ten or more, is below 0.55 on average, this says so. For models whose
        confidence was measured, which is the embedded one.
        """
        known = [word.confidence for word in self.words if word.confidence is not None]
        if self.model not in _DOUBTFUL_BELOW or len(known) < _ENOUGH_WORDS:
            return None
        mean = fmean(known)
        if mean >= _DOUBTFUL_BELOW[self.model]:
            return None
        return (
            f"the text is probably wrong, its mean confidence is {mean:.2f}: the recognizer knows "
            f"only {self.language}, and the audio sounds like another language or much noise"
        )

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments, in order."""
        return tuple(word for segment in self.segments for word in segment.words)

    def corrected(self, text: str) -> Self:
        """Return the transcript with another text: a proofread `text`, say.

        Words that stay keep their times, confidence, and segment, whatever their case and
        punctuation. Words that replace others share their time in proportion to their length,
        without a confidence; one that replaces one or several has exactly theirs, and the others
        are marked as estimated. Inserted words get the pause that they are in, or an instant.
        Segments keep their times, speaker, and everything else that was recognized, such as
        alternatives; one without text is left out. The ledger and `complete` stay as they are.

        The method is pure, and takes well under a second for an hour of speech. It never fails.

        Args:
            text: the whole text. A line break is white space, which neither divides nor merges
                segments; but if each segment has a line, words that are added at an edge of one
                are sure to go there. Where no speech was recognized at all, the text becomes
                one segment of the transcript's duration.
        """
        segments = self.segments or (Segment(start=0.0, end=self.duration, text=""),)
        return self.model_copy(update={"segments": tuple(correct_segments(segments, text))})

    def to_srt(self, *, max_chars: int = 42, max_lines: int = 2, max_seconds: float = 7.0) -> str:
        """Return SubRip (SRT) captions, timed by the words if there are any.

        Captions and lines end after sentences by preference, then after clauses, then at pauses.
        A caption never overlaps the next, and stays for at least a second if there is room. The
        speaker, or the channel if they are separate, is named wherever that changes.

        Args:
            max_chars: columns per line, at least 1; full-width characters take two. Only a
                single word, with the speaker's name before it, may be wider.
            max_lines: lines per caption, at least 1.
            max_seconds: how long a caption may stay, at least 0.1.

        Raises:
            ConfigurationError: a limit is too small; the message names it and its value.
        """
        return formats.srt(
            self.segments, Limits(max_chars=max_chars, max_lines=max_lines, max_seconds=max_seconds)
        )

    def to_vtt(self, *, max_chars: int = 42, max_lines: int = 2, max_seconds: float = 7.0) -> str:
        """Return WebVTT captions, divided like those of `to_srt`, with speakers as voice tags.

        Args:
            max_chars: columns per line, at least 1; full-width characters take two. Only a
                single word may be wider.
            max_lines: lines per caption, at least 1.
            max_seconds: how long a caption may stay, at least 0.1.

        Raises:
            ConfigurationError: a limit is too small; the message names it and its value.
        """
        return formats.vtt(
            self.segments, Limits(max_chars=max_chars, max_lines=max_lines, max_seconds=max_seconds)
        )

    def to_txt(self) -> str:
        """Return plain text: a line for each segment, after the speaker's name if there is one.

        With separate channels, ``Channel 0`` and so on are named as speakers are.
        """
        return formats.txt(self.segments)

    def to_csv(self) -> str:
        """Return CSV: a row for each segment, after a header.

        The columns are start, end, speaker, language, confidence, text and channel. Times are in
        seconds; a value that the recognizer did not report is empty. Rows end with CRLF
        (RFC 4180), so open the file with ``newline=""``.
        """
        return formats.csv_text(self.segments)

    def __str__(self) -> str:
        """Return the text."""
        return self.text
