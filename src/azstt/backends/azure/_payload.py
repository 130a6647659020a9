"""Parse Azure Speech results: detailed JSON to segments and partials. Pure.

This reads the service's own JSON and not the SDK's result objects: their Python binding truncates
text at 2,047 bytes, and loses the result where that splits a character.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from azstt._captions.linebreak import text_units
from azstt._events import Partial
from azstt._models import JsonObject
from azstt._result import Alternative, PronouncedWord, Pronunciation, Segment, Sound, Word
from azstt._units import ticks_to_seconds
from azstt._words.times import align_words

#: The largest tick count that the service can send.
_MAX_TICKS = 2**63 - 1


@dataclass(frozen=True)
class PhraseResult:
    """A final result of the service.

    Attributes:
        segment: what was said; its text is empty if nothing was.
        id: the service's own id for it; empty if it sent none.
    """

    segment: Segment
    id: str = ""


def parse_phrase(body: str, *, base: float = 0.0, alternatives: int = 0) -> PhraseResult:
    """Parse a final result.

    Args:
        body: the JSON of a phrase, from recognition or translation.
        base: seconds of audio before this connection's first sample.
        alternatives: how many readings to keep.

    Raises:
        ValueError: the body is not a JSON object.
    """
    data = _load(body)
    readings = _objects(data.get("NBest"))
    best = _best(readings)
    text = _display_text(data, best)
    start, end = _span(data, base)
    words = _words(best, text, base)
    segment = Segment(
        text=text,
        start=start,
        end=_end(end, text, words),
        words=words,
        confidence=_probability(best),
        speaker=_speaker(data),
        language=_language(data),
        alternatives=tuple(map(_alternative, readings[:alternatives])),
        translations=_translations(_object(data.get("Translation"))),
        pronunciation=_pronunciation(best, base),
    )
    return PhraseResult(segment, _text(data, "Id"))


def parse_hypothesis(body: str, *, base: float = 0.0) -> Partial:
    """Parse an interim result.

    Args:
        body: the JSON of a hypothesis, from recognition or translation.
        base: see `parse_phrase`.

    Raises:
        ValueError: the body is not a JSON object.
    """
    data = _load(body)
    best = _best(_objects(data.get("NBest")))
    text = _display_text(data, best)
    start, end = _span(data, base)
    return Partial(
        text=text,
        start=start,
        end=_end(end, text, _words(best, text, base)),
        speaker=_speaker(data),
        language=_language(data),
    )


def _load(body: str) -> JsonObject:
    data = json.loads(body)
    if not isinstance(data, dict):
        raise ValueError("the result is not a JSON object")  # noqa: TRY004 - one kind of failure
    return cast("JsonObject", data)


def _best(readings: Sequence[JsonObject]) -> JsonObject:
    return readings[0] if readings else {}


def _display_text(data: JsonObject, best: JsonObject) -> str:
    return _text(data, "DisplayText") or _text(best, "Display") or _text(data, "Text")


def _end(end: float, text: str, words: Sequence[Word]) -> float:
    """Return the end of a result: its words may end later than the service says that it does."""
    return max([end, *(word.end for word in words)]) if text else end


def _speaker(data: JsonObject) -> str | None:
    return _text(data, "SpeakerId") or None


def _language(data: JsonObject) -> str | None:
    return _text(_object(data.get("PrimaryLanguage")), "Language") or None


def _words(best: JsonObject, text: str, base: float) -> tuple[Word, ...]:
    """Return display words: the service's own, or the display text aligned with the timed words."""
    spoken = [
        _word(word, "Word", base, _probability(word))
        for word in _objects(best.get("Words"))
        if _timed(word)
    ]
    if shown := _objects(best.get("DisplayWords")):
        return _display_words(shown, spoken, base)
    if not spoken:
        return ()
    units = text_units(text)  # the place of each word in the text
    shown_texts = [text[start:end] for start, end in units]
    return align_words(shown_texts, spoken, [start for start, _ in units])


