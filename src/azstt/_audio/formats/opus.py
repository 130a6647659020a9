"""Read Opus packet headers without decoding (RFC 6716, 7845). Pure."""

from __future__ import annotations

from typing import Final

#: Opus counts samples at this rate, whatever the recording's rate was.
RATE: Final = 48_000
#: The shortest and the longest packet, in samples.
SHORTEST: Final = 120
_LONGEST: Final = 5_760
#: The largest frame, in bytes, plus two for its size.
_MAX_FRAME: Final = 1_275 + 2
#: Samples per frame by the packet's configuration: SILK, hybrid, CELT.
_SAMPLES: Final = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
#: Frames by the packet's code; for the last code, the second byte has the count.
_FRAMES: Final = (1, 2, 2, 0)
_COUNT, _PADDED = 0x3F, 0x40
_HEAD: Final = b"OpusHead"


def samples(packet: bytes | bytearray) -> int:
    """Return how many samples a packet contains; 0 if it is invalid."""
    if not packet:
        return 0
    total = _frames(packet) * _SAMPLES[packet[0] >> 3]
    return total if total <= _LONGEST else 0


def is_plausible(size: int, beginning: bytes | bytearray) -> bool:
    """Return whether a packet of this size may begin with these bytes (two, if it has them)."""
    if not samples(beginning):
        return False
    if size <= _MAX_FRAME:
        return True
    padded = not _FRAMES[beginning[0] & 3] and bool(beginning[1] & _PADDED)
    return padded or size <= 2 + _frames(beginning) * _MAX_FRAME


def channels(head: bytes) -> int:
    """Return the number of channels in a plain mono or stereo setup; 0 for any other setup."""
    plain = len(head) >= 19 and head.startswith(_HEAD) and head[8] < 16 and head[18] == 0  # noqa: PLR2004  field offsets
    return head[9] if plain and head[9] in {1, 2} else 0


def _frames(packet: bytes | bytearray) -> int:
    return _FRAMES[packet[0] & 3] or (packet[1] & _COUNT if len(packet) > 1 else 0)
