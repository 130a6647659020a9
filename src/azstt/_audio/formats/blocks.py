"""Parse blocks of WebM and Matroska: track, time and packets (RFC 9559). Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.ebml import children, read_number

#: Bytes between the track number and the packets: two for the time, one for flags.
BLOCK_HEAD: Final = 3
_BLOCK, _DISCARD = 0xA1, 0x75A2
_LACING, _XIPH, _FIXED = 0x06, 0x02, 0x04
_NANOSECONDS: Final = 1_000_000_000


class Block(NamedTuple):
    """A block.

    Attributes:
        track: the track number.
        time: the time of the first packet, in ticks relative to the cluster.
        packets: the packets.
        skip: samples to trim at the beginning.
        drop: samples to trim at the end.
    """

    track: int
    time: int
    packets: list[bytes]
    skip: int = 0
    drop: int = 0


def read_block(content: bytes | bytearray) -> Block:
    """Read a block.

    Raises:
        ValueError: it is invalid.
    """
    number = read_number(content, 0)
    track, at = number or (None, 0)
    if track is None or len(content) < at + BLOCK_HEAD:
        raise ValueError(f"no block in {len(content)} bytes")
    time = int.from_bytes(content[at : at + 2], signed=True)
    body = bytes(content[at + BLOCK_HEAD :])
    flags = content[at + 2]
    return Block(track, time, _unlace(body, flags & _LACING) if is_laced(flags) else [body])


def block_ticks(data: bytes | bytearray, at: int) -> int:
    """Return the time of the block that begins here, in ticks relative to the cluster.

    Raises:
        ValueError: its head is incomplete.
    """
    _, at = read_number(data, at) or (None, len(data))
    if len(data) < at + BLOCK_HEAD:
        raise ValueError(f"no block at {at} of {len(data)} bytes")
    return int.from_bytes(data[at : at + 2], signed=True)


def read_group(content: bytes | bytearray) -> Block:
    """Read a block group: a block and its discard padding.

    Raises:
        ValueError: it is invalid or contains no block.
    """
    parts = dict(children(content))
    block = read_block(parts.get(_BLOCK, b""))
    nanoseconds = int.from_bytes(parts.get(_DISCARD, b""), signed=True)
    # Round half a sample up, as libav does.
    samples = (abs(nanoseconds) * opus.RATE + _NANOSECONDS // 2) // _NANOSECONDS
    return block._replace(drop=samples) if nanoseconds > 0 else block._replace(skip=samples)


def is_laced(flags: int) -> bool:
    """Return whether a block contains several packets."""
    return bool(flags & _LACING)


def _unlace(body: bytes, lacing: int) -> list[bytes]:
    """Split a laced block into packets."""
    if not body:
        raise ValueError("lacing without packets")
    count, at = body[0] + 1, 1
    if lacing == _FIXED:
        size, odd = divmod(len(body) - 1, count)
        if odd:
            raise ValueError(f"{len(body) - 1} bytes do not divide into {count} equal packets")
        sizes = [size] * (count - 1)
    else:
        sizes, at = (_xiph if lacing == _XIPH else _ebml)(body, count - 1)
    ends = [at]
    for size in sizes:
        ends.append(ends[-1] + size)
    if ends[-1] > len(body) or min(sizes, default=0) < 0:
        raise ValueError(f"{sum(sizes)} bytes of packets in a block of {len(body)} bytes")
    return [body[start:end] for start, end in pairwise([*ends, len(body)])]


def _xiph(body: bytes, count: int) -> tuple[list[int], int]:
    """Read Xiph lacing: each size is a sum of bytes that ends with one below 255.

    Returns:
        the sizes, and the position after them.
    """
    sizes: list[int] = []
    at = 1
    for _ in range(count):
        size = 0
        while (byte := body[at] if at < len(body) else 0) == 255:  # noqa: PLR2004  the sum continues
            size, at = size + byte, at + 1
        sizes.append(size + byte)
        at += 1
    return sizes, at


def _ebml(body: bytes, count: int) -> tuple[list[int], int]:
    """Read EBML lacing: a size, followed by differences.

    Returns:
        the sizes, and the position after them.
    """
    sizes: list[int] = []
    at = 1
    for _ in range(count):
        value, end = read_number(body, at) or (None, at)
        if value is None:
            raise ValueError("truncated packet sizes")
        # Differences are stored as unsigned numbers, offset by half their range.
        sizes.append(sizes[-1] + value - ((1 << 7 * (end - at) - 1) - 1) if sizes else value)
        at = end
    return sizes, at
