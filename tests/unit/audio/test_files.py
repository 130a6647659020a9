from __future__ import annotations

import array
import io
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import imageio_ffmpeg
import pytest
from av.codec import Codec

from azstt._audio import AudioReader, ByteFeed, open_audio, to_wav
from azstt._audio.files.decoders import LibavFileDecoder
from azstt._audio.files.libav import QUICK, LibavFile
from azstt._audio.formats.riff import wav_header
from azstt._audio.inputs import make_source
from azstt._audio_format import AudioFormat
from azstt._errors import (
    AudioSourceError,
    AudioTooLargeError,
    ConfigurationError,
)

CONTAINERS = Path(__file__).parents[2] / "audio" / "containers"
FORMATS = sorted(path.name for path in CONTAINERS.iterdir() if path.suffix != ".txt")
#: One for each way to decode: without libav, with its resampler only, its fast path, by packets.
WAYS = ["pcm_s16_16k.wav", "pcm_f32_8k.wav", "mp3.mp3", "ac3.ac3"]


def ffmpeg(*arguments: str | Path, stdin: bytes | None = None) -> bytes:
    """Run the ffmpeg program and return its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    given = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, **given).stdout


def reference(path: Path, *, rate: int = 16_000, channels: int = 1) -> bytes:
    """Return the samples that the ffmpeg program decodes from a file's first audio track."""
    shape = ("-ac", channels, "-ar", rate, "-f", "s16le")
    return ffmpeg("-i", path, "-map", "0:a:0", *map(str, shape), "-")


def decode(source, **keywords) -> bytes:
    """Decode all of a source."""
    with open_audio(source, **keywords) as reader:
        return b"".join(reader)


def furthest(mine: bytes, theirs: bytes) -> int:
    """Return the largest difference between two runs of 16-bit samples."""
    left, right = array.array("h", mine), array.array("h", theirs)
    return max((abs(a - b) for a, b in zip(left, right, strict=True)), default=0)


def pieces(data: bytes, size: int):
    """Cut bytes into pieces."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


class Pipe(io.RawIOBase):
    """A stream that cannot seek and returns less than requested."""

    def __init__(self, data: bytes, most: int = 3_000) -> None:
        super().__init__()
        self._data = io.BytesIO(data)
        self._most = most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, self._most))


class FileObject(io.BytesIO):
    """A file object that libav cannot open by itself, so that it is decoded by packets."""


@pytest.mark.parametrize("name", FORMATS)
def test_samples_are_those_of_ffmpeg(name):
    """Every container decodes to the ffmpeg program's samples, and exactly as many of them."""
    path = CONTAINERS / name
    mine, theirs = decode(str(path)), reference(path)
    assert len(mine) == len(theirs)
    assert furthest(mine, theirs) <= 6


@pytest.mark.parametrize("name", FORMATS)
def test_every_kind_of_source_gives_the_same_samples(name):
    """A path, bytes, a file object and chunks of any size all decode to the same samples."""
    path = CONTAINERS / name
    data = path.read_bytes()
    whole = decode(path)
    assert decode(data) == whole
    assert decode(memoryview(data)) == whole
    assert decode(io.BytesIO(data)) == whole
    assert decode(Pipe(data)) == whole
    assert decode(pieces(data, 997)) == whole
    with path.open("rb") as file:
        assert decode(file) == whole
        assert not file.closed


@pytest.mark.parametrize("size", [1, 7, 64, 40_000, 10_000_000])
@pytest.mark.parametrize("name", ["mediarecorder.webm", "containers/mp3.mp3", "jfk.wav"])
def test_how_a_stream_is_cut_does_not_matter(audio, name, size):
    """Chunks of one byte or of everything decode to the whole file's samples."""
    data = (audio / name).read_bytes()[:40_000]
    assert decode(pieces(data, size)) == decode(pieces(data, 4_096))


@pytest.mark.parametrize("name", FORMATS)
def test_the_fast_path_changes_nothing(name):
    """What libav decodes as a whole and what is decoded by packets is the same to the last bit."""
    path = CONTAINERS / name
    assert decode(FileObject(path.read_bytes())) == decode(path)


