"""Find where a recording ends and another one follows it in the same file or stream. Pure."""

from __future__ import annotations

from typing import Final

from azstt._audio.formats.hops import flac, frames, mp3
from azstt._audio.formats.mpeg import frame_kind, tag_size
from azstt._audio.formats.searches import Ask, Following, Scan
from azstt._audio.formats.walks import FIRST_BOXES, WALKS, iso

#: Bytes by which a stream's format is told; it may not have more yet.
_FIRST_HEAD: Final = 12


def scan(source_size: int | None = None) -> Scan:
    """Scan a recording for the one that follows it.

    Args:
        source_size: bytes from its beginning to the end of the source, if they can all be read.
    """
    at = 0
    while True:
        head = yield Ask(at, _FIRST_HEAD)
        size = tag_size(head)
        if not size:
            break
        at += size
    for magic, walk in WALKS.items():
        if head.startswith(magic):
            return (yield from walk(at))
    if head.startswith(b"fLaC"):
        return (yield from flac(at, source_size))
    if head[4:8] in FIRST_BOXES:
        return (yield from iso(at))
    if frame_kind(head) == "mp3":
        return (yield from mp3(at))
    return (yield from frames(at, head, source_size))


class Splitter:
    """Splits a stream into its recordings while it arrives.

    Attributes:
        following: the next recording, once all of this one was returned.
    """

    def __init__(self) -> None:
        self.following: Following | None = None
        self._rest = bytearray()
        self._at = 0  # bytes of this recording before the rest
        self._begin()

    def feed(self, data: bytes) -> bytes:
        """Return the bytes that belong to this recording, of those that were fed so far."""
        ask = self._ask
        if self.following is None and not self._rest:
            after = self._at + len(data)
            if ask is None or after <= ask.at:
                self._at = after
                return data
        self._rest += data
        return self._advance()

    def finish(self) -> bytes:
        """Return the last bytes of this recording at the end of the stream."""
        data = b""
        while self._ask is not None and self.following is None:
            passed = self._ask.at < self._at
            data += self._send(b"" if passed else bytes(self._rest[: self._ask.least]))
        if self.following is None:
            data += bytes(self._rest)
            self._rest.clear()
        return data

    def rest(self) -> bytes:
        """Return the bytes that were fed and not returned, of whichever recording."""
        rest = bytes(self._rest)
        self._rest.clear()
        return rest

    def next(self) -> bytes:
        """Begin with the following recording, and return its first bytes."""
        prefix = b"" if self.following is None else self.following.prefix
        self.following = None
        self._rest[:0] = prefix
        self._begin()
        return self.feed(b"")

    def _begin(self) -> None:
        self._at = 0  # of the bytes that are kept
        self._scan = scan()
        self._ask: Ask | None = next(self._scan)

    def _advance(self) -> bytes:
        """Scan as far as the bytes suffice, and return those that belong to this recording."""
        done = bytearray(self._skip())
        while self.following is None and (ask := self._ask) is not None:
            if ask.at < self._at:
                done += self._send(b"")
                continue
            if self._at < ask.at or len(self._rest) < ask.least:
                break
            done += self._send(bytes(self._rest[: max(ask.least, ask.most)]))
        if self._ask is None and self.following is None:
            done += self._rest
            self._rest.clear()
        return bytes(done)

    def _send(self, data: bytes) -> bytes:
        try:
            self._ask = self._scan.send(data)
        except StopIteration as end:
            self._ask, self.following = None, end.value
        return self._skip()

    def _skip(self) -> bytes:
        """Return the bytes before the place to look at."""
        place = self._ask or self.following
        if place is None:
            return b""
        done = bytes(self._rest[: max(0, place.at - self._at)])
        del self._rest[: len(done)]
        self._at += len(done)
        return done
