"""What containers are split into while they arrive, and the bytes that wait for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol, TypeAlias

#: Bytes kept of a recording until its header has told what it is.
_MOST_KEPT: Final = 1 << 20


class StreamStart(NamedTuple):
    """A recording begins, the first one or another.

    Attributes:
        head: the codec's setup.
    """

    head: bytes


class Packet(NamedTuple):
    """A packet of the codec.

    Attributes:
        data: its bytes.
        samples: how many it decodes to, if nothing is left out.
        skip: samples to leave out at the beginning of what it decodes to.
        drop: samples to leave out at its end.
    """

    data: bytes
    samples: int
    skip: int = 0
    drop: int = 0


class Loss(NamedTuple):
    """Packets that never came.

    Attributes:
        seconds: how long they were, as far as the container's times tell.
        ago: seconds of packets that were given since.
    """

    seconds: float
    ago: float = 0.0


Item: TypeAlias = StreamStart | Packet | Loss


class NeedsLibavError(Exception):
    """A recording holds what is left to libav; found before any of its packets was given.

    Attributes:
        data: all of its bytes so far.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(f"{len(data)} bytes are left to libav")
        self.data: bytes = data


class Demuxer(Protocol):
    """Pieces of a container in, the packets of its one track out as soon as they are whole."""

    def feed(self, data: bytes) -> Iterator[Item]:
        """Give what is complete with this piece; to be exhausted before the next one.

        Raises:
            NeedsLibavError: the recording that begins is not for splitting.
        """
        ...

    def end(self) -> bool:
        """Say that there is no more; tells whether it ends in the middle of something.

        Raises:
            NeedsLibavError: no recording has started.
        """
        ...


class DemuxBuffer:
    """The bytes that wait to be dealt with, and before them those of a recording not yet known.

    Attributes:
        data: what waits.
        skipping: how many bytes are still to come that will be left behind.
        identified: whether it is known what the recording is, so that nothing is kept.
        ever: whether it was known of this one or one before.
    """

    def __init__(self) -> None:
        self.data: bytearray = bytearray()
        self.skipping: int = 0
        self.identified: bool = False
        self.ever_identified: bool = False
        self._kept = bytearray()

    def add(self, piece: bytes) -> None:
        """Take what has come."""
        self.data += piece
        if self.skipping:
            self.discard(self.skipping)

    def discard(self, size: int) -> None:
        """Leave bytes behind, those too that are still to come."""
        if not self.identified:
            self._kept += self.data[:size]
        there = len(self.data)
        del self.data[:size]
        self.skipping = max(0, size - there)

    def restart(self) -> None:
        """Keep a recording from here."""
        self._kept.clear()
        self.identified = False

    def mark_identified(self) -> None:
        """Keep nothing any more."""
        self._kept.clear()
        self.identified = self.ever_identified = True

    def needs_libav(self) -> NeedsLibavError:
        """Give up a recording that is not identified."""
        return NeedsLibavError(bytes(self._kept + self.data))

    def end(self) -> bool:
        """Tell whether the stream ends in the middle of something.

        Raises:
            NeedsLibavError: no recording was ever known.
        """
        if not self.ever_identified:
            raise self.needs_libav()
        return self.skipping > 0 or bool(self.data) or not self.identified

    def check_size(self) -> None:
        """See to it that no more is kept than one may.

        Raises:
            NeedsLibavError: there is too much before the first packet.
        """
        if self.full:
            raise self.needs_libav()

    @property
    def full(self) -> bool:
        """Whether as much is kept as may be."""
        return not self.identified and len(self._kept) + len(self.data) > _MOST_KEPT
