"""Live decoding: chunks in, the whole file's samples out, each as early as possible."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from array import array
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from azstt._audio import DecodeReport, LiveDecoder, open_audio
from azstt._audio_format import AudioFormat
from azstt._errors import (
    AudioDecodeError,
    AudioError,
    ConfigurationError,
    NoAudioStreamError,
    SessionStateError,
)

AUDIO = Path(__file__).parents[2] / "audio"
CONTAINERS = AUDIO / "containers"
#: Streams that are decoded in `feed`, and the container to declare.
PUSHED = {
    "chromium.webm": "webm",
    "containers/opus.webm": "webm",
    "containers/vp8_opus.webm": "webm",
    "containers/opus.mka": "webm",
    "containers/opus.ogg": "ogg",
    "digits.ogg": "ogg",
    "sv_nst.ogg": "ogg",
    "containers/mp3.mp3": "mp3",
    "common_voice_firefox.mp3": "mp3",
    "ja_common_voice.mp3": "mp3",
    "containers/aac_adts.aac": "aac",
    "containers/pcm_s16_16k.wav": "wav",
    "containers/pcm_f32_8k.wav": "wav",
    "containers/pcm_s24_8k.wav": "wav",
    "containers/pcm_s16_48k_stereo.wav": "wav",
}
#: Streams that are decoded by libav's demuxers, in a thread.
THREADED = sorted(
    f"containers/{path.name}"
    for path in CONTAINERS.iterdir()
    if path.suffix != ".txt" and f"containers/{path.name}" not in PUSHED
)
SPEECH = AudioFormat()
#: Seconds that a thread may take on a machine that is busy.
PATIENCE = 30.0


class Run:
    """A decoder, and its whole output."""

    def __init__(self, audio: AudioFormat | str = "auto", target: AudioFormat = SPEECH):
        self.target = target
        self.chunks: list[bytes] = []
        self.ends: list[Exception | None] = []
        self.started, self.ended = Event(), Event()
        self.decoder = LiveDecoder(audio, target, sink=self.sink, done=self.done)

    def sink(self, pcm):
        assert pcm
        assert len(pcm) % self.target.frame_size == 0
        assert not self.ends
        self.chunks.append(pcm)
        self.started.set()

    def done(self, error):
        self.ends.append(error)
        self.ended.set()

    def feed(self, *pieces: bytes):
        for piece in pieces:
            self.decoder.feed(piece)
        return self

    def finish(self):
        self.decoder.finish()
        assert self.ended.wait(PATIENCE)
        return self

    @property
    def pcm(self) -> bytes:
        return b"".join(self.chunks)


def reported(run: Run) -> DecodeReport:
    """Return the report of a run."""
    report = run.decoder.report
    assert report is not None
    return report


def whole(source, **keywords) -> bytes:
    """Return what `open_audio` decodes from a source."""
    with open_audio(source, **keywords) as reader:
        return b"".join(reader)


def pieces(data: bytes, size: int) -> list[bytes]:
    """Cut bytes into pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


def cut(data: bytes, at: list[int]) -> list[bytes]:
    """Cut bytes at these positions."""
    return [data[a:b] for a, b in pairwise([0, *sorted(at), len(data)])]


def places(size: int) -> st.SearchStrategy[list[int]]:
    """Choose where to cut: in a few places, and in one region after every byte."""
    anywhere = st.lists(st.integers(0, size), max_size=12)
    burst = st.integers(0, size).map(lambda at: list(range(at, min(size, at + 300))))
    return st.tuples(anywhere, st.one_of(burst, st.just(list(range(min(300, size)))))).map(
        lambda both: both[0] + both[1]
    )


FEW = settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("name", PUSHED)
@FEW
@given(choice=st.data())
def test_how_a_stream_is_cut_does_not_matter(name, choice):
    """However a stream is cut, it decodes to the whole file's samples, with the same report."""
    data = (AUDIO / name).read_bytes()
    with open_audio(data) as reader:
        expected = b"".join(reader)
    announced = choice.draw(st.sampled_from(["auto", PUSHED[name]]))
    run = Run(announced).feed(*cut(data, choice.draw(places(len(data))))).finish()
    assert run.ends == [None]
    assert run.pcm == expected
    assert run.decoder.report == reader.report
    assert run.decoder.backlog == 0


