"""A source whose damage is cut out before libav reads it."""

from __future__ import annotations

from azstt._audio.formats.repair import Repair
from azstt._audio.formats.structures import repair_of
from azstt._audio.sources import Source

#: Bytes by which the format is told.
_HEAD = 12


class RepairedSource(Source):
    """What is sound of another source.

    Attributes:
        repair: knows what was cut out.
    """

    def __init__(self, whole: Source, repair: Repair) -> None:
        super().__init__(whole.label, size=None, max_bytes=None)
        self._whole = whole
        self.repair: Repair = repair

    def _fetch(self, size: int) -> bytes:
        data = b""
        while not data and self.repair.ends_inside is None:
            read = self._whole.read(size)
            data = self.repair.feed(read) if read else self.repair.finish()
        return data


def repaired(source: Source) -> RepairedSource | None:
    """Return this source without its damage, from the beginning; None if its format is not mended.

    A stream has to be at its beginning.
    """
    head = source.head if source.seekable else b""
    while len(head) < _HEAD and (chunk := source.read(_HEAD - len(head))):
        head += chunk
    repair = repair_of(head)
    if not source.seekable:
        source.unread(head)
    elif repair is not None:
        source.seek(0)
    return None if repair is None else RepairedSource(source, repair)
