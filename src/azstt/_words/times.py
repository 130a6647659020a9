"""Words: times where a recognizer reported only text, and places in that text. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import accumulate, pairwise
from unicodedata import category

from azstt._captions.offsets import word_offsets
from azstt._result import Segment, Word


def spread_words(
    texts: Sequence[str], start: float, end: float, confidences: Sequence[float] | None = None
) -> tuple[Word, ...]:
    """Divide a span of audio among words by their length; each is marked as estimated.

    Every word counts as one letter longer than it is, for the pause after it.
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


def align_words(
    texts: Sequence[str], timed: Sequence[Word], offsets: Sequence[int] | None = None
) -> tuple[Word, ...]:
    """Assign the times of spoken words to the displayed words that represent them.

    Words that differ only in case and punctuation are matched in order. Between two matches the
    displayed words share the time and the lowest confidence of the spoken ones: the time is
    divided by length and marked as estimated.

    Args:
        texts: displayed words: cased and punctuated, perhaps one for several spoken words ("21"
            for "twenty one").
        timed: the words as spoken.
        offsets: where the displayed words begin in their text; kept by those that match.
    """
    if len(texts) == len(timed):
        places: Sequence[int | None] = offsets or [None] * len(texts)
        return tuple(
            Word(
                text=text,
                start=word.start,
                end=word.end,
                confidence=word.confidence,
                estimated=word.estimated,
                text_offset=place,
            )
            for text, word, place in zip(texts, timed, places, strict=True)
        )
    if not timed:
        return ()
    matcher = SequenceMatcher(
        None, [bare(text) for text in texts], [bare(word.text) for word in timed], autojunk=False
    )
    words: list[Word] = []
    for kind, a0, a1, b0, b1 in matcher.get_opcodes():
        shown, spoken = texts[a0:a1], timed[b0:b1]
        if kind == "equal":
            words += align_words(shown, spoken, offsets and offsets[a0:a1])
        elif shown and spoken:
            words += _share(shown, spoken)
        elif shown:  # displayed but not spoken: an instant between its neighbors
            at = timed[b0 - 1].end if b0 else timed[0].start
            words += spread_words(shown, at, at)
    return tuple(words)


def locate_words(segment: Segment) -> Segment:
    """Return a segment whose words know their places in its text (`Word.text_offset`).

    The segment is returned as it is if they already do, or if they are not the words of its text.
    """
    offsets = word_offsets(segment)
    if offsets is None or offsets == [word.text_offset for word in segment.words]:
        return segment
    words = (
        word.model_copy(update={"text_offset": offset})
        for word, offset in zip(segment.words, offsets, strict=True)
    )
    return segment.model_copy(update={"words": tuple(words)})


def _share(texts: Sequence[str], spoken: Sequence[Word]) -> tuple[Word, ...]:
    """Divide the time of spoken words among displayed ones."""
    start, end = spoken[0].start, max(word.end for word in spoken)
    known = [word.confidence for word in spoken if word.confidence is not None]
    if len(texts) == 1:  # one word for several: its times are still measured
        lowest = min(known) if known else None
        return (Word(text=texts[0], start=start, end=end, confidence=lowest),)
    return spread_words(texts, start, end, [min(known)] * len(texts) if known else None)


def bare(text: str) -> str:
    """Return the text without case and punctuation: letters, their marks, and digits."""
    return "".join(letter for letter in text.casefold() if category(letter)[0] in "LMN")