@pytest.mark.parametrize(
    "name",
    ["chromium.webm", "containers/opus.ogg", "containers/mp3.mp3", "containers/aac_adts.aac"],
)
def test_byte_by_byte(name):
    """A stream that arrives byte by byte decodes to exactly the whole file's samples."""
    data = (AUDIO / name).read_bytes()
    assert Run().feed(*pieces(data, 1)).finish().pcm == whole(data)


@pytest.mark.parametrize("name", THREADED)
@settings(FEW, max_examples=2)
@given(choice=st.data())
def test_other_containers_are_decoded_by_libav(name, choice):
    """Every other container decodes to the whole file's samples as well, however it is cut."""
    data = (AUDIO / name).read_bytes()
    run = Run().feed(*cut(data, choice.draw(places(len(data))))).finish()
    assert run.ends == [None]
    assert run.pcm == whole(data)
    assert run.decoder.report is not None
    assert run.decoder.report.seconds == SPEECH.seconds(len(run.pcm))


@pytest.mark.parametrize(
    "target", [AudioFormat(sample_rate=8_000), AudioFormat(channels=2), AudioFormat(sample_width=3)]
)
@pytest.mark.parametrize(
    "name",
    ["chromium.webm", "containers/mp3.mp3", "containers/pcm_s24_8k.wav", "containers/flac.flac"],
)
def test_any_format_comes_out(name, target):
    """The output has the requested rate, channels and sample width."""
    data = (AUDIO / name).read_bytes()
    run = Run(target=target).feed(*pieces(data, 3_001)).finish()
    assert run.pcm == whole(data, output=target)


@pytest.mark.parametrize(
    ("name", "announced", "first"),
    [
        ("chromium.webm", "webm", 1_135),  # a real recording: the first block ends here
        ("mediarecorder.webm", "webm", 369),
        ("containers/opus.ogg", "ogg", 228),
        ("es_mls_13697.ogg", "ogg", 1_259),  # its tags are long
        ("containers/mp3.mp3", "mp3", 488),  # the end of the first frame after the tag
        ("ja_common_voice.mp3", "mp3", 261),
        ("containers/aac_adts.aac", "aac", 395),  # the end of the first frame
        ("containers/pcm_s16_16k.wav", "wav", 46),
        ("containers/pcm_f32_8k.wav", "wav", 190),  # the resampler needs some samples
    ],
)
def test_pcm_comes_with_the_last_byte_of_the_first_packet(name, announced, first):
    """The first PCM comes out as soon as the first packet is complete, to the byte."""
    data = (AUDIO / name).read_bytes()
    for audio in (announced, "auto"):
        run = Run(audio).feed(*pieces(data[: first - 1], 1))
        assert run.chunks == []
        run.feed(data[first - 1 : first])
        assert len(run.pcm) > 0
        run.decoder.close()


def test_raw_pcm_passes_through():
    """PCM in the output format comes out unchanged; only an incomplete frame is held back."""
    run = Run(SPEECH)
    piece = bytes(range(200)) * 16
    run.feed(piece)
    assert run.chunks == [piece]
    assert run.chunks[0] is piece
    run.feed(b"\1", b"", b"\2\3", b"\4\5\6")
    assert run.chunks[1:] == [b"\1\2", b"\3\4\5\6"]
    run.feed(b"\7").finish()
    assert run.ends == [None]
    assert run.pcm == piece + b"\1\2\3\4\5\6"
    assert run.decoder.report == DecodeReport(
        container="s16le", codec="pcm_s16le", sample_rate=16_000, channels=1, seconds=0.1001875
    )