@pytest.mark.parametrize("name", FORMATS)
def test_chunks_last_a_second_at_most(name):
    """Chunks contain whole frames, are never empty and last a second at most."""
    with open_audio(CONTAINERS / name, output=AudioFormat(sample_width=3)) as reader:
        sizes = [len(chunk) for chunk in reader]
    assert all(0 < size <= 48_000 and size % 3 == 0 for size in sizes)


@pytest.mark.parametrize("name", FORMATS)
def test_total_seconds_is_close_or_unknown(name):
    """The expected duration is within a twentieth of a second of the real one, or None."""
    with open_audio(CONTAINERS / name) as reader:
        total = reader.total_seconds
        seconds = reader.audio.seconds(sum(map(len, reader)))
        assert reader.report.seconds == pytest.approx(seconds)
    assert total is None or total == pytest.approx(seconds, abs=0.05)


def test_a_live_recording_has_no_expected_duration(audio):
    """A browser's recording does not state its duration, so the reader has none."""
    with open_audio(audio / "mediarecorder.webm") as reader:
        assert reader.total_seconds is None
        assert sum(map(len, reader)) > 10 * 32_000
        assert reader.report.model_dump() == {
            "container": "matroska,webm",
            "codec": "opus",
            "sample_rate": 48_000,
            "channels": 1,
            "seconds": reader.report.seconds,
            "missing": (),
            "canceled": 0.0,
            "track": 0,
            "tracks": 1,
        }


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (0.5, 2.25), (1.00003, 1.00007), (6.9, 20), (3, None)]
)
@pytest.mark.parametrize("piped", [False, True])
def test_a_range_is_a_slice(name, start, end, piped):
    """``start`` and ``end`` select samples exactly from those of the whole file."""
    path = CONTAINERS / name
    whole = decode(path)
    size = AudioFormat().size
    last = None if end is None else size(end)
    source = Pipe(path.read_bytes()) if piped else path
    with open_audio(source, start=start, end=end) as reader:
        assert b"".join(reader) == whole[size(start) : last]
        total = reader.total_seconds
    if total is not None:
        stop = 7.1 if end is None else min(end, 7.1)
        assert total == pytest.approx(max(0, stop - start), abs=0.05)


@pytest.mark.parametrize(
    ("start", "end"), [(-1, None), (float("nan"), None), (float("inf"), None), (2, 2), (2, 1)]
)
def test_a_range_that_makes_no_sense_is_refused(start, end):
    """A negative start, or an end before it, is a ConfigurationError."""
    with pytest.raises(ConfigurationError, match="must"):
        open_audio(b"RIFF", start=start, end=end)


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_a_limit_that_makes_no_sense_is_refused(limit):
    """A limit must be positive."""
    with pytest.raises(
        ConfigurationError, match=r"max_seconds=.* must be a number of seconds above 0"
    ):
        open_audio(b"RIFF", max_seconds=limit)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("name", [*WAYS, "opus.webm"])
def test_any_rate_comes_out(name, rate):
    """Any sample rate is produced as by the ffmpeg program."""
    mine = decode(CONTAINERS / name, output=AudioFormat(sample_rate=rate))
    theirs = reference(CONTAINERS / name, rate=rate)
    assert len(mine) == len(theirs)
    assert furthest(mine, theirs) <= 6


@pytest.mark.parametrize("width", [2, 3, 4])
@pytest.mark.parametrize("name", ["pcm_s24_8k.wav", "mp3.mp3", "opus.ogg"])
def test_any_sample_width_comes_out(name, width):
    """16, 24 and 32 bits are produced as by the ffmpeg program."""
    mine = decode(CONTAINERS / name, output=AudioFormat(sample_width=width))
    shape = ("-ac", "1", "-ar", "16000", "-f", f"s{8 * width}le")
    theirs = ffmpeg("-i", CONTAINERS / name, *shape, "-")
    assert len(mine) == len(theirs)
    # The upper bytes, as 16-bit samples: versions differ in the lower ones.
    tops = [
        b"".join(pcm[at + width - 2 : at + width] for at in range(0, len(pcm), width))
        for pcm in (mine, theirs)
    ]
    assert furthest(*tops) <= 6


