"""Which words of a partial will stay: what a screen can show without flicker. Pure.

A recognizer changes its mind about an open segment as it hears more. What stays is derived by
*local agreement*: the words that two partials in a row, of the same segment, both begin with, to
the letter, are stable. The punctuation after the last of them is not: it depends on what follows.
In scripts that set no spaces a word is a letter with all that belongs to it.

Stable text is never taken back before the `Final`. Where a later partial contradicts it, the tail
is what comes after the words that stand for the stable ones: those that take the fewest words
changed, left out or put in to make one of the other, whatever their case. So no word stands on
the screen twice.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from azstt._captions.linebreak import text_units
from azstt._events import Partial


@dataclass
class _Open:
    """A segment that is open.

    Attributes:
        start: where its last partial began.
        end: where that ended.
        stable: the words that stay.
        tail: what followed them in that partial.
    """

    start: float
    end: float
    stable: str = ""
    tail: str = ""

    def hear(self, text: str) -> str:
        """Take what the segment sounds like now; give what is stable since."""
        tail = _after(self.stable, text)
        agreed = _agreed(self.tail, tail)
        self.stable += agreed
        self.tail = tail[len(agreed) :]
        return agreed


class PartialStabilizer:
    """Tells what stays of each partial of one session. For one thread at a time.

    Speakers may take turns within a segment's time: each has a segment open. One that is named,
    or named anew, while it is open stays the same segment; one that begins after all that its
    speaker's last partial had covered is another.
    """

    def __init__(self) -> None:
        self._open: dict[str | None, _Open] = {}  # by speaker

    def partial(self, event: Partial) -> Partial:
        """Give the event with its ``stable``, ``tail`` and ``delta``."""
        segment = self._segment(event)
        delta = segment.hear(event.text)
        return event.model_copy(
            update={"stable": segment.stable, "tail": segment.tail, "delta": delta}
        )

    def settled(self) -> None:
        """Begin anew: a `Final` has replaced what was open."""
        self._open.clear()

    def _segment(self, event: Partial) -> _Open:
        """Find the segment that a partial continues, or open one."""
        known = self._open.get(event.speaker)
        if known is not None and event.start >= known.end > known.start:
            known = None
        elif known is None:
            known = self._renamed(event)
        segment = known or _Open(event.start, event.end)
        segment.start, segment.end = event.start, event.end
        self._open[event.speaker] = segment
        return segment

    def _renamed(self, event: Partial) -> _Open | None:
        """Take the segment that begins at the same time from the name that it had."""
        for speaker, segment in self._open.items():
            if segment.start == event.start:
                return self._open.pop(speaker)
        return None


def _agreed(before: str, now: str) -> str:
    """Give the whole words that both texts begin with, and what is between them."""
    ends = {end for _, end in _words(now)} & {end for _, end in _words(before)}
    agreed = (end for end in ends if before[:end] == now[:end])
    return now[: max(agreed, default=0)]


def _after(stable: str, text: str) -> str:
    """Give what comes after the stable words in a text that may have others in their place."""
    if text.startswith(stable):
        return text[len(stable) :]
    words = list(_words(text))
    # How many words must change to make the first so many of the text of the stable ones.
    costs = list(range(len(words) + 1))
    for number, (shown, _) in enumerate(_words(stable), start=1):
        before, costs = costs, [number]
        for at, (word, _) in enumerate(words):
            costs.append(min(before[at] + (word != shown), before[at + 1] + 1, costs[at] + 1))
    best = min(reversed(range(len(costs))), key=costs.__getitem__)  # of equals the longest
    return text[words[best - 1][1] :] if best else text


def _words(text: str) -> Iterator[tuple[str, int]]:
    """Give each word without its case or the punctuation after it, and where it ends."""
    for start, end in text_units(text):
        while end > start and unicodedata.category(text[end - 1])[0] in "PS":
            end -= 1  # noqa: PLW2901 - the word ends before it
        if end > start:
            yield text[start:end].casefold(), end
