"""What a caller may ask of a recognizer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Literal, TypedDict, cast

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from azstt._errors import ConfigurationError
from azstt._models import FrozenModel


def _one_or_more(value: object) -> object:
    """Take one string for a tuple of one."""
    return (value,) if isinstance(value, str) else value


Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
Profanity = Literal["masked", "removed", "raw"]
Channels = Literal["mix", "separate"]

#: Fields whose values may be confidential: messages name the field and never show the value.
_SILENT = {"phrases", "pronunciation", "properties"}


class PronunciationOptions(FrozenModel):
    """How to assess pronunciation.

    Attributes:
        reference: the text that is read; empty assesses free speech.
        grading: marks from 0 to 100, or from 0 to 5.
        detail: how fine the marks are.
        miscue: mark words that were left out or put in; needs ``reference``.
        prosody: mark stress, intonation and rhythm too.
        alphabet: how phonemes are written; None is the service's default.
    """

    reference: Annotated[str, Field(repr=False)] = ""
    grading: Literal["hundred", "five"] = "hundred"
    detail: Literal["phoneme", "word", "text"] = "phoneme"
    miscue: bool = False
    prosody: bool = False
    alphabet: Literal["IPA", "SAPI"] | None = None


class RecognitionOptions(FrozenModel):
    """How to recognize, in one immutable value; the port hands it to the backend.

    Attributes:
        language: BCP-47 tags (``en-US``); several are candidates to detect; empty is the
            backend's default.
        language_changes: with several languages, detect again wherever the language changes;
            otherwise once, at the start.
        custom_model: the id of a model of your own; with several languages one for each tag.
        channels: ``"separate"`` recognizes each channel of the audio by itself, as for telephone
            calls with a speaker a side; see `Segment.channel`. Any backend can.
        diarize: tell the speakers apart; in separate channels, those of each channel.
        diarize_partials: name the speaker in `Partial` events too.
        phrases: words and names to expect.
        phrase_weight: how much to favor them, 0 to 2; None is the service's default, 1.
        profanity: how to write it; None is the service's default, ``"masked"``.
        dictation: take spoken punctuation ("full stop") for what it means.
        true_text: leave out hesitations and repetitions, and punctuate the rest.
        partials: emit `Partial` events while a segment is open.
        segmentation_silence: seconds of silence that end a segment; None is the backend's
            default.
        segmentation_maximum: seconds after which a segment ends in any case.
        segmentation_semantic: end segments where sentences end.
        initial_silence: seconds of silence at the start after which the service reports it.
        alternatives: how many readings to keep in `Segment.alternatives`, in lexical, ITN and
            masked form; 1 is the best alone.
        translate: languages to translate to (``de``); see `Segment.translations`.
        pronunciation: assess the pronunciation; see `Segment.pronunciation`.
        audio_logging: let the service keep audio and transcripts.
        properties: any further property that the service's SDK publishes, by its name.
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
        """Make options of keyword arguments.

        Raises:
            ConfigurationError: a name or a value is wrong; the message says which and why.
        """
        try:
            return cls.model_validate(dict(fields))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = str(first["loc"][0])
            shown = "" if name in _SILENT else f" (given: {fields[name]!r})"
            raise ConfigurationError(f"option {name!r}: {first['msg'].lower()}{shown}") from None

    @property
    def asked(self) -> frozenset[str]:
        """The names of the fields that are not at their defaults."""
        fields = type(self).model_fields
        return frozenset(name for name in fields if getattr(self, name) != fields[name].default)


class OptionFields(TypedDict, total=False):
    """The fields of `RecognitionOptions` as keyword arguments; its docstring explains each."""

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
    """Which part of the source to transcribe, as keyword arguments; `open_audio` explains each."""

    start: float
    end: float | None
    track: int
    max_seconds: float | None
    max_bytes: int | None


class TranscribeFields(OptionFields, AudioFields, total=False):
    """The keyword arguments that `transcribe_file` and its siblings have in common."""


def split_fields(fields: TranscribeFields) -> tuple[AudioFields, RecognitionOptions]:
    """Tell what the decoder is asked from what the recognizer is.

    Raises:
        ConfigurationError: there is no such name, or an option's value is wrong.
    """
    known = [*RecognitionOptions.model_fields, *AudioFields.__annotations__]
    for name in fields:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]!r}" if close else f"there are {', '.join(known)}"
            raise ConfigurationError(f"no such option: {name!r}; {meant}")
    audio = {name: value for name, value in fields.items() if name in AudioFields.__annotations__}
    rest = {name: value for name, value in fields.items() if name not in audio}
    return cast("AudioFields", audio), RecognitionOptions.of(rest)
