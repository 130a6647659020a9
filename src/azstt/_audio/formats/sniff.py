"""Identify files that are not audio, and some properties of audio files, by first bytes. Pure."""

from __future__ import annotations

#: The first bytes of a file, and what they mean.
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"%PDF-", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"{\\rtf", "an RTF document"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Microsoft Office document"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a Windows program"),
    (b"\xca\xfe\xba\xbe", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"MThd", "a MIDI file, which contains notes but no sound"),
    (b"wOFF", "a font"),
    (b"wOF2", "a font"),
    (b"\x00asm", "a WebAssembly module"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x93NUMPY", "a NumPy array"),
)
#: ZIP-based formats, by a file name near the beginning of the archive.
_ZIPS: tuple[tuple[bytes, str], ...] = (
    (b"word/", "a Word document"),
    (b"xl/", "an Excel workbook"),
    (b"ppt/", "a PowerPoint presentation"),
    (b"opendocument", "an OpenDocument file"),
    (b"epub+zip", "an EPUB book"),
)
#: Text formats, by their beginning in lower case.
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<svg", "an SVG image"),
    (b"<?xml", "an XML document"),
    (b"#extm3u", "a playlist, not the audio that it lists"),
    (b"[playlist]", "a playlist, not the audio that it lists"),
    (b"ffconcat version", "a playlist, not the audio that it lists"),
    (b"webvtt", "WebVTT captions"),
    (b"v=0", "an SDP session description"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file itself"),
    (b"data:", "a data URL; decode it first"),
)
#: ISO files that are images, by their brand.
_PICTURES = {b"avif": "an AVIF image", b"heic": "a HEIC image", b"mif1": "a HEIF image"}


def describe(head: bytes) -> str | None:
    """Return what a file is if its first bytes show that it is not audio; otherwise None."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP image"
    if head[4:8] == b"ftyp" and head[8:12] in _PICTURES:
        return _PICTURES[head[8:12]]
    if head[:4] == b"PK\x03\x04":
        return next((name for mark, name in _ZIPS if mark in head), "a ZIP archive")
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return _describe_text(head)


def _describe_text(head: bytes) -> str | None:
    head = head.removeprefix(b"\xef\xbb\xbf")
    start = head.lstrip()[:32].lower()
    for mark, name in _TEXTS:
        if start.startswith(mark):
            return name
    if head[:1] in {b"{", b"["} and is_text(head):
        return "JSON text"
    return "text" if is_text(head) else None


def is_text(head: bytes) -> bool:
    """Return whether this is text, cut anywhere: UTF-8, UTF-16 or mostly ASCII.

    There are no control characters in it.
    """
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = head[: len(head) & ~1].decode("utf-16", "replace")
    else:
        try:
            text = head.decode()
        except UnicodeDecodeError as error:
            if error.reason != "unexpected end of data":
                return _is_old_text(head)
            text = head[: error.start].decode()
    return bool(text) and all(c.isprintable() or c in "\t\n\r\f\x1b" for c in text)


def _is_old_text(head: bytes) -> bool:
    """Return whether this is text in an 8-bit encoding of a language with Latin letters."""
    plain = head.translate(None, _NOT_ASCII)
    return len(plain) > 0.8 * len(head) > _LEAST_TEXT and not plain.translate(None, _PRINTABLE)


#: Bytes from which old text is told from noise.
_LEAST_TEXT = 64
_NOT_ASCII = bytes(range(128, 256))
_PRINTABLE = bytes([*b"\t\n\r\f", *range(32, 127)])


def is_iso(head: bytes) -> bool:
    """Return whether this is an ISO base media file (mp4, m4a, mov, 3gp), by its first box."""
    return head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"styp"}


def declares_late(head: bytes) -> bool:
    """Return whether only the packets show the tracks of this format: MPEG-TS, MPEG-PS, FLV."""
    return head.startswith((b"\x00\x00\x01\xba", b"FLV")) or (
        head[:1] == b"\x47" and (len(head) <= _TS_PACKET or head[_TS_PACKET] == _TS_SYNC)
    )


_TS_PACKET, _TS_SYNC = 188, 0x47


def moov_first(head: bytes) -> bool | None:
    """Return whether an ISO file's index comes before its media, so that it can be streamed.

    Returns:
        None if more bytes are needed.
    """
    at = 0
    while len(head) >= at + 16:
        size, kind = int.from_bytes(head[at : at + 4]), head[at + 4 : at + 8]
        if kind in {b"moov", b"moof", b"mdat"}:
            return kind != b"mdat"
        if size == 1:
            size = int.from_bytes(head[at + 8 : at + 16])
        if size < 8:  # noqa: PLR2004  smaller than a box header: this is not an ISO file
            return False
        at += size
    return None
