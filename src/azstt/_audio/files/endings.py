"""Tell whether a track's end was reached, and enter what is missing there."""

from __future__ import annotations

from functools import cached_property
from typing import Final

from azstt._audio.files.timing import STATED, longest_pause
from azstt._audio.formats.hop import has_junk
from azstt._audio.formats.truncation import End, find_end
from azstt._audio.repaired import RepairedSource
from azstt._audio.report import DAMAGED, TRUNCATED, Tally, TrackInfo
from azstt._audio.sources import Source, max_plausible_seconds

#: Seconds that may be missing from the stated duration, because of rounding and encoder padding.
_SLACK: Final = 0.1
#: The same for formats that count samples, and where the file's own header counts the frames.
_EXACT_SLACK: Final = 0.02
#: Formats that count samples.
_COUNTED: Final = frozenset({"flac", "ogg"})
#: Formats without timestamps, in which the fast path skips damage silently.
_IN_FRAMES: Final = frozenset({"mp3", "aac"})
#: Bytes that are searched at once.
_SCAN: Final = 1 << 20
#: How often an AVI file's index names a track in the way of an empty chunk.
_NAMED: Final = 2


class Ending:
    """Compares the end of the output with what the container states and how the file ends.

    Args:
        source: the container's bytes.
        info: what the container says about the track.
        origin: the timestamp of the media's start, in seconds.
    """

    def __init__(self, source: Source, info: TrackInfo, origin: float) -> None:
        self._source = source
        self._info = info
        self._origin = origin

    def is_reached(self, at: float, tally: Tally) -> bool:
        """Return whether the output has everything there is, without a hole or a loss.

        Args:
            at: the output so far, in seconds.
            tally: the place of the recording.
        """
        info, end, seconds = self._info, self._end, at - tally.base
        if self._missing(at, tally) and info.exact:
            return False
        if (
            end.cut
            or end.broken
            or (end.time is not None and end.time - self._origin > seconds + _SLACK)
        ):
            return False
        if info.container not in _IN_FRAMES:
            return True
        # Where the file's own header counts the frames that were decoded, none was skipped.
        all_there = info.exact and abs((info.seconds or 0.0) - seconds) < _EXACT_SLACK
        return all_there or not has_junk(self._source.look, self._source.size or 0)

    def enter(self, at: float, tally: Tally) -> None:
        """Enter what is missing at the end of the output.

        Args:
            at: the output so far, in seconds.
            tally: the place of the recording, and what is missing in it.
        """
        info, end = self._info, self._end
        cut, missing = end.cut, self._missing(at, tally)
        stated = info.seconds is not None and (info.exact or info.container in STATED)
        told = stated and not (cut and end.open)
        if not missing and (told or not cut):
            return
        if cut is False and (info.exact or end.samples or end.broken or self._is_without_pauses()):
            # The file is whole: the rest was lost on the way, or is a pause of the codec.
            if missing > longest_pause(info.codec):
                tally.add(DAMAGED, at, missing)
        elif cut or info.exact:
            _forget_last(at, tally)
            tally.add(TRUNCATED, at, self._missing(at, tally) if told else None)

    @cached_property
    def _end(self) -> End:
        source, container = self._source, self._info.container
        if not isinstance(source, RepairedSource):
            size = source.fetched if source.size is None else source.size
            return find_end(container, source.look, size)
        repair = source.repair
        end = find_end(container, source.look, repair.original(source.fetched))
        cut = repair.ends_inside or end.cut is True
        return end._replace(cut=cut, broken=bool(repair.cuts))

    def _missing(self, at: float, tally: Tally) -> float:
        """Return how many seconds there are less than the container states, if any."""
        info, seconds = self._info, self._info.seconds
        if seconds is None and self._end.samples and info.sample_rate:
            seconds = self._end.samples / info.sample_rate - self._origin
        if seconds is None or seconds > max_plausible_seconds(self._source):
            return 0.0
        slack = _EXACT_SLACK if info.exact and info.container in _COUNTED else _SLACK
        gaps = (gap for gap in tally.missing if gap.at >= tally.started)
        skipped = sum((gap.seconds or 0.0) - gap.span for gap in gaps)
        end = tally.timeline.end(at) - tally.started + skipped
        return missing if (missing := seconds - end) > slack else 0.0

    def _is_without_pauses(self) -> bool:
        """Return whether an AVI file's stated duration counts no empty chunks, which are pauses."""
        look, size = self._source.look, self._source.size or 0
        empty = b"%02dwb\0\0\0\0" % self._info.index
        count = sum(look(at, _SCAN).count(empty) for at in range(0, size, _SCAN))
        return self._info.container == "avi" and self._source.seekable and count <= _NAMED


def _forget_last(at: float, tally: Tally) -> None:
    """Forget the damage at the end: what was cut in the middle is part of the missing end."""
    last = tally.missing[-1] if tally.missing else None
    if last is None or last.reason != DAMAGED or last.span:
        return
    if last.at >= tally.timeline.end(at) - _SLACK:
        tally.missing.pop()
