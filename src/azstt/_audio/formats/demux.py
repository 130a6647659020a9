"""The items that streaming demuxers yield, their interface and their input buffer. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol, TypeAlias

#: Bytes of a recording kept until its header has identified it.
_MAX_KEPT: Final = 1 << 20


class StreamStart(NamedTuple):
    """The start of a recording, either the first or one that follows it in the stream.

    Attributes:
        head: the codec's setup data.
    """

    head: bytes


class Packet(NamedTuple):
    """A packet of encoded audio.

    Attributes:
        data: its bytes.
        samples: how many samples it decodes to, before trimming.
        skip: samples to trim at the beginning.
        drop: samples to trim at the end.
        time: seconds from the container's start to its first sample, before trimming; None if the
            container does not tell.
    """

    data: bytes
    samples: int
    skip: int = 0
    drop: int = 0
    time: float | None = None


class Loss(NamedTuple):
    """Something before the next packet could not be read.

    Attributes:
        size: how many bytes were skipped, if the packets have no time that tells how much it was.
    """

    size: int = 0


class Cut(NamedTuple):
    """The stream ends earlier than its container says.

    Attributes:
        seconds: how much is missing; None if that is unknown.
    """

    seconds: float | None


Item: TypeAlias = StreamStart | Packet | Loss


class NeedsLibavError(Exception):
    """A recording needs libav to be decoded; raised before any of its packets was yielded.

    Attributes:
        data: all bytes of the recording so far.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(f"{len(data)} bytes must be decoded by libav")
        self.data: bytes = data


class Demuxer(Protocol):
    """Splits a container with one audio track into packets, each as soon as it is complete."""

    def feed(self, data: bytes) -> Iterator[Item]:
        """Yield the items that this chunk completes; exhaust it before feeding the next one.

        Raises:
            NeedsLibavError: this demuxer does not support the recording that begins.
        """
        ...

    def end(self) -> Cut | None:
        """Mark the end of the stream, and return what is missing there.

        Raises:
            NeedsLibavError: no recording has started.
        """
        ...


class DemuxBuffer:
    """The unprocessed bytes of a stream, and all bytes of a recording until it is identified.

    Attributes:
        data: the unprocessed bytes.
        skipping: how many bytes that have yet to arrive will be discarded.
        discarded: how many bytes were discarded so far, those that have yet to arrive included.
        identified: whether the recording's format is known, so that processed bytes are dropped.
        ever_identified: whether this or an earlier recording was identified.
    """

    def __init__(self) -> None:
        self.data: bytearray = bytearray()
        self.skipping: int = 0
        self.discarded: int = 0
        self.identified: bool = False
        self.ever_identified: bool = False
        self._kept = bytearray()

    def add(self, chunk: bytes) -> None:
        """Append a chunk."""
        self.data += chunk
        if self.skipping:
            self._drop(self.skipping)

    def discard(self, size: int) -> None:
        """Discard bytes, including ones that have yet to arrive."""
        self.discarded += size
        self._drop(size)

    def _drop(self, size: int) -> None:
        if not self.identified:
            self._kept += self.data[:size]
        available = len(self.data)
        del self.data[:size]
        self.skipping = max(0, size - available)

    def restart(self) -> None:
        """Start a new recording, which is kept until it is identified."""
        self._kept.clear()
        self.identified = False

    def mark_identified(self) -> None:
        """Stop keeping the recording."""
        self._kept.clear()
        self.identified = self.ever_identified = True

    def needs_libav(self) -> NeedsLibavError:
        """Return the error that hands an unidentified recording over to libav."""
        return NeedsLibavError(bytes(self._kept + self.data))

    def end(self) -> bool:
        """Return whether the stream ends in the middle of something.

        Raises:
            NeedsLibavError: no recording was ever identified.
        """
        if not self.ever_identified:
            raise self.needs_libav()
        return self.skipping > 0 or bool(self.data) or not self.identified

    def check_size(self) -> None:
        """Enforce the limit on the bytes kept.

        Raises:
            NeedsLibavError: there are too many bytes before the first packet.
        """
        if self.full:
            raise self.needs_libav()

    @property
    def full(self) -> bool:
        """Whether the limit on the bytes kept is exceeded."""
        return not self.identified and len(self._kept) + len(self.data) > _MAX_KEPT
