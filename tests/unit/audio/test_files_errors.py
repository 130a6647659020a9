from __future__ import annotations

import errno
import io
import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from azstt._audio import open_audio, to_wav
from azstt._errors import (
    AudioDecodeError,
    AudioError,
    AudioSourceError,
    ConfigurationError,
    NoAudioStreamError,
)

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"


def ffmpeg(*arguments: str | Path) -> None:
    """Run the ffmpeg program."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, stdin=subprocess.DEVNULL, check=True)


def decode(source, **keywords) -> bytes:
    """Decode all of a source."""
    with open_audio(source, **keywords) as reader:
        return b"".join(reader)


def test_a_missing_file_is_named(tmp_path):
    """A path without a file is an AudioSourceError with its errno, which an OSError is too."""
    path = tmp_path / "missing.mp3"
    with pytest.raises(AudioSourceError, match=f"no such file: '{re.escape(str(path))}'") as caught:
        open_audio(path)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.source == str(path)


def test_an_address_is_not_fetched():
    """A URL is no file; the message says what to do."""
    with pytest.raises(AudioSourceError, match="fetch it first"):
        open_audio("https://example.com/a.mp3")


def test_a_directory_is_named(tmp_path):
    """A directory is an AudioSourceError that says so."""
    with pytest.raises(AudioSourceError, match="is a directory") as caught:
        open_audio(tmp_path)
    assert caught.value.errno == errno.EISDIR


@pytest.fixture
def forbidden(tmp_path):
    """A file that may not be read: by root neither, who becomes nobody for the while."""
    path = tmp_path / "secret.wav"
    path.touch(mode=0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65_534)
    yield path
    if root:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX permissions")
def test_a_forbidden_file_is_named(forbidden):
    """A file without permission is an AudioSourceError with its errno."""
    with pytest.raises(AudioSourceError, match="permission denied") as caught:
        open_audio(forbidden)
    assert caught.value.errno == errno.EACCES


def test_other_failures_to_open_keep_their_errno(tmp_path):
    """Whatever else keeps a file from being opened keeps its number and its reason."""
    with pytest.raises(AudioSourceError, match="too long") as caught:
        open_audio(tmp_path / ("x" * 300))
    assert caught.value.errno == errno.ENAMETOOLONG


def test_what_is_no_path_is_refused():
    """A path with a NUL in it is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="not a path"):
        open_audio("a\0b")


@pytest.mark.parametrize("source", [3, None, 1.5, object()])
def test_what_is_no_source_is_refused(source):
    """Anything else than a source is a ConfigurationError that names the kinds there are."""
    with pytest.raises(ConfigurationError, match="give a path, bytes, a binary file"):
        open_audio(source)


@pytest.mark.parametrize("source", [io.StringIO("text"), ["text"], iter([b"RIFF", "text"])])
def test_text_is_no_bytes(source):
    """A file in text mode, or pieces of text, are a ConfigurationError with the remedy."""
    with pytest.raises(ConfigurationError, match="'str', not bytes; open the file with mode 'rb'"):
        open_audio(source)


def test_a_file_that_does_not_block_is_refused():
    """A file object that gives None for "nothing yet" is an AudioSourceError with the remedy."""

    class NonBlocking(io.RawIOBase):
        def readable(self):
            return True

        def read(self, _size=-1):
            return None

    with pytest.raises(AudioSourceError, match="push into a ByteFeed"):
        open_audio(NonBlocking())


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "pieces"])
def test_nothing_is_empty(tmp_path, kind):
    """No bytes at all are an AudioDecodeError that says so."""
    path = tmp_path / "empty.mp3"
    path.touch()
    source = {"path": path, "bytes": b"", "file": io.BytesIO(), "pieces": iter([b"", b""])}[kind]
    with pytest.raises(AudioDecodeError, match="empty: 0 bytes"):
        open_audio(source)


def test_a_file_that_was_not_rewound():
    """A file object that stands at its end is empty, and the message has the likely reason."""
    file = io.BytesIO()
    file.write(b"RIFF")
    with pytest.raises(AudioDecodeError, match=r"not rewound\? seek\(0\)"):
        open_audio(file)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(2_000), "is a PNG image"),
        (b"%PDF-1.7\n" + bytes(range(256)) * 9, "is a PDF document"),
        (b"Dear Sir or Madam,\n" * 300, "is text"),
        (b"<!doctype html><html><body>hello</body></html>", "is an HTML page"),
        (b"PK\3\4" + bytes(500), "is a ZIP archive"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_is_no_sound_is_named(head, found, streamed):
    """A file that holds no sound is a NoAudioStreamError that says what it is."""
    with pytest.raises(NoAudioStreamError, match=found) as caught:
        open_audio(iter([head]) if streamed else head)
    assert isinstance(caught.value, AudioError)


def test_a_name_does_not_make_it_sound(tmp_path):
    """A text called .mp3 or .g722 is a text."""
    for name in ("letter.mp3", "letter.wav", "letter.aac"):
        path = tmp_path / name
        path.write_text("Dear Sir or Madam,\n" * 300)
        with pytest.raises(NoAudioStreamError, match="is text"):
            open_audio(path)


def test_junk_is_refused():
    """Bytes in no known format are an AudioDecodeError that shows how they begin."""
    with pytest.raises(AudioDecodeError, match=r"no audio or video in any known format.*b'\\x00"):
        open_audio(bytes(5_000))


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "mpeg4"), ("mkv", "mpeg4"), ("webm", "vp8")])
def test_a_film_without_sound_is_named(tmp_path, suffix, codec):
    """A video without sound is a NoAudioStreamError that says what it holds instead."""
    path = tmp_path / f"film.{suffix}"
    ffmpeg("-f", "lavfi", "-t", "0.5", "-i", "testsrc2=s=160x90", "-c:v", codec, path)
    with pytest.raises(NoAudioStreamError, match=rf"no audio track \(1 video track, {codec}\)"):
        open_audio(path)


