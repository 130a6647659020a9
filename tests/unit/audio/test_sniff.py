from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio.formats.sniff import (
    declares_late,
    describe,
    is_text,
    moov_first,
)


def archive(name: str) -> bytes:
    """Build a ZIP archive with a file of this name in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr(name, "application/epub+zip" if name == "mimetype" else "x")
    return file.getvalue()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "a PNG image"),
        (b"\xff\xd8\xff\xe0" + bytes(20), "a JPEG image"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "a WebP image"),
        (b"\0\0\0\x20ftypheic", "a HEIC image"),
        (b"%PDF-1.7\n", "a PDF document"),
        (archive("word/document.xml"), "a Word document"),
        (archive("mimetype"), "an EPUB book"),
        (archive("any"), "a ZIP archive"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"hello, world\n", "text"),
        ("grüße".encode()[:4], "text"),
        ("grüße\r\n".encode("utf-16"), "text"),
        (b'\xef\xbb\xbf{"text": 1}', "JSON text"),
        (b'{"text": 1}', "JSON text"),
        (b"\n <!DOCTYPE HTML><p>", "an HTML page"),
        (b"#EXTM3U\nhttp://example.com/a.ts", "a playlist, not the audio that it lists"),
        (b"MThd\0\0\0\x06", "a MIDI file, which contains notes but no sound"),
    ],
)
def test_files_that_are_not_audio_are_named(head, name):
    """Common files that are not audio are identified by their first bytes."""
    assert describe(head) == name


@pytest.mark.parametrize(
    "head", [b"", b"\0\1\2\3", b"OggS\0\2", b"\xff\xfb\x90\0", b"a\0b", b"\xc3("]
)
def test_what_shows_nothing_is_none(head):
    """Audio and unknown bytes have no description."""
    assert describe(head) is None


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd(head):
    """Whatever a file begins with, no function here fails."""
    describe(head)
    declares_late(head)
    moov_first(head)


@given(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1), st.integers(1, 9))
def test_text_is_text_wherever_it_is_cut(text, cut):
    """Text cut within a character is still text, if at least one character is complete."""
    head = text.encode()
    assert is_text(head)
    part = head[:cut].decode(errors="ignore")
    assert is_text(head[:cut]) == bool(part)


def box(kind: bytes, size: int, body: int = 0) -> bytes:
    """Build the beginning of an ISO box."""
    return size.to_bytes(4, "big") + kind + bytes(body)


@pytest.mark.parametrize(
    ("head", "first"),
    [
        (box(b"ftyp", 16, 8) + box(b"moov", 100, 8), True),
        (box(b"ftyp", 16, 8) + box(b"free", 8) + box(b"mdat", 100, 8), False),
        (box(b"ftyp", 16, 8) + box(b"moof", 100, 8), True),
        (box(b"ftyp", 16, 8), None),
        (box(b"ftyp", 100, 8), None),
        (box(b"free", 1) + (24).to_bytes(8, "big") + bytes(8) + box(b"mdat", 0, 8), False),
        (box(b"free", 3, 30), False),
    ],
)
def test_whether_the_index_comes_first(head, first):
    """An ISO file's boxes show whether it can be decoded while it arrives."""
    assert moov_first(head) is first


@pytest.mark.parametrize(
    ("head", "late"),
    [
        (b"FLV\1", True),
        (b"\0\0\1\xba", True),
        (b"G" + bytes(20), True),
        (b"G" + bytes(187) + b"G", True),
        (b"G" + bytes(200), False),
        (b"ID3\4", False),
    ],
)
def test_formats_that_declare_late(head, late):
    """Formats whose tracks show up only in their packets are detected."""
    assert declares_late(head) is late
