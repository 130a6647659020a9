"""What Azure Speech says, in our words: detailed JSON to segments. Pure.

The service's own JSON is read and not the SDK's result objects: their Python binding cuts text at
2,047 bytes, and loses the result where that splits a character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from azstt._assembly.words import align_words
from azstt._captions.linebreak import text_units
from azstt._result import Alternative, PronouncedWord, Pronunciation, Segment, Sound, Word
from azstt._units import ticks_to_seconds

Json: TypeAlias = Mapping[str, object]

#: The most ticks that the service can count.
_LONGEST = 2**63 - 1


@dataclass(frozen=True)
class Phrase:
    """A phrase of the service.

    Attributes:
        segment: what was said; its text is empty where nothing was.
        id: the service's own id of it; empty where it gave none.
    """

    segment: Segment
    id: str = ""


def parse_phrase(body: str, *, base: float = 0.0, alternatives: int = 0) -> Phrase:
    """Read a final or an interim result.

    Args:
        body: the JSON of a phrase or a hypothesis, of recognition or of translation.
        base: seconds of audio that went before this connection's first sample.
        alternatives: how many readings to keep.

    Raises:
        ValueError: it is not such JSON.
    """
    data = json.loads(body)
    if not isinstance(data, dict):
        raise ValueError("the result is not a JSON object")  # noqa: TRY004 - one kind of failure
    data = cast("Json", data)
    readings = _objects(data.get("NBest"))
    best: Json = readings[0] if readings else {}
    text = _text(data, "DisplayText") or _text(best, "Display") or _text(data, "Text")
    start, end = _span(data, base)
    words = _words(best, text, base)
    segment = Segment(
        text=text,
        start=start,
        end=max([end, *(word.end for word in words)]) if text else end,
        words=words,
        confidence=_probability(best),
        speaker=_text(data, "SpeakerId") or None,
        language=_text(_object(data.get("PrimaryLanguage")), "Language") or None,
        alternatives=tuple(map(_alternative, readings[:alternatives])),
        translations=_translations(_object(data.get("Translation"))),
        pronunciation=_pronunciation(best, base),
    )
    return Phrase(segment, _text(data, "Id"))


def _words(best: Json, text: str, base: float) -> tuple[Word, ...]:
    """Give displayed words: the service's own, or the display text aligned with what it timed."""
    spoken = [_word(word, "Word", base) for word in _objects(best.get("Words")) if _timed(word)]
    shown = [_word(word, "DisplayText", base) for word in _objects(best.get("DisplayWords"))]
    if not shown:
        return align_words([text[start:end] for start, end in text_units(text)], spoken)
    if len(shown) == len(spoken):  # display words have no confidence of their own
        return tuple(
            word.model_copy(update={"confidence": timed.confidence})
            for word, timed in zip(shown, spoken, strict=True)
        )
    return tuple(word.model_copy(update={"confidence": _lowest(word, spoken)}) for word in shown)


def _lowest(word: Word, spoken: Iterable[Word]) -> float | None:
    """Give the lowest confidence of what was spoken while a word lasts."""
    known = [
        other.confidence
        for other in spoken
        if other.confidence is not None and word.start <= (other.start + other.end) / 2 <= word.end
    ]
    return min(known, default=None)


def _word(word: Json, name: str, base: float) -> Word:
    start, end = _span(word, base)
    return Word(text=_text(word, name), start=start, end=end, confidence=_probability(word))


def _timed(word: Json) -> bool:
    """Whether a word was heard: pronunciation assessment lists omitted ones without a time."""
    return isinstance(word.get("Offset"), int)


def _alternative(reading: Json) -> Alternative:
    return Alternative(
        text=_text(reading, "Display"),
        lexical=_text(reading, "Lexical"),
        itn=_text(reading, "ITN"),
        masked=_text(reading, "MaskedITN"),
        confidence=_probability(reading),
    )


def _translations(translation: Json) -> dict[str, str]:
    """Read both forms of translations, by language."""
    return {
        _text(entry, "Language"): _text(entry, "Text") or _text(entry, "DisplayText")
        for entry in _objects(translation.get("Translations"))
    }


def _pronunciation(best: Json, base: float) -> Pronunciation | None:
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


def _pronounced(word: Json, base: float) -> PronouncedWord:
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


def _span(data: Json, base: float) -> tuple[float, float]:
    """Read a stretch of time, in seconds of the whole audio."""
    start = _ticks(data.get("Offset"))
    end = start + _ticks(data.get("Duration"))
    return base + ticks_to_seconds(start), base + ticks_to_seconds(end)


def _ticks(value: object) -> int:
    return min(max(0, value), _LONGEST) if isinstance(value, int) else 0


def _number(data: Json, name: str) -> float | None:
    value = data.get(name)
    return float(value) if isinstance(value, int | float) else None


def _probability(data: Json) -> float | None:
    """Read a confidence; the service rounds, so that one may pass 1 by a hair."""
    value = _number(data, "Confidence")
    return None if value is None else min(1.0, max(0.0, value))


def _text(data: Json, name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: object) -> Sequence[Json]:
    entries = cast("list[object]", value) if isinstance(value, list) else []
    return [_object(entry) for entry in entries]
