"""The options of a turn, read from the URL, `speech.config` and `speech.context`. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from azstt._models import JsonObject
from azstt._options import Profanity
from azstt._units import ticks_to_seconds
from azstt.emulator._service.wire import WireError

Mode: TypeAlias = Literal["conversation", "interactive", "dictation"]

_MODES: tuple[Mode, ...] = ("interactive", "dictation", "conversation")
_DEFAULT_LANGUAGE = "en-us"
#: Seconds of silence that end a single-shot recognition, unless the client sets a limit.
_INITIAL_SILENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """Options of the pronunciation assessment.

    Attributes:
        reference: the text that the speaker reads; empty for free speech.
        miscue: whether to mark words as omitted or inserted.
        granularity: phoneme, word or fulltext.
        prosody: whether to score the prosody.
        five_point: scores from 0 to 5 instead of 0 to 100.
    """

    reference: str = ""
    miscue: bool = False
    granularity: str = "phoneme"
    prosody: bool = False
    five_point: bool = False


@dataclass(frozen=True, kw_only=True)
class TurnRequest:
    """What a client asks for in one turn; times in seconds.

    Attributes:
        mode: conversation (continuous), interactive (one phrase) or dictation.
        language: the language to recognize, spelled as the client did.
        candidates: the languages to choose from; empty without language identification.
        at_start: whether the language is identified only once, at the start of the audio.
        detailed: whether to return readings and words besides the text.
        profanity: what to do with profanity.
        diarize: whether to identify speakers.
        diarize_partials: whether to identify speakers in partial results too.
        targets: the languages to translate to; None without translation.
        segmentation_silence: how much silence ends a phrase.
        segmentation_maximum: the maximum length of a phrase.
        initial_silence: how much silence at the start the service reports.
        assessment: options of the pronunciation assessment; None without one.
        base: where in the session's audio the turn begins.
        separate_channels: whether to recognize each channel separately.
    """

    mode: Mode = "conversation"
    language: str = _DEFAULT_LANGUAGE
    candidates: tuple[str, ...] = ()
    at_start: bool = True
    detailed: bool = False
    profanity: Profanity = "masked"
    diarize: bool = False
    diarize_partials: bool = False
    targets: tuple[str, ...] | None = None
    segmentation_silence: float | None = None
    segmentation_maximum: float | None = None
    initial_silence: float | None = None
    assessment: Assessment | None = None
    base: float = 0.0
    separate_channels: bool = False


def parse_json(body: bytes, path: str) -> JsonObject:
    """Parse the body of a message, which must be a JSON object.

    Raises:
        WireError: it is not one.
    """
    try:
        value: object = json.loads(body)
    except ValueError as error:
        raise WireError(f"{path} is not JSON") from error
    if not isinstance(value, dict):
        raise WireError(f"{path} is not a JSON object but of type {type(value).__name__}")
    return cast("JsonObject", value)


def find(value: object, *keys: str) -> object:
    """Look up a path of keys, ignoring case, since clients spell them differently."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        members = cast("Mapping[object, object]", value)
        value = next((v for k, v in members.items() if str(k).lower() == key.lower()), None)
    return value


def read_request(
    path: str, query: Mapping[str, str], config: JsonObject, context: JsonObject
) -> TurnRequest:
    """Read what a client asks for in a turn.

    Args:
        path: the URL's path; the three legacy paths contain the mode.
        query: the URL's parameters, by name in lower case.
        config: the body of `speech.config`.
        context: the body of `speech.context`.
    """
    detection, output = find(context, "phraseDetection"), find(context, "phraseOutput")
    mode = _mode(path, detection)
    candidates = strings(find(context, "languageId", "languages"))
    assessment = _assessment(find(detection, "enrichment", "pronunciationAssessment"))
    settings = find(detection, mode, "segmentation")
    options = {option.lower() for option in strings(find(output, "detailed", "options"))}
    silence = _milliseconds(
        find(detection, "initialSilenceTimeout") or query.get("initialsilencetimeoutms")
    )
    return TurnRequest(
        mode=mode,
        language=_text(find(detection, "language")) or query.get("language") or _DEFAULT_LANGUAGE,
        candidates=candidates,
        at_start=_text(find(context, "languageId", "mode")).lower() != "detectcontinuous",
        detailed="detailed" in {_text(find(output, "format")).lower(), query.get("format", "")}
        or bool(options)
        or query.get("wordleveltimestamps") == "true",
        profanity=profanity_of(
            _text(find(detection, "enrichment", "profanity")) or query.get("profanity", "")
        ),
        diarize=find(detection, "speakerDiarization") is not None,
        diarize_partials=_flag(find(detection, "speakerDiarization", "diarizeIntermediates")),
        targets=_targets(context, query),
        segmentation_silence=_milliseconds(find(settings, "segmentationSilenceTimeoutMs")),
        segmentation_maximum=_milliseconds(find(settings, "segmentationForcedTimeoutMs")),
        initial_silence=silence or (_INITIAL_SILENCE if mode == "interactive" else None),
        assessment=assessment,
        base=_ticks(find(context, "continuation", "audio", "streams", "1", "offset")),
        separate_channels=_flag(
            find(config, "context", "audio", "source", "SeparateChannelProcessing")
        ),
    )


def _mode(path: str, detection: object) -> Mode:
    """Return the mode in the path, if it is a legacy one, or else in the context."""
    requested = _text(find(detection, "mode")).lower()
    for mode in _MODES:
        if f"/recognition/{mode}/" in path:
            return mode
    for mode in _MODES:
        if mode == requested:
            return mode
    return "conversation"


def _targets(context: JsonObject, query: Mapping[str, str]) -> tuple[str, ...] | None:
    if find(context, "translation") is not None:
        return strings(find(context, "translation", "targetLanguages"))
    return tuple(query["to"].split(",")) if "to" in query else None


def profanity_of(text: str) -> Profanity:
    """Parse a profanity mode; unknown ones mean "masked"."""
    match text.lower():
        case "removed":
            return "removed"
        case "raw":
            return "raw"
        case _:
            return "masked"


def _assessment(value: object) -> Assessment | None:
    if value is None:
        return None
    return Assessment(
        reference=_text(find(value, "referenceText")),
        miscue=_flag(find(value, "enableMiscue")),
        granularity=_text(find(value, "granularity")).lower() or "phoneme",
        prosody=_flag(find(value, "enableProsodyAssessment")),
        five_point=_text(find(value, "gradingSystem")).lower() == "fivepoint",
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def strings(value: object) -> tuple[str, ...]:
    """Parse a list of strings; anything else is an empty list."""
    if not isinstance(value, Iterable) or isinstance(value, str | Mapping):
        return ()
    return tuple(str(item) for item in cast("Iterable[object]", value))


def _flag(value: object) -> bool:
    """Parse a flag, which some clients send as text."""
    return value is True or _text(value).lower() == "true"


def _number(value: object) -> float | None:
    """Parse a number, which some clients send as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _milliseconds(value: object) -> float | None:
    number = _number(value)
    return None if number is None else number / 1000


def _ticks(value: object) -> float:
    return ticks_to_seconds(round(_number(value) or 0.0))
