"""Where text may break, and how good a place that is. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

#: The cost of a break, the best place first.
AFTER_SENTENCE = 0.0
AFTER_CLAUSE = 0.5
AT_PAUSE = 1.0
BETWEEN_WORDS = 3.0
INSIDE_WORD = 6.0

_SENTENCE_ENDS = frozenset(".!?。؟।။។")
_CLAUSE_ENDS = frozenset(",;:、،؛\u2013\u2014")
#: A full stop after a title or an initial ends no sentence.
_ABBREVIATION = re.compile(
    r"\W*(?:mr|mrs|ms|dr|prof|st|vs|[a-z](?:\.[a-z])*)\.", re.IGNORECASE | re.ASCII
)

#: Thai, Lao, Myanmar, Khmer, kana and Han are written without spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
_SMALL_KANA = "ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
_VOWELS_BEFORE = frozenset("เแโใไເແໂໃໄ")  # Thai and Lao, written before their consonant
_NOT_FIRST = frozenset(f"{_SMALL_KANA}ะาำฯະາຳຯ")  # and those that are written after it
_VIRAMA = 9  # the combining class of signs that bind the next letter to theirs


def width(text: str) -> int:
    """Count columns: full-width characters, such as Han, take two."""
    return len(text) + sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)


def text_units(text: str) -> Iterator[tuple[int, int]]:
    """Find the pieces of text that no line break may part, as offsets.

    These are words, or single letters in scripts that set no spaces.
    """
    for token in re.finditer(r"\S+", text):
        first, end = token.span()
        if _UNSPACED.search(text, first, end):  # few are, and every partial comes through here
            for at in range(first + 1, end):
                if _may_part(text[at - 1], text[at]):
                    yield first, at
                    first = at
        yield first, end


def end_of_word(text: str, end: int) -> int:
    """Give where a word that ends at ``end`` ends with the punctuation after it."""
    while end < len(text) and _closes(text[end]):
        end += 1
    return end


def cost_after(text: str) -> float:
    """Give what a break after this piece of text costs, by its punctuation alone."""
    core = unicodedata.normalize("NFKC", text)  # full-width marks and ellipses are full stops too
    while len(core) > 1 and (core[-1] in "\"'" or unicodedata.category(core[-1]) in {"Pe", "Pf"}):
        core = core[:-1]
    if core[-1:] in _SENTENCE_ENDS and not _ABBREVIATION.fullmatch(core):
        return AFTER_SENTENCE
    return AFTER_CLAUSE if core[-1:] in _CLAUSE_ENDS else BETWEEN_WORDS


def _may_part(before: str, after: str) -> bool:
    """Whether a line may break between two letters that no space parts."""
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
    """Whether it is punctuation that belongs to what stands before it."""
    return unicodedata.category(letter) in {"Pe", "Pf", "Po", "Pd"}
