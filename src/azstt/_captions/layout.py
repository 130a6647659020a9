"""Segments to captions: what is on the screen together, and when. Pure.

A segment is split at the lowest total cost, as a paragraph is broken into lines: each caption
costs something, and so do a break in a bad place, a nearly empty caption and a word on its own.
A caption is broken into lines in the same way.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import inf
from typing import Annotated, ClassVar

from pydantic import Field

from azstt._captions.linebreak import (
    AT_PAUSE,
    BETWEEN_WORDS,
    INSIDE_WORD,
    cost_after,
    end_of_word,
    text_units,
    width,
)
from azstt._captions.offsets import word_offsets
from azstt._models import FrozenModel
from azstt._result import Segment

_PAUSE = 0.3  # seconds between words that make a break there welcome
_SILENCE = 1.5  # seconds after which words are no longer shown together
_SHORTEST = 1000  # milliseconds that a caption stays if the next one leaves it the time
_CAPTION_COST = 1.0  # less than a break between any two words
_LINE_COST = 1000.0  # more than any break: one line more is never worth it
_LONELY_COST = 2.0  # a word that has a line, or a caption, to itself


class Limits(FrozenModel):
    """How much a caption may hold.

    Attributes:
        max_chars: columns per line; full-width characters take two.
        max_lines: lines per caption.
        max_seconds: how long a caption stays at most.
    """

    _path: ClassVar[str] = "{field}"

    max_chars: Annotated[int, Field(ge=1)] = 42
    max_lines: Annotated[int, Field(ge=1)] = 2
    max_seconds: Annotated[float, Field(ge=0.1)] = 7.0


@dataclass(frozen=True, slots=True)
class Fragment:
    """Text that no break may split, and when it is spoken, in seconds.

    Attributes:
        space: whether a space separates it from the text before it.
        columns: its width.
        cost: the cost of a break after it.
    """

    text: str
    start: float
    end: float
    space: bool
    columns: int
    cost: float


@dataclass(frozen=True, slots=True)
class Caption:
    """What is on the screen together, and from when to when, in milliseconds.

    Attributes:
        speaker: a name on one line; empty if unknown.
    """

    start: int
    end: int
    fragments: tuple[Fragment, ...]
    speaker: str


def make_captions(
    segments: Sequence[Segment], limits: Limits, *, name_speakers: bool
) -> list[Caption]:
    """Split segments into captions that follow one another and never overlap.

    Args:
        segments: in any order.
        limits: exceeded only by a single word that is wider than a line.
        name_speakers: leave room for ``Speaker: `` before each caption's text.
    """
    captions: list[Caption] = []
    for segment in segments:
        speaker = speaker_name(segment)
        indent = width(speaker_prefix(speaker)) if name_speakers else 0
        fragments = list(_fragments(segment))
        for part in _split(fragments, limits, indent=indent, part_cost=_CAPTION_COST):
            start, end = round(part[0].start * 1000), round(part[-1].end * 1000)
            captions.append(Caption(start, end, tuple(part), speaker))
    return _without_overlaps(sorted(captions, key=lambda caption: caption.start), limits)


def wrap_lines(fragments: Sequence[Fragment], limits: Limits, *, prefix: str = "") -> list[str]:
    """Break a caption's text into as few lines as will hold it, of about equal length."""
    first, *others = fragments
    named = replace(first, text=prefix + first.text, columns=width(prefix) + first.columns)
    lines = _split(
        [named, *others], limits.model_copy(update={"max_lines": 1}), indent=0, part_cost=_LINE_COST
    )
    return ["".join(" " * part.space + part.text for part in line).strip() for line in lines]


def speaker_name(segment: Segment) -> str:
    """Return who speaks, on one line; empty if unknown.

    With separate channels that is the channel, and the speaker within it if there is one.
    """
    channel = "" if segment.channel is None else f"Channel {segment.channel}"
    return ", ".join(filter(None, (channel, one_line(segment.speaker or ""))))


def speaker_prefix(speaker: str) -> str:
    """Return the text that names a speaker before what they say; empty without a name."""
    return f"{speaker}: " if speaker else ""


def one_line(text: str) -> str:
    """Replace every run of white space, line breaks included, with one space."""
    return " ".join(text.split())


