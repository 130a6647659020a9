"""Where every second of the audio went. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import itemgetter

from azstt._events import AudioGap, Ended, Event, Final, Partial, SpeechEnded, SpeechStarted
from azstt._result import AudioLedger, Gap

#: Seconds of audio that a recognizer may leave unaccounted for: less than a syllable.
TOLERANCE = 0.1
#: The reason of a gap in audio that was sent and never reached the recognizer.
DROPPED = "dropped"
#: Gaps less than this many seconds apart are one gap.
_JOIN = 1e-6

Interval = tuple[float, float]
_START, _END = itemgetter(0), itemgetter(1)


class LedgerBook:
    """Collects a session's events and adds up where the audio went."""

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
        """Seconds of audio that the recognizer's events have reached."""
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
            case AudioGap(end=end, reason=reason):
                self._enter_gap(event)
                if reason != DROPPED:  # the recognizer never received what was dropped
                    self._hear(end)
            case Ended(position=position):
                self._end_speech(position)
                self._hear(position)
                self._complete_to = position
            case _:
                pass

    def close(
        self, decoded: float, sent: float, missing: Iterable[Gap] = (), *, over: bool = True
    ) -> AudioLedger:
        """Return the ledger. What nothing accounts for becomes ``"unaccounted"`` gaps.

        That is audio after the position up to which the recognizer reported to be done, and
        speech that it announced and never delivered a result for. Without `Ended`, that position
        is the end of the last result or gap: silence after it was never confirmed.

        Args:
            decoded: seconds of audio that came out of the decoder.
            sent: seconds of audio that the recognizer accepted.
            missing: what the media lacks.
            over: whether the session is over. Until it is, audio at the end without a result is
                ``"pending"``.
        """
        answered = self._results + self._empty + [(gap.start, gap.end) for gap in self._gaps]
        settled = max([self._complete_to, *(end for _, end in self._settling)])
        lost = _unanswered(self._speech, answered)
        rest = [(settled, sent)] if sent - settled > TOLERANCE else []
        dropped = _union(
            [(gap.start, gap.end) for gap in self._gaps if gap.reason == DROPPED], limit=sent
        )
        # A result that spans dropped audio covers only what is on both sides of it.
        recognized = _subtract(_union(self._results, limit=sent), dropped)
        gaps: list[Gap] = []
        entered = recognized.copy()
        for span, reason in [
            *(((gap.start, gap.end), gap.reason) for gap in self._gaps),
            *((span, "unaccounted") for span in lost),
            *((span, "unaccounted" if over else "pending") for span in rest),
        ]:
            parts = _enter((span[0], min(span[1], sent)), entered)
            gaps += (Gap(at=start, seconds=end - start, reason=reason) for start, end in parts)
        return AudioLedger(
            decoded=decoded,
            sent=sent,
            recognized=_total(recognized),
            silent=max(0.0, sent - _total(entered)),
            gaps=tuple(sorted([*missing, *gaps], key=lambda gap: gap.at)),
        )

    @property
    def _settling(self) -> list[Interval]:
        """Spans that show how far the recognizer has come: all but audio that it never received."""
        gaps = [(gap.start, gap.end) for gap in self._gaps if gap.reason != DROPPED]
        return self._results + self._empty + gaps

    def _enter_gap(self, gap: AudioGap) -> None:
        """Add a gap; extend the previous one if it continues that."""
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


def _union(spans: Iterable[Interval], *, limit: float) -> list[Interval]:
    """Merge overlapping spans; cut them at the limit and leave out empty ones."""
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
