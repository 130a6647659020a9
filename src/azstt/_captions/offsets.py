"""Where each word begins in its segment's text. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from azstt._result import Segment


def word_offsets(segment: Segment) -> Sequence[int] | None:
    """Return the index in the segment's text at which each of its words begins.

    Offsets that the words carry are used as they are if they are right; otherwise the words are
    searched for in order. Punctuation and white space between words may be missing from them,
    letters and digits may not.

    Returns:
        None if the words are not the words of the text.
    """
    text = segment.text
    known = _known_offsets(segment)
    if known is not None:
        return known
    offsets: list[int] = []
    end = 0
    for word in segment.words:
        token = word.text.strip()
        start = text.find(token, end)
        if start < 0 or _has_letters(text[end:start]):
            return None
        offsets.append(start)
        end = start + len(token)
    return None if _has_letters(text[end:]) else offsets


def _known_offsets(segment: Segment) -> list[int] | None:
    """Return the words' own offsets if each has one, and it points at the word, in order."""
    offsets: list[int] = []
    end = 0
    for word in segment.words:
        token, offset = word.text.strip(), word.text_offset
        if offset is None or offset < end or not segment.text.startswith(token, offset):
            return None
        offsets.append(offset)
        end = offset + len(token)
    return offsets


def _has_letters(text: str) -> bool:
    return any(letter.isalnum() for letter in text)