def _fragments(segment: Segment) -> Iterator[Fragment]:
    """Yield a segment's text as fragments, with their times and the cost of a break after each."""
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
    """When each character of a segment's text is spoken.

    The times come from the words if they are the words of the text; between known times all
    characters take equally long.
    """

    def __init__(self, segment: Segment) -> None:
        self._text: str = segment.text
        known = _word_times(segment)
        marks = [(0, segment.start), *known, (len(segment.text), segment.end)]
        self._offsets: list[int] = [offset for offset, _ in marks]
        # Times never run backwards, whatever the recognizer reported.
        self._times: list[float] = list(accumulate((time for _, time in marks), max))
        self._edges: frozenset[int] = frozenset(offset for offset, _ in known)

    def begins(self, offset: int) -> float:
        """Return when the character after ``offset`` begins."""
        return self._between(bisect_right(self._offsets, offset) - 1, offset)

    def ends(self, offset: int) -> float:
        """Return when the character before ``offset`` ends."""
        return self._between(bisect_left(self._offsets, offset) - 1, offset)

    def is_inside_word(self, offset: int) -> bool:
        """Return whether there is neither a space nor a known edge of a word at ``offset``."""
        return offset not in self._edges and not self._text[offset : offset + 1].isspace()

    def _between(self, mark: int, offset: int) -> float:
        (before, after), (start, end) = (
            self._offsets[mark : mark + 2],
            self._times[mark : mark + 2],
        )
        return start + (end - start) * (offset - before) / (after - before)


def _word_times(segment: Segment) -> list[tuple[int, float]]:
    """Return (offset in the text, time) for both edges of each word, in order.

    The list is empty if the words are not those of the text: some of the times would be wrong.
    """
    words, text = segment.words, segment.text
    begins = word_offsets(segment)
    if begins is None:
        return []
    ends = [
        min(end_of_word(text, begin + len(word.text.strip())), following)
        for word, begin, following in zip(words, begins, [*begins[1:], len(text)], strict=False)
    ]
    return [
        mark
        for word, begin, end in zip(words, begins, ends, strict=True)
        for mark in ((begin, word.start), (end, word.end))
    ]


def _split(
    fragments: Sequence[Fragment], limits: Limits, *, indent: int, part_cost: float
) -> list[Sequence[Fragment]]:
    """Split fragments into parts within the limits, at the lowest total cost.

    Args:
        fragments: in order.
        limits: of each part.
        indent: columns that are taken at the beginning of each part.
        part_cost: what each part costs.
    """
    total = [0.0] + [inf] * len(fragments)
    came_from = [0] * len(total)
    for first in range(len(fragments)):
        for end, filled in _possible_ends(fragments, first, limits, indent):
            lonely = _LONELY_COST * (end - first == 1 < len(fragments))
            bad_break = fragments[end - 1].cost
            cost = total[first] + part_cost + bad_break + lonely + (1.0 - filled) ** 2
            if cost < total[end]:
                total[end], came_from[end] = cost, first
    parts: list[Sequence[Fragment]] = []
    end = len(fragments)
    while end:
        parts.append(fragments[came_from[end] : end])
        end = came_from[end]
    return parts[::-1]


def _possible_ends(
    fragments: Sequence[Fragment], first: int, limits: Limits, indent: int
) -> Iterator[tuple[int, float]]:
    """Yield each possible end of a part that begins at ``first``, and how full it is, 0 to 1."""
    lines, used = 0, 0
    for index in range(first, len(fragments)):
        fragment = fragments[index]
        step = fragment.space + fragment.columns
        if index == first:
            lines, used = 1, indent + fragment.columns
        elif (
            fragment.start - fragments[index - 1].end > _SILENCE
            or fragment.end - fragments[first].start > limits.max_seconds
        ):
            return
        elif used + step <= limits.max_chars:
            used += step
        else:
            lines, used = lines + 1, fragment.columns
        if lines > limits.max_lines:
            return
        room = limits.max_chars * limits.max_lines
        yield index + 1, min(1.0, (limits.max_chars * (lines - 1) + used) / room)


def _without_overlaps(captions: Sequence[Caption], limits: Limits) -> list[Caption]:
    """Adjust times so that no caption overlaps the next, and none is empty or too short to read.

    Where people talk over each other, a caption keeps its own time for `_SHORTEST` at most, and
    the next one waits.
    """
    longest = max(1, round(limits.max_seconds * 1000))
    shortest = min(_SHORTEST, longest)
    placed: list[Caption] = []
    free = 0
    for caption in captions:
        start = max(caption.start, free)
        end = min(max(caption.end, start + 1), start + longest)
        free = min(end, start + shortest)
        placed.append(replace(caption, start=start, end=max(end, start + shortest)))
    for index, following in enumerate(placed[1:]):
        if placed[index].end > following.start:
            placed[index] = replace(placed[index], end=following.start)
    return placed
