"""The options of a recognition, and the keyword arguments that they are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, TypedDict, cast

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._models import FrozenModel


def _one_or_more(value: object) -> object:
    """Turn a single string into a tuple."""
    return (value,) if isinstance(value, str) else value


Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Profanity = Literal["masked", "removed", "raw"]
Channels = Literal["mix", "separate"]

#: Fields with values that may be confidential: messages name the field but not the value.
_CONFIDENTIAL = {"phrases", "pronunciation", "properties"}


class PronunciationOptions(FrozenModel):
    """How to assess pronunciation.

    Attributes:
        reference: the text that the speaker reads; empty for free speech.
        grading: scores from 0 to 100, or from 0 to 5.
        detail: the smallest unit to score.
        miscue: report omitted and inserted words; needs ``reference``.
        prosody: score stress, intonation and rhythm too.
        alphabet: how phonemes are written; None is the service's default.
    """

    reference: Annotated[str, Field(repr=False)] = ""
    grading: Literal["hundred", "five"] = "hundred"
    detail: Literal["phoneme", "word", "text"] = "phoneme"
    miscue: bool = False
    prosody: bool = False
    alphabet: Literal["IPA", "SAPI"] | None = None


class RecognitionOptions(FrozenModel):
    """How to recognize speech. A backend rejects the options that it does not support.

    Attributes:
        language: BCP-47 tags (``en-US``); several are candidates for language detection; empty
            is the backend's default.
        language_changes: with several languages, detect the language continuously instead of
            once, at the start.
        custom_model: the id of a custom model; with several languages, one for each tag.
        channels: ``"separate"`` recognizes each channel of the audio by itself, as for phone
            calls with one speaker per channel; see `Segment.channel`. Works with any backend.
        diarize: distinguish speakers; with separate channels, within each channel.
        diarize_partials: report the speaker in `Partial` events too.
        phrases: words and names to expect.
        phrase_weight: how strongly to favor them, 0 to 2; None is the service's default, 1.
        profanity: how to write profanity; None is the service's default, ``"masked"``.
        dictation: interpret spoken punctuation ("comma", "question mark").
        true_text: leave out hesitations and repetitions, and punctuate the rest.
        partials: emit `Partial` events while a segment is open.
        segmentation_silence: seconds of silence that end a segment, 0.1 to 5; None is the
            backend's default.
        segmentation_maximum: seconds after which a segment ends in any case, 20 to 70; None is
            the backend's default.
        segmentation_semantic: end segments at the ends of sentences.
        initial_silence: seconds of silence at the start that the service waits for speech before
            it reports silence, up to 600; None is the service's default.
        alternatives: how many hypotheses to keep in `Segment.alternatives`, with their lexical,
            ITN and masked forms; 1 keeps only the best.
        translate: languages to translate into (``de``); see `Segment.translations`.
        pronunciation: assess pronunciation; see `Segment.pronunciation`.
        audio_logging: allow the service to keep audio and transcripts.
        properties: further properties of the service's SDK, by name.
    """

    language: Annotated[tuple[Language, ...], BeforeValidator(_one_or_more)] = ()
    language_changes: bool = False
    custom_model: str | Mapping[Language, str] | None = None
    channels: Channels = "mix"
    diarize: bool = False
    diarize_partials: bool = False
    phrases: Annotated[tuple[str, ...], BeforeValidator(_one_or_more), Field(repr=False)] = ()
    phrase_weight: Annotated[float, Field(ge=0.0, le=2.0)] | None = None
    profanity: Profanity | None = None
    dictation: bool = False
    true_text: bool = False
    partials: bool = False
    segmentation_silence: Annotated[float, Field(ge=0.1, le=5.0)] | None = None
    segmentation_maximum: Annotated[float, Field(ge=20.0, le=70.0)] | None = None
    segmentation_semantic: bool = False
    initial_silence: Annotated[float, Field(gt=0.0, le=600.0)] | None = None
    alternatives: Annotated[int, Field(ge=0, le=10)] = 0
    translate: Annotated[tuple[Language, ...], BeforeValidator(_one_or_more)] = ()
    pronunciation: PronunciationOptions | None = None
    audio_logging: bool = False
    properties: Annotated[Mapping[str, str], Field(repr=False)] = {}

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> RecognitionOptions:
        """Make options from keyword arguments.

        Raises:
            ConfigurationError: a name or a value is wrong; the message says which, and why.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            shown = "" if name in _CONFIDENTIAL else f" (given: {fields[name]!r})"
            reason = first["msg"][:1].lower() + first["msg"][1:]  # not the patterns in it
            raise ConfigurationError(f"option {name!r}: {reason}{shown}") from None

    @property
    def asked(self) -> frozenset[str]:
        """The names of the fields that differ from their defaults."""
        fields = type(self).model_fields
        return frozenset(name for name in fields if getattr(self, name) != fields[name].default)


class OptionFields(TypedDict, total=False):
    """The fields of `RecognitionOptions` as keyword arguments; see there."""

    language: str | Sequence[str]
    language_changes: bool
    custom_model: str | Mapping[str, str] | None
    channels: Channels
    diarize: bool
    diarize_partials: bool
    phrases: Sequence[str]
    phrase_weight: float | None
    profanity: Profanity | None
    dictation: bool
    true_text: bool
    partials: bool
    segmentation_silence: float | None
    segmentation_maximum: float | None
    segmentation_semantic: bool
    initial_silence: float | None
    alternatives: int
    translate: str | Sequence[str]
    pronunciation: PronunciationOptions | None
    audio_logging: bool
    properties: Mapping[str, str]


class AudioFields(TypedDict, total=False):
    """How to read the source, and which part of it, as keyword arguments; see `open_audio`."""

    audio: AudioFormat | None
    start: float
    end: float | None
    track: int | None
    max_seconds: float | None
    max_bytes: int | None


class TranscribeFields(OptionFields, AudioFields, total=False):
    """The keyword arguments that `transcribe_file` and its siblings share."""


def split_fields(fields: TranscribeFields) -> tuple[AudioFields, RecognitionOptions]:
    """Separate the decoder's keyword arguments from the recognizer's options.

    Raises:
        ConfigurationError: there is no such option, or its value is wrong.
    """
    known = [*RecognitionOptions.model_fields, *AudioFields.__annotations__]
    for name in fields:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            options = f"the options are {', '.join(known)}"
            remedy = f"did you mean {close[0]!r}" if close else options
            raise ConfigurationError(f"no such option: {name!r}; {remedy}")
    audio = {name: value for name, value in fields.items() if name in AudioFields.__annotations__}
    rest = {name: value for name, value in fields.items() if name not in audio}
    return cast("AudioFields", audio), RecognitionOptions.of(rest)