@pytest.mark.parametrize(
    ("audio", "codec"),
    [
        (AudioFormat(sample_rate=48_000, channels=2), "pcm_s16le"),
        (AudioFormat(sample_rate=8_000, sample_width=3), "pcm_s24le"),
        (AudioFormat(sample_rate=44_100, sample_width=4), "pcm_s32le"),
        (AudioFormat(sample_rate=48_000, sample_width=4, floating=True), "pcm_f32le"),
        (AudioFormat(channels=9), "pcm_s16le"),
    ],
)
@settings(FEW, max_examples=4)
@given(choice=st.data())
def test_raw_pcm_of_any_format(audio, codec, choice):
    """PCM of any rate, width and channels is resampled as `open_audio` does for a WAV file."""
    samples = AUDIO.joinpath("jfk.wav").read_bytes()[44:][: 5_000 * audio.frame_size]
    if audio.floating:
        whole_numbers = array("h", samples[: 2 * 5_000])
        samples = array("f", (number / 32_768 for number in whole_numbers)).tobytes()
    run = Run(audio).feed(*cut(samples + b"\0", choice.draw(places(len(samples))))).finish()
    assert run.ends == [None]
    assert run.pcm == whole(wave(audio, samples))
    assert run.decoder.report is not None
    assert run.decoder.report.codec == codec
    assert run.decoder.report.container == codec[4:]


def wave(audio: AudioFormat, samples: bytes, size: int | None = None, more: bytes = b"") -> bytes:
    """Put a WAV header before samples."""
    rate, block = audio.sample_rate, audio.frame_size
    numbers = ((16, 4), (3 if audio.floating else 1, 2), (audio.channels, 2), (rate, 4))
    numbers += ((rate * block, 4), (block, 2), (8 * audio.sample_width, 2))
    fmt = b"".join(value.to_bytes(length, "little") for value, length in numbers)
    length = (len(samples) if size is None else size).to_bytes(4, "little")
    return b"RIFF\xff\xff\xff\xffWAVE" + more + b"fmt " + fmt + b"data" + length + samples


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0x7FFF_F000])
def test_a_live_wav_header(size):
    """A WAV stream whose header does not state a size is read to the end."""
    samples = bytes(range(256)) * 100
    run = Run("wav").feed(*pieces(wave(SPEECH, samples, size), 99)).finish()
    assert run.ends == [None]
    assert run.pcm == samples
    assert run.decoder.report is not None
    assert not run.decoder.report.truncated


def test_the_size_in_a_wav_header():
    """What follows the samples is ignored; missing samples are reported."""
    samples = bytes(range(256)) * 100
    notes = b"LIST" + (1 << 17).to_bytes(4, "little") + bytes(1 << 17)
    run = Run().feed(*pieces(wave(SPEECH, samples, more=notes) + b"LIST\4\0\0\0abcd", 7)).finish()
    assert run.pcm == samples
    run = Run().feed(wave(SPEECH, samples, size=99_999)).finish()
    assert run.pcm == samples
    assert run.decoder.report is not None
    assert run.decoder.report.truncated


@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_live_wav_without_a_sample_is_refused(rate):
    """A WAV header without a complete sample after it is an error, not silence."""
    audio = AudioFormat(sample_rate=rate)
    for samples in (b"", b"\1"):
        run = Run("wav").feed(wave(audio, samples, size=2)).finish()
        assert "it contains no samples" in str(run.ends[0])


def test_a_live_wav_at_an_absurd_rate_is_refused():
    """A WAV stream with a sample rate that no recording has is refused."""
    head = wave(SPEECH, bytes(9_000)).replace((16_000).to_bytes(4, "little"), b"\x45\xa1\x3d\x5c")
    run = Run("wav").feed(*pieces(head, 99))
    assert run.ended.wait(PATIENCE)
    assert "sample rate of 1547542853 Hz" in str(run.ends[0])


def test_an_empty_stream_is_no_error():
    """A stream without a single byte ends without output and without an error."""
    for audio in (SPEECH, AudioFormat(sample_rate=8_000), "webm", "mp3", "wav", "auto", "mp4"):
        run = Run(audio).feed(b"", b"").finish()
        assert (run.ends, run.chunks, run.decoder.backlog) == ([None], [], 0)
    assert Run("auto").decoder.report is None


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(99), NoAudioStreamError, "declared as 'KIND' but is a PNG"),
        (b"<!doctype html><p>", NoAudioStreamError, "declared as 'KIND' but is an HTML page"),
        (b"MThd\0\0\0\6\0\1\0\1", NoAudioStreamError, "a MIDI file"),
        (b"\x1f\x43\xb6\x75\x01" + b"\xff" * 99, AudioDecodeError, "recording from its first"),
    ],
)
@pytest.mark.parametrize("kind", ["webm", "ogg", "mp4", "flac", "wav"])
def test_another_format_than_declared_is_refused(data, error, words, kind):
    """The error has the declared format, the actual one and the remedy; then chunks are ignored."""
    run = Run(kind).feed(*pieces(data, 5))
    assert run.ended.wait(PATIENCE)
    (caught,) = run.ends
    assert type(caught) is error
    assert words.replace("KIND", kind) in str(caught)
    assert caught.source == "<stream>"
    run.feed(data, data).decoder.finish()
    assert (len(run.ends), run.chunks) == (1, [])


