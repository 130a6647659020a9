"""Pronunciation scores: those of the script, otherwise simple deterministic ones. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import cast

from azstt._result import Pronunciation
from azstt._units import seconds_to_ticks, ticks_to_seconds
from azstt._words.times import spread_words
from azstt.emulator._service.forms import lexical
from azstt.emulator._service.request import Assessment

_PERFECT = 100.0
#: Hundred-mark points per point of the five-point scale.
_FIVE_POINT = 20.0


def assess(reading: dict[str, object], assessment: Assessment, known: Pronunciation | None) -> None:
    """Add the scores of a reading and of its words to it."""
    scale = 1 / _FIVE_POINT if assessment.five_point else 1.0
    words = cast("list[dict[str, object]]", reading["Words"])
    reference = lexical(assessment.reference).split()
    errors = _errors([str(word["Word"]) for word in words], reference)
    for word, error in zip(words, errors, strict=True):
        accuracy = float(cast("float", word["Confidence"])) * _PERFECT
        word["PronunciationAssessment"] = {
            "AccuracyScore": round(accuracy * scale, 1),
            "ErrorType": error if assessment.miscue else "None",
        }
        if assessment.granularity == "phoneme":
            word["Phonemes"] = _phonemes(word, accuracy * scale)
    correct = len(words) - errors.count("Insertion")
    missing = _missing([str(word["Word"]) for word in words], reference)
    if assessment.miscue:
        words += [
            {
                "Word": text,
                "Offset": 0,
                "Duration": 0,
                "PronunciationAssessment": {"AccuracyScore": 0, "ErrorType": "Omission"},
            }
            for text in missing
        ]
    complete = _PERFECT * correct / len(reference) if reference else _PERFECT
    reading["PronunciationAssessment"] = _overall(
        reading,
        known or Pronunciation(),
        min(complete, _PERFECT),
        scale,
        prosody=assessment.prosody,
    )


def _overall(
    reading: dict[str, object],
    scores: Pronunciation,
    complete: float,
    scale: float,
    *,
    prosody: bool,
) -> dict[str, float]:
    accuracy = cast("float", reading["Confidence"]) * _PERFECT
    parts = {
        "AccuracyScore": accuracy if scores.accuracy is None else scores.accuracy,
        "FluencyScore": _PERFECT if scores.fluency is None else scores.fluency,
        "CompletenessScore": complete if scores.completeness is None else scores.completeness,
    }
    if prosody:
        parts["ProsodyScore"] = _PERFECT if scores.prosody is None else scores.prosody
    mean = sum(parts.values()) / len(parts)
    parts["PronScore"] = mean if scores.overall is None else scores.overall
    return {name: round(score * scale, 1) for name, score in parts.items()}


def _errors(said: Sequence[str], reference: Sequence[str]) -> list[str]:
    """Return each word's error type: "Insertion" if it is not in the reference text."""
    errors = ["Insertion" if reference else "None"] * len(said)
    for block in SequenceMatcher(None, said, reference, autojunk=False).get_matching_blocks():
        errors[block.a : block.a + block.size] = ["None"] * block.size
    return errors


def _missing(said: Sequence[str], reference: Sequence[str]) -> list[str]:
    """Return the words of the reference text that were not said."""
    matcher = SequenceMatcher(None, said, reference, autojunk=False)
    return [
        word
        for tag, _, _, first, last in matcher.get_opcodes()
        if tag in {"insert", "replace"}
        for word in reference[first:last]
    ]


def _phonemes(word: dict[str, object], accuracy: float) -> list[dict[str, object]]:
    """Return a made-up phoneme for each letter, in the service's format."""
    start = ticks_to_seconds(cast("int", word["Offset"]))
    end = start + ticks_to_seconds(cast("int", word["Duration"]))
    return [
        {
            "Phoneme": letter.text,
            "Offset": seconds_to_ticks(letter.start),
            "Duration": seconds_to_ticks(letter.duration),
            "PronunciationAssessment": {"AccuracyScore": round(accuracy, 1)},
        }
        for letter in spread_words(list(str(word["Word"])), start, end)
    ]
