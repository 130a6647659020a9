"""Blocks of WebM and Matroska (RFC 9559): whose they are, when, and the packets in them. Pure."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.ebml import children, read_number

#: Bytes between the track's number and the packets: a time of two bytes, flags.
BLOCK_HEAD: Final = 3
_BLOCK, _DISCARD = 0xA1, 0x75A2
_LACING, _XIPH, _FIXED = 0x06, 0x02, 0x04
_NANOSECONDS: Final = 1_000_000_000


class Block(NamedTuple):
    """A block.

    Attributes:
        track: whose it is.
        time: of its first packet, in ticks from its cluster's.
        packets: what it holds.
        skip: samples to leave out at the beginning.
        drop: samples to leave out at the end.
    """

    track: int
    time: int
    packets: list[bytes]
    skip: int = 0
    drop: int = 0


def read_block(content: bytes | bytearray) -> Block:
    """Read a block.

    Raises:
        ValueError: it contradicts itself.
    """
    number = read_number(content, 0)
    track, at = number or (None, 0)
    if track is None or len(content) < at + BLOCK_HEAD:
        raise ValueError(f"no block in {len(content)} bytes")
    time = int.from_bytes(content[at : at + 2], signed=True)
    body = bytes(content[at + BLOCK_HEAD :])
    flags = content[at + 2]
    return Block(track, time, _unlace(body, flags & _LACING) if is_laced(flags) else [body])


def read_group(content: bytes | bytearray) -> Block:
    """Read a group: a block, and what is to be left out of it.

    Raises:
        ValueError: it contradicts itself, or holds no block.
    """
    parts = dict(children(content))
    block = read_block(parts.get(_BLOCK, b""))
    nanoseconds = int.from_bytes(parts.get(_DISCARD, b""), signed=True)
    # Half a sample is rounded up, as libav does.
    samples = (abs(nanoseconds) * opus.RATE + _NANOSECONDS // 2) // _NANOSECONDS
    return block._replace(drop=samples) if nanoseconds > 0 else block._replace(skip=samples)


def is_laced(flags: int) -> bool:
    """Tell whether several packets share a block."""
    return bool(flags & _LACING)


def _unlace(body: bytes, lacing: int) -> list[bytes]:
    """Part packets that share a block."""
    if not body:
        raise ValueError("lacing without packets")
    count, at = body[0] + 1, 1
    if lacing == _FIXED:
        size, odd = divmod(len(body) - 1, count)
        if odd:
            raise ValueError(f"{len(body) - 1} bytes do not make {count} packets of one size")
        sizes = [size] * (count - 1)
    else:
        sizes, at = (_xiph if lacing == _XIPH else _ebml)(body, count - 1)
    ends = [at]
    for size in sizes:
        ends.append(ends[-1] + size)
    if ends[-1] > len(body) or min(sizes, default=0) < 0:
        raise ValueError(f"{sum(sizes)} bytes of packets in a block of {len(body)}")
    return [body[start:end] for start, end in pairwise([*ends, len(body)])]


def _xiph(body: bytes, count: int) -> tuple[list[int], int]:
    """Read sizes as sums of bytes, the last of each below 255; and where they end."""
    sizes: list[int] = []
    at = 1
    for _ in range(count):
        size = 0
        while (byte := body[at] if at < len(body) else 0) == 255:  # noqa: PLR2004  it goes on
            size, at = size + byte, at + 1
        sizes.append(size + byte)
        at += 1
    return sizes, at


def _ebml(body: bytes, count: int) -> tuple[list[int], int]:
    """Read a size, then differences; and where they end."""
    sizes: list[int] = []
    at = 1
    for _ in range(count):
        value, end = read_number(body, at) or (None, at)
        if value is None:
            raise ValueError("sizes of packets that are cut short")
        # A difference is stored without a sign, half of what fits above it.
        sizes.append(sizes[-1] + value - ((1 << 7 * (end - at) - 1) - 1) if sizes else value)
        at = end
    return sizes, at
