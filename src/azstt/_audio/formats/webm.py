"""The elements of WebM and Matroska that matter, and how much of each is wanted. Pure.

Damage shows in elements that nobody knows, and in sizes that nothing honest has.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from azstt._audio.formats import opus
from azstt._audio.formats.blocks import BLOCK_HEAD, is_laced
from azstt._audio.formats.ebml import Element, children, read_element, read_number

EBML, SEGMENT, INFO, TRACKS, CLUSTER = 0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
TIME, GROUP, SIMPLE = 0xE7, 0xA0, 0xA3
_TRACK, _NUMBER, _KIND, _CODEC, _PRIVATE, _ENCODINGS = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x6D80
_SCALE, _BLOCK, _VOID = 0x2AD7B1, 0xA1, 0xEC
_SEEK_HEAD, _CUES, _TAGS, _CHAPTERS, _ATTACHED = (
    0x114D9B74, 0x1C53BB6B, 0x1254C367, 0x1043A770, 0x1941A469
)  # fmt: skip
_CRC, _POSITION, _PREVIOUS, _SILENT = 0xBF, 0xA7, 0xAB, 0x5854

#: What is entered: what it holds comes next.
ENTERED: Final = frozenset({SEGMENT, CLUSTER})
#: How much is wanted of what can be no element.
DAMAGED: Final = -1
#: What is read whole; all else is passed by.
_READ: Final = frozenset({INFO, TRACKS, TIME})
#: How many bytes an element may honestly have; blocks may hold pictures.
_MAX_SIZE: Final = {
    EBML: 1 << 10, INFO: 1 << 16, TRACKS: 1 << 20, TIME: 8, SIMPLE: 1 << 26, GROUP: 1 << 26,
    _SEEK_HEAD: 1 << 16, _CUES: 1 << 24, _TAGS: 1 << 24, _CHAPTERS: 1 << 24, _ATTACHED: 1 << 28,
    _VOID: 1 << 24, _CRC: 8, _POSITION: 8, _PREVIOUS: 8, _SILENT: 1 << 16,
}  # fmt: skip
#: The same once blocks have come: live there is no padding, and damage may look like it.
_MAX_SIZE_LATER: Final = {**_MAX_SIZE, _VOID: 1 << 10}
#: The same of a block of sound, and of what else is in its group.
_MAX_AUDIO: Final = 1 << 17
#: What else is in a block's group: its length, what it refers to, what is to be left out, padding.
_GROUP_SIBLINGS: Final = frozenset({0x9B, 0xFA, 0xFB, 0xA4, 0x75A1, 0x75A2, _CRC, _VOID})
#: Bytes that show whose a block is, and how its first packet begins.
_PEEK: Final = 13
#: How the content of a recording's header begins: with a field, padding or a sum.
_HEADER_FIELDS: Final = frozenset({b"", b"\x42", b"\xec", b"\xbf"})
_AUDIO: Final = 2
_NANOSECOND: Final = 1e-9
_DEFAULT_SCALE: Final = 1_000_000


class Tracks(NamedTuple):
    """The tracks of a recording with one of sound, in Opus.

    Attributes:
        sound: its number.
        numbers: those of all tracks.
        head: its codec's setup.
    """

    audio: int
    numbers: frozenset[int]
    head: bytes


def read_tracks(content: bytes | bytearray) -> Tracks | None:
    """Read the tracks; None unless there is one of sound, in Opus, and nothing special about it."""
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
    return Tracks(numbers[0], frozenset(numbers), head)


def read_tick(info: bytes | bytearray) -> float:
    """Read how many seconds the unit of all times lasts."""
    try:
        scale = dict(children(info)).get(_SCALE, b"")
    except ValueError:
        scale = b""
    return (int.from_bytes(scale) or _DEFAULT_SCALE) * _NANOSECOND


def bytes_wanted(
    data: bytes | bytearray, element: Element, tracks: Tracks | None, *, later: bool
) -> int:
    """Tell how many bytes of an element's content are wanted before it is dealt with.

    Args:
        data: what there is, the element's header at least.
        element: the header.
        tracks: the recording's, once they are known.
        later: whether blocks have come.

    Returns:
        0 for what is entered or passed by; `DAMAGED` for what can be none.
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
        # Another recording, unless damage looks like the beginning of one.
        return 1 if size and bytes(data[start : start + 1]) in _HEADER_FIELDS else DAMAGED
    return size if name in _READ else 0


def _group_bytes_wanted(
    data: bytes | bytearray, start: int, size: int, tracks: Tracks | None
) -> int:
    """Tell how much of a group is wanted; its block comes first, but in odd ones."""
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
    """Tell how much of a block is wanted: nothing of a picture."""
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
    sound = is_laced(head[at - 1]) or opus.is_plausible(size - at, head[at : at + 2])
    return size if sound and size <= _MAX_AUDIO else DAMAGED
