"""MPEG audio and ADTS: what their first bytes tell. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

#: What a frame's header says it is; libav takes care of what else there is.
Stream: TypeAlias = Literal["mp3", "aac", "other"]

#: Bytes of a tag's header, and of a frame's.
ID3_HEAD: Final = 10
FRAME_HEAD: Final = 4
_LAYERS: Final = {0: "aac", 1: "mp3"}


def id3_size(head: bytes) -> int:
    """Give the bytes of the ID3 tag that begins here; 0 if none does."""
    if len(head) < ID3_HEAD or not head.startswith(b"ID3") or max(head[6:10]) > 0x7F:  # noqa: PLR2004  seven bits a byte
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    footer = ID3_HEAD if head[5] & 0x10 else 0
    return ID3_HEAD + size + footer


def stream_of(head: bytes) -> Stream | None:
    """Tell what a frame's header says the stream is; None if this is no frame's header."""
    if len(head) < FRAME_HEAD or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004  the mark
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        adts = version >= 2 and head[2] >> 2 & 15 < 13  # noqa: PLR2004  twelve bits of mark, known rates
        return "aac" if adts else None
    if version == 1 or head[2] >> 4 == 15 or head[2] >> 2 & 3 == 3:  # noqa: PLR2004  forbidden values
        return None
    return "mp3" if layer == 1 else "other"
