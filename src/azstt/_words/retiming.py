"""The words of a segment whose text was corrected. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from azstt._captions.linebreak import text_units
from azstt._captions.offsets import word_offsets
from azstt._result import Segment, Word
from azstt._words.times import spread_words


@dataclass(frozen=True, slots=True)
class _Group:
    """Recognized words that have units of text in common, or a unit without a word.

    Attributes:
        units: their numbers.
        text: what they say together, with punctuation.
        words: the words, each with its place in `text`.
    """

    units: range
    text: str
    words: tuple[tuple[Word, int], ...] = ()


def retime_words(segment: Segment, text: str, was: Sequence[int | None]) -> Iterator[Word]:
    """Yield the words of a segment's new text: those that stay, and new ones between them.

    Words that stay keep their times. New ones share the time of those that they replace, or of
    the pause into which they were inserted. There are none if the segment has no words, or not
    those of its text.

    Args:
        segment: as recognized.
        text: the new text.
        was: for each unit of the new text (see `text_units`), the number of the same unit of the
            old one, or None if it is new.
    """
    if not word_offsets(segment):
        return
    spans, groups = list(text_units(text)), list(_groups(segment))
    homes = _find(groups, text, was)
    done = 0
    for home, units in groupby(range(len(spans)), homes.get):
        numbers = list(units)
        start, end = spans[numbers[0]][0], spans[numbers[-1]][1]
        if home is None:
            following = homes.get(numbers[-1] + 1, len(groups))
            bounds = _bounds(segment, groups[:done], groups[following:])
            yield from _new_words(text[start:end], start, groups[done:following], bounds)
        else:
            yield from _moved_words(text[start:end], start, groups[home])
            done = home + 1


def _groups(segment: Segment) -> Iterator[_Group]:
    """Divide the units of a segment's text into groups so that no word is in two of them."""
    spans = list(text_units(segment.text))
    starts = [start for start, _ in spans]
    words: defaultdict[int, list[tuple[Word, int]]] = defaultdict(list)
    inside: set[int] = set()  # units that continue a word
    for word, at in zip(segment.words, word_offsets(segment) or (), strict=False):
        if size := len(word.text.strip()):
            first = bisect_right(starts, at) - 1
            words[first].append((word, at))
            inside.update(range(first + 1, bisect_right(starts, at + size - 1)))
    firsts = (unit for unit in range(len(spans)) if unit not in inside)
    for first, stop in pairwise([*firsts, len(spans)]):
        begin, end = spans[first][0], spans[stop - 1][1]
        own = ((word, at - begin) for unit in range(first, stop) for word, at in words[unit])
        yield _Group(range(first, stop), segment.text[begin:end], tuple(own))


def _find(groups: Sequence[_Group], text: str, was: Sequence[int | None]) -> Mapping[int, int]:
    """Return the number of the group of each unit of the new text that is in one that stays."""
    spans = list(text_units(text))
    places = {unit: at for at, unit in enumerate(was) if unit is not None}
    homes: dict[int, int] = {}
    for number, group in enumerate(groups):
        found = [places.get(unit, -1) for unit in group.units]
        if found[0] < 0 or found != [*range(found[0], found[0] + len(found))]:
            continue
        shown = text[spans[found[0]][0] : spans[found[-1]][1]]
        if len(group.words) <= 1 or shown == group.text:
            homes.update(dict.fromkeys(found, number))
    return homes


def _moved_words(text: str, place: int, group: _Group) -> Iterator[Word]:
    """Yield the words of a group that stays, perhaps with other case or punctuation."""
    for word, offset in group.words:
        if text == group.text:
            yield word.model_copy(update={"text_offset": place + offset})
        else:
            yield word.model_copy(update={"text": text, "text_offset": place})


def _new_words(
    text: str, place: int, replaced: Sequence[_Group], bounds: tuple[float, float]
) -> Iterator[Word]:
    """Yield words that share the time of those that they replace, or else the time between."""
    old = [word for group in replaced for word, _ in group.words]
    start, end = bounds
    if old:
        start, end = old[0].start, max(word.end for word in old)
    found = list(re.finditer(r"\S+", text))
    words = spread_words([match[0] for match in found], start, max(start, end))
    for match, word in zip(found, words, strict=True):
        measured = len(found) == 1 and old and not any(one.estimated for one in old)
        update = {"text_offset": place + match.start(), "estimated": not measured}
        yield word.model_copy(update=update)


def _bounds(
    segment: Segment, before: Sequence[_Group], after: Sequence[_Group]
) -> tuple[float, float]:
    """Return where the words before end and those after begin."""
    ends = (word.end for group in reversed(before) for word, _ in reversed(group.words))
    starts = (word.start for group in after for word, _ in group.words)
    return next(ends, segment.start), next(starts, segment.end)
