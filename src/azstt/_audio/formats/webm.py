"""The relevant elements of WebM and Matroska, and how much of each to read. Pure.

Damage shows as unknown elements and implausible sizes.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.blocks import BLOCK_HEAD, is_laced
from azstt._audio.formats.ebml import Element, children, read_element, read_number

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIME, GROUP, SIMPLE = 0xE7, 0xA0, 0xA3
_TRACK, _NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
_SCALE, _DURATION, _DELAY, _BLOCK, _VOID = 0x2AD7B1, 0x4489, 0x56AA, 0xA1, 0xEC
_SEEK_HEAD, _CUES, _TAGS, _CHAPTERS, _ATTACHED = (
    0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469
)  # fmt: skip
_CRC, _POSITION, _PREVIOUS, _SILENT = 0xBF, 0xA7, 0xAB, 0x5854

#: Elements whose children are processed one by one.
ENTERED: Final = frozenset({SEGMENT, CLUSTER})
#: Returned by `bytes_wanted` for data that cannot be an element.
DAMAGED: Final = -1
#: Elements that are read completely; all others are skipped.
_READ: Final = frozenset({INFO, TRACKS, TIME})
#: The largest plausible size of each element, in bytes; blocks may contain pictures.
_MAX_SIZE: Final = {
    EBML: 1 << 10, INFO: 1 << 16, TRACKS: 1 << 20, TIME: 8, SIMPLE: 1 << 26, GROUP: 1 << 26,
    _SEEK_HEAD: 1 << 16, _CUES: 1 << 24, _TAGS: 1 << 24, _CHAPTERS: 1 << 24, _ATTACHED: 1 << 28,
    _VOID: 1 << 24, _CRC: 8, _POSITION: 8, _PREVIOUS: 8, _SILENT: 1 << 16,
}  # fmt: skip
#: The same after the first block: live streams have no padding, and damage may look like it.
_MAX_SIZE_LATER: Final = {**_MAX_SIZE, _VOID: 1 << 10}
#: The same for an audio block, and for the other elements of its group.
_MAX_AUDIO: Final = 1 << 17
#: The other elements of a block's group: duration, references, discard padding, void.
_GROUP_SIBLINGS: Final = frozenset({0x9B, 0xFA, 0xFB, 0xA4, 0x75A1, 0x75A2, _CRC, _VOID})
#: Bytes that include a block's track number and the beginning of its first packet.
_PEEK: Final = 13
#: How the content of a recording's header begins: with a field, a void or a CRC.
_HEADER_FIELDS: Final = frozenset({b"", b"\x42", b"\xec", b"\xbf"})
_AUDIO: Final = 2
_NANOSECOND: Final = 1e-9
_DEFAULT_SCALE: Final = 1_000_000
#: How numbers with a fraction are stored, by their size.
_FLOATS: Final = {4: ">f", 8: ">d"}
#: The longest plausible duration, in seconds.
_LONGEST: Final = 1e6


class Tracks(NamedTuple):
    """The tracks of a recording with one audio track, in Opus.

    Attributes:
        audio: the number of the audio track.
        numbers: the numbers of all tracks.
        head: the codec's setup data.
        delay: seconds by which the timestamps of the audio are late.
    """

    audio: int
    numbers: frozenset[int]
    head: bytes
    delay: float


class Info(NamedTuple):
    """What a recording says about itself.

    Attributes:
        tick: the unit of all timestamps, in seconds.
        seconds: its duration; None if it does not say.
    """

    tick: float = 1e-3
    seconds: float | None = None


def read_tracks(content: bytes | bytearray) -> Tracks | None:
    """Read the tracks; None unless there is exactly one audio track, in plain Opus."""
    try:
        tracks = [dict(children(body)) for name, body in children(content) if name == _TRACK]
    except ValueError:
        return None
    audio_tracks = [track for track in tracks if int.from_bytes(track.get(_KIND, b"")) == _AUDIO]
    if len(audio_tracks) != 1 or _ENCODINGS in audio_tracks[0]:
        return None
    codec, head = audio_tracks[0].get(_CODEC, b""), audio_tracks[0].get(_PRIVATE, b"")
    if codec.rstrip(b"\0") != b"A_OPUS" or not opus.channels(head):
        return None
    numbers = [int.from_bytes(track.get(_NUMBER, b"")) for track in (*audio_tracks, *tracks)]
    delay = int.from_bytes(audio_tracks[0].get(_DELAY, b"")) * _NANOSECOND
    return Tracks(numbers[0], frozenset(numbers), head, delay)


def read_info(content: bytes | bytearray) -> Info:
    """Read the unit of timestamps and the duration."""
    try:
        fields = dict(children(content))
    except ValueError:
        return Info()
    tick = (int.from_bytes(fields.get(_SCALE, b"")) or _DEFAULT_SCALE) * _NANOSECOND
    duration = fields.get(_DURATION, b"")
    if len(duration) not in _FLOATS:
        return Info(tick)
    (ticks,) = struct.unpack(_FLOATS[len(duration)], duration)
    return Info(tick, ticks * tick if 0 < ticks * tick < _LONGEST else None)


def bytes_wanted(
    data: bytes | bytearray, element: Element, tracks: Tracks | None, *, later: bool
) -> int:
    """Return how many bytes of an element's content are needed to process it.

    Args:
        data: the data so far, at least the element's header.
        element: the header.
        tracks: the recording's tracks, once they are known.
        later: whether there were blocks before.

    Returns:
        0 for elements that are entered or skipped; `DAMAGED` for data that cannot be an element.
    """
    name, start, size = element
    if name in ENTERED:
        return 0
    if size is None or size > (_MAX_SIZE_LATER if later else _MAX_SIZE).get(name, DAMAGED):
        return DAMAGED
    if name == SIMPLE:
        return _block_bytes_wanted(data, start, size, tracks)
    if name == GROUP:
        return _group_bytes_wanted(data, start, size, tracks)
    if name == EBML and tracks is not None:
        # Another recording, unless it is damage that looks like the beginning of one.
        return 1 if size and bytes(data[start : start + 1]) in _HEADER_FIELDS else DAMAGED
    return size if name in _READ else 0


def _group_bytes_wanted(
    data: bytes | bytearray, start: int, size: int, tracks: Tracks | None
) -> int:
    """Return how much of a group is needed; its block usually comes first."""
    first = read_element(data, start)
    if first is None:
        return min(size, _PEEK)
    if first.id != _BLOCK or first.size is None:
        return size if first.id in _GROUP_SIBLINGS and size <= _MAX_AUDIO else DAMAGED
    if not 0 <= size - (first.end - start) <= _MAX_AUDIO:
        return DAMAGED
    block = _block_bytes_wanted(data, first.start, first.size, tracks)
    if block <= 0:
        return block
    return size if block == first.size else first.start - start + block


def _block_bytes_wanted(
    data: bytes | bytearray, start: int, size: int, tracks: Tracks | None
) -> int:
    """Return how much of a block is needed: nothing if it is of another track."""
    peek = min(size, _PEEK)
    head = data[start : start + peek]
    if len(head) < peek:
        return peek
    number, at = read_number(head, 0) or (None, 0)
    at += BLOCK_HEAD
    if tracks is None or number not in tracks.numbers or size < at:
        return DAMAGED
    if number != tracks.audio:
        return 0
    plausible = is_laced(head[at - 1]) or opus.is_plausible(size - at, head[at : at + 2])
    return size if plausible and size <= _MAX_AUDIO else DAMAGED
