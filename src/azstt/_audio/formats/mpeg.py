"""Parse MPEG audio and ADTS frames, the tags around them, and an MP3 file's own header. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

#: The codec according to a frame's header; "other" is left to libav.
FrameKind: TypeAlias = Literal["mp3", "aac", "other"]

#: Bytes of a frame's header up to its size, and the most that a tag's size takes.
FRAME_HEAD: Final = 6
TAG_HEAD: Final = 16
_ID3, _APE, _ID3V1 = b"ID3", b"APETAGEX", b"TAG"
_ID3_HEAD, _APE_HEAD, _ID3V1_SIZE = 10, 32, 128
#: The size of an AAC frame, which is not in the bytes that tell that of an MP3 frame.
_FURTHER: Final = -1
#: Kilobits per second by the header's field: for MPEG-1, and for its successors.
_BIT_RATES: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
_RATES: Final = (44_100, 48_000, 32_000)
#: How often to halve the sample rate for MPEG-2.5, (reserved), MPEG-2 and MPEG-1.
_HALVINGS: Final = (2, 0, 1, 0)
_MPEG_1, _MONO = 3, 3
#: Bytes of side information: for MPEG-1 and its successors, for stereo and mono.
_SIDE_INFO: Final = ((32, 17), (17, 9))
#: Where a VBRI header begins in a frame.
_VBRI_AT: Final = 36
#: The delay of every MP3 decoder, in samples.
_DECODER_DELAY: Final = 529


class Mp3Info(NamedTuple):
    """What an MP3 file's first frame says instead of containing audio (Xing, Info, VBRI).

    Attributes:
        delay: how many decoded samples to skip at the beginning.
        samples: how many samples there are without delay and padding; None if it does not say.
    """

    delay: int
    samples: int | None


def tag_size(head: bytes) -> int | None:
    """Return the size of the tag that begins here: ID3v2, ID3v1 or APE.

    Returns:
        0 if this is no tag; None if more bytes are needed, up to `TAG_HEAD`.
    """
    if head.startswith(_ID3):
        return _id3_size(head) if len(head) >= _ID3_HEAD else None
    if head.startswith(_APE):
        size = int.from_bytes(head[12:16], "little")
        return size + _APE_HEAD if len(head) >= TAG_HEAD else None
    if head.startswith(_ID3V1):
        return _ID3V1_SIZE
    return None if any(mark.startswith(head) for mark in (_ID3, _APE, _ID3V1)) else 0


def after_tags(head: bytes) -> int:
    """Return where the audio begins, after all tags; it may be beyond the given bytes."""
    at = 0
    while size := tag_size(head[at : at + TAG_HEAD]):
        at += size
    return at


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


def frame_ends(data: bytes | bytearray, shape: tuple[int, int] | None = None) -> list[int]:
    """Return where the frames end that lie one after the other from the beginning on.

    Args:
        data: the bytes; the last frame may end beyond them.
        shape: what the frames have in common; None if that does not matter.
    """
    at, ends, most = 0, list[int](), len(data) - FRAME_HEAD
    while at <= most:
        size = _size_by(bytes(data[at : at + 3]), shape)
        if size == _FURTHER:
            size = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if not size:
            break
        at += size
        ends.append(at)
    return ends


@lru_cache(256)
def _size_by(head: bytes, shape: tuple[int, int] | None) -> int:
    """Return a frame's size by the first three bytes; 0 if no frame of this shape begins so."""
    if shape not in {None, frame_shape(head)}:
        return 0
    head += bytes(FRAME_HEAD - len(head))
    return _FURTHER if frame_kind(head) == "aac" else frame_size(head)


def frame_samples(head: bytes) -> int:
    """Return how many samples an MP3 or AAC frame has; 0 if this is no such frame."""
    kind = frame_kind(head)
    if kind == "aac":
        return 1024 * (1 + (head[6] & 3 if len(head) > FRAME_HEAD else 0))
    return (1152 if head[1] >> 3 & 3 == _MPEG_1 else 576) if kind == "mp3" else 0


def frame_shape(head: bytes) -> tuple[int, int]:
    """Return what all frames of a recording have in common: version, layer, sample rate."""
    return head[1] & 0xFE, head[2] & (0xFC if head[1] & 0x06 == 0 else 0x0C)


def mp3_info(frame: bytes) -> Mp3Info | None:
    """Read the header of an MP3 file from its first frame; None if that contains audio.

    It follows the frame's side information, whose size depends on version and channels.
    """
    if frame_kind(frame) != "mp3":
        return None
    if frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        frames = int.from_bytes(frame[_VBRI_AT + 14 : _VBRI_AT + 18])
        return Mp3Info(0, frames * frame_samples(frame) or None)
    newer, mono = frame[1] >> 3 & 3 != _MPEG_1, frame[3] >> 6 == _MONO
    at = 4 + _SIDE_INFO[newer][mono]
    if frame[at : at + 4] not in {b"Xing", b"Info"} or len(frame) < at + 8:
        return None
    flags, at = frame[at + 7], at + 8
    frames = int.from_bytes(frame[at : at + 4]) if flags & 1 else 0
    lame = frame[at + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) :]
    lame = lame[4 * (flags >> 3 & 1) :]
    samples = frames * frame_samples(frame)
    if lame[:4] not in {b"LAME", b"Lavf", b"Lavc"}:
        return Mp3Info(0, samples or None)
    packed = int.from_bytes(lame[21:24])
    delay, padding = packed >> 12, packed & 0xFFF
    kept = samples - delay - padding
    return Mp3Info(delay + _DECODER_DELAY, kept if kept > 0 else None)


def _id3_size(head: bytes) -> int:
    if max(head[6:10]) > 0x7F:  # noqa: PLR2004  seven bits per byte
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte
    footer = _ID3_HEAD if head[5] & 0x10 else 0
    return _ID3_HEAD + size + footer


def find_frame(data: bytes, stream: FrameKind) -> tuple[int, bool]:
    """Find the first frame of this codec, after possible junk, that another or a tag follows.

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
            alike = frame_kind(following) == stream and frame_shape(following) == frame_shape(head)
            if alike or tag_size(following) != 0:
                return at, True
        at = data.find(b"\xff", at + 1)
    return len(data), False
