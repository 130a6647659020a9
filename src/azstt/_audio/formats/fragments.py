"""Read and mend what describes a fragment of an MP4 file: its ``moof`` box. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

_HEAD: Final = 8
#: Flags of ``tfhd``, and the sizes of the fields that they announce, in this order.
_BASE, _SAMPLE_SIZE = 0x1, 0x10
_TRACK_FIELDS: Final = ((_BASE, 8), (0x2, 4), (0x8, 4), (_SAMPLE_SIZE, 4), (0x20, 4))
#: Flags of ``trun``: fields of the whole run, and of each sample.
_OFFSET, _FIRST_FLAGS, _DURATIONS, _SIZES = 0x1, 0x4, 0x100, 0x200
_SAMPLE_FIELDS: Final = (_DURATIONS, _SIZES, 0x400, 0x800)


@dataclass(frozen=True, slots=True)
class SampleRun:
    """Samples of a track that lie one after the other.

    Attributes:
        offset: where they begin, counted from the fragment's beginning; None if not stated.
        fields: where in the fragment their sizes are stated.
        size: their size together, if it is not stated there; None if not known at all.
    """

    offset: int | None
    fields: range
    size: int | None

    def end(self, data: bytes | bytearray) -> int | None:
        """Return where they end, counted from the fragment's beginning."""
        size = sum(_number(data, at) for at in self.fields) if self.fields else self.size
        return None if size is None or self.offset is None else self.offset + size

    def fit(self, data: bytearray, end: int) -> None:
        """Mend sizes that are damaged: the samples end where they must, and none is empty."""
        last = self.end(data)
        if last is None or not self.fields:
            return
        sizes = {at: _number(data, at) for at in self.fields}
        empty = [at for at, size in sizes.items() if not size]
        for at in empty:
            sizes[at] = max(1, (end - last) // len(empty))
        excess = last - end + sum(sizes[at] for at in empty)
        for at in sorted(sizes, key=lambda place: -sizes[place]) if excess > 0 else empty:
            less = max(0, min(excess, sizes[at] - 1))
            excess -= less
            data[at : at + 4] = (sizes[at] - less).to_bytes(4)


class FragmentBox(NamedTuple):
    """What a fragment says about its media.

    Attributes:
        tracks: the numbers of the tracks.
        runs: the samples.
        bases: where in it the place in the file is stated that offsets are relative to.
    """

    tracks: set[int]
    runs: list[SampleRun]
    bases: list[int]

    def end(self, data: bytes | bytearray) -> int | None:
        """Return where the media end, counted from the fragment's beginning; None if not known."""
        ends = [run.end(data) for run in self.runs]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None


def read_fragment(data: bytes | bytearray, at: int, end: int) -> FragmentBox | None:
    """Read a ``moof`` box; None if it is so damaged that libav could not follow it."""
    fragment = FragmentBox(set(), [], [])
    tracks = _boxes(data, at + _HEAD, end)
    if tracks is None:
        return None
    for track in tracks:
        if track.kind == b"traf" and not _read_track(data, track, fragment):
            return None
    return fragment


class _Box(NamedTuple):
    kind: bytes
    start: int  # of the content
    end: int


def _boxes(data: bytes | bytearray, at: int, end: int) -> list[_Box] | None:
    """Return the boxes between two places; None if they do not end at the second one."""
    boxes: list[_Box] = []
    while at + _HEAD <= end:
        size = _number(data, at)
        if size < _HEAD:
            return None
        boxes.append(_Box(bytes(data[at + 4 : at + 8]), at + _HEAD, at + size))
        at += size
    return boxes if at == end else None


def _read_track(data: bytes | bytearray, track: _Box, fragment: FragmentBox) -> bool:
    """Read a ``traf`` box; return whether flags, counts and sizes agree in it."""
    boxes = _boxes(data, track.start, track.end)
    if not boxes or boxes[0].kind != b"tfhd":
        return False
    fragment.tracks.add(_number(data, boxes[0].start + 4))
    place, size = boxes[0].start + 8, None
    for flag, width in _TRACK_FIELDS:
        if not _number(data, boxes[0].start) & flag:
            continue
        if flag == _BASE:
            fragment.bases.append(place)
        elif flag == _SAMPLE_SIZE:
            size = _number(data, place)
        place += width
    runs = [_read_run(data, box, size) for box in boxes if box.kind == b"trun"]
    fragment.runs.extend(run for run in runs if run is not None)
    return place == boxes[0].end and None not in runs


def _read_run(data: bytes | bytearray, box: _Box, size: int | None) -> SampleRun | None:
    """Read a ``trun`` box, of a track whose samples have a size unless each has its own."""
    flags, count = _number(data, box.start), _number(data, box.start + 4)
    at = box.start + 8 + 4 * sum(bool(flags & flag) for flag in (_OFFSET, _FIRST_FLAGS))
    step = 4 * sum(bool(flags & flag) for flag in _SAMPLE_FIELDS)
    if at + count * step != box.end:
        return None
    offset = _number(data, box.start + 8) if flags & _OFFSET else None
    if not flags & _SIZES:
        return SampleRun(offset, range(0), None if size is None else count * size)
    first = at + 4 * bool(flags & _DURATIONS)
    return SampleRun(offset, range(first, first + count * step, step), None)


def _number(data: bytes | bytearray, at: int) -> int:
    return int.from_bytes(data[at : at + 4])
