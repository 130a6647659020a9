"""Parse EBML, the syntax of WebM and Matroska, in data that is still arriving (RFC 8794). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: Maximum length of an identifier and of a size, in bytes.
_LONGEST_ID, _LONGEST_SIZE = 4, 8
#: The value bits of a one-byte number.
_ONE_BYTE = 0x7F


class Element(NamedTuple):
    """An element's header.

    Attributes:
        id: the identifier, including its length marker; 0 if these bytes are not an element.
        start: where the content begins.
        size: number of bytes of content; None if unknown.
    """

    id: int
    start: int
    size: int | None

    @property
    def end(self) -> int:
        """Where the content ends; `start` if the size is unknown."""
        return self.start + (self.size or 0)


def read_element(data: bytes | bytearray, at: int) -> Element | None:
    """Read the header at a position; None if it is incomplete."""
    if at >= len(data):
        return None
    first = data[at]
    length = 9 - first.bit_length()
    if length > _LONGEST_ID:
        return Element(0, at, 0)
    if at + length >= len(data):
        return None
    if not data[at + length]:
        return Element(0, at, 0)  # longer than any size
    number = read_number(data, at + length)
    name = first if length == 1 else int.from_bytes(data[at : at + length])
    return number and Element(name, number[1], number[0])


def read_number(data: bytes | bytearray, at: int) -> tuple[int | None, int] | None:
    """Read a variable-length number.

    Returns:
        the number and its end; None if it is incomplete. The number itself is None if all its
        bits are ones, which means an unknown size; if its first byte is zero, it is 0.
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
    """Yield the identifiers and contents of the elements in a complete one.

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
