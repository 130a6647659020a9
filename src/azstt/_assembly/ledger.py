"""The account of the audio: where every second went. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import itemgetter

from azstt._events import AudioGap, Ended, Event, Final, Partial, SpeechEnded, SpeechStarted
from azstt._result import AudioLedger, Gap

#: Seconds at the end of the audio that a recognizer may leave out: less than a syllable.
TOLERANCE = 0.1
#: The reason of a gap where audio was sent, and left out before the recognizer took it.
DROPPED = "dropped"
#: Two gaps closer than this, in seconds, are one.
_JOIN = 1e-6

Interval = tuple[float, float]
_START, _END = itemgetter(0), itemgetter(1)


class LedgerBook:
    """Reads a session's events and adds up, in the end, what became of the audio."""

    def __init__(self) -> None:
        self._results: list[Interval] = []
        self._empty: list[Interval] = []
        self._gaps: list[AudioGap] = []
        self._speech: list[Interval] = []
        self._speech_start: float | None = None
        self._heard: float = 0.0
        self._complete_to: float = 0.0

    @property
    def heard(self) -> float:
        """How far into the audio the recognizer has said anything, in seconds."""
        return self._heard

    def add(self, event: Event) -> None:
        """Enter one event."""
        match event:
            case SpeechStarted(at=at):
                self._speech_start = at
                self._hear(at)
            case Partial(end=end):
                self._hear(end)
            case Final(segment=segment):
                spans = self._results if segment.text else self._empty
                spans.append((segment.start, segment.end))
                self._hear(segment.end)
            case SpeechEnded(at=at):
                self._end_speech(at)
                self._hear(at)
            case AudioGap(end=end, reason=reason):
                self._enter_gap(event)
                if reason != DROPPED:  # which the recognizer never had
                    self._hear(end)
            case Ended(position=position):
                self._end_speech(position)
                self._hear(position)
                self._complete_to = position
            case _:
                pass

    def close(
        self, decoded: float, sent: float, damage: Iterable[Gap] = (), *, over: bool = True
    ) -> AudioLedger:
        """Add up. What nothing accounts for becomes gaps with the reason ``"unaccounted"``.

        That is audio after the end of what the recognizer says it has dealt with, and speech
        that it announced and never gave a result for. Without `Ended` the end is the end of the
        last result or gap: silence after it was never confirmed.

        Args:
            decoded: seconds that came out of the decoder.
            sent: seconds that the recognizer took.
            damage: what was lost in decoding.
            over: whether the session is; while it is not, the audio at the end that has no
                answer yet is ``"pending"``.
        """
        answered = self._results + self._empty + [(gap.start, gap.end) for gap in self._gaps]
        settled = max([self._complete_to, *(end for _, end in self._settling)])
        lost = _unanswered(self._speech, answered)
        rest = [(settled, sent)] if sent - settled > TOLERANCE else []
        dropped = _union(
            [(gap.start, gap.end) for gap in self._gaps if gap.reason == DROPPED], limit=sent
        )
        # A result over a gap in what was sent is of what stood on both sides of it.
        recognized = _subtract(_union(self._results, limit=sent), dropped)
        gaps: list[Gap] = []
        entered = recognized.copy()
        for span, reason in [
            *(((gap.start, gap.end), gap.reason) for gap in self._gaps),
            *((span, "unaccounted") for span in lost),
            *((span, "unaccounted" if over else "pending") for span in rest),
        ]:
            missing = _enter((span[0], min(span[1], sent)), entered)
            gaps += (Gap(at=start, seconds=end - start, reason=reason) for start, end in missing)
        return AudioLedger(
            decoded=decoded,
            sent=sent,
            recognized=_total(recognized),
            silent=max(0.0, sent - _total(entered)),
            gaps=tuple(sorted([*damage, *gaps], key=lambda gap: gap.at)),
        )

    @property
    def _settling(self) -> list[Interval]:
        """What shows that the recognizer has come so far: not what it was never given."""
        gaps = [(gap.start, gap.end) for gap in self._gaps if gap.reason != DROPPED]
        return self._results + self._empty + gaps

    def _enter_gap(self, gap: AudioGap) -> None:
        """Enter a gap, as one with the gap before it if it goes on from there."""
        last = self._gaps[-1] if self._gaps else None
        if last and last.reason == gap.reason and abs(last.end - gap.start) < _JOIN:
            self._gaps[-1] = last.model_copy(update={"end": gap.end})
        else:
            self._gaps.append(gap)

    def _hear(self, at: float) -> None:
        self._heard = max(self._heard, at)

    def _end_speech(self, at: float) -> None:
        if self._speech_start is not None:
            self._speech.append((self._speech_start, max(at, self._speech_start)))
            self._speech_start = None


def _total(spans: Iterable[Interval]) -> float:
    return sum(end - start for start, end in spans)


def _unanswered(spans: Iterable[Interval], answers: Iterable[Interval]) -> list[Interval]:
    """Give the spans that answers have no more than an edge in common with; a moment, not that."""
    ordered = sorted(answers)
    starts = [start for start, _ in ordered]
    reach = list(accumulate((end for _, end in ordered), max))
    left: list[Interval] = []
    for start, end in spans:
        moment = start == end
        before = (bisect_right if moment else bisect_left)(starts, end)
        furthest = reach[before - 1] if before else -math.inf
        if furthest < start or (furthest == start and not moment):
            left.append((start, end))
    return left


def _union(spans: Iterable[Interval], *, limit: float) -> list[Interval]:
    """Merge what overlaps; cut at the limit; drop what is empty."""
    merged: list[Interval] = []
    for start, end in sorted((start, min(end, limit)) for start, end in spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _subtract(spans: list[Interval], holes: list[Interval]) -> list[Interval]:
    """Take sorted, disjoint holes out of sorted, disjoint spans."""
    left: list[Interval] = []
    for start, end in spans:
        at = start
        first, last = bisect_right(holes, start, key=_END), bisect_left(holes, end, key=_START)
        for hole_start, hole_end in holes[first:last]:
            if hole_start > at:
                left.append((at, hole_start))
            at = hole_end
        if at < end:
            left.append((at, end))
    return left


def _enter(span: Interval, entered: list[Interval]) -> list[Interval]:
    """Add a span to sorted, disjoint ones; give what of it was not there."""
    start, end = span
    if start >= end:
        return []
    first, last = bisect_left(entered, start, key=_END), bisect_right(entered, end, key=_START)
    around = entered[first:last]
    if around:
        span = (min(start, around[0][0]), max(end, around[-1][1]))
    entered[first:last] = [span]
    return _subtract([(start, end)], around)
