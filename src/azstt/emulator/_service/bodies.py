"""The JSON bodies of the service's results. Pure; times in ticks of 100 ns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from azstt._assembly.words import spread_words
from azstt._events import Partial
from azstt._result import Alternative, Word
from azstt._units import seconds_to_ticks
from azstt.emulator._script import Utterance
from azstt.emulator._service.forms import censored, lexical
from azstt.emulator._service.pronunciation import assess
from azstt.emulator._service.request import TurnRequest

Body: TypeAlias = dict[str, object]

#: Confidence of the best result and of the others, if the script gives none.
_CONFIDENCE, _SECOND_BEST = 0.9, 0.5
#: The service's names for a speaker that is not identified yet, and for the first that is.
_UNKNOWN, _FIRST = "Unknown", "Guest-1"


def span(start: float, end: float) -> Body:
    """Return the offset and duration of a span given in seconds."""
    offset = seconds_to_ticks(start)
    return {"Offset": offset, "Duration": max(0, seconds_to_ticks(end) - offset)}


def result_id(*parts: object) -> str:
    """Return an id that is the same in every run."""
    return hashlib.md5(repr(parts).encode(), usedforsecurity=False).hexdigest()


def hypothesis(partial: Partial, request: TurnRequest, channel: int, language: str) -> Body:
    """Return the body of a partial result."""
    text = censored(lexical(partial.text), request.profanity)
    body: Body = {"Id": result_id(request.base, partial.start, channel), "Text": text}
    body |= span(partial.start, partial.end) | {"Channel": channel}
    if request.diarize:
        speaker = partial.speaker if request.diarize_partials else None
        body["SpeakerId"] = speaker or _UNKNOWN
    if request.candidates:
        body["PrimaryLanguage"] = {"Language": language}
    if request.targets is not None:
        body["Translation"] = _translation(request, {}, text)
    return body


def phrase(utterance: Utterance, request: TurnRequest, language: str) -> Body:
    """Return the body of a final result, as detailed as the client asked for."""
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
        body["NBest"] = _nbest(utterance, request, display)
    return body


def _nbest(utterance: Utterance, request: TurnRequest, display: str) -> list[Body]:
    spoken = utterance.spoken()
    spoken_form = censored(utterance.lexical or lexical(utterance.text), request.profanity)
    itn = censored(utterance.itn or spoken_form, request.profanity)
    confidence = _CONFIDENCE if utterance.confidence is None else utterance.confidence
    masked = utterance.masked
    first: Body = {
        "Confidence": confidence,
        "Lexical": spoken_form,
        "ITN": itn,
        "MaskedITN": itn if masked is None else masked,
        "Display": display,
        "Words": _words(spoken_form, spoken, utterance, confidence),
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
    spoken_form = other.lexical or lexical(other.text)
    itn = other.itn or spoken_form
    return {
        "Confidence": _SECOND_BEST if other.confidence is None else other.confidence,
        "Lexical": censored(spoken_form, request.profanity),
        "ITN": censored(itn, request.profanity),
        "MaskedITN": other.masked or censored(itn, request.profanity),
        "Display": censored(other.text, request.profanity),
    }


def _words(
    text: str, spoken: Sequence[Word], utterance: Utterance, confidence: float
) -> list[Body]:
    """Return the lexical words; they take the display words' times if there are equally many."""
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
    """Return the translations; made-up ones where the script has none."""
    return {
        "TranslationStatus": "Success",
        "Translations": [
            {"Language": target, "Text": known.get(target, f"[{target}] {text}")}
            for target in request.targets or ()
        ],
    }