@pytest.mark.parametrize("name", ["stereo.flac", "containers/pcm_s16_48k_stereo.wav"])
def test_channels_are_kept(audio, name):
    """``keep_channels`` keeps the source's channels and reports their number."""
    with open_audio(audio / name, keep_channels=True) as reader:
        assert reader.audio == AudioFormat(channels=2)
        mine = b"".join(reader)
    theirs = reference(audio / name, channels=2)
    assert len(mine) == len(theirs)
    assert furthest(mine, theirs) <= 6


def test_kept_channels_of_matching_pcm_pass(audio):
    """A WAV file that needs no conversion passes unchanged when channels are kept."""
    stereo = to_wav(audio / "stereo.flac", keep_channels=True)
    assert to_wav(stereo, keep_channels=True) == stereo


def test_mono_becomes_stereo(audio):
    """More channels than the source has can be requested."""
    mine = decode(audio / "jfk.wav", output=AudioFormat(channels=2))
    assert furthest(mine, reference(audio / "jfk.wav", channels=2)) <= 6


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_surround_is_mixed_like_ffmpeg(tmp_path, audio, channels, suffix):
    """Surround sound is mixed down as the ffmpeg program does."""
    path = tmp_path / f"surround.{suffix}"
    merge = "".join(f"[0:a]adelay={i * 50}:all=1[a{i}];" for i in range(channels))
    names = "".join(f"[a{i}]" for i in range(channels))
    graph = f"{merge}{names}amerge=inputs={channels}"
    ffmpeg("-t", "2", "-i", audio / "jfk.wav", "-filter_complex", graph, path)
    mine, theirs = decode(path), reference(path)
    assert len(mine) == len(theirs)
    assert furthest(mine, theirs) <= 6
    assert len(decode(path, keep_channels=True)) == channels * len(mine)


@pytest.mark.parametrize("channels", [9, 13])
def test_channels_without_positions_are_averaged(channels):
    """Channels whose positions are unknown are mixed to their mean."""
    samples = array.array("h", [1_000 * (i % 3) for i in range(channels)] * 8_000).tobytes()
    wav = bytearray(to_wav(make_wav(samples, channels)))
    assert array.array("h", bytes(wav[44 : 44 + 8_000])).tolist() == pytest.approx(
        [sum(1_000 * (i % 3) for i in range(channels)) / channels] * 4_000, abs=2
    )
    kept = decode(make_wav(samples, channels), keep_channels=True)
    assert kept == samples


def make_wav(samples: bytes, channels: int, rate: int = 16_000, bits: int = 16) -> bytes:
    """Put a plain header before samples."""
    block = channels * bits // 8
    fmt = b"".join(
        value.to_bytes(size, "little")
        for value, size in (
            *((16, 4), (1, 2), (channels, 2), (rate, 4), (rate * block, 4)),
            *((block, 2), (bits, 2)),
        )
    )
    data = b"data" + len(samples).to_bytes(4, "little") + samples
    body = b"WAVEfmt " + fmt + data
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_more_channels_than_layouts_are_refused(audio):
    """Mixing to nine channels is a ConfigurationError that lists what is possible."""
    with pytest.raises(ConfigurationError, match="cannot mix to 9 channels"):
        open_audio(audio / "stereo.flac", output=AudioFormat(channels=9))


def test_tracks_are_counted_among_the_audio(audio):
    """``track`` selects one of the audio tracks."""
    first = decode(audio / "two_tracks.mkv")
    second = decode(audio / "two_tracks.mkv", track=1)
    assert furthest(first, reference(audio / "two_tracks.mkv")) <= 6
    theirs = ffmpeg(
        *("-i", audio / "two_tracks.mkv", "-map", "0:a:1", "-ac", "1", "-ar", "16000"),
        *("-f", "s16le", "-"),
    )
    assert furthest(second, theirs) <= 6
    assert first != second


