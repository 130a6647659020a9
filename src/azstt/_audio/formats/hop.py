"""Find what a decoder would skip silently between the frames of an MP3 or AAC file. Pure."""

from __future__ import annotations

from typing import Final

from azstt._audio.formats.damage import MOST_PADDING, Look, is_padding
from azstt._audio.formats.mpeg import (
    FRAME_HEAD,
    TAG_HEAD,
    frame_ends,
    frame_kind,
    frame_size,
    tag_size,
)

_BLOCK: Final = 1 << 20


def has_junk(look: Look, size: int) -> bool:
    """Return whether something else than frames and tags is between the frames of a file.

    Args:
        look: reads the file.
        size: number of bytes of the file.
    """
    at = 0
    while at < size:
        block = look(at, _BLOCK)
        place = max(frame_ends(block), default=0)
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