def _display_words(
    shown: Sequence[JsonObject], spoken: Sequence[Word], base: float
) -> tuple[Word, ...]:
    """Return the service's own display words; their confidence is that of the spoken words."""
    if len(shown) == len(spoken):
        confidences = [word.confidence for word in spoken]
    else:
        confidences = [_lowest_confidence(_span(word, base), spoken) for word in shown]
    return tuple(
        _word(word, "DisplayText", base, confidence)
        for word, confidence in zip(shown, confidences, strict=True)
    )


def _lowest_confidence(span: tuple[float, float], spoken: Sequence[Word]) -> float | None:
    """Return the lowest confidence of the words spoken within a span of time."""
    start, end = span
    known = [
        word.confidence
        for word in spoken
        if word.confidence is not None and start <= (word.start + word.end) / 2 <= end
    ]
    return min(known, default=None)


def _word(word: JsonObject, name: str, base: float, confidence: float | None) -> Word:
    start, end = _span(word, base)
    return Word(text=_text(word, name), start=start, end=end, confidence=confidence)


def _timed(word: JsonObject) -> bool:
    """Whether a word was spoken: pronunciation assessment lists omitted ones without a time."""
    return isinstance(word.get("Offset"), int)


def _alternative(reading: JsonObject) -> Alternative:
    return Alternative(
        text=_text(reading, "Display"),
        lexical=_text(reading, "Lexical"),
        itn=_text(reading, "ITN"),
        masked=_text(reading, "MaskedITN"),
        confidence=_probability(reading),
    )


def _translations(translation: JsonObject) -> dict[str, str]:
    """Parse either of the service's two forms of translations, by language."""
    return {
        _text(entry, "Language"): _text(entry, "Text") or _text(entry, "DisplayText")
        for entry in _objects(translation.get("Translations"))
    }


def _pronunciation(best: JsonObject, base: float) -> Pronunciation | None:
    scores = _object(best.get("PronunciationAssessment"))
    if not scores:
        return None
    return Pronunciation(
        accuracy=_number(scores, "AccuracyScore"),
        fluency=_number(scores, "FluencyScore"),
        completeness=_number(scores, "CompletenessScore"),
        prosody=_number(scores, "ProsodyScore"),
        overall=_number(scores, "PronScore"),
        words=tuple(map(partial(_pronounced, base=base), _objects(best.get("Words")))),
    )


def _pronounced(word: JsonObject, base: float) -> PronouncedWord:
    scores = _object(word.get("PronunciationAssessment"))
    start, end = _span(word, base)
    return PronouncedWord(
        text=_text(word, "Word"),
        start=start,
        end=end,
        accuracy=_number(scores, "AccuracyScore"),
        error=_text(scores, "ErrorType") or "None",
        phonemes=_sounds(word.get("Phonemes"), "Phoneme", base),
        syllables=_sounds(word.get("Syllables"), "Syllable", base),
    )


def _sounds(value: object, name: str, base: float) -> tuple[Sound, ...]:
    return tuple(
        Sound(
            text=_text(sound, name),
            start=_span(sound, base)[0],
            end=_span(sound, base)[1],
            accuracy=_number(_object(sound.get("PronunciationAssessment")), "AccuracyScore"),
        )
        for sound in _objects(value)
    )


def _span(data: JsonObject, base: float) -> tuple[float, float]:
    """Return the start and end, in seconds of the whole audio."""
    start = _ticks(data.get("Offset"))
    end = start + _ticks(data.get("Duration"))
    return base + ticks_to_seconds(start), base + ticks_to_seconds(end)


def _ticks(value: object) -> int:
    return min(max(0, value), _MAX_TICKS) if isinstance(value, int) else 0


def _number(data: JsonObject, name: str) -> float | None:
    value = data.get(name)
    return float(value) if isinstance(value, int | float) else None


def _probability(data: JsonObject) -> float | None:
    """Return the confidence, clamped: the service rounds, so it may slightly exceed 1."""
    value = _number(data, "Confidence")
    return None if value is None else min(1.0, max(0.0, value))


def _text(data: JsonObject, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _object(value: object) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[JsonObject]:
    entries = cast("list[object]", value) if isinstance(value, list) else []
    return [_object(entry) for entry in entries]
