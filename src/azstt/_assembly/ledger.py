"""Where every second of the media went. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import starmap
from operator import itemgetter, sub
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
    """Collects a session's events and adds up where the media went. All times are the media's.

    The ledger of a session that has run for hours takes no longer than a moment.
    """

    def __init__(self) -> None:
        self._recognized: list[Interval] = []  # sorted and disjoint
        self._answers: list[Interval] = []  # in the order of the events: results and gaps
        self._gaps: list[AudioGap] = []
        self._unanswered: list[Interval] = []  # speech
        self._speech_start: float | None = None
        self._heard: float = 0.0
        self._settled: float = 0.0

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
                span = segment.start, segment.end
                if segment.text:
                    _enter(span, self._recognized)
                self._answer(span)
                self._settle(segment.end)
            case SpeechEnded(at=at):
                self._end_speech(at)
                self._hear(at)
            case Committed(at=at):
                self._hear(at)
            case AudioGap(end=end, reason=reason):
                self._add_gap(event)
                self._answer(_span_of(event))
                if reason != DROPPED:  # the recognizer never received what was dropped
                    self._settle(end)
            case Ended(position=position):
                self._end_speech(position)
                self._settle(position)
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
        outside = [(-math.inf, part[0]), (part[1], math.inf)]
        recognized = _subtract(self._recognized, _union([*self._holes(missing), *outside]))
        entered = recognized.copy()
        gaps = [
            piece
            for gap in [*missing, *map(_gap_of, self._gaps)]
            for piece in _enter_gap(gap, entered, part)
        ]
        for span in self._unanswered:
            gaps += _enter_gap(_gap(span, rest), entered, part)
        after = _subtract([(max(begin, self._settled), part[1])], entered)
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

    def _add_gap(self, gap: AudioGap) -> None:
        """Add a gap; extend the previous one if it continues that."""
        joined = join(self._gaps[-1], gap) if self._gaps else None
        if joined is not None:
            self._gaps[-1] = joined
        else:
            self._gaps.append(gap)

    def _answer(self, span: Interval) -> None:
        """Note that a result or a gap covers a span."""
        self._answers.append(span)
        if self._unanswered:
            self._unanswered = [each for each in self._unanswered if not _answers(span, each)]

    def _settle(self, at: float) -> None:
        """Note that the recognizer has come so far."""
        self._hear(at)
        self._settled = max(self._settled, at)

    def _hear(self, at: float) -> None:
        self._heard = max(self._heard, at)

    def _end_speech(self, at: float) -> None:
        if self._speech_start is not None:
            speech = self._speech_start, max(at, self._speech_start)
            self._speech_start = None
            if not any(_answers(span, speech) for span in reversed(self._answers)):
                self._unanswered.append(speech)


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
    return 0.0 - math.fsum(starmap(sub, spans))  # starts minus ends, without Python's loop


def _answers(span: Interval, speech: Interval) -> bool:
    """Return whether a span overlaps speech; if that is an instant, touching is enough."""
    (start, end), (begins, ends) = span, speech
    if begins == ends:
        return start <= begins <= end
    return start < ends and begins < end


def _union(spans: Iterable[Interval]) -> list[Interval]:
    """Merge overlapping spans, and leave out empty ones."""
    merged: list[Interval] = []
    for span in spans:
        _enter(span, merged)
    return merged


def _subtract(spans: list[Interval], holes: list[Interval]) -> list[Interval]:
    """Subtract sorted, disjoint holes from sorted, disjoint spans."""
    left = [(start, end) for start, end in spans[:1] if start < end] + spans[1:]
    if not left:
        return left
    begin, finish = left[0][0], left[-1][1]
    first, last = bisect_right(holes, begin, key=_END), bisect_left(holes, finish, key=_START)
    for start, end in holes[first:last]:
        before, after = bisect_right(left, start, key=_END), bisect_left(left, end, key=_START)
        if before < after:
            edges = [(left[before][0], start), (end, left[after - 1][1])]
            left[before:after] = [edge for edge in edges if edge[0] < edge[1]]
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