@pytest.mark.parametrize("track", [2, -1])
def test_a_track_out_of_range_is_refused(audio, track):
    """A track that does not exist is a ConfigurationError that says how many there are."""
    with pytest.raises(ConfigurationError, match=f"no track {track}.*2 audio tracks"):
        open_audio(audio / "two_tracks.mkv", track=track)
    with pytest.raises(ConfigurationError, match=r"1 audio track\b"):
        open_audio(audio / "jfk.wav", track=1)


def test_a_wav_of_the_whole(audio):
    """`to_wav` returns a file that the ffmpeg program and our reader agree on."""
    wav = to_wav(audio / "mediarecorder.webm")
    assert ffmpeg("-i", "-", "-f", "s16le", "-", stdin=wav) == decode(audio / "mediarecorder.webm")
    assert decode(wav) == wav[44:]
    odd = to_wav(make_wav(bytes(3), 1, bits=24), output=AudioFormat(sample_width=3))
    assert len(odd) == 44 + 3 + 1


@pytest.mark.parametrize("name", WAYS)
def test_too_much_audio_is_refused(name):
    """``max_seconds`` refuses longer audio, counting only the selected part."""
    with pytest.raises(AudioTooLargeError, match=r"over max_seconds=2\.5"):
        decode(CONTAINERS / name, max_seconds=2.5)
    with pytest.raises(AudioTooLargeError, match=r"over max_seconds=2\.5"):
        decode(Pipe((CONTAINERS / name).read_bytes()), max_seconds=2.5)
    assert len(decode(CONTAINERS / name, end=2.0, max_seconds=2.5)) == 64_000


@pytest.mark.parametrize("name", [*WAYS, "aac.m4a"])
def test_too_many_bytes_are_refused(name):
    """``max_bytes`` refuses a bigger source, of every kind."""
    path = CONTAINERS / name
    data = path.read_bytes()
    for source in (path, data, io.BytesIO(data), Pipe(data), iter([data]), path.open("rb")):
        with pytest.raises(AudioTooLargeError, match="over max_bytes=5000"):
            decode(source, max_bytes=5_000)
        if isinstance(source, io.BufferedReader):
            source.close()
    for source in (path, data, Pipe(data)):
        assert len(decode(source, max_bytes=len(data))) > 7 * 32_000


def test_a_file_object_is_read_from_its_position(audio):
    """A file object's position is the beginning of the audio, wherever libav seeks to."""
    for name in ("jfk.wav", "containers/aac.m4a", "mediarecorder.webm"):
        data = (audio / name).read_bytes()
        for file in (io.BytesIO(b"abc" + data), io.BufferedReader(io.BytesIO(b"abc" + data))):
            file.seek(3)
            assert decode(file) == decode(data)


@pytest.mark.parametrize("name", ["mp3.mp3", "aac.m4a", "pcm_s16_16k.wav", "opus.webm"])
def test_odd_file_objects_are_read(name):
    """File objects that return too much, too little or other bytes-like types work."""
    data = (CONTAINERS / name).read_bytes()
    whole = decode(data)

    class Odd:
        def __init__(self, convert, factor):
            self.file, self.convert, self.factor = io.BytesIO(data), convert, factor

        def read(self, size):
            return self.convert(self.file.read(max(1, int(size * self.factor))))

    for convert, factor in itertools.product((bytes, bytearray, memoryview), (0.01, 1, 3.7)):
        assert decode(Odd(convert, factor)) == whole


def test_a_file_that_only_says_it_can_seek():
    """An object whose seek fails is read as a stream; a seek that returns None is fine."""
    data = (CONTAINERS / "aac.m4a").read_bytes()

    class Liar(Pipe):
        def seekable(self):
            return True

    class Silent:
        def __init__(self):
            self.file = io.BytesIO(data)
            self.read, self.tell = self.file.read, self.file.tell

        def seek(self, offset, whence=0):
            self.file.seek(offset, whence)

    assert decode(Liar(data)) == decode(data)
    assert decode(Silent()) == decode(data)


def test_an_mp4_without_seeking():
    """An mp4 whose index comes last is decoded from a pipe, as is one whose index comes first."""
    for name in ("aac.m4a", "aac_faststart.m4a", "h264_aac.mp4", "alac_8k.m4a"):
        data = (CONTAINERS / name).read_bytes()
        assert decode(Pipe(data)) == decode(data)


