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
    """A missing file is an AudioSourceError with the errno, and also an OSError."""
    path = tmp_path / "missing.mp3"
    with pytest.raises(AudioSourceError, match=f"no such file: '{re.escape(str(path))}'") as caught:
        open_audio(path)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENOENT
    assert caught.value.source == str(path)


def test_a_url_is_not_downloaded():
    """A URL is not a path; the message says what to do."""
    with pytest.raises(AudioSourceError, match="download it first"):
        open_audio("https://example.com/a.mp3")


def test_a_directory_is_named(tmp_path):
    """A directory is an AudioSourceError that says so."""
    with pytest.raises(AudioSourceError, match="is a directory") as caught:
        open_audio(tmp_path)
    assert caught.value.errno == errno.EISDIR


@pytest.fixture
def forbidden(tmp_path):
    """A file without read permission; root temporarily becomes another user."""
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
    """Other errors from opening a file keep their errno and reason."""
    with pytest.raises(AudioSourceError, match="too long") as caught:
        open_audio(tmp_path / ("x" * 300))
    assert caught.value.errno == errno.ENAMETOOLONG


def test_what_is_no_path_is_refused():
    """A path with a NUL in it is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="not a path"):
        open_audio("a\0b")


@pytest.mark.parametrize("source", [3, None, 1.5, object()])
def test_what_is_no_source_is_refused(source):
    """An unsupported type is a ConfigurationError that lists the supported ones."""
    with pytest.raises(ConfigurationError, match="pass a path, bytes, a binary file"):
        open_audio(source)


@pytest.mark.parametrize("source", [io.StringIO("text"), ["text"], iter([b"RIFF", "text"])])
def test_text_is_no_bytes(source):
    """A file in text mode, or chunks of text, are a ConfigurationError with the remedy."""
    with pytest.raises(
        ConfigurationError, match="returned str, not bytes; open a file with mode 'rb'"
    ):
        open_audio(source)


def test_a_file_that_does_not_block_is_refused():
    """A non-blocking file object is an AudioSourceError with the remedy."""

    class NonBlocking(io.RawIOBase):
        def readable(self):
            return True

        def read(self, _size=-1):
            return None

    with pytest.raises(AudioSourceError, match="push into a ByteFeed"):
        open_audio(NonBlocking())


@pytest.mark.parametrize("kind", ["path", "bytes", "file", "pieces"])
def test_an_empty_source_is_refused(tmp_path, kind):
    """An empty source is an AudioDecodeError that says so."""
    path = tmp_path / "empty.mp3"
    path.touch()
    source = {"path": path, "bytes": b"", "file": io.BytesIO(), "pieces": iter([b"", b""])}[kind]
    with pytest.raises(AudioDecodeError, match="empty: 0 bytes"):
        open_audio(source)


def test_a_file_that_was_not_rewound():
    """A file object at its end is empty, and the message suggests rewinding it."""
    file = io.BytesIO()
    file.write(b"RIFF")
    with pytest.raises(AudioDecodeError, match=r"does the file object need seek\(0\)\?"):
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
def test_files_that_are_not_audio_are_named(head, found, streamed):
    """A file that is not audio is a NoAudioStreamError that says what it is."""
    with pytest.raises(NoAudioStreamError, match=found) as caught:
        open_audio(iter([head]) if streamed else head)
    assert isinstance(caught.value, AudioError)


def test_the_suffix_does_not_count(tmp_path):
    """A text file called .mp3 is reported as text."""
    for name in ("letter.mp3", "letter.wav", "letter.aac"):
        path = tmp_path / name
        path.write_text("Dear Sir or Madam,\n" * 300)
        with pytest.raises(NoAudioStreamError, match="is text"):
            open_audio(path)


def test_junk_is_refused():
    """Bytes in no known format are an AudioDecodeError; if they are PCM, it says what to pass."""
    with pytest.raises(AudioDecodeError, match=r"any known format.* pass audio=AudioFormat\("):
        open_audio(bytes(5_000))


@pytest.mark.parametrize(("suffix", "codec"), [("mp4", "mpeg4"), ("mkv", "mpeg4"), ("webm", "vp8")])
def test_a_film_without_sound_is_named(tmp_path, suffix, codec):
    """A video without sound is a NoAudioStreamError that says what it contains instead."""
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
    """Audio under DRM is an AudioDecodeError that says so."""
    data = (CONTAINERS / "aac.m4a").read_bytes().replace(b"mp4a", tag, 1)
    with pytest.raises(AudioDecodeError, match=r"encrypted \(DRM\)"):
        open_audio(data)


def test_encrypted_packets_are_named(tmp_path):
    """Audio encrypted as by streaming services (CENC) is an AudioDecodeError that says so."""
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
    """An audio track with an unknown codec is an AudioDecodeError that says so."""
    data = (CONTAINERS / "opus.webm").read_bytes().replace(b"A_OPUS", b"A_NONE")
    with pytest.raises(AudioDecodeError, match="no decoder for the audio"):
        open_audio(data)


@pytest.mark.parametrize("rate", [1, 100, 3_999, 3_072_001, 0x5C3D_A145])
@pytest.mark.parametrize("bits", [16, 24])
def test_absurd_rates_are_refused(rate, bits):
    """A sample rate that no recording has, in a few bytes that would last hours, is refused."""
    header = struct.pack("<IHHIIHH", 16, 1, 1, rate, 0, bits // 8, bits)
    data = b"RIFF\0\0\0\0WAVEfmt " + header + b"data" + struct.pack("<I", 30_000) + bytes(30_000)
    with pytest.raises(AudioDecodeError, match=f"sample rate of {rate} Hz"):
        open_audio(data)


def test_absurd_rates_of_other_codecs_are_refused(tmp_path):
    """A sample rate that no recording has is refused in compressed audio too."""
    path = tmp_path / "slow.flac"
    ffmpeg("-f", "lavfi", "-t", "2", "-i", "sine", "-ar", "2000", path)
    with pytest.raises(AudioDecodeError, match="sample rate of 2000 Hz"):
        open_audio(path)


def checksum(data: bytes, polynomial: int, bits: int) -> bytes:
    """Compute a CRC as FLAC does."""
    value = 0
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1) ^ (polynomial if value >> bits - 1 else 0)
            value &= (1 << bits) - 1
    return value.to_bytes(bits // 8, "big")


def silent_flac(frames: int) -> bytes:
    """Write frames of 65,535 zeros at 4 kHz: 16 seconds in 12 bytes each."""
    block = (65_535).to_bytes(2, "big")
    shape = (4_000 << 44 | 7 << 36).to_bytes(8, "big")  # mono, 8 bits, length unknown
    data = b"fLaC\x80\0\0\x22" + 2 * block + bytes(6) + shape + bytes(16)
    for number in range(frames):
        head = b"\xff\xf8\x70\x02" + bytes([number]) + (65_534).to_bytes(2, "big")
        frame = head + checksum(head, 0x07, 8) + b"\0\0"
        data += frame + checksum(frame, 0x8005, 16)
    return data


def test_a_file_that_expands_too_much_is_refused():
    """Audio out of all proportion to the size of the file is refused; a little is not."""
    assert len(decode(silent_flac(6))) == 6 * 65_535 * 4 * 2
    with pytest.raises(AudioDecodeError, match=r"bytes of '<bytes>' expand to \d+ s of audio"):
        decode(silent_flac(60))


def test_a_file_without_samples_is_refused():
    """A container without samples, or with nothing but damage, is an AudioDecodeError."""
    wav = to_wav(CONTAINERS / "opus.ogg")
    with pytest.raises(AudioDecodeError, match="it contains no samples"):
        decode(wav[:44])
    aac = bytearray((CONTAINERS / "aac_faststart.m4a").read_bytes())
    at = aac.index(b"mdat") + 4
    aac[at:] = b"\xff" * (len(aac) - at)
    with pytest.raises(AudioDecodeError, match=r"all \d+ packets are damaged"):
        decode(aac)


def test_keeping_more_channels_than_there_can_be():
    """A file with more than the maximum number of channels is refused, kept or mixed."""
    header = struct.pack("<IHHIIHH", 16, 1, 80, 16_000, 16_000 * 160, 160, 16)
    data = b"RIFF\0\0\0\0WAVEfmt " + header + b"data" + struct.pack("<I", 160_000) + bytes(160_000)
    with pytest.raises(AudioDecodeError, match="cannot keep the 80 channels"):
        open_audio(data, keep_channels=True)
    with pytest.raises(AudioDecodeError, match="has 80 channels in its header"):
        open_audio(data)


def test_a_seek_that_fails_later():
    """A file object whose seek fails while decoding is an AudioSourceError."""

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
