"""The options of a recognition, and the keyword arguments that they are made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from math import inf, nan
from numbers import Integral, Real
from typing import Annotated, ClassVar, Literal, TypeAlias, TypedDict, cast

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from azstt._audio_format import AudioFormat
from azstt._errors import ConfigurationError
from azstt._models import FrozenModel, did_you_mean

_TAG = r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$"
#: What people write to have the language detected.
_DETECT = {"auto", "automatic", "detect"}


def _one_or_more(value: object) -> object:
    """Turn a single string into a tuple."""
    return (value,) if isinstance(value, str) else value


def _languages(value: object) -> object:
    """Turn a single tag into a tuple."""
    if value is None:
        raise ValueError("None is not a language; leave it out for the backend's default")
    return (_tag(value),) if isinstance(value, str) else value


def _tag(value: str) -> str:
    """Check that this looks like a BCP-47 tag."""
    if re.match(_TAG, value):
        return value
    if value.lower() in _DETECT:
        remedy = "to have the language detected, list the candidates, such as ['en-US', 'de-DE']"
    else:
        meant = value.strip().partition(".")[0].replace("_", "-")  # en_US.UTF-8
        likely = meant if re.match(_TAG, meant) else None
        remedy = f"did you mean {likely!r}?" if likely else "use one such as 'en-US'"
    raise ValueError(f"{value!r} is not a BCP-47 tag; {remedy}")


Language = Annotated[str, AfterValidator(_tag), WithJsonSchema({"type": "string", "pattern": _TAG})]
Languages = Annotated[tuple[Language, ...], BeforeValidator(_languages)]
Profanity: TypeAlias = Literal["masked", "removed", "raw"]
Channels: TypeAlias = Literal["mix", "separate"]


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

    _path: ClassVar[str] = "option {field!r}"

    language: Languages = ()
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
    translate: Languages = ()
    pronunciation: PronunciationOptions | None = None
    audio_logging: bool = False
    properties: Annotated[Mapping[str, str], Field(repr=False)] = {}

    @classmethod
    def of(cls, fields: Mapping[str, object], others: Collection[str] = ()) -> RecognitionOptions:
        """Make options from keyword arguments.

        Args:
            fields: the arguments.
            others: what else the caller's function takes by name, for a remedy.

        Raises:
            ConfigurationError: a name or a value is wrong; the message says which, and why.
        """
        known = [*cls.model_fields, *others]
        for name in fields:
            if name not in cls.model_fields:
                raise ConfigurationError(f"no such option: {name!r}; {did_you_mean(name, known)}")
        return cls.model_validate(dict(fields))

    @property
    def asked(self) -> frozenset[str]:
        """The names of the fields that differ from their defaults."""
        fields = type(self).model_fields
        return frozenset(name for name in fields if getattr(self, name) != fields[name].default)


class LiveOptions(TypedDict, total=False):
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


class TranscribeOptions(LiveOptions, AudioFields, total=False):
    """The keyword arguments that `transcribe_file` and its siblings share."""


def split_fields(
    fields: TranscribeOptions, others: Collection[str] = ()
) -> tuple[AudioFields, RecognitionOptions]:
    """Separate the decoder's keyword arguments from the recognizer's options.

    Args:
        fields: the arguments.
        others: see `RecognitionOptions.of`.

    Raises:
        ConfigurationError: there is no such option, or its value is wrong.
    """
    names = AudioFields.__annotations__
    audio = {name: value for name, value in fields.items() if name in names}
    rest = {name: value for name, value in fields.items() if name not in names}
    options = RecognitionOptions.of(rest, [*names, *others])
    selected = cast("AudioFields", audio)
    check_audio(selected)
    return selected, options


def check_audio(fields: AudioFields) -> None:
    """Check the arguments that say how to read a source, and which part of it.

    Raises:
        ConfigurationError: one is of the wrong type, or out of range.
    """
    audio, start, end = fields.get("audio"), fields.get("start", 0.0), fields.get("end")
    if not isinstance(audio, AudioFormat | None):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise ConfigurationError(
            f"audio={audio!r} is not an AudioFormat, which is only for PCM without a header; leave "
            "it out for files, whose format is detected"
        )
    check_seconds("start", start, zero=True, optional=False)
    check_seconds("end", end, endless=True)
    check_seconds("max_seconds", fields.get("max_seconds"), endless=True)
    check_whole("track", fields.get("track"), least=0)
    check_whole("max_bytes", fields.get("max_bytes"))
    if end is not None and not end > start:
        raise ConfigurationError(f"end={end!r} must be after start={start!r}")


def check_seconds(
    name: str,
    value: object,
    *,
    zero: bool = False,
    endless: bool = False,
    optional: bool = True,
) -> None:
    """Check an argument in seconds.

    Args:
        name: the argument's name.
        value: its value.
        zero: it may be 0.
        endless: it may be infinite.
        optional: it may be None.

    Raises:
        ConfigurationError: it is no number, or none of these.
    """
    if value is None and optional:
        return
    number = nan if isinstance(value, bool) or not isinstance(value, Real) else float(value)
    if not (number > 0 or (zero and number == 0)) or (number == inf and not endless):
        bound = (", 0 or more" if zero else " above 0") + (", or None" if optional else "")
        raise ConfigurationError(f"{name}={value!r} must be a number of seconds{bound}")


def check_flag(name: str, value: object) -> None:
    """Check an argument that is true or false: a string such as "no" would count as true.

    Raises:
        ConfigurationError: it is neither.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={value!r} must be True or False")


def check_whole(name: str, value: object, *, least: int = 1, optional: bool = True) -> None:
    """Check an argument that is a whole number.

    Raises:
        ConfigurationError: it is none, or less than ``least``.
    """
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        none = ", or None" if optional else ""
        raise ConfigurationError(f"{name}={value!r} must be a whole number, {least} or more{none}")