@pytest.mark.parametrize("name", ["chromium.webm", "containers/opus.ogg", "containers/flac.flac"])
@pytest.mark.parametrize("kind", ["webm", "ogg", "mp4", "mp3", "aac", "flac", "wav"])
def test_another_container_than_declared_is_refused(name, kind):
    """A stream in another container than declared is refused, and the error names it."""
    found = {"w": "webm", "o": "ogg", "f": "flac"}[name.rpartition(".")[2][0]]
    run = Run(kind).feed(AUDIO.joinpath(name).read_bytes()[:9_000])
    if kind != found:
        assert f"declared as {kind!r} but is {found!r}" in str(run.ends[0])
        assert "audio='auto'" in str(run.ends[0])
    else:
        assert run.ends == []
    run.decoder.close()


@pytest.mark.parametrize(
    "data",
    [
        b"\1",
        b"RIFF",
        b"nothing that anybody knows \0\1\2",
        bytes(5_000),
        b"\x1a\x45\xdf\xa3" + bytes(30),
        b"OggS" + bytes(80),
        (CONTAINERS / "opus.webm").read_bytes()[:300],
        (CONTAINERS / "opus.ogg").read_bytes()[:150],
        (CONTAINERS / "mp3.mp3").read_bytes()[:60],
        (CONTAINERS / "pcm_s16_16k.wav").read_bytes()[:40],
        (CONTAINERS / "pcm_s16_16k.wav").read_bytes()[:44],
        (CONTAINERS / "flac.flac").read_bytes()[:30],
        b"\xff\xf1\x50\x80" + b"\xff" * 3_000,
    ],
    ids=lambda data: repr(data[:6]),
)
def test_what_cannot_be_decoded_is_an_error(data):
    """A stream in which nothing can be decoded ends with an AudioError, however it is cut."""
    for size in (3, 1 << 20):
        run = Run().feed(*pieces(data, size)).finish()
        (error,) = run.ends
        assert isinstance(error, AudioError)
        assert "<stream>" in str(error)
        assert run.chunks == []


def test_a_stream_may_begin_within_a_frame():
    """MP3 and AAC that begin in the middle of a frame are decoded from the next one on."""
    for name, kind in (("containers/mp3.mp3", "mp3"), ("containers/aac_adts.aac", "aac")):
        data = AUDIO.joinpath(name).read_bytes()[9_001:]
        run = Run(kind).feed(*pieces(data, 50)).finish()
        assert run.ends == [None]
        assert len(run.pcm) == pytest.approx(len(whole(data)), abs=32_000 * 0.1)


def test_a_tag_is_skipped():
    """A stream after an ID3 tag, however long, is decoded like one without it."""
    tag = b"ID3\x04\0\0" + bytes([0, 0x7F, 0x7F, 0x7F]) + bytes((1 << 21) - 1)
    for name, kind in (("aac_adts.aac", "aac"), ("flac.flac", "flac"), ("mp2.mp2", "mp3")):
        data = (CONTAINERS / name).read_bytes()
        for audio in ("auto", kind):
            run = Run(audio).feed(*pieces(tag + data, 60_000)).finish()
            assert run.ends == [None]
            assert run.pcm == whole(data)


