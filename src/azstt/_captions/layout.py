"""Segments to caption cues: what is on the screen together, and when. Pure.

A segment is cut where the sum of costs is least, as paragraphs are cut into lines: a cue more
costs, and so do a break in a bad place, a cue that is nearly empty and a word left alone. Lines
are cut from a cue in the same way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf

from azstt._captions.linebreak import (
    AT_PAUSE,
    BETWEEN_WORDS,
    INSIDE_WORD,
    cost_after,
    end_of_word,
    text_units,
    width,
)
from azstt._result import Segment

_PAUSE = 0.3  # seconds between words from which a break there is welcome
_SILENCE = 1.5  # seconds after which words are no longer shown together
_SHORTEST = 1000  # milliseconds that a cue stays, where the next one leaves it the time
_CUE_COST = 1.0  # less than a break between any two words costs
_LINE_COST = 1000.0  # more than any break: a line more is never worth it
_LONELY_COST = 2.0  # one word on a line, or in a cue, of its own


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cue may hold.

    Attributes:
        max_chars: columns of a line; full-width characters take two.
        max_lines: lines of a cue.
        max_seconds: how long a cue stays.
    """

    max_chars: int
    max_lines: int
    max_seconds: float

    def __post_init__(self) -> None:
        """Refuse limits that nothing fits.

        Raises:
            ValueError: names the limit and its value.
        """
        least = {"max_chars": 1, "max_lines": 1, "max_seconds": 0.1}
        for name, floor in least.items():
            value = getattr(self, name)
            if not value >= floor:  # so that nan is refused as well
                raise ValueError(f"{name} must be at least {floor!r}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Text that no break may part, and when it is spoken, in seconds.

    Attributes:
        space: a space parts it from what stands before it.
        columns: how wide it is.
        cost: what a break after it costs.
    """

    text: str
    start: float
    end: float
    space: bool
    columns: int
    cost: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What is on the screen together, from one millisecond to another.

    Attributes:
        speaker: a name on one line; empty where none is known.
    """

    start: int
    end: int
    pieces: tuple[Fragment, ...]
    speaker: str


def cues(segments: Sequence[Segment], limits: Limits, *, name_speakers: bool) -> list[Caption]:
    """Cut segments into cues that follow each other and never overlap.

    Args:
        segments: in any order.
        limits: broken only by a single word that is wider than a line.
        name_speakers: leave room for ``Speaker: `` before each cue's text.
    """
    found: list[Caption] = []
    for segment in segments:
        speaker = one_line(segment.speaker or "")
        lead = width(prefix(speaker)) if name_speakers else 0
        pieces = list(_pieces(segment))
        for part in _cut(pieces, limits, lead=lead, each=_CUE_COST):
            start, end = round(part[0].start * 1000), round(part[-1].end * 1000)
            found.append(Caption(start, end, tuple(part), speaker))
    return _in_turn(sorted(found, key=lambda cue: cue.start), limits)


def wrap(pieces: Sequence[Fragment], limits: Limits, *, before: str = "") -> list[str]:
    """Lay a cue's text out in as few lines as hold it, about equally long."""
    first, *others = pieces
    named = replace(first, text=before + first.text, columns=width(before) + first.columns)
    lines = _cut([named, *others], replace(limits, max_lines=1), lead=0, each=_LINE_COST)
    return ["".join(" " * piece.space + piece.text for piece in line).strip() for line in lines]


def prefix(speaker: str) -> str:
    """Give what names a speaker in plain text."""
    return f"{speaker}: " if speaker else ""


def one_line(text: str) -> str:
    """Put one space for each stretch of white space, line breaks among it."""
    return " ".join(text.split())


def _pieces(segment: Segment) -> Iterator[Fragment]:
    """Give a segment's text piece by piece, with the times and the costs of a break after each."""
    text, clock = segment.text, _Clock(segment)
    spans = list(text_units(text))
    starts = [*(clock.begins(start) for start, _ in spans), inf]
    for index, (start, end) in enumerate(spans):
        ends = clock.ends(end)
        cost = cost_after(text[start:end])
        if cost == BETWEEN_WORDS and starts[index + 1] - ends >= _PAUSE:
            cost = AT_PAUSE
        elif cost == BETWEEN_WORDS and clock.is_inside_word(end):
            cost = INSIDE_WORD
        yield Fragment(
            text=text[start:end],
            start=starts[index],
            end=ends,
            space=text[max(start - 1, 0) : start].isspace(),
            columns=width(text[start:end]),
            cost=cost,
        )


class _Clock:
    """When each letter of a segment is spoken.

    Words give the times where they are the words of the text; between known times letters take
    equally long.
    """

    def __init__(self, segment: Segment) -> None:
        self._text: str = segment.text
        known = _word_times(segment)
        marks = [(0, segment.start), *known, (len(segment.text), segment.end)]
        self._offsets: list[int] = [offset for offset, _ in marks]
        # Never backwards, whatever the recognizer said.
        self._times: list[float] = list(accumulate((time for _, time in marks), max))
        self._edges: frozenset[int] = frozenset(offset for offset, _ in known)

    def begins(self, offset: int) -> float:
        """Give when the letter after ``offset`` begins."""
        return self._between(bisect_right(self._offsets, offset) - 1, offset)

    def ends(self, offset: int) -> float:
        """Give when the letter before ``offset`` ends."""
        return self._between(bisect_left(self._offsets, offset) - 1, offset)

    def is_inside_word(self, offset: int) -> bool:
        """Whether neither a space nor a word's edge is known to be there."""
        return offset not in self._edges and not self._text[offset : offset + 1].isspace()

    def _between(self, mark: int, offset: int) -> float:
        (before, after), (start, end) = (
            self._offsets[mark : mark + 2],
            self._times[mark : mark + 2],
        )
        return start + (end - start) * (offset - before) / (after - before)


def _word_times(segment: Segment) -> list[tuple[int, float]]:
    """Find the words in the text and give the times of their edges, by offset.

    Nothing is given where the words are not those of the text: some times would be wrong.
    """
    text, at = segment.text, 0
    begins: list[int] = []
    ends: list[int] = []
    for word in segment.words:
        begin = text.find(word.text.strip(), at)
        if begin < 0 or _has_letters(text[at:begin]):
            return []
        at = begin + len(word.text.strip())
        begins.append(begin)
        ends.append(at)
    if _has_letters(text[at:]):
        return []
    ends = [
        min(end_of_word(text, end), following)
        for end, following in zip(ends, [*begins[1:], len(text)], strict=False)
    ]
    return [
        mark
        for word, begin, end in zip(segment.words, begins, ends, strict=True)
        for mark in ((begin, word.start), (end, word.end))
    ]


def _has_letters(text: str) -> bool:
    return any(letter.isalnum() for letter in text)


def _cut(
    pieces: Sequence[Fragment], limits: Limits, *, lead: int, each: float
) -> list[Sequence[Fragment]]:
    """Cut pieces into parts that keep the limits, at the least sum of costs.

    Args:
        pieces: in order.
        limits: of each part.
        lead: columns that are taken at the beginning of each part.
        each: what a part costs.
    """
    total = [0.0] + [inf] * len(pieces)
    came_from = [0] * len(total)
    for first in range(len(pieces)):
        for end, filled in _reach(pieces, first, limits, lead):
            lonely = _LONELY_COST * (end - first == 1 < len(pieces))
            cost = total[first] + each + pieces[end - 1].cost + lonely + (1.0 - filled) ** 2
            if cost < total[end]:
                total[end], came_from[end] = cost, first
    parts: list[Sequence[Fragment]] = []
    end = len(pieces)
    while end:
        parts.append(pieces[came_from[end] : end])
        end = came_from[end]
    return parts[::-1]


def _reach(
    pieces: Sequence[Fragment], first: int, limits: Limits, lead: int
) -> Iterator[tuple[int, float]]:
    """Give every end of a part that begins at ``first``, and how full the part is, 0 to 1."""
    lines, used = 0, 0
    for index in range(first, len(pieces)):
        piece = pieces[index]
        step = piece.space + piece.columns
        if index == first:
            lines, used = 1, lead + piece.columns
        elif (
            piece.start - pieces[index - 1].end > _SILENCE
            or piece.end - pieces[first].start > limits.max_seconds
        ):
            return
        elif used + step <= limits.max_chars:
            used += step
        else:
            lines, used = lines + 1, piece.columns
        if lines > limits.max_lines:
            return
        room = limits.max_chars * limits.max_lines
        yield index + 1, min(1.0, (limits.max_chars * (lines - 1) + used) / room)


def _in_turn(found: Sequence[Caption], limits: Limits) -> list[Caption]:
    """Give cues one after the other: none overlaps the next, none is empty or too short to read.

    Where people speak at once, a cue keeps its own time, at most `_SHORTEST`, and the next waits.
    """
    longest = max(1, round(limits.max_seconds * 1000))
    shortest = min(_SHORTEST, longest)
    turns: list[Caption] = []
    free = 0
    for cue in found:
        start = max(cue.start, free)
        end = min(max(cue.end, start + 1), start + longest)
        free = min(end, start + shortest)
        turns.append(replace(cue, start=start, end=max(end, start + shortest)))
    for index, following in enumerate(turns[1:]):
        if turns[index].end > following.start:
            turns[index] = replace(turns[index], end=following.start)
    return turns
