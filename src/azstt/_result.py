"""What a recognizer hears, piece by piece, and the account of the audio it heard it in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from azstt._models import FrozenModel

Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
#: Transcript text: never part of a repr, which may end in a log.
Text = Annotated[str, Field(repr=False)]
Channel = Annotated[int, Field(ge=0)] | None


class TimeSpan(FrozenModel):
    """A stretch of the audio, in seconds from its first sample."""

    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end!r} is before start {self.start!r}")
        return self

    @property
    def duration(self) -> float:
        """How long it lasts, in seconds."""
        return self.end - self.start


class Word(TimeSpan):
    """A word as it is written: cased and punctuated.

    Attributes:
        confidence: 0 to 1; None where the recognizer did not say.
        estimated: the times were spread over the segment by length, not measured.
    """

    text: Text
    confidence: Probability | None = None
    estimated: bool = False


class Alternative(FrozenModel):
    """One of the readings that a recognizer weighed, in all the forms that it wrote it in.

    Attributes:
        text: as displayed: cased and punctuated.
        lexical: the words as spoken, without case or punctuation.
        itn: ``lexical`` with numbers, dates and the like as they are written.
        masked: ``itn`` with profanity masked.
        confidence: 0 to 1; None where the recognizer did not say.
    """

    text: Text
    lexical: Text = ""
    itn: Text = ""
    masked: Text = ""
    confidence: Probability | None = None


class Sound(TimeSpan):
    """A phoneme or a syllable, and how well it was pronounced.

    Attributes:
        text: in the phoneme alphabet that was asked for.
        accuracy: 0 to 100, or 0 to 5 with the grading ``"five"``.
    """

    text: Text
    accuracy: float | None = None


class PronouncedWord(TimeSpan):
    """A word of the reference or of the speech, and how well it was pronounced.

    Attributes:
        accuracy: as of `Sound`.
        error: ``"None"``, ``"Omission"``, ``"Insertion"``, ``"Mispronunciation"``...
    """

    text: Text
    accuracy: float | None = None
    error: str = "None"
    phonemes: Annotated[tuple[Sound, ...], Field(repr=False)] = ()
    syllables: Annotated[tuple[Sound, ...], Field(repr=False)] = ()


class Pronunciation(FrozenModel):
    """How well a segment was pronounced; None is what was not asked for or not said."""

    accuracy: float | None = None
    fluency: float | None = None
    completeness: float | None = None
    prosody: float | None = None
    overall: float | None = None
    words: Annotated[tuple[PronouncedWord, ...], Field(repr=False)] = ()


class Segment(TimeSpan):
    """A stretch of speech that was recognized in one piece, such as an utterance.

    Attributes:
        words: the words of ``text`` in order; empty where the recognizer gives no words.
        confidence: 0 to 1; None where the recognizer did not say.
        speaker: the recognizer's label for who spoke; None without diarization.
        language: a BCP-47 tag.
        channel: the audio channel it is from, counted from 0, where channels are recognized
            separately; None where they are mixed.
        alternatives: readings, the best (which ``text`` is) first; empty unless asked for.
        translations: the text in other languages, by their tags.
        pronunciation: how well it was spoken, where that was asked for.
    """

    text: Text
    words: Annotated[tuple[Word, ...], Field(repr=False)] = ()
    confidence: Probability | None = None
    speaker: str | None = None
    language: str | None = None
    channel: Channel = None
    alternatives: Annotated[tuple[Alternative, ...], Field(repr=False)] = ()
    translations: Annotated[Mapping[str, str], Field(repr=False)] = {}
    pronunciation: Pronunciation | None = None


class Gap(FrozenModel):
    """Audio that was not recognized, and why.

    Attributes:
        at: where it is missing, in seconds of the transcript's own time.
        seconds: how much is missing. Audio that was lost in decoding takes no time of its own.
        reason: ``"damaged"``, ``"dropped"``, ``"unaccounted"``, in a live session that is not
            over also ``"pending"``, or a backend's own word for it.
        channel: where it is missing, as of `Segment`.
    """

    at: Seconds
    seconds: Seconds
    reason: str
    channel: Channel = None


class AudioLedger(FrozenModel):
    """Where every second of the audio went.

    ``sent == recognized + silent + the gaps`` other than damage, to the millisecond. Where
    channels are recognized separately all of it is seconds times channels: the ledgers of the
    channels, added up.

    Attributes:
        decoded: seconds that came out of the decoder.
        sent: seconds that the recognizer took; live, with what was dropped before it could.
        recognized: seconds that results with text cover.
        silent: seconds that the recognizer heard and found no words in.
        gaps: what is missing, in order.
    """

    decoded: Seconds = 0.0
    sent: Seconds = 0.0
    recognized: Seconds = 0.0
    silent: Seconds = 0.0
    gaps: tuple[Gap, ...] = ()

    @property
    def unaccounted(self) -> float:
        """Seconds that no result, no silence and no named gap accounts for."""
        return sum(gap.seconds for gap in self.gaps if gap.reason == "unaccounted")


class Usage(FrozenModel):
    """What a transcription took.

    Attributes:
        audio_seconds: seconds of audio that the recognizer took: as often as there are channels,
            where they are recognized separately.
        wall_seconds: seconds from the call to the transcript.
        first_result_latency: seconds from the call to the first result; None without one.
        first_partial_latency: live, seconds from when the audio at the end of the first `Partial`
            had been sent until it came; None without one.
        final_latency: live, the same of the `Final` events: the median.
        reconnects: how often the connection was made anew.
    """

    audio_seconds: Seconds = 0.0
    wall_seconds: Seconds = 0.0
    first_result_latency: Seconds | None = None
    first_partial_latency: Seconds | None = None
    final_latency: Seconds | None = None
    reconnects: int = 0


class Progress(FrozenModel):
    """How far a transcription has come.

    Attributes:
        decoded: seconds of audio that came out of the decoder.
        recognized: seconds of audio that the recognizer has dealt with, in every channel.
        total: seconds of audio there are; None where the container does not say.
        elapsed: seconds since the call.
        xrt: seconds of audio recognized a second (times real time).
    """

    decoded: Seconds
    recognized: Seconds
    total: Seconds | None
    elapsed: Seconds
    xrt: Seconds
