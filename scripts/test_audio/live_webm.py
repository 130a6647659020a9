"""Converts a finished WebM file to what a browser's MediaRecorder sends while it records.

A muxer knows the size of each cluster when it writes it. A recorder does not: it leaves the sizes
of the segment and its clusters unknown, and writes neither an index nor a duration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENT = bytes.fromhex("18538067")
INFO = bytes.fromhex("1549a966")
TRACKS = bytes.fromhex("1654ae6b")
CLUSTER = bytes.fromhex("1f43b675")
DURATION = bytes.fromhex("4489")
UNKNOWN_SIZE = bytes.fromhex("01ffffffffffffff")


def as_live(webm: bytes) -> bytes:
    """Return the header, the tracks and the clusters, with unknown sizes where possible.

    Raises:
        ValueError: the file has a duration.
    """
    head, body = _split_head(webm)
    out = [head, SEGMENT, UNKNOWN_SIZE]
    for name, whole, content in _elements(body):
        if name == CLUSTER:
            out += [CLUSTER, UNKNOWN_SIZE, content]
        elif name == INFO and any(child == DURATION for child, _, _ in _elements(content)):
            raise ValueError("the file has a duration: write it with the muxer's option live=1")
        elif name in {INFO, TRACKS}:
            out.append(whole)
    return b"".join(out)


def _split_head(webm: bytes) -> tuple[bytes, bytes]:
    """Return the EBML header and the content of the segment."""
    at = webm.index(SEGMENT)
    length = _length_of_number(webm[at + 4])
    return webm[:at], webm[at + 4 + length :]


def _elements(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield sibling elements: identifier, whole element, content."""
    at = 0
    while at < len(data):
        id_length = _length_of_number(data[at])
        size_at = at + id_length
        size_length = _length_of_number(data[size_at])
        raw = int.from_bytes(data[size_at : size_at + size_length])
        start = size_at + size_length
        end = start + (raw & ((1 << 7 * size_length) - 1))
        yield data[at:size_at], data[at:end], data[start:end]
        at = end


def _length_of_number(first: int) -> int:
    """Return the number of bytes of an EBML number, from its first byte."""
    return 9 - first.bit_length()
