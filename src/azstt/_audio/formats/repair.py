"""Repair a damaged stream: pass on its sound units, and cut out what lies between them. Pure.

Behind a destroyed header, libav's demuxers for FLV, AVI and fragmented MP4 read on at a wrong
place, step back, or end. They get nothing but whole tags, chunks and boxes instead.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol

#: Bytes of an incomplete unit from which others are looked for in it: its size may be wrong.
_SUSPICIOUS: Final = 1 << 14
#: What may stand at the end of a file without a meaning.
_NOTHING: Final = b"\0\r\n"
#: Bytes of a unit behind damage that are waited for.
_LARGEST: Final = 1 << 24
#: Zeros that may stand for the missing part of a unit.
_MOST_ZEROS: Final = 1 << 26


class Omission(NamedTuple):
    """A place where something is missing in a repaired stream.

    Attributes:
        place: bytes of the repaired stream before it.
        size: bytes that were left out; negative for zeros that were put in.
        blank: whether they mean nothing at the end of a file, such as zeros.
    """

    place: int
    size: int
    blank: bool = False


class Structure(Protocol):
    """How the units of a format are recognized."""

    #: Bytes in which the beginning of a unit can be told.
    head: int

    def measure(self, data: bytearray, at: int, *, found: bool) -> int:
        """Return the size of the unit at a place; 0 if none begins there.

        Args:
            data: the stream, from some place on.
            at: the place in it.
            found: whether the place was searched for, so that what follows has to confirm it.

        Returns:
            more than there is if the unit is not complete, or not confirmed yet.
        """
        ...

    def candidates(self, data: bytes | bytearray, at: int) -> Iterator[int]:
        """Yield the places, from one on, at which a unit may begin."""
        ...

    def flows(self, data: bytearray) -> bool:
        """Return whether the unit at the beginning can be decoded before it is complete."""
        ...

    def adapt(self, data: bytearray, place: int) -> None:
        """Change the unit at the beginning to fit its place in the repaired stream."""
        ...


class Repair:
    """Repairs a stream while it arrives.

    Args:
        structure: tells the units of its format.

    Attributes:
        cuts: where something is missing so far.
        ends_inside: whether the stream ends in the middle of a unit; None before its end.
    """

    def __init__(self, structure: Structure) -> None:
        self.cuts: list[Omission] = []
        self.ends_inside: bool | None = None
        self._structure = structure
        self._data = bytearray()
        self._done = bytearray()
        self._place = 0  # bytes passed on
        self._patience = _SUSPICIOUS  # bytes there must be for a search
        self._flowing = 0  # bytes of a unit that are still to be passed on
        self._last = b""  # the last bytes of it that were

    def feed(self, data: bytes) -> bytes:
        """Return what can be passed on so far."""
        self._data += data
        while self._data and (self._flow() if self._flowing else self._advance()):
            pass
        return self._take()

    def finish(self) -> bytes:
        """Return the rest, at the end of the stream."""
        rest = self._data
        begun = self._structure.measure(rest, 0, found=False) if rest.strip(_NOTHING) else 0
        if self._flowing:
            self.ends_inside = self._flowing < sys.maxsize // 2  # others go on up to the end
        else:
            self.ends_inside = begun > 0
        if rest and not self._flowing and not begun:
            self._cut(len(rest))
        self._pass(len(rest))
        return self._take()

    def original(self, place: int) -> int:
        """Return where in the damaged stream something is, by its place in the repaired one."""
        return place + sum(cut.size for cut in self.cuts if cut.place <= place)

    def _take(self) -> bytes:
        done, self._done = bytes(self._done), bytearray()
        return done

    def _advance(self) -> bool:
        """Deal with the unit at the beginning; return whether there may be more to do."""
        data = self._data
        size = self._structure.measure(data, 0, found=False)
        if size > 0 and self._structure.flows(data):
            self._structure.adapt(data, self._place)
            self._flowing, self._last = self._structure.measure(data, 0, found=False), b""
            return True
        if 0 < size <= len(data):
            self._structure.adapt(data, self._place)
            self._pass(size)
            return True
        if size and len(data) < self._patience:
            return False
        place, sound = self._search()
        if sound or not size:
            self._cut(place)
        self._patience = max(_SUSPICIOUS, len(data) * 9 // 8)
        return sound

    def _search(self) -> tuple[int, bool]:
        """Look for a unit behind the beginning.

        Returns:
            its place, and True; or the first place where one may turn out to be, and False.
        """
        data, structure, first = self._data, self._structure, None
        for place in structure.candidates(data, 1):
            size = structure.measure(data, place, found=True)
            if 0 < size <= len(data) - place:
                return place, True
            if 0 < size < _LARGEST and first is None:
                first = place
        end = max(1, len(data) - structure.head + 1)
        return min(len(data), end if first is None else min(first, end)), False

    def _flow(self) -> bool:
        """Pass on what there is of a unit, up to its end or another unit that begins before."""
        data, before = self._data, len(self._last)
        window = self._last + data[: self._flowing]
        bounded = self._flowing <= _MOST_ZEROS
        found = next(self._structure.candidates(window, 0), None) if bounded else None
        size = min(len(data), self._flowing) if found is None else max(0, found - before)
        self._flowing -= size
        self._last = bytes(window[1 - self._structure.head :])
        self._pass(size)
        if found is not None:
            data[:0] = window[found:before]
            # The unit keeps the size that it states.
            missing, self._flowing = self._flowing, 0
            self.cuts.append(Omission(self._place, -missing))
            self._done += bytes(missing)
            self._place += missing
        return bool(data)

    def _pass(self, size: int) -> None:
        self._done += self._data[:size]
        self._place += size
        self._patience = _SUSPICIOUS
        del self._data[:size]

    def _cut(self, size: int) -> None:
        before = 0
        blank = not self._data[:size].strip(_NOTHING)
        if self.cuts and self.cuts[-1].place == self._place:
            last = self.cuts.pop()
            before, blank = last.size, blank and last.blank
        self.cuts.append(Omission(self._place, before + size, blank))
        del self._data[:size]
