"""The parts of a transcript: words and segments, and where every second of the audio went."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, model_validator

from azstt._models import FrozenModel
from azstt._units import timestamp

Seconds = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
#: Transcript text: kept out of every repr, because a repr may end up in a log.
Text = Annotated[str, Field(repr=False)]
Channel = Annotated[int, Field(ge=0)] | None

#: Seconds that may be missing without a word: less than a syllable.
TOLERANCE = 0.1


class TimeSpan(FrozenModel):
    """A span of the media, in seconds from its start, as a player shows them."""

    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end!r} is before start {self.start!r}")
        return self

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.end - self.start


class Word(TimeSpan):
    """A word as it is displayed: cased and punctuated.

    Attributes:
        text: the word, with the punctuation that belongs to it.
        confidence: 0 to 1; None if the recognizer did not report one.
        estimated: the times were not measured: the segment was divided among its words by length.
        text_offset: the index in `Segment.text` of the word's first character, for editors that
            link text to audio; None if the words are not those of the text. Transcripts and the
            `Final` events of a live session have it whatever the backend.
    """

    text: Text
    confidence: Probability | None = None
    estimated: bool = False
    text_offset: Annotated[int, Field(ge=0)] | None = None


class Alternative(FrozenModel):
    """One of the recognizer's hypotheses for a segment (its n-best list), in every form.

    Attributes:
        text: the display form: cased and punctuated.
        lexical: the words as spoken, without case or punctuation.
        itn: ``lexical`` after inverse text normalization: numbers, dates and the like as written.
        masked: ``itn`` with profanity masked.
        confidence: 0 to 1; None if the recognizer did not report one.
    """

    text: Text
    lexical: Text = ""
    itn: Text = ""
    masked: Text = ""
    confidence: Probability | None = None


class Sound(TimeSpan):
    """A phoneme or a syllable, and how well it was pronounced.

    Attributes:
        text: in the phoneme alphabet that was requested.
        accuracy: 0 to 100, or 0 to 5 with ``grading="five"``.
    """

    text: Text
    accuracy: float | None = None


class PronouncedWord(TimeSpan):
    """A word of the reference text or of the speech, and how well it was pronounced.

    Attributes:
        text: the word.
        accuracy: on the same scale as `Sound.accuracy`.
        error: ``"None"``, ``"Omission"``, ``"Insertion"``, ``"Mispronunciation"``...
        phonemes: the word's phonemes, in order.
        syllables: the word's syllables, in order.
    """

    text: Text
    accuracy: float | None = None
    error: str = "None"
    phonemes: Annotated[tuple[Sound, ...], Field(repr=False)] = ()
    syllables: Annotated[tuple[Sound, ...], Field(repr=False)] = ()


class Pronunciation(FrozenModel):
    """How well a segment was pronounced.

    Every score is on the scale of `Sound.accuracy`, and None if it was not requested or not
    reported.

    Attributes:
        accuracy: how closely the phonemes match a native speaker's.
        fluency: how natural the pauses between words are.
        completeness: the share of the reference text that was spoken.
        prosody: stress, intonation and rhythm.
        overall: the service's overall score.
        words: the words of the reference and of the speech, in order.
    """

    accuracy: float | None = None
    fluency: float | None = None
    completeness: float | None = None
    prosody: float | None = None
    overall: float | None = None
    words: Annotated[tuple[PronouncedWord, ...], Field(repr=False)] = ()


class Segment(TimeSpan):
    """Speech that was recognized as one unit, such as an utterance.

    Attributes:
        text: what was said, as displayed: cased and punctuated.
        words: the words of ``text`` in order; empty if the recognizer reports no words.
        confidence: 0 to 1; None if the recognizer did not report one.
        speaker: the recognizer's label for the speaker; None without diarization.
        language: a BCP-47 tag; None if the recognizer did not report one.
        channel: the audio channel, counted from 0, when channels are recognized separately;
            None when they are mixed.
        alternatives: hypotheses, the best one (which is ``text``) first; empty unless requested.
        translations: the text in other languages, by language tag.
        pronunciation: the pronunciation scores, if requested.
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
    """Audio that is missing or was not recognized, and why.

    The reasons of gaps in the media itself:

    - ``"truncated"``: the container promises more audio than it holds.
    - ``"damaged"``: the audio is there and cannot be read.
    - ``"absent"``: the timestamps leave a hole; nothing was ever stored there.
    - ``"unreadable"``: a further recording in the same file or stream that cannot be followed.

    The other reasons: ``"dropped"`` (live, before the recognizer could take it),
    ``"unaccounted"`` (no result, no reported silence), ``"pending"`` (in a live session that is
    not over: no result yet), ``"closed"`` (a live session was closed before its end), or a
    backend's own.

    Attributes:
        at: where it is missing, in seconds of the media.
        seconds: how much is missing; None if nobody can know.
        reason: why.
        span: how much of the media's time the gap takes up, so that what follows it is that much
            later: 0 at the end of the media, or where a player skips damage without a pause. Equal
            to `seconds` unless stated.
        channel: the audio channel; see `Segment.channel`.
    """

    at: Seconds
    seconds: Seconds | None
    reason: str
    span: Seconds = Field(default_factory=lambda fields: fields["seconds"] or 0.0)
    channel: Channel = None

    def __str__(self) -> str:
        """Return the gap for people: how long, where and why."""
        length = "unknown" if self.seconds is None else f"{self.seconds:.2f} s"
        channel = "" if self.channel is None else f" in channel {self.channel}"
        return f"{length:>12} at {timestamp(self.at)}{channel}: {self.reason}"


