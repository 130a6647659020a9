"""EBML, the grammar of WebM and Matroska (RFC 8794), in bytes that are still arriving. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: Bytes of the longest identifier, and of the longest size.
_LONGEST_ID, _LONGEST_SIZE = 4, 8
#: Bits of a number of one byte.
_ONE_BYTE = 0x7F


class Element(NamedTuple):
    """An element's header.

    Attributes:
        id: what it is, length marker included; 0 if these bytes are no element.
        start: where its content begins.
        size: bytes of content; None if that is left open.
    """

    id: int
    start: int
    size: int | None

    @property
    def end(self) -> int:
        """Where its content ends; where it begins, if that is left open."""
        return self.start + (self.size or 0)


def read_element(data: bytes | bytearray, at: int) -> Element | None:
    """Read the header at a position; None if not all of it is there."""
    if at >= len(data):
        return None
    first = data[at]
    length = 9 - first.bit_length()
    if length > _LONGEST_ID:
        return Element(0, at, 0)
    if at + length >= len(data):
        return None
    if not data[at + length]:
        return Element(0, at, 0)  # a size longer than any
    number = read_number(data, at + length)
    name = first if length == 1 else int.from_bytes(data[at : at + length])
    return number and Element(name, number[1], number[0])


def read_number(data: bytes | bytearray, at: int) -> tuple[int | None, int] | None:
    """Read a number of variable length.

    Returns:
        the number, and where it ends; None if not all of it is there. A number of nothing but
        ones, which stands for an unknown size, is None; a first byte of zero counts as 0.
    """
    if at >= len(data):
        return None
    if data[at] > _ONE_BYTE:
        number = data[at] & _ONE_BYTE
        return (None if number == _ONE_BYTE else number), at + 1
    length = min(9 - data[at].bit_length(), _LONGEST_SIZE)
    end = at + length
    if end > len(data):
        return None
    ones = (1 << 7 * length) - 1
    number = int.from_bytes(data[at:end]) & ones
    return (None if number == ones else number), end


def children(content: bytes | bytearray) -> Iterator[tuple[int, bytes]]:
    """Give the identifiers and contents of the elements in a whole one.

    Raises:
        ValueError: they do not fit into it.
    """
    at = 0
    while at < len(content):
        element = read_element(content, at)
        if element is None or not element.id or element.size is None or element.end > len(content):
            raise ValueError(f"no element at {at} of {len(content)} bytes")
        yield element.id, bytes(content[element.start : element.end])
        at = element.end
