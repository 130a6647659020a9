"""Detect a stream's container from its first bytes. Pure."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from azstt._audio.formats.mpeg import frame_ends, frame_kind, frame_shape
from azstt._audio.formats.sniff import describe, is_iso
from azstt._audio.formats.walks import WALKS

#: The containers that may be declared; ``"auto"`` detects it from the first bytes.
Container: TypeAlias = Literal["auto", "webm", "ogg", "mp4", "mp3", "aac", "flac", "wav"]

#: How many bytes detection needs.
HEAD_SIZE: Final = 12
_MAGIC: Final[dict[bytes, Container]] = {
    b"\x1a\x45\xdf\xa3": "webm",
    b"OggS": "ogg",
    b"fLaC": "flac",
}
#: Plain WAV files, and their variants for large files and big-endian numbers.
_WAVES: Final = frozenset({b"RIFF", b"RF64", b"BW64", b"RIFX"})
#: Formats that may begin with an ID3 tag.
_TAGGED: Final = frozenset({"mp3", "aac", "flac"})
#: Frames in a row that are no coincidence.
_PROOF: Final = 3
#: Bytes of an ID3 tag's header after its name, and what its size's bytes are below.
_TAG_FIELDS, _SEVEN_BITS = 7, 0x80
#: Formats that may begin in the middle of a frame.
_FRAMED: Final = frozenset({"mp3", "aac"})


def container_of(head: bytes) -> Container | None:
    """Return a stream's container; None if it is another one, or begins with a tag."""
    if (found := _MAGIC.get(head[:4])) is not None:
        return found
    if head[:4] in _WAVES and head[8:12] == b"WAVE":
        return "wav"
    if is_iso(head):
        return "mp4"
    stream = frame_kind(head)
    return None if stream == "other" else stream


def is_tagged(head: bytes) -> bool:
    """Return whether a stream begins with an ID3 tag."""
    return head.startswith(b"ID3")


def declares_itself(head: bytes) -> str | None:
    """Return the container that raw samples certainly do not begin like by chance; else None.

    Four fixed bytes are proof. The frames of MP3 and AAC begin with 11 bits, which samples have
    too: proof are three frames, each where the one before it ends, and no such bytes between them.

    Args:
        head: the first bytes: `HEAD_SIZE` for most containers, 4 KB for frames.
    """
    if is_tagged(head):
        # Version 2.2 to 2.4, and a size of seven bits per byte.
        tag = head[3:10]
        sound = len(tag) == _TAG_FIELDS and 2 <= tag[0] <= 4 and not tag[1]  # noqa: PLR2004
        return "mp3" if sound and max(tag[3:]) < _SEVEN_BITS else None
    found = container_of(head)
    if found is None and len(head) >= HEAD_SIZE and any(map(head.startswith, WALKS)):
        return "another container"
    if found not in _FRAMED:
        return found
    frames = len(frame_ends(head, frame_shape(head)))
    return found if frames >= _PROOF and head.count(head[:3]) <= frames + 1 else None


def can_be(container: Container, head: bytes) -> bool:
    """Return whether a stream with these first bytes can be in the declared container."""
    found = container_of(head)
    if found is not None or container == "auto":
        return container in {found, "auto"}
    if is_tagged(head):
        return container in _TAGGED
    return container in _FRAMED and describe(head) is None and head[:4] not in _WAVES