def test_an_mp3_that_is_longer_than_it_says():
    """A little audio after the stated end is dropped as padding; more than that is kept."""
    data = (CONTAINERS / "mp3.mp3").read_bytes()
    frame = data.index(b"\xff\xf3", 9_000)
    for more in (data[frame : frame + 400], data[frame:]):
        run = Run().feed(*pieces(data + more, 61)).finish()
        assert run.ends == [None]
        assert run.pcm == whole(data + more)
    at = data.index(b"Info") + 8
    frames = int.from_bytes(data[at : at + 4], "big")
    short = data[:at] + (frames // 2).to_bytes(4, "big") + data[at + 4 :]
    assert len(Run().feed(*pieces(short, 61)).finish().pcm) >= len(whole(data))


@pytest.mark.parametrize("name", ["containers/mp3.mp3", "containers/aac_adts.aac"])
def test_a_damaged_frame_is_reported(name):
    """A frame that does not decode is skipped, and the report says where it was."""
    data = bytearray((AUDIO / name).read_bytes())
    at = len(data) // 2
    data[at : at + 1_000] = b"\xff" * 1_000
    run = Run().feed(*pieces(bytes(data), 100)).finish()
    with open_audio(bytes(data)) as reader:
        assert len(run.pcm) >= sum(map(len, reader))
    lost = len(whole((AUDIO / name).read_bytes())) - len(run.pcm)
    (gap,) = reported(run).missing
    assert gap.at == pytest.approx(3.5, abs=0.4)
    assert gap.seconds == pytest.approx(lost / 32_000, abs=0.1)
    assert (gap.reason, gap.span) == ("damaged", 0.0)


RECORDINGS = {
    name: (AUDIO / name).read_bytes()
    for name in ("chromium.webm", "containers/opus.webm", "containers/opus.ogg")
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_another_recording_in_the_same_stream(name):
    """Concatenated recordings are each decoded as if alone, with their own setup."""
    data = RECORDINGS[name]
    alone = len(whole(data))
    run = Run().feed(*pieces(data + data, 333)).finish()
    assert run.ends == [None]
    assert len(run.pcm) == 2 * alone
    assert run.pcm[: alone - 64] == whole(data)[:-64]
    assert len(whole(data + data)) == len(run.pcm)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("chromium.webm", "containers/h264_mp3.mkv"),
        ("containers/opus.webm", "two_tracks.mkv"),
        ("containers/opus.ogg", "containers/vorbis.ogg"),
    ],
)
def test_a_recording_of_another_kind_in_the_same_stream(first, second):
    """A second recording that needs libav follows the first without loss or duplication."""
    parts = [(AUDIO / name).read_bytes() for name in (first, second)]
    run = Run().feed(*pieces(b"".join(parts), 777)).finish()
    assert run.ends == [None]
    assert run.pcm == b"".join(map(whole, parts))
    report = run.decoder.report
    assert report is not None
    assert report.seconds == pytest.approx(SPEECH.seconds(len(run.pcm)))
    assert report.codec == open_audio(parts[1]).report.codec


def test_feeding_after_the_end_is_refused():
    """Feeding after finish() raises an error; finishing twice does not."""
    for audio in (SPEECH, "webm"):
        run = Run(audio).finish()
        run.decoder.finish()
        with pytest.raises(SessionStateError, match=r"feed\(\) after finish\(\)"):
            run.decoder.feed(b"ab")
        assert run.ends == [None]


def test_impossible_targets_are_refused():
    """A target with float samples, or with a number of channels without a layout, is refused."""
    floats = AudioFormat(sample_width=4, floating=True)
    for audio in ("auto", floats):
        with pytest.raises(ConfigurationError, match="as integers"):
            Run(audio, floats)
    with pytest.raises(ConfigurationError, match="cannot mix to 9 channels"):
        Run("auto", AudioFormat(channels=9))
    assert Run(AudioFormat(channels=9), AudioFormat(channels=9)).feed(bytes(18)).pcm == bytes(18)


def test_data_after_the_end_of_a_stream():
    """Junk after the end of a container is ignored, and the end is reported after finish()."""
    for name in ("alaw_8k.wav", "pcm_s16_16k.wav"):
        data = (CONTAINERS / name).read_bytes()
        run = Run().feed(*pieces(data + bytes(100_000), 5_000))
        assert not run.ended.wait(0.2)
        run.feed(b"junk" * 1_000)
        assert run.finish().pcm == whole(data)


def threads() -> set[Thread]:
    """Return the threads that decode live streams."""
    return {t for t in threading.enumerate() if t.name == "azstt live decode"}


