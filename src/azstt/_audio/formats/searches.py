"""Search a file or stream for the recording that follows another one. Pure.

A search is a generator that asks for bytes, so that it serves files and streams alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Generator
from typing import Final, NamedTuple, TypeAlias

from azstt._audio.formats.mpeg import frame_kind, tag_size
from azstt._audio.formats.units import BARE, HEAD, MANY, Unit, count_units

#: Bytes that are searched at once.
WINDOW: Final = 1 << 18
#: How far behind a recording another one is looked for, where something else follows it.
_JUNK: Final = 1 << 20
#: Bytes behind a recording that are worth telling, if they are that share of it.
_LEAST, _SHARE = 2048, 0.01
#: The largest frame that is taken for one in the middle of other bytes.
_LARGEST: Final = 1 << 13
#: How formats begin that can be told by a few bytes.
_BEGINS: Final = re.compile(
    rb"(?:RIFF|RIFX|RF64|BW64)....(?:WAVE|AVI )|FORM....AIF[FC]|caff\0\x01\0\0|"
    rb"riff\x2e\x91\xcf\x11|fLaC[\0\x80]\0\0\x22|OggS\0[\x02\x06].{6}|\0\0..ftyp[ -~]{4}|"
    rb"\.snd\0\0..|\x1a\x45\xdf\xa3(?:[\x80-\xbf]|\x01.{7}|\x10.{3})(?:\x42|\xec|\xbf)|"
    rb"wvpk.{5}\x04|TTA[12][\x01-\x03]\0|MAC .\x0f\0\0|#!AMR(?:-WB)?\n|FLV\x01[\0-\x07]\0\0\0\x09|"
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9|\.RMF\0\0\0\x12|nut/multimedia|Creative Voice|"
    rb"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02|DSD \x1c\0\0\0|MPCKSH|MP\+[\x07\x17]|tBaK|"
    rb"\0\0\x01\xba(?:[\x44-\x7f].{9}|[\x21-\x2f].{7})\0\0\x01",
    re.DOTALL,
)
#: Where one may begin. No look-behind: with one, a pattern is tried at each byte.
_MARKS: Final = re.compile(
    rb"R(?:I(?:FF.{4}WAVE|FF.{4}AVI |FX)|F64)|BW64|FORM.{4}AIF|caff\0|riff\x2e|fLaC|OggS\0|"
    rb"ftyp|\x01\xba|\.(?:snd\0|RMF)|\x1a\x45\xdf\xa3|ID3[\x02-\x04]\0|wvpk|TTA[12]|#!AMR|"
    rb"M(?:AC |PCK|P\+)|FLV\x01|\x30\x26\xb2\x75|nut/m|Creative|\x06\x0e\x2b\x34|DSD |tBaK",
    re.DOTALL,
)
#: Bytes of one before some marks.
_BEFORE: Final = {b"ftyp": 4, b"\x01\xba": 2}
_ID3: Final = re.compile(rb"ID3[\x02-\x04]\0[\0\x40\x80][\0-\x7f]{4}")
_LYRICS: Final = re.compile(rb"LYRICSBEGIN.*?LYRICS(?:200|END)", re.DOTALL)
PAGE: Final = b"OggS\0"


class Ask(NamedTuple):
    """What a scan wants to see next; all bytes before it belong to the recording.

    Attributes:
        at: a place in the recording.
        least: how many bytes it needs from there; it gets fewer only at the end of the source, and
            none of those that a stream has passed.
        most: how many it can use.
    """

    at: int
    least: int
    most: int = 0


class Following(NamedTuple):
    """Where the next recording begins.

    Attributes:
        at: its place, counted from the beginning of this one.
        prefix: bytes that belong before it, if it has no header of its own.
    """

    at: int
    prefix: bytes = b""


#: Yields what it wants to see, is sent these bytes, and returns what follows.
Scan: TypeAlias = Generator[Ask, bytes, Following | None]


def begins(head: bytes) -> bool:
    """Return whether a recording that has a magic number begins here."""
    return _BEGINS.match(head) is not None


def past(begin: int, at: int) -> Scan:
    """Look behind a recording that says where it ends; inside, if it was cut off before.

    Args:
        begin: where its audio begins.
        at: where it ends.
    """
    found = yield from after(at)
    if found is None and ((yield Ask(at, 1)) or (yield Ask(at - 1, 1))):
        return None
    if found is not None and found.at == at:
        return found
    # It was cut off, or junk is behind it. What a stream has passed cannot be searched any more.
    # Its own media may be frames.
    return (yield from search(begin + 1, end=at, bare=False)) or found


def after(at: int) -> Scan:
    """Look for a recording right after the end of one: behind tags, zeros and other junk.

    Much junk without a recording behind it is a recording that nothing can read.
    """
    end, junk = at, 0
    while at - end < _JUNK:
        data = yield Ask(at, HEAD, WINDOW)
        if size := tag_size(data[:HEAD]):
            # An ID3 tag may also begin the next recording: what follows it decides.
            if (yield from _is_tagged(at, data)):
                return Following(at)
            at += size
        elif lyrics := _LYRICS.match(data):
            at += lyrics.end()
        elif begins(data) or (yield from _are_units(at, data)):
            return Following(at)
        elif len(data) < HEAD:
            break
        else:
            found = _first(data, 1)
            size = len(data) - HEAD + 1 if found is None else found
            junk += len(data[:size].strip(b"\0"))
            at += size
    return Following(at) if junk > max(_LEAST, _SHARE * end) else None


def search(at: int, own: Unit | None = None, *, end: float = math.inf, bare: bool = True) -> Scan:
    """Look for a recording among bytes whose structure is unknown.

    Args:
        at: where to begin.
        own: this recording's units: where two of them follow one another, it goes on. Where it
            does not, what follows is found at the end, unless it is little.
        end: where to stop.
        bare: whether to look also for frames and packets that have nothing before them.
    """
    kinds = BARE if bare else ()
    kinds = kinds if own is None or own in kinds else (own, *kinds)
    begin, junk = at, 0
    while at < end:
        # What begins before the end, and not more: a stream passes what was searched.
        data = yield Ask(at, HEAD, int(min(WINDOW, end - at + HEAD - 1)))
        if len(data) < HEAD:
            is_much = own is not None and junk > max(_LEAST, _SHARE * begin)
            return Following(at) if is_much and at < end else None
        if begins(data) or (yield from _is_tagged(at, data)):
            return Following(at)
        for unit in kinds:
            if unit.mark.match(data) and (
                yield from _are_units(at, data, (unit,), 2 if unit is own else MANY)
            ):
                return Following(at)
        found = _first(data, 1, kinds)
        size = len(data) - HEAD + 1 if found is None else found
        junk += len(data[:size].strip(b"\0"))
        at += size
    return None


def _first(data: bytes, start: int, kinds: tuple[Unit, ...] = BARE) -> int | None:
    """Return the first place where a recording may begin; None if there is none."""
    places: list[int] = []
    for mark in _MARKS.finditer(data, start):
        place = mark.start() - _BEFORE.get(mark[0], 0)
        if place >= start and (begins(data[place : place + HEAD]) or _ID3.match(data, place)):
            places.append(place)
            break
    limit = places[0] if places else len(data) - HEAD + 1
    for unit in kinds:
        for mark in unit.mark.finditer(data, start):
            if (place := mark.start()) >= limit:
                break
            count, after_them = count_units(unit, data, place, 2)
            if count == 2 or (count == 1 and len(data) - unit.head < after_them < place + _LARGEST):  # noqa: PLR2004
                limit = place
                places.append(place)
                break
    return min(places, default=None)


def _are_units(
    at: int, data: bytes, kinds: tuple[Unit, ...] = BARE, least: int = 2
) -> Generator[Ask, bytes, bool]:
    """Return whether frames or packets begin here, which need nothing before them.

    Args:
        at: the place.
        data: the bytes there.
        kinds: the kinds to look for.
        least: how many have to follow one another.
    """
    for unit in kinds:
        count, end = count_units(unit, data, 0, least)
        while 0 < count < least and end + unit.head > len(data):
            size = len(data)
            data = yield Ask(at, max(end + unit.head, HEAD), WINDOW)
            count, end = count_units(unit, data, 0, least)
            if len(data) <= size:
                break
        if count == least:
            return True
    return False


def _is_tagged(at: int, data: bytes) -> Generator[Ask, bytes, bool]:
    """Return whether a recording begins here with an ID3 tag."""
    if not _ID3.match(data):
        return False
    size = tag_size(data[:HEAD]) or 0
    data = yield Ask(at, size + HEAD)
    return frame_kind(data[size:]) is not None or data.startswith(b"fLaC", size)
