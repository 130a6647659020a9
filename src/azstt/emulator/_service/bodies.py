"""The JSON that the service writes about what was heard. Pure; times in ticks of 100 ns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from azstt._assembly.words import spread_words
from azstt._events import Partial
from azstt._result import Alternative, Word
from azstt._units import seconds_to_ticks
from azstt.emulator._service.forms import censored, lexical
from azstt.emulator._service.pronunciation import assess
from azstt.emulator._service.request import TurnRequest
from azstt.emulator.script import Utterance

Body: TypeAlias = dict[str, object]

_CONFIDENCE, _SECOND_BEST = 0.9, 0.5
#: What the service calls a speaker that it has not told apart yet, and the first that it has.
_UNKNOWN, _FIRST = "Unknown", "Guest-1"


def span(start: float, end: float) -> Body:
    """Write a stretch of audio."""
    offset = seconds_to_ticks(start)
    return {"Offset": offset, "Duration": max(0, seconds_to_ticks(end) - offset)}


def result_id(*parts: object) -> str:
    """Give an id that is the same whenever the same is heard."""
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def hypothesis(partial: Partial, request: TurnRequest, channel: int, language: str) -> Body:
    """Write what a phrase sounds like so far."""
    text = censored(lexical(partial.text), request.profanity)
    body: Body = {"Id": result_id(request.base, partial.start, channel), "Text": text}
    body |= span(partial.start, partial.end) | {"Channel": channel}
    if request.diarize:
        named = partial.speaker if request.name_early else None
        body["SpeakerId"] = named or _UNKNOWN
    if request.candidates:
        body["PrimaryLanguage"] = {"Language": language}
    if request.targets is not None:
        body["Translation"] = _translation(request, {}, text)
    return body


def phrase(utterance: Utterance, request: TurnRequest, language: str) -> Body:
    """Write an utterance, with as much detail as was asked for."""
    display = censored(utterance.text, request.profanity)
    name = "DisplayText" if request.targets is None else "Text"
    status = utterance.status if utterance.text or utterance.status != "Success" else "NoMatch"
    body: Body = {
        "Id": result_id(request.base, utterance.start, utterance.channel, "phrase"),
        "RecognitionStatus": status,
        **span(utterance.start, utterance.end),
        "Channel": utterance.channel,
    }
    if request.candidates:
        body["PrimaryLanguage"] = {"Language": language, "Confidence": "High"}
    if status != "Success":
        return body
    body[name] = display
    if request.diarize:
        body["SpeakerId"] = utterance.speaker or _FIRST
    if request.targets is not None:
        body["Translation"] = _translation(request, utterance.translations, display)
    if request.detailed or request.assessment is not None:
        body["NBest"] = _readings(utterance, request, display)
    return body


def _readings(utterance: Utterance, request: TurnRequest, display: str) -> list[Body]:
    spoken = utterance.spoken()
    lexically = censored(utterance.lexical or lexical(utterance.text), request.profanity)
    itn = censored(utterance.itn or lexically, request.profanity)
    confidence = _CONFIDENCE if utterance.confidence is None else utterance.confidence
    masked = utterance.masked
    first: Body = {
        "Confidence": confidence,
        "Lexical": lexically,
        "ITN": itn,
        "MaskedITN": itn if masked is None else masked,
        "Display": display,
        "Words": _words(lexically, spoken, utterance, confidence),
        "DisplayWords": [
            {"DisplayText": text, **span(word.start, word.end)}
            for word in spoken
            if (text := censored(word.text, request.profanity))
        ],
    }
    if request.assessment is not None:
        assess(first, request.assessment, utterance.pronunciation)
    return [
        first,
        *(
            _alternative(other, request)
            for other in utterance.alternatives
            if other.text != utterance.text
        ),
    ]


def _alternative(other: Alternative, request: TurnRequest) -> Body:
    lexically = other.lexical or lexical(other.text)
    itn = other.itn or lexically
    return {
        "Confidence": _SECOND_BEST if other.confidence is None else other.confidence,
        "Lexical": censored(lexically, request.profanity),
        "ITN": censored(itn, request.profanity),
        "MaskedITN": other.masked or censored(itn, request.profanity),
        "Display": censored(other.text, request.profanity),
    }


def _words(
    text: str, spoken: Sequence[Word], utterance: Utterance, confidence: float
) -> list[Body]:
    """Give the spoken words their times: the written words' own where the two agree in number."""
    texts = text.split()
    if len(texts) != len(spoken):
        spoken = spread_words(texts, utterance.start, utterance.end)
    return [
        {
            "Word": text,
            **span(word.start, word.end),
            "Confidence": confidence if word.confidence is None else word.confidence,
        }
        for text, word in zip(texts, spoken, strict=True)
    ]


def _translation(request: TurnRequest, known: Mapping[str, str], text: str) -> Body:
    """Translate, or make something up that shows what would have been translated."""
    return {
        "TranslationStatus": "Success",
        "Translations": [
            {"Language": target, "Text": known.get(target, f"[{target}] {text}")}
            for target in request.targets or ()
        ],
    }
