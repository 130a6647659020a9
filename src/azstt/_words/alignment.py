"""Which tokens of a text are still there after it was edited. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import pairwise

#: The token at the end of each line.
END = "\n"

_RUN = 6  # tokens; so many in a row are rarely twice in a text
_MANY = 250_000  # comparisons; parts without a run in common that take more are other texts


def align(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, bool]]:
    """Yield for each new token the place of an old one, and whether it is that one.

    If it is not, it replaces the old one, or was inserted before it.

    Args:
        old: the tokens of at least one line.
        new: tokens with as many lines or others: line breaks help, and need not be the same.
    """
    i = j = 0
    for i_stop, j_stop in [*_pairs(old, new), (len(old), len(new))]:
        replaced = [at for at in range(i, i_stop) if old[at] != END] or [min(i, len(old) - 1)]
        for step in range(j_stop - j):
            yield replaced[step * len(replaced) // (j_stop - j)], False
        if j_stop < len(new):
            yield i_stop, True
        i, j = i_stop + 1, j_stop + 1


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of the tokens that stay, in order.

    Whole lines are compared first. Where as many lines have changed as there are now, each stands
    for one; where not, lines have been joined or divided, and tokens are compared across them.
    """
    starts = [[0, *(at + 1 for at, key in enumerate(side) if key == END)] for side in (old, new)]
    was, now = (
        [tuple(side[start:end]) for start, end in pairwise(own)]
        for side, own in zip((old, new), starts, strict=True)
    )
    for _, a, a_end, b, b_end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        count = a_end - a if a_end - a == b_end - b else 1
        for step in range(count):
            last = step == count - 1
            i, i_end = starts[0][a + step], starts[0][a_end if last else a + step + 1]
            j, j_end = starts[1][b + step], starts[1][b_end if last else b + step + 1]
            yield from ((i + at, j + to) for at, to in _common(old[i:i_end], new[j:j_end]))


def _common(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of equal tokens, in order: long runs of them, and single ones between."""
    i = j = 0
    for i_stop, j_stop in [*_runs(old, new), (len(old), len(new))]:
        if 0 < (i_stop - i) * (j_stop - j) <= _MANY:
            matcher = SequenceMatcher(None, old[i:i_stop], new[j:j_stop], autojunk=False)
            for block in matcher.get_matching_blocks():
                yield from ((i + block.a + k, j + block.b + k) for k in range(block.size))
        if j_stop < len(new):
            yield i_stop, j_stop
        i, j = i_stop + 1, j_stop + 1


def _runs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the places of tokens in long runs that both have, in order, whatever the lines.

    These are the tokens at both ends, and between them runs that occur once. Without the latter,
    an hour of text would take minutes; the method is known as patience diff.
    """
    places = [[at for at, key in enumerate(side) if key != END] for side in (old, new)]
    keys = [[side[at] for at in own] for side, own in zip((old, new), places, strict=True)]
    first = _equal(*keys)
    last = _equal(*(own[first:][::-1] for own in keys))
    middles = [own[first : len(own) - last] for own in keys]
    once = [_once(own) for own in middles]
    shared = ((a, once[1][run]) for run, a in once[0].items() if run in once[1])
    runs = [(first + a, first + b, _RUN) for a, b in _rising(sorted(shared))]
    i = j = 0
    for a, b, size in [(0, 0, first), *runs, (len(keys[0]) - last, len(keys[1]) - last, last)]:
        for step in range(size):
            if a + step >= i and b + step >= j:  # runs overlap
                i, j = a + step + 1, b + step + 1
                yield places[0][a + step], places[1][b + step]


def _equal(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many tokens are equal at the beginning."""
    unequal = (at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    return next(unequal, min(len(old), len(new)))


def _once(keys: Sequence[str]) -> dict[tuple[str, ...], int]:
    """Return the places of the runs that occur once."""
    seen: dict[tuple[str, ...], int] = {}
    again: set[tuple[str, ...]] = set()
    for at, run in enumerate(zip(*(keys[step:] for step in range(_RUN)), strict=False)):
        if run in seen:
            again.add(run)
        seen[run] = at
    return {run: at for run, at in seen.items() if run not in again}


def _rising(pairs: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return the longest series in which both numbers rise. The first ones already do."""
    lowest: list[int] = []  # the lowest end of a series, by its length
    ends: list[int] = []  # which pair that is
    before: list[int] = []  # the pair before each pair
    for at, (_, number) in enumerate(pairs):
        length = bisect_left(lowest, number)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1] = [number]
        ends[length : length + 1] = [at]
    series: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        series.append(pairs[at])
        at = before[at]
    return series[::-1]