class AudioLedger(FrozenModel):
    """Where every second of the media went.

    ``sent == recognized + silent`` plus the `Gap.span` of all gaps, to the millisecond: no second
    counts twice, not even one that is missing in the middle of a segment. When channels are
    recognized separately, the ledgers of all channels are added up: every figure is in seconds
    times channels.

    Print it to read it: its `str` is a small table.

    Amounts are of the part that was selected; holes in the media are part of it. What the
    recognizer was given is `Usage.audio_seconds`: of a long hole, a few seconds of silence.

    Attributes:
        decoded: seconds of media from the beginning to where the decoder has come.
        sent: seconds of media from the beginning to where the recognizer accepted audio; in a
            live session, those that were dropped before it could accept them count too, and those
            that waited when it was closed.
        recognized: seconds covered by results with text.
        silent: seconds in which the recognizer found no words.
        gaps: what is missing, in order.
    """

    decoded: Seconds = 0.0
    sent: Seconds = 0.0
    recognized: Seconds = 0.0
    silent: Seconds = 0.0
    gaps: tuple[Gap, ...] = ()

    @property
    def unaccounted(self) -> float:
        """Seconds that no result, no silence and no gap with a known reason accounts for."""
        return sum(gap.span for gap in self.gaps if gap.reason == "unaccounted")

    def __str__(self) -> str:
        """Return the ledger for people: an amount a line, then the gaps."""
        amounts = ("decoded", "sent", "recognized", "silent")
        lines = [f"{name:10} {getattr(self, name):10.2f} s" for name in amounts]
        return "\n".join(lines + [f"{'missing':10} {gap}" for gap in self.gaps])


class AudioTrack(FrozenModel):
    """Which of a recording's audio tracks was transcribed, and what became of its channels.

    Attributes:
        number: the track's number, counted from 0 among those that can be decoded.
        count: how many such tracks there are; the argument ``track`` selects one.
        canceled: seconds in which the channels would have canceled each other in the mix, and one
            of them was taken instead; ``channels="separate"`` recognizes each on its own.
    """

    number: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1)] = 1
    canceled: Seconds = 0.0


class Usage(FrozenModel):
    """What a transcription consumed, and how fast it was. All figures but one are in seconds.

    Attributes:
        audio_seconds: audio that the recognizer accepted, which is what a service bills; seconds
            times channels when channels are recognized separately.
        wall_seconds: wall time from the call to the transcript.
        first_result_latency: from the call to the first result; None if there was none.
        first_partial_latency: in a live session, from sending the audio at the end of the first
            `Partial` to receiving it; None if there was none.
        final_latency: in a live session, the same for `Final` events: their median.
        reconnects: how many times the connection was reestablished.
        behind: in a live session, how much of the audio that was sent follows what the recognizer
            is working on: the oldest audio that it hasn't taken yet, or the oldest speech that has
            ended and whose `Final` is still to come. Silence, and speech that goes on, don't
            count; 0 at the end.
    """

    audio_seconds: Seconds = 0.0
    wall_seconds: Seconds = 0.0
    first_result_latency: Seconds | None = None
    first_partial_latency: Seconds | None = None
    final_latency: Seconds | None = None
    reconnects: int = 0
    behind: Seconds = 0.0


class Progress(FrozenModel):
    """How far a transcription has come: seconds of media from the beginning of the selected part.

    Attributes:
        decoded: where the decoder has come.
        recognized: where the recognizer has come, in every channel.
        total: length of the selected part; None if the container does not say.
        elapsed: wall time since the call, in seconds.
        xrt: speed as a multiple of real time: ``recognized / elapsed``.
    """

    decoded: Seconds
    recognized: Seconds
    total: Seconds | None
    elapsed: Seconds
    xrt: Seconds
