"""Tell whether a file was cut off: whether its last page, frame, block or box is whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from azstt._audio.formats.damage import Look
from azstt._audio.formats.ebml import read_element, read_number
from azstt._audio.formats.mpeg import FRAME_HEAD, find_frame, frame_ends, tag_size
from azstt._audio.formats.units import ac3_size

#: Bytes at the end that are searched for the last page or frame, and for Matroska's last cluster.
_TAIL, _CLUSTER_TAIL = 1 << 17, 1 << 22
#: The same for MP3 and AAC: four of the largest frames.
_FRAMES: Final = 1 << 15
_SEGMENT, _CLUSTER, _TIME, _SCALE = 0x18538067, 0x1F43B675, 0xE7, b"\x2a\xd7\xb1\x83"
_BLOCK_GROUP, _BLOCKS = 0xA0, frozenset({0xA1, 0xA3})
#: Start codes of MPEG-PS on the system layer; the first ends the program, the second is a header.
_START_CODE: Final = re.compile(rb"\x00\x00\x01([\xb9-\xef])")
_PROGRAM_END, _PACK = 0xB9, 0xBA
_FILE_PROPERTIES: Final = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
#: Sizes of MPEG-TS packets, and how many bytes of the next one come before its sync byte.
_TS_PACKETS: Final = ((188, 0), (192, 188), (204, 0))
#: Bytes of an AC-3 frame's header, and its sync word.
_AC3_HEAD, _AC3_SYNC = 6, b"\x0b\x77"
#: Bytes of a box's header, of an FLV tag's, and of an Ogg page's without its sizes.
_BOX, _TAG, _PAGE = 8, 11, 27
#: An FLV tag with audio.
_AUDIO_TAG = 8
#: An Ogg page's flags; and bytes of a file that include the beginning of its second page.
_FIRST_PAGE, _LAST_PAGE, _HEAD = 2, 4, 4096


class End(NamedTuple):
    """How a file ends.

    Attributes:
        cut: whether it ends in the middle of something; None if that cannot be told.
        time: the time of the last block, in seconds; None if unknown.
        open: whether the length that libav tells is only that of what is there.
        samples: how many samples the whole file has, if its end tells that.
        broken: whether damage was met before the end.
        last: the place of the last audio tag in an FLV file; None if unknown.
    """

    cut: bool | None = None
    time: float | None = None
    open: bool = False
    samples: int | None = None
    broken: bool = False
    last: int | None = None


def find_end(container: str, look: Look, size: int) -> End:
    """Look at the end of a file.

    Args:
        container: libav's name for the format.
        look: reads the source; out of its reach is what a stream had before.
        size: number of bytes of the source.
    """
    if container.startswith("matroska"):
        return _matroska(look, size)
    if container == "mov,mp4,m4a,3gp,3g2,mj2":
        return _iso(look, size)
    if container == "ogg":
        return _ogg(look, size)
    if container == "flv":
        return _flv(look, size)
    check = _CHECKS.get(container)
    return End() if check is None else End(check(look, size))


def _matroska(look: Look, size: int) -> End:
    head = look(0, 4096)
    scale = head.find(_SCALE)
    nanoseconds = int.from_bytes(head[scale + 4 : scale + 7]) if scale >= 0 else 1_000_000
    cut = False
    first = read_element(head, 0)
    segment = first and read_element(head, first.end)
    if segment is not None and segment.id == _SEGMENT and segment.size is not None:
        cut = segment.end > size
    tail = look(max(0, size - _CLUSTER_TAIL), _CLUSTER_TAIL) or look(max(0, size - _TAIL), _TAIL)
    at, base, last = tail.rfind(_CLUSTER.to_bytes(4)), 0, None
    if at < 0:
        return End(cut)
    while at < len(tail):
        element = read_element(tail, at)
        if element is None:
            return End(True, last)
        if not element.id:
            return End(cut or None, last)
        if element.id == _TIME:
            base = int.from_bytes(tail[element.start : element.end])
        elif element.id in _BLOCKS and (track := read_number(tail, element.start)) is not None:
            offset = int.from_bytes(tail[track[1] : track[1] + 2], signed=True)
            last = max(last or 0.0, (base + offset) * nanoseconds / 1e9)
        if element.size is not None and element.end > len(tail):
            return End(True, last)
        at = element.start if element.id in {_CLUSTER, _BLOCK_GROUP} else element.end
    return End(cut, last)


def _ogg(look: Look, size: int) -> End:
    tail = look(max(0, size - _TAIL), _TAIL)
    at = tail.rfind(b"OggS")
    if at < 0:
        return End(open=True)
    end = _page_end(tail, at)
    cut = end is None or end > len(tail) or not tail[at + 5] & _LAST_PAGE
    head = look(0, _HEAD)
    second = _page_end(head, 0)
    others = second is None or head[second + 5 : second + 6] == bytes([_FIRST_PAGE])
    if cut or others or head[14:18] != tail[at + 14 : at + 18]:
        return End(cut, open=True)
    return End(cut, open=True, samples=int.from_bytes(tail[at + 6 : at + 14], "little"))


def _page_end(data: bytes, at: int) -> int | None:
    """Return where an Ogg page ends; None if its header is incomplete."""
    sizes = at + _PAGE
    if len(data) < sizes or len(data) < sizes + data[sizes - 1]:
        return None
    lacing = data[sizes : sizes + data[sizes - 1]]
    return sizes + len(lacing) + sum(lacing)


def _frames(look: Look, size: int, kind: str) -> bool | None:
    """Follow the last MP3 or AAC frames."""
    tail = look(max(0, size - _FRAMES), _FRAMES)
    at, certain = find_frame(tail, "aac" if kind == "aac" else "mp3")
    if not certain:
        return None
    at += frame_ends(tail[at:])[-1]
    rest = tail[at:]  # a frame's first bytes; or a tag, padding, or damage
    return at > len(tail) or (0 < len(rest) < FRAME_HEAD and not tag_size(rest))


def _ac3(look: Look, size: int) -> bool | None:
    tail = look(max(0, size - _TAIL), _TAIL)
    at = tail.find(_AC3_SYNC)
    while at >= 0:
        length = ac3_size(tail[at : at + _AC3_HEAD])
        if length and tail[at + length : at + length + 2] == _AC3_SYNC:
            break
        at = tail.find(_AC3_SYNC, at + 1)
    while 0 <= at < len(tail):
        length = ac3_size(tail[at : at + _AC3_HEAD])
        if not length:
            return len(tail) - at < _AC3_HEAD
        at += length
    return at > len(tail) if at >= 0 else None


def _flv(look: Look, size: int) -> End:
    """Go back from tag to tag, up to the last one with audio."""
    end = size
    while size - end < _TAIL:
        last = int.from_bytes(look(end - 4, 4))
        at = end - 4 - last
        tag = look(at, 4) if last >= _TAG and at > 0 else b"\0"
        if not tag:
            return End()  # out of reach
        if int.from_bytes(tag[1:4]) + _TAG != last:
            return End(end == size, broken=True)
        if tag[0] == _AUDIO_TAG:
            return End(cut=False, last=at)
        end = at
    return End(cut=False)


def _mpegts(look: Look, size: int) -> bool | None:
    tail = look(max(0, size - 2048), 2048)
    for packet, after in _TS_PACKETS:
        for at in range(packet):
            if (marks := tail[at::packet]) == b"\x47" * len(marks):
                return (len(tail) - at) % packet != after
    return None


def _mpeg(look: Look, size: int) -> bool | None:
    tail = look(max(0, size - _TAIL), _TAIL)
    codes = list(_START_CODE.finditer(tail))
    if not codes:
        return None
    at = codes[-1].end()
    if tail[at - 1] in {_PROGRAM_END, _PACK}:
        return False
    return at + 2 > len(tail) or at + 2 + int.from_bytes(tail[at : at + 2]) > len(tail)


def _avi(look: Look, size: int) -> bool | None:
    at = 0
    while at + 8 <= size and (head := look(at, 8)).startswith(b"RIFF"):
        length = int.from_bytes(head[4:], "little")
        if not length:
            return True  # never finished
        at += 8 + length
    return at > size + 1 if at else None


def _asf(look: Look, size: int) -> bool | None:
    head = look(0, 4096)
    at = head.find(_FILE_PROPERTIES)
    stated = int.from_bytes(head[at + 40 : at + 48], "little") if at >= 0 else 0
    streamed = head[at + 88] & 1 if 0 <= at < len(head) - 88 else 1
    return None if streamed or not stated else stated > size


def _iso(look: Look, size: int) -> End:
    at, fragments = 0, False
    while at + _BOX <= size:
        head = look(at, 16)
        length, kind = int.from_bytes(head[:4]), head[4:8]
        fragments = fragments or kind == b"moof"
        if length == 1:
            length = int.from_bytes(head[8:])
        if not length and kind.isalnum():
            return End(cut=False, open=fragments)  # up to the end
        if length < _BOX or not kind.isascii() or not kind.strip(b"\0"):
            return End(open=fragments, broken=bool(head))  # or out of reach
        at += length
    return End(at > size, open=fragments)


def _wavpack(look: Look, size: int) -> bool | None:
    tail = look(max(0, size - _CLUSTER_TAIL), _CLUSTER_TAIL) or look(max(0, size - _TAIL), _TAIL)
    at = tail.rfind(b"wvpk")
    return None if at < 0 else at + 8 + int.from_bytes(tail[at + 4 : at + 8], "little") > len(tail)


_CHECKS: Final[dict[str, Callable[[Look, int], bool | None]]] = {
    "mp3": lambda look, size: _frames(look, size, "mp3"),
    "aac": lambda look, size: _frames(look, size, "aac"),
    "ac3": _ac3,
    "mpegts": _mpegts,
    "mpeg": _mpeg,
    "avi": _avi,
    "asf": _asf,
    "wv": _wavpack,
}
