"""Words with times, where a recogniser gave only text."""

from __future__ import annotations

from collections.abc import Sequence
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
