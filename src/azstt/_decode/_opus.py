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
_HEAD: Final = b"OpusHead"


def samples(packet: bytes) -> int:
    """Give how many samples a packet holds; 0 if it contradicts itself."""
    frames = _frames(packet)
    total = frames * _SAMPLES[packet[0] >> 3] if frames else 0
    return total if total <= _LONGEST else 0


def can_be(size: int, beginning: bytes) -> bool:
    """Tell whether a packet of this size may begin with these bytes, two if it has them."""
    if not samples(beginning):
        return False
    padded = beginning[0] & 3 == 3 and bool(beginning[1] & 0x40)  # noqa: PLR2004  RFC 6716, 3.2.5
    return padded or size <= 2 + _frames(beginning) * _MOST_A_FRAME


def channels(head: bytes) -> int:
    """Give the channels of a setup of the plain kind, mono or stereo; 0 of any other."""
    plain = len(head) >= 19 and head.startswith(_HEAD) and head[8] < 16 and head[18] == 0  # noqa: PLR2004  the fields' places
    return head[9] if plain and head[9] in {1, 2} else 0


def _frames(packet: bytes) -> int:
    code = packet[0] & 3 if packet else 0
    if code < 3:  # noqa: PLR2004  code 3 counts its frames in the second byte
        return (1 if code == 0 else 2) if packet else 0
    return packet[1] & 0x3F if len(packet) > 1 else 0
