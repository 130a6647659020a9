"""Words with times, where a recognizer gave only text."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import accumulate, pairwise

from azstt._result import Word


def spread_words(
    texts: Sequence[str], start: float, end: float, confidences: Sequence[float] | None = None
) -> tuple[Word, ...]:
    """Spread words over a stretch of audio by their length, each marked as estimated.

    Every word counts one letter more than it has, for the pause after it.
    """
    if not texts:
        return ()
    weights = [len(text) + 1 for text in texts]
    scale = (end - start) / sum(weights)
    edges = [start, *(start + done * scale for done in accumulate(weights))]
    edges[-1] = end
    return tuple(
        Word(
            text=text,
            start=first,
            end=last,
            confidence=confidences[i] if confidences else None,
            estimated=True,
        )
        for i, (text, (first, last)) in enumerate(zip(texts, pairwise(edges), strict=True))
    )


def align_words(texts: Sequence[str], timed: Sequence[Word]) -> tuple[Word, ...]:
    """Give displayed words the times of the words that were spoken for them.

    ``texts`` are cased, punctuated and may write several spoken words as one ("twenty one" as
    "21"); ``timed`` are as spoken. Words that are the same but for case and punctuation are
    matched in order; between two matches the displayed words share the time and the lowest
    confidence of the spoken ones, spread by length and marked as estimated.
    """
    if len(texts) == len(timed):
        return tuple(w.model_copy(update={"text": t}) for t, w in zip(texts, timed, strict=True))
    if not timed:
        return ()
    matcher = SequenceMatcher(
        None, [_bare(text) for text in texts], [_bare(word.text) for word in timed], autojunk=False
    )
    words: list[Word] = []
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        shown, spoken = texts[a0:a1], timed[b0:b1]
        if kind == "equal":
            words += align_words(shown, spoken)
        elif shown and spoken:
            words += _share(shown, spoken)
        elif shown:  # displayed, not spoken: a moment between its neighbors
            at = timed[b0 - 1].end if b0 else timed[0].start
            words += spread_words(shown, at, at)
    return tuple(words)


def _share(texts: Sequence[str], spoken: Sequence[Word]) -> tuple[Word, ...]:
    """Spread words over the time of others."""
    start, end = spoken[0].start, max(word.end for word in spoken)
    known = [word.confidence for word in spoken if word.confidence is not None]
    if len(texts) == 1:  # one word for many: its times are measured all the same
        lowest = min(known) if known else None
        return (Word(text=texts[0], start=start, end=end, confidence=lowest),)
    return spread_words(texts, start, end, [min(known)] * len(texts) if known else None)


def _bare(text: str) -> str:
    """Drop case and punctuation."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