def test_an_mp4_without_its_index_is_named():
    """An mp4 that ends before its index is an AudioDecodeError that names the index."""
    data = (CONTAINERS / "aac.m4a").read_bytes()
    for source in (data[: len(data) // 2], iter([data[: len(data) // 2]])):
        with pytest.raises(AudioDecodeError, match=r"index \(moov\) is missing"):
            open_audio(source)


@pytest.mark.parametrize("tag", [b"drms", b"enca"])
def test_protected_audio_is_named(tag):
    """Audio under DRM is an AudioDecodeError that says that only a free copy can be read."""
    data = (CONTAINERS / "aac.m4a").read_bytes().replace(b"mp4a", tag, 1)
    with pytest.raises(AudioDecodeError, match=r"encrypted \(DRM\)"):
        open_audio(data)


def test_encrypted_packets_are_named(tmp_path):
    """So is audio under the common encryption scheme of streaming services."""
    path = tmp_path / "film.mp4"
    scheme = (
        "-encryption_scheme",
        "cenc-aes-ctr",
        "-encryption_key",
        "76a6c65c5ea762046bd749a2e632ccbb",
    )
    kid = ("-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")
    ffmpeg("-i", CONTAINERS / "aac.m4a", "-c", "copy", *scheme, *kid, path)
    with pytest.raises(AudioDecodeError, match=r"encrypted \(DRM\)"):
        decode(path)


def test_an_unknown_codec_is_named():
    """An audio track that nothing can decode is an AudioDecodeError that says so."""
    data = (CONTAINERS / "opus.webm").read_bytes().replace(b"A_OPUS", b"A_NONE")
    with pytest.raises(AudioDecodeError, match="no decoder for the audio"):
        open_audio(data)


@pytest.mark.parametrize("rate", [1, 100, 3_999, 3_072_001, 0x5C3D_A145])
@pytest.mark.parametrize("bits", [16, 24])
def test_absurd_rates_are_refused(rate, bits):
    """A few bytes that claim to last for hours are refused, and a rate that nothing records at."""
    header = struct.pack("<IHHIIHH", 16, 1, 1, rate, 0, bits // 8, bits)
    data = b"RIFF\0\0\0\0WAVEfmt " + header + b"data" + struct.pack("<I", 30_000) + bytes(30_000)
    with pytest.raises(AudioDecodeError, match=f"sample rate of {rate} Hz"):
        open_audio(data)


def test_absurd_rates_of_other_codecs_are_refused(tmp_path):
    """The same goes for rates that libav reads."""
    path = tmp_path / "slow.flac"
    ffmpeg("-f", "lavfi", "-t", "2", "-i", "sine", "-ar", "2000", path)
    with pytest.raises(AudioDecodeError, match="sample rate of 2000 Hz"):
        open_audio(path)


def test_a_file_that_swells_is_refused(monkeypatch):
    """Output out of all proportion to the input is refused."""
    monkeypatch.setattr("azstt._audio.sources._GRACE", 1.0)
    monkeypatch.setattr("azstt._audio.sources._SECONDS_A_BYTE", 1e-6)
    with pytest.raises(AudioDecodeError, match="swell to"):
        decode(CONTAINERS / "opus.ogg")


def test_a_file_without_samples_is_refused():
    """A container without one sample, or with nothing but damage, is an AudioDecodeError."""
    wav = to_wav(CONTAINERS / "opus.ogg")
    with pytest.raises(AudioDecodeError, match="it holds no samples"):
        decode(wav[:44])
    aac = bytearray((CONTAINERS / "aac_faststart.m4a").read_bytes())
    at = aac.index(b"mdat") + 4
    aac[at:] = b"\xff" * (len(aac) - at)
    with pytest.raises(AudioDecodeError, match=r"all \d+ packets are damaged"):
        decode(aac)


def test_keeping_more_channels_than_there_can_be():
    """A file with more channels than a format can express is refused, kept or mixed."""
    header = struct.pack("<IHHIIHH", 16, 1, 80, 16_000, 16_000 * 160, 160, 16)
    data = b"RIFF\0\0\0\0WAVEfmt " + header + b"data" + struct.pack("<I", 160_000) + bytes(160_000)
    with pytest.raises(AudioDecodeError, match="cannot keep the 80 channels"):
        open_audio(data, keep_channels=True)
    with pytest.raises(AudioDecodeError, match="claims 80 channels"):
        open_audio(data)


def test_a_seek_that_fails_at_last():
    """A file object whose seek fails in the middle is an AudioSourceError."""

    class Broken(io.BytesIO):
        def __init__(self, data, allowed):
            super().__init__(data)
            self.allowed = allowed

        def seek(self, *arguments):
            self.allowed -= 1
            if self.allowed < 0:
                raise OSError(errno.EIO, "Input/output error")
            return super().seek(*arguments)

    data = (CONTAINERS / "aac.m4a").read_bytes()
    seen = set()
    for allowed in range(12):
        try:
            decode(Broken(data, allowed))
            seen.add("fine")
        except AudioSourceError as error:
            assert error.errno == errno.EIO  # noqa: PT017  how many seeks there are is libav's
            seen.add("error")
    assert seen == {"fine", "error"}
