"""Parse the headers of MPEG audio and ADTS frames and of ID3 tags. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

#: The codec according to a frame's header; "other" is left to libav.
FrameKind: TypeAlias = Literal["mp3", "aac", "other"]

#: Bytes of an ID3 tag's header, and of a frame's header up to its size.
ID3_HEAD: Final = 10
FRAME_HEAD: Final = 6
#: Kilobits per second by the header's field: for MPEG-1, and for its successors.
_BIT_RATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES: Final = (44_100, 48_000, 32_000)
#: How often to halve the sample rate for MPEG-2.5, (reserved), MPEG-2 and MPEG-1.
_HALVINGS: Final = (2, 0, 1, 0)
_MPEG_1: Final = 3


def id3_size(head: bytes) -> int:
    """Return the size of the ID3 tag that begins here; 0 if there is none."""
    if len(head) < ID3_HEAD or not head.startswith(b"ID3") or max(head[6:10]) > 0x7F:  # noqa: PLR2004  seven bits per byte
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    footer = ID3_HEAD if head[5] & 0x10 else 0
    return ID3_HEAD + size + footer


def frame_kind(head: bytes) -> FrameKind | None:
    """Return the codec according to a frame's header; None if this is not a frame's header."""
    if len(head) < FRAME_HEAD or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004  the sync word
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    if layer == 0:
        adts = version >= 2 and head[2] >> 2 & 15 < 13  # noqa: PLR2004  12-bit sync word, known rates
        return "aac" if adts else None
    if version == 1 or head[2] >> 4 == 15 or head[2] >> 2 & 3 == 3:  # noqa: PLR2004  forbidden values
        return None
    return "mp3" if layer == 1 else "other"


def frame_size(head: bytes) -> int:
    """Return the size of the MP3 or AAC frame that begins here; 0 if its header does not say."""
    stream = frame_kind(head)
    if stream == "aac":
        return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    if stream != "mp3":
        return 0
    version = head[1] >> 3 & 3
    newer = version != _MPEG_1
    bits = _BIT_RATES[newer][head[2] >> 4] * 1_000
    rate = _RATES[head[2] >> 2 & 3] >> _HALVINGS[version]
    return (72 if newer else 144) * bits // rate + (head[2] >> 1 & 1) if bits else 0


def find_frame(data: bytes, stream: FrameKind) -> tuple[int, bool]:
    """Find the first two consecutive frames of this codec after possible junk.

    Returns:
        the position, and whether it is certain; if not, all bytes before it are junk.
    """
    at = data.find(b"\xff")
    while at >= 0:
        head = data[at : at + FRAME_HEAD]
        if len(head) < FRAME_HEAD:
            return at, False
        if frame_kind(head) == stream and (size := frame_size(head)):
            following = data[at + size : at + size + FRAME_HEAD]
            if len(following) < FRAME_HEAD:
                return at, False
            if frame_kind(following) == stream:
                return at, True
        at = data.find(b"\xff", at + 1)
    return len(data), False
