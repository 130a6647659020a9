"""Which words of a partial are stable, so that a display need not flicker. Pure.

A recognizer revises an open segment as more audio arrives. Words become stable by *local
agreement*: when two consecutive partials of a segment begin with exactly the same words. The
punctuation after the last of these words is not stable, because it depends on what follows. In
scripts without spaces a word is a letter with all the signs that belong to it.

Stable text is never taken back before the `Final`. If a later partial contradicts it, its words
are aligned with the stable ones by the smallest number of substitutions, deletions and insertions
(edit distance, ignoring case), and the tail is what follows them. So no word is shown twice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from azstt._captions.linebreak import text_units
from azstt._events import Partial


@dataclass
class _OpenSegment:
    """A segment that has partials and no final yet. Times are in seconds.

    Attributes:
        start: the start of its latest partial.
        end: the end of its latest partial.
        stable: the text that will not change.
        tail: what followed it in the latest partial.
    """

    start: float
    end: float
    stable: str = ""
    tail: str = ""

    def update(self, text: str) -> str:
        """Take the text of the next partial; return what has become stable with it."""
        tail = _tail_after(self.stable, text)
        agreed = _agreement(self.tail, tail)
        self.stable += agreed
        self.tail = tail[len(agreed) :]
        return agreed


class PartialStabilizer:
    """Adds the stable text to the partials of one session. Not thread-safe.

    Speakers may overlap, so each has an open segment of its own. A segment stays the same when
    its speaker is identified, or renamed, while it is open. A partial that begins where the
    speaker's last one had ended, or later, begins a new segment.
    """

    def __init__(self) -> None:
        self._open: dict[str | None, _OpenSegment] = {}  # by speaker

    def partial(self, event: Partial) -> Partial:
        """Return the event with ``stable``, ``tail`` and ``delta`` filled in."""
        segment = self._segment(event)
        delta = segment.update(event.text)
        return event.model_copy(
            update={"stable": segment.stable, "tail": segment.tail, "delta": delta}
        )

    def settled(self) -> None:
        """Forget the open segments: a `Final` has replaced them."""
        self._open.clear()

    def _segment(self, event: Partial) -> _OpenSegment:
        """Return the segment that a partial continues, or a new one."""
        known = self._open.get(event.speaker)
        if known is not None and event.start >= known.end > known.start:
            known = None
        elif known is None:
            known = self._renamed(event)
        segment = known or _OpenSegment(event.start, event.end)
        segment.start, segment.end = event.start, event.end
        self._open[event.speaker] = segment
        return segment

    def _renamed(self, event: Partial) -> _OpenSegment | None:
        """Take the open segment with the same start from the speaker that it was kept under."""
        for speaker, segment in self._open.items():
            if segment.start == event.start:
                return self._open.pop(speaker)
        return None


def _agreement(before: str, now: str) -> str:
    """Return the longest text of whole words that both texts begin with."""
    ends = {end for _, end in _words(now)} & {end for _, end in _words(before)}
    agreed = (end for end in ends if before[:end] == now[:end])
    return now[: max(agreed, default=0)]


def _tail_after(stable: str, text: str) -> str:
    """Return what follows the stable words in a text that may have others in their place."""
    if text.startswith(stable):
        return text[len(stable) :]
    words = list(_words(text))
    # Edit distance by words: costs[n] is that of the stable words so far to the first n of text.
    costs = list(range(len(words) + 1))
    for number, (shown, _) in enumerate(_words(stable), start=1):
        before, costs = costs, [number]
        for at, (word, _) in enumerate(words):
            costs.append(min(before[at] + (word != shown), before[at + 1] + 1, costs[at] + 1))
    best = min(reversed(range(len(costs))), key=costs.__getitem__)  # the longest of equals
    return text[words[best - 1][1] :] if best else text


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Yield each word, case-folded and without trailing punctuation, and where it ends."""
    for start, end in text_units(text):
        while end > start and unicodedata.category(text[end - 1])[0] in "PS":
            end -= 1  # noqa: PLW2901 - the word ends before the punctuation
        if end > start:
            yield text[start:end].casefold(), end
