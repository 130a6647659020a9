"""Hop over the frames of an MP3 or AAC file, to find what a decoder would skip silently. Pure."""

from __future__ import annotations

from typing import Final

from azstt._audio.formats.damage import MOST_PADDING, Look, is_padding
from azstt._audio.formats.mpeg import FRAME_HEAD, TAG_HEAD, frame_kind, frame_size, tag_size

_BLOCK: Final = 1 << 20


def has_junk(look: Look, size: int) -> bool:
    """Return whether something else than frames and tags is between the frames of a file.

    Args:
        look: reads the file.
        size: number of bytes of the file.
    """
    at, sizes = 0, dict[bytes, int]()
    while at < size:
        block = look(at, _BLOCK)
        place = _hop(block, sizes)
        at += place
        rest = block[place:] if place + TAG_HEAD <= len(block) else look(at, TAG_HEAD)
        if len(rest) < FRAME_HEAD:
            break
        if frame_size(rest[:FRAME_HEAD]):
            continue
        if tag := tag_size(rest[:TAG_HEAD]):
            at += tag
        elif frame_kind(rest[:FRAME_HEAD]) is None:
            return not is_padding(look(at, MOST_PADDING + 1))
        else:
            break  # layers 1 and 2, or a bit rate that is not stated
    return False


def _hop(block: bytes, sizes: dict[bytes, int]) -> int:
    """Return where the frames that lie one after the other end, or the block does.

    Args:
        block: the bytes.
        sizes: of MP3 frames, by the first three bytes of their header, as far as they are known.
    """
    at, most = 0, len(block) - FRAME_HEAD
    while at <= most:
        head = block[at : at + 3]
        size = sizes.get(head)
        if size is None:
            size = frame_size(block[at : at + FRAME_HEAD])
            if not size:
                break
            if block[at + 1] & 6:  # the layer; AAC's sizes are not in these bytes
                sizes[head] = size
        at += size
    return at