def test_a_fragmented_mp4_streams(tmp_path, audio):
    """A fragmented mp4 is decoded while it arrives."""
    path = tmp_path / "live.mp4"
    live = ("-movflags", "frag_keyframe+empty_moov", "-frag_duration", "500000")
    ffmpeg("-i", audio / "jfk.wav", "-c:a", "aac", *live, path)
    data = path.read_bytes()
    feed = ByteFeed()
    feed.push(data[: len(data) // 2])
    with open_audio(feed) as reader:
        assert len(next(reader)) > 0
        feed.push(data[len(data) // 2 :])
        feed.close()
        assert sum(map(len, reader)) > 10 * 32_000
    assert decode(path) == decode(Pipe(data))


@pytest.mark.skipif(sys.platform == "win32", reason="FIFOs are POSIX's")
def test_a_fifo_is_a_stream(tmp_path, audio):
    """A path that is a FIFO is read as a stream."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    data = (audio / "mediarecorder.webm").read_bytes()
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    assert decode(path) == decode(data)
    writer.join()


@pytest.mark.parametrize(
    "name",
    [
        "plain.mp3",
        "with space.mp3",
        "it's.mp3",
        'quo"te.mp3',
        "a:b.mp3",
        "c,d;e.mp3",
        "[f]=g.mp3",
        "back\\slash.mp3",
        "-dash.mp3",
        "100%d.mp3",
        "ümläut 日本.mp3",
        "new\nline.mp3",
        "concat:x|y.mp3",
    ],
)
def test_any_file_name(tmp_path, monkeypatch, name):
    """Any file name works, absolute or relative, whatever special characters it contains."""
    if sys.platform == "win32":
        pytest.skip("Windows forbids most of these names")
    (tmp_path / name).write_bytes((CONTAINERS / "mp3.mp3").read_bytes())
    monkeypatch.chdir(tmp_path)
    whole = decode(CONTAINERS / "mp3.mp3")
    assert decode(name) == whole
    assert decode(tmp_path / name) == whole


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' names are text")
def test_a_file_name_that_is_no_text(tmp_path):
    """A file whose name is not UTF-8, which libav cannot open as a whole, is decoded."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.mp3")
    Path(path).write_bytes((CONTAINERS / "mp3.mp3").read_bytes())
    assert decode(path) == decode(CONTAINERS / "mp3.mp3")


def test_metadata_that_is_no_text(tmp_path):
    """A file with tags in another encoding than UTF-8 is decoded."""
    path = tmp_path / "tagged.mp3"
    ffmpeg("-i", CONTAINERS / "mp3.mp3", "-c", "copy", "-metadata", "title=abcdefgh", path)
    data = path.read_bytes().replace(b"abcdefgh", b"\xff\xfe\x80\x81\xfa\xfb\xfc\xfd")
    assert decode(data) == decode(CONTAINERS / "mp3.mp3")


@pytest.mark.parametrize("suffix", ["ts", "avi", "flv", "mpg", "mkv", "w64", "au", "wv", "tta"])
def test_other_containers(tmp_path, suffix):
    """Rare containers, and ones with video or with tracks that show up late, are decoded."""
    path = tmp_path / f"film.{suffix}"
    video = ["-f", "lavfi", "-t", "3", "-i", "testsrc2=s=320x180"]
    sound = ["-t", "3", "-i", CONTAINERS / "pcm_s16_48k_stereo.wav"]
    rare = suffix in {"w64", "au", "wv", "tta"}
    ffmpeg(*([] if rare else video), "-stream_loop", "5", *sound, path)
    mine, theirs = decode(path), reference(path)
    assert len(mine) == len(theirs)
    assert furthest(mine, theirs) <= 6
    if suffix != "avi":  # whose ffmpeg reader, too, wants to seek
        assert abs(len(decode(Pipe(path.read_bytes()))) - len(theirs)) < 3_200


def test_a_change_of_format_is_followed(tmp_path, audio):
    """A file whose rate and channels change midway is decoded completely, to one format."""
    first, second = tmp_path / "a.mp3", tmp_path / "b.mp3"
    ffmpeg("-t", "3", "-i", audio / "jfk.wav", "-ar", "44100", "-write_xing", "0", first)
    ffmpeg(
        "-t", "4", "-i", audio / "jfk.wav", "-ar", "48000", "-ac", "2", "-write_xing", "0", second
    )
    joined = first.read_bytes() + second.read_bytes()
    separate = len(decode(first)) + len(decode(second))
    for keywords in ({}, {"keep_channels": True}):
        got = decode(joined, **keywords)
        assert abs(len(got) - separate) <= 0.06 * 32_000


@pytest.mark.parametrize(("suffix", "options"), [("mp3", ()), ("opus", ()), ("flac", ())])
def test_files_one_after_the_other_are_all_decoded(tmp_path, audio, suffix, options):
    """Concatenated recordings are decoded to the end of the last one."""
    first, second, joined = (tmp_path / f"{name}.{suffix}" for name in "abc")
    ffmpeg("-t", "3", "-i", audio / "jfk.wav", *options, first)
    ffmpeg("-ss", "3", "-t", "4", "-i", audio / "jfk.wav", *options, second)
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    for source in (joined, Pipe(joined.read_bytes())):
        assert len(decode(source)) == pytest.approx(7 * 32_000, abs=0.2 * 32_000)


def test_a_wav_beyond_its_limit_is_refused():
    """More PCM than a WAV file can contain is an AudioTooLargeError with the remedy."""
    limit = 0xFFFF_FFFF - 36  # of which the last byte would need one of padding
    assert len(wav_header(AudioFormat(), limit - 1)) == 44
    for size in (limit, limit + 1, 1 << 40):
        with pytest.raises(AudioTooLargeError, match="use open_audio") as caught:
            wav_header(AudioFormat(), size, source="long.mp3")
        assert caught.value.source == "long.mp3"


def test_libav_can_seek_in_every_way():
    """The file object for libav supports every kind of seek."""
    file = LibavFile(make_source(b"0123456789", max_bytes=None))
    assert file.seekable()
    assert file.read(3) == b"012"
    assert file.seek(2, os.SEEK_CUR) == file.tell() == 5
    assert file.seek(-1, os.SEEK_END) == 9
    assert file.read(3) == b"9"
    assert file.read(3) == file.read(3) == b""


def test_a_reader_is_closed_once_and_for_all(audio):
    """A closed reader yields nothing more; closing again does nothing."""
    for name in ("jfk.wav", "mediarecorder.webm"):
        reader = open_audio(audio / name)
        next(reader)
        reader.close()
        reader.close()
        assert list(reader) == []
        assert reader.report.seconds <= 1.0
        unread = open_audio(audio / name)
        unread.close()
        assert list(unread) == []


def test_an_exhausted_reader_is_closed():
    """After the last chunk nothing is left open."""
    if sys.platform != "linux":
        pytest.skip("looks at Linux's list of descriptors")
    before = set(Path("/proc/self/fd").iterdir())
    for name in WAYS:
        data = (CONTAINERS / name).read_bytes()
        for source in (CONTAINERS / name, data, Pipe(data)):
            for _ in open_audio(source):
                pass
    assert set(Path("/proc/self/fd").iterdir()) <= before


def test_eight_threads_decode_at_once(audio):
    """Readers in several threads do not disturb each other."""
    names = ["mediarecorder.webm", "jfk.wav", "containers/mp3.mp3", "containers/aac.m4a"] * 2
    expected = {name: decode(audio / name) for name in names}
    got: dict[int, bytes] = {}

    def work(number, name):
        got[number] = decode(audio / name)

    threads = [threading.Thread(target=work, args=item) for item in enumerate(names)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {number: expected[name] for number, name in enumerate(names)}


def test_wav_needs_no_libav(audio):
    """Reading a WAV file that needs no conversion does not import `av`."""
    code = (
        "import sys; from azstt._audio import to_wav; "
        f"assert to_wav({str(audio / 'jfk.wav')!r}); assert 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_memory_does_not_grow_with_the_audio(audio):
    """Five minutes of audio take no more memory than fifteen seconds."""
    if sys.platform == "win32":
        pytest.skip("the resource module is POSIX's")
    peaks = []
    for name in ("es_mls_13697.ogg", "long.ogg"):
        code = (
            "import resource; from azstt._audio import open_audio\n"
            f"for chunk in open_audio({str(audio / name)!r}): pass\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        run = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE)
        peaks.append(int(run.stdout))
    assert peaks[1] <= peaks[0] + 4_000


def test_a_reader_describes_its_source(audio):
    """A reader has the name of its source, the format and the duration."""
    with open_audio(audio / "jfk.wav") as reader:
        assert isinstance(reader, AudioReader)
        assert iter(reader) is reader
        assert reader.source == str(audio / "jfk.wav")
        assert reader.audio == AudioFormat()
        assert reader.total_seconds == 11.0
    assert open_audio((audio / "jfk.wav").read_bytes()).source == "<bytes>"
    assert open_audio(Pipe((audio / "jfk.wav").read_bytes())).source == "<stream>"


def test_the_fast_path_is_for_paths_and_bytes(audio):
    """The most common kinds of files are decoded by the fast path."""
    for name in ("mp3.mp3", "aac.m4a", "opus.ogg", "opus.webm", "flac.flac", "h264_aac.mp4"):
        path = audio / "containers" / name
        for source in (path, path.read_bytes()):
            with open_audio(source) as reader:
                decoder = reader._decoder
                assert isinstance(decoder, LibavFileDecoder)
                assert decoder.fast


@pytest.mark.skipif(sys.platform != "linux", reason="only there bytes are opened as a file")
def test_without_a_file_descriptor_bytes_are_decoded_by_packets():
    """Bytes that libav cannot open as a file, for want of descriptors, are decoded all the same."""
    code = (
        "import os, resource\nfrom azstt._audio import open_audio\n"
        f"with open({str(CONTAINERS / 'mp3.mp3')!r}, 'rb') as file: data = file.read()\n"
        "whole = b''.join(open_audio(data))\n"
        "last = os.dup(0)\nos.close(last)\n"  # it is left for the anonymous file
        "resource.setrlimit(resource.RLIMIT_NOFILE, (last + 1, last + 1))\n"
        "assert b''.join(open_audio(data)) == whole != b''"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_decoders_for_probing_exist():
    """Every decoder that probing may use is one of libav's, and for audio."""
    for name in QUICK["codec_whitelist"].split(","):
        assert Codec(name, "r").type == "audio"


@pytest.mark.parametrize("name", ["mp3.mp3", "aac.m4a", "flac.flac"])
def test_a_cover_changes_nothing(tmp_path, name):
    """A picture attached to a recording, as in music collections, is ignored."""
    with_cover, cover = tmp_path / name, tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x320", "-frames:v", "1", cover)
    both = ("-map", "0:a", "-map", "1", "-c", "copy", "-disposition:v", "attached_pic")
    ffmpeg("-i", CONTAINERS / name, "-i", cover, *both, with_cover)
    with open_audio(with_cover) as reader, open_audio(CONTAINERS / name) as plain:
        assert b"".join(reader) == b"".join(plain)
        assert reader.report == plain.report


def test_a_file_object_that_fails():
    """An error that the caller's file object raises reaches the caller."""
    data = (CONTAINERS / "ac3.ac3").read_bytes()

    class Failing(Pipe):
        def __init__(self, error, at):
            super().__init__(data)
            self.error, self.left = error, at

        def read(self, size=-1):
            self.left -= 1
            if self.left < 0:
                raise self.error
            return super().read(size)

    for at in (0, 1, 5, 12):
        with pytest.raises(AudioSourceError, match="input/output error") as caught:
            decode(Failing(OSError(5, "Input/output error"), at))
        assert caught.value.errno == 5
        with pytest.raises(ZeroDivisionError, match="mine"):
            decode(Failing(ZeroDivisionError("mine"), at))
        with pytest.raises(KeyboardInterrupt):
            decode(Failing(KeyboardInterrupt(), at))