@pytest.mark.parametrize("name", ["chromium.webm", "containers/flac.flac", "containers/aac.m4a"])
def test_a_decoder_is_closed_once_and_for_all(name):
    """After close() no callback is called, chunks are ignored and no thread is left."""
    data = (AUDIO / name).read_bytes()
    before = threads()
    for size in (0, 5, 40_000):
        run = Run().feed(data[:size])
        mine = threads() - before
        run.decoder.close()
        count = len(run.chunks)
        run.decoder.close()
        run.feed(data[size:])
        run.decoder.finish()
        for thread in mine:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in mine)
        assert (len(run.chunks), run.ends, run.decoder.backlog) == (count, [], 0)


def test_closing_from_the_sink():
    """The callback that receives PCM may close the decoder."""

    class Closing(Run):
        def sink(self, pcm):
            self.decoder.close()
            super().sink(pcm)

    for name in ("chromium.webm", "containers/flac.flac"):
        run = Closing()
        data = (AUDIO / name).read_bytes()
        run.feed(*pieces(data, 2_000))
        assert run.started.wait(PATIENCE)
        run.feed(data)
        assert (len(run.chunks), run.ends) == (1, [])


def test_closing_from_another_thread():
    """close() waits for a running callback, and none is called afterwards."""
    for name in ("chromium.webm", "containers/flac.flac"):
        inside, go_on, log = Event(), Event(), []

        def sink(pcm, inside=inside, go_on=go_on, log=log):
            inside.set()
            assert go_on.wait(PATIENCE)
            log.append(len(pcm))

        decoder = LiveDecoder("auto", SPEECH, sink=sink, done=log.append)
        data = (AUDIO / name).read_bytes()
        feeding = Thread(target=lambda d=decoder, data=data: [d.feed(p) for p in pieces(data, 999)])
        feeding.start()
        assert inside.wait(PATIENCE)
        closing = Thread(target=lambda d=decoder, log=log: (d.close(), log.append("closed")))
        closing.start()
        go_on.set()
        closing.join(PATIENCE)
        feeding.join(PATIENCE)
        assert log[-1] == "closed"


def test_the_report_outlives_the_decoder():
    """The report is still available after close()."""
    run = Run("webm").feed(RECORDINGS["chromium.webm"]).finish()
    report = run.decoder.report
    run.decoder.close()
    assert run.decoder.report == report
    assert report is not None
    assert report.seconds == SPEECH.seconds(len(run.pcm))


def test_the_backlog_of_a_thread():
    """Data waiting for the thread is counted, and feeding never blocks."""
    blocked, entered = Event(), Event()

    def sink(_):
        entered.set()
        assert blocked.wait(PATIENCE)

    ended = Event()
    decoder = LiveDecoder("flac", SPEECH, sink=sink, done=lambda _: ended.set())
    data = (CONTAINERS / "flac.flac").read_bytes()
    decoder.feed(data)
    decoder.finish()
    assert entered.wait(PATIENCE)
    assert 0 <= decoder.backlog <= len(data)
    blocked.set()
    assert ended.wait(PATIENCE)
    assert decoder.backlog == 0
    big = LiveDecoder("mp4", SPEECH, sink=sink, done=lambda _: None)
    big.feed(b"\0\0\0\x18ftypmp42" + bytes(12))
    for _ in range(40):
        big.feed(bytes(1 << 20))
    big.close()


def test_a_fragmented_mp4_is_decoded_while_it_arrives():
    """A fragmented mp4, as Safari records it, is decoded before it ends."""
    file = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}
    with (
        av.open(file, "w", format="mp4", options=options) as output,
        av.open(AUDIO / "jfk.wav") as source,
    ):
        stream = output.add_stream("aac", rate=16_000, layout="mono")
        for frame in source.decode(audio=0):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    data = file.getvalue()
    run = Run("mp4").feed(*pieces(data[: len(data) // 2], 1_000))
    assert run.started.wait(PATIENCE)
    run.feed(data[len(data) // 2 :]).finish()
    assert len(run.pcm) == len(whole(iter([data])))


def test_pcm_that_passes_needs_no_libav():
    """Raw PCM in the output format does not import `av`."""
    code = (
        "import sys; from azstt._audio_format import AudioFormat as F\n"
        "from azstt._audio import LiveDecoder\n"
        "out = []; d = LiveDecoder(F(), F(), sink=out.append, done=out.append)\n"
        "d.feed(b'ab'); d.finish(); d.close()\n"
        "assert out == [b'ab', None] and 'av' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
