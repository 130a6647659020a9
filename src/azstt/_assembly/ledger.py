"""Where every second of the media went. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from operator import itemgetter
from typing import Literal, TypeAlias

from azstt._events import (
    AudioGap,
    Committed,
    Ended,
    Event,
    Final,
    Partial,
    SpeechEnded,
    SpeechStarted,
)
from azstt._result import TOLERANCE, AudioLedger, Gap

#: The reason of a gap in audio that was sent and never reached the recognizer.
DROPPED = "dropped"
#: Why audio has no result: the session still runs, was closed before its end, or did not hear it.
Rest: TypeAlias = Literal["pending", "closed", "unaccounted"]
#: Gaps less than this many seconds apart are one gap.
_JOIN = 1e-6

Interval = tuple[float, float]
_START, _END = itemgetter(0), itemgetter(1)


class LedgerBook:
    """Collects a session's events and adds up where the media went. All times are the media's."""

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
        """The media's time that the recognizer's events have reached."""
        return self._heard

    def add(self, event: Event) -> None:
        """Add the next event."""
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
            case Committed(at=at):
                self._hear(at)
            case AudioGap(end=end, reason=reason):
                self._add_gap(event)
                if reason != DROPPED:  # the recognizer never received what was dropped
                    self._hear(end)
            case Ended(position=position):
                self._end_speech(position)
                self._hear(position)
                self._complete_to = position
            case _:
                pass

    def close(
        self,
        decoded: float,
        sent: float,
        missing: Iterable[Gap] = (),
        *,
        begin: float = 0.0,
        rest: Rest = "unaccounted",
    ) -> AudioLedger:
        """Return the ledger. What nothing accounts for becomes gaps, ``"unaccounted"`` in the end.

        That is audio after the position up to which the recognizer reported to be done, and
        speech that it announced and never delivered a result for. Without `Ended`, that position
        is the end of the last result or gap: silence after it was never confirmed.

        Args:
            decoded: seconds of media from `begin` to where the decoder has come.
            sent: seconds of media from there to where the recognizer accepted audio.
            missing: what the media lacks. Where that takes up time, it is neither recognized nor
                silent, even within a result.
            begin: the media's time at which the selected part begins.
            rest: the reason of these gaps.
        """
        part = begin, begin + sent
        missing = list(missing)
        recognized = _subtract(_union(self._results, part), _union(self._holes(missing), part))
        entered = recognized.copy()
        gaps = [
            piece
            for gap in [*missing, *map(_gap_of, self._gaps)]
            for piece in _enter_gap(gap, entered, part)
        ]
        answered = [*self._results, *self._empty, *map(_span_of, self._gaps)]
        for span in _unanswered(self._speech, answered):
            gaps += _enter_gap(_gap(span, rest), entered, part)
        settled = max([self._complete_to, *(end for _, end in self._settling)])
        after = _subtract([(max(begin, settled), part[1])], entered)
        if _total(after) > TOLERANCE:
            for span in after:
                gaps += _enter_gap(_gap(span, rest), entered, part)
        return AudioLedger(
            decoded=decoded,
            sent=sent,
            recognized=_total(recognized),
            silent=max(0.0, sent - _total(entered)),
            gaps=tuple(sorted(gaps, key=lambda gap: gap.at)),
        )

    def _holes(self, missing: Iterable[Gap]) -> list[Interval]:
        """Return the spans that the recognizer never received."""
        dropped = (_span_of(gap) for gap in self._gaps if gap.reason == DROPPED)
        return [*dropped, *((gap.at, gap.at + gap.span) for gap in missing)]

    @property
    def _settling(self) -> list[Interval]:
        """Spans that show how far the recognizer has come: all but audio that it never received."""
        gaps = [_span_of(gap) for gap in self._gaps if gap.reason != DROPPED]
        return self._results + self._empty + gaps

    def _add_gap(self, gap: AudioGap) -> None:
        """Add a gap; extend the previous one if it continues that."""
        joined = join(self._gaps[-1], gap) if self._gaps else None
        if joined is not None:
            self._gaps[-1] = joined
        else:
            self._gaps.append(gap)

    def _hear(self, at: float) -> None:
        self._heard = max(self._heard, at)

    def _end_speech(self, at: float) -> None:
        if self._speech_start is not None:
            self._speech.append((self._speech_start, max(at, self._speech_start)))
            self._speech_start = None


def join(before: AudioGap, gap: AudioGap) -> AudioGap | None:
    """Return a gap and the one before it as one; None if it does not continue that."""
    if before.reason != gap.reason or abs(before.end - gap.start) >= _JOIN:
        return None
    unknown = before.seconds is None or gap.seconds is None
    seconds = None if unknown else (before.seconds or 0.0) + (gap.seconds or 0.0)
    return before.model_copy(update={"end": max(before.end, gap.end), "seconds": seconds})


def _span_of(gap: AudioGap) -> Interval:
    return gap.start, gap.end


def _gap_of(gap: AudioGap) -> Gap:
    return Gap(at=gap.start, seconds=gap.seconds, reason=gap.reason, span=gap.duration)


def _gap(span: Interval, reason: str) -> Gap:
    return Gap(at=span[0], seconds=span[1] - span[0], reason=reason)


def _total(spans: Iterable[Interval]) -> float:
    return sum(end - start for start, end in spans)


def _unanswered(spans: Iterable[Interval], answers: Iterable[Interval]) -> list[Interval]:
    """Return the spans that no answer overlaps; for an instant, touching one is enough."""
    ordered = sorted(answers)
    starts = [start for start, _ in ordered]
    reach = list(accumulate((end for _, end in ordered), max))
    left: list[Interval] = []
    for start, end in spans:
        instant = start == end
        before = (bisect_right if instant else bisect_left)(starts, end)
        furthest = reach[before - 1] if before else -math.inf
        if furthest < start or (furthest == start and not instant):
            left.append((start, end))
    return left


def _union(spans: Iterable[Interval], part: Interval) -> list[Interval]:
    """Merge overlapping spans; cut them to a part and leave out empty ones."""
    merged: list[Interval] = []
    for start, end in sorted((max(start, part[0]), min(end, part[1])) for start, end in spans):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def _subtract(spans: list[Interval], holes: list[Interval]) -> list[Interval]:
    """Subtract sorted, disjoint holes from sorted, disjoint spans."""
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


def _enter_gap(gap: Gap, entered: list[Interval], part: Interval) -> Iterator[Gap]:
    """Enter a gap's span in place, cut to a part; yield the pieces of the gap that are new."""
    if not gap.span:
        yield gap
        return
    for start, end in _enter((max(gap.at, part[0]), min(gap.at + gap.span, part[1])), entered):
        span = end - start
        if abs(span - gap.span) < _JOIN:
            yield gap
        else:
            seconds = None if gap.seconds is None else min(gap.seconds, span)
            yield gap.model_copy(update={"at": start, "seconds": seconds, "span": span})


def _enter(span: Interval, entered: list[Interval]) -> list[Interval]:
    """Add a span to sorted, disjoint ones in place; return the parts of it that are new."""
    start, end = span
    if start >= end:
        return []
    first, last = bisect_left(entered, start, key=_END), bisect_right(entered, end, key=_START)
    around = entered[first:last]
    if around:
        span = (min(start, around[0][0]), max(end, around[-1][1]))
    entered[first:last] = [span]
    return _subtract([(start, end)], around)
