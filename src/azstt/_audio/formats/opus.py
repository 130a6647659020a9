"""What Opus packets tell without being decoded (RFC 6716, 7845). Pure."""

from __future__ import annotations

from typing import Final

#: Opus counts at this rate, whatever was recorded.
RATE: Final = 48_000
#: The longest packet, in samples.
_LONGEST: Final = 5_760
#: Bytes of the longest frame, and of what a packet says of each.
_MOST_A_FRAME: Final = 1_275 + 2
#: Samples a frame by the packet's configuration: SILK, both, CELT.
_SAMPLES: Final = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
#: Frames by the packet's code; those of the last one are counted in the second byte.
_FRAMES: Final = (1, 2, 2, 0)
_COUNT, _PADDED = 0x3F, 0x40
_HEAD: Final = b"OpusHead"


def samples(packet: bytes | bytearray) -> int:
    """Give how many samples a packet holds; 0 if it contradicts itself."""
    if not packet:
        return 0
    total = _frames(packet) * _SAMPLES[packet[0] >> 3]
    return total if total <= _LONGEST else 0


def is_plausible(size: int, beginning: bytes | bytearray) -> bool:
    """Tell whether a packet of this size may begin with these bytes, two if it has them."""
    if not samples(beginning):
        return False
    if size <= _MOST_A_FRAME:
        return True
    padded = not _FRAMES[beginning[0] & 3] and bool(beginning[1] & _PADDED)
    return padded or size <= 2 + _frames(beginning) * _MOST_A_FRAME


def channels(head: bytes) -> int:
    """Give the channels of a setup of the plain kind, mono or stereo; 0 of any other."""
    plain = len(head) >= 19 and head.startswith(_HEAD) and head[8] < 16 and head[18] == 0  # noqa: PLR2004  the fields' places
    return head[9] if plain and head[9] in {1, 2} else 0


def _frames(packet: bytes | bytearray) -> int:
    return _FRAMES[packet[0] & 3] or (packet[1] & _COUNT if len(packet) > 1 else 0)
