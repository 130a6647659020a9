"""Where text may be broken into lines, and how good a break is. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: The cost of a break; the best place comes first.
AFTER_SENTENCE = 0.0
AFTER_CLAUSE = 0.5
AT_PAUSE = 1.0
BETWEEN_WORDS = 3.0
INSIDE_WORD = 6.0

_SENTENCE_ENDS = frozenset(".!?。؟।။។")
_CLAUSE_ENDS = frozenset(",;:、،؛\u2013\u2014")
#: A period after a title or an initial does not end a sentence.
_ABBREVIATION = re.compile(
    r"\W*(?:mr|mrs|ms|dr|prof|st|vs|[a-z](?:\.[a-z])*)\.", re.IGNORECASE | re.ASCII
)

#: Scripts without spaces between words: Thai, Lao, Myanmar, Khmer, kana and Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_SMALL_KANA = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")  # Thai and Lao, written before their consonant
_NOT_FIRST = frozenset(f"{_SMALL_KANA}ะาำฯະາຳຯ")  # vowels written after it
_VIRAMA = 9  # combining class of the signs that join the next letter to theirs


def width(text: str) -> int:
    """Return the number of columns; full-width characters such as Han take two."""
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def text_units(text: str) -> Iterator[tuple[int, int]]:
    """Yield the (start, end) offsets of the units that no line break may split.

    A unit is a word, or a single letter in scripts without spaces.
    """
    for token in re.finditer(r"\S+", text):
        first, end = token.span()
        if _UNSPACED.search(text, first, end):  # rare; skips the loop, as every partial comes here
            for at in range(first + 1, end):
                if _may_break(text[at - 1], text[at]):
                    yield first, at
                    first = at
        yield first, end


def end_of_word(text: str, end: int) -> int:
    """Return the end of a word that ends at ``end``, including the punctuation after it."""
    while end < len(text) and _closes(text[end]):
        end += 1
    return end


def cost_after(text: str) -> float:
    """Return the cost of a break after this text, judged by its punctuation alone."""
    core = unicodedata.normalize("NFKC", text)  # full-width marks and ellipses end sentences too
    while len(core) > 1 and (core[-1] in "\"'" or unicodedata.category(core[-1]) in {"Pe", "Pf"}):
        core = core[:-1]
    if core[-1:] in _SENTENCE_ENDS and not _ABBREVIATION.fullmatch(core):
        return AFTER_SENTENCE
    return AFTER_CLAUSE if core[-1:] in _CLAUSE_ENDS else BETWEEN_WORDS


def _may_break(before: str, after: str) -> bool:
    """Return whether a line may break between two letters without a space between them."""
    return bool(
        (_UNSPACED.match(before) or _UNSPACED.match(after))
        and unicodedata.category(before) not in {"Ps", "Pi"}
        and unicodedata.combining(before) != _VIRAMA
        and before not in _VOWELS_BEFORE
        and not _closes(after)
        and unicodedata.category(after) not in {"Lm", "Mn", "Mc"}
        and after not in _NOT_FIRST
    )


def _closes(letter: str) -> bool:
    """Return whether a character is punctuation that belongs to what precedes it."""
    return unicodedata.category(letter) in {"Pe", "Pf", "Po", "Pd"}
