"""Applies a corrected text to segments, and keeps the times of their words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from azstt._captions.linebreak import text_units
from azstt._result import Segment
from azstt._words.alignment import END, align
from azstt._words.retiming import retime_words
from azstt._words.times import bare


class _Token(NamedTuple):
    """What is compared: a word, a letter in scripts without spaces, or the end of a line.

    Attributes:
        text: the token as it is displayed.
        space: whether there is white space before it.
        line: the number of its line; a segment is one.
        number: its own number in the line.
    """

    text: str
    space: bool
    line: int
    number: int


def correct_segments(segments: Sequence[Segment], text: str) -> Iterator[Segment]:
    """Yield the segments with another text, except those that have none left.

    Args:
        segments: at least one.
        text: a line break is white space that shows where a segment may end.
    """
    old = list(_tokens(segment.text for segment in segments))
    new = list(_tokens(line for line in text.splitlines() if line.strip()))
    tokens: list[list[_Token]] = [[] for _ in segments]
    numbers: list[list[int | None]] = [[] for _ in segments]
    keys = [[bare(token.text) or token.text for token in side] for side in (old, new)]
    for token, (at, stays) in zip(new, align(*keys), strict=True):
        if token.text != END:
            tokens[old[at].line].append(token)
            numbers[old[at].line].append(old[at].number if stays else None)
    for segment, own, ones in zip(segments, tokens, numbers, strict=True):
        now = "".join(" " * token.space + token.text for token in own).strip()
        if now and now != " ".join(segment.text.split()):
            words = tuple(retime_words(segment, now, ones))
            yield segment.model_copy(update={"text": now, "words": words})
        elif now:
            yield segment


def _tokens(lines: Iterable[str]) -> Iterator[_Token]:
    """Yield the tokens of all lines, with one at the end of each line."""
    for at, line in enumerate(lines):
        for number, (start, end) in enumerate(text_units(line)):
            yield _Token(line[start:end], number == 0 or line[start - 1].isspace(), at, number)
        yield _Token(END, space=True, line=at, number=-1)
