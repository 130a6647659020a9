"""Read the duration that a container's header states where libav does not. Pure."""

from __future__ import annotations

import struct

#: The GUID of a Wave64 file's samples, and of an ASF file's properties.
_W64_DATA = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
#: FLV's name for the duration, with the mark of a number.
_FLV_DURATION = b"\x08duration\x00"


def stated_seconds(container: str, head: bytes, bit_rate: int) -> float | None:
    """Return the duration according to the first bytes; None if they do not state it.

    Args:
        container: libav's name for the format.
        head: the first few KB.
        bit_rate: the track's, in bits per second.
    """
    if container == "w64" and bit_rate and (at := head.find(_W64_DATA)) >= 0:
        return (int.from_bytes(head[at + 16 : at + 24], "little") - 24) * 8 / bit_rate
    if container == "asf" and 0 <= (at := head.find(_ASF_PROPERTIES)) <= len(head) - 92:
        play, _, preroll, flags = struct.unpack_from("<QQQI", head, at + 64)
        return None if flags & 1 else play / 1e7 - preroll / 1e3
    if container == "flv" and 0 <= (at := head.find(_FLV_DURATION)) <= len(head) - 18:
        return float(struct.unpack_from(">d", head, at + 10)[0])
    return None
