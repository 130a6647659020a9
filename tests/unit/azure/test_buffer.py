"""The buffer of audio for the service."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat
from azstt.backends.azure._buffer import MAX_UNREAD, AudioBuffer

SECOND = 32_000
PCM = AudioFormat()


def take(reader, seconds: float) -> bytes:
    """Read so many seconds, or less at the end."""
    view = memoryview(bytearray(int(seconds * SECOND)))
    return bytes(view[: reader.read(view)])


def test_a_reader_follows_the_writer():
    """The reader gets what was written, and then the end."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(b"ab" * SECOND)
    buffer.end()
    reader = buffer.reader()
    assert take(reader, 1) == b"ab" * (SECOND // 2)
    assert not buffer.drained
    assert (take(reader, 5), take(reader, 1)) == (b"ab" * (SECOND // 2), b"")
    assert buffer.drained
    assert (buffer.written, buffer.read, buffer.settled) == (2.0, 2.0, 0.0)


def test_a_new_reader_begins_where_results_end():
    """Audio that has its result is not sent again, and all other audio is."""
    buffer = AudioBuffer(PCM, hold=10)
    for value in range(4):
        buffer.write(bytes([value]) * SECOND)
    first = buffer.reader()
    take(first, 3.5)
    buffer.settle(2.0)
    second = buffer.reader()
    assert (first.base, second.base) == (0.0, 2.0)
    assert take(second, 1) == b"\2" * SECOND
    assert take(first, 1) == b""
    buffer.settle(1.0)
    assert buffer.settled == 2.0


def test_old_audio_is_dropped():
    """The buffer keeps no more than its limit, even if nothing is settled."""
    buffer = AudioBuffer(PCM, hold=10)
    reader = buffer.reader()
    for _ in range(100):
        buffer.write(bytes(SECOND))
        take(reader, 1)
    assert len(buffer._bytes) <= 15 * SECOND
    assert buffer.reader().base == 85.0


def test_a_writer_waits_for_the_reader():
    """A write blocks while 5 s are unread, until audio is read or the buffer is closed."""
    buffer = AudioBuffer(PCM, hold=10)
    done = threading.Event()

    def write() -> None:
        for _ in range(int(MAX_UNREAD) + 1):
            buffer.write(bytes(SECOND))
        done.set()

    threading.Thread(target=write, daemon=True).start()
    assert not done.wait(0.1)
    take(buffer.reader(), 1)
    assert done.wait(5)
    blocked = threading.Thread(target=buffer.write, args=[bytes(SECOND)], daemon=True)
    blocked.start()
    buffer.close()
    blocked.join(5)
    assert not blocked.is_alive()
    buffer.write(b"more")
    assert buffer.written == pytest.approx(6.0, abs=6.0)


def test_a_detached_reader_is_released():
    """A reader that waits for audio gets the end instead."""
    buffer = AudioBuffer(PCM, hold=10)
    got: list[bytes] = []
    reader = buffer.reader()
    thread = threading.Thread(target=lambda: got.append(take(reader, 1)), daemon=True)
    thread.start()
    buffer.detach()
    thread.join(5)
    assert got == [b""]


chunk_sizes = st.lists(st.integers(1, 40), min_size=1, max_size=20)


@given(chunk_sizes, st.data())
def test_stretches_cover_the_whole_audio_once(sizes, data):
    """With cuts and lost connections anywhere, each byte written is in one stretch, once."""
    audio = AudioFormat(sample_rate=4000)
    buffer = AudioBuffer(audio, hold=10)
    whole, cuts = bytearray(), [0]
    for size in sizes:
        pcm = bytes((len(whole) + i) % 251 for i in range(2 * size))
        buffer.write(pcm)
        whole += pcm
        if data.draw(st.booleans()) and buffer.cut():
            cuts.append(len(whole))
    buffer.end()
    stretches = [bytes(whole[a:b]) for a, b in pairwise([*cuts, len(whole)]) if b > a]
    read: list[bytes] = []
    while not buffer.complete:
        while data.draw(st.booleans()):  # a connection that is lost before it has processed it
            buffer.reader().read(memoryview(bytearray(data.draw(st.integers(1, 50)))))
        view = memoryview(bytearray(4000))
        read.append(bytes(view[: buffer.reader().read(view)]))
        buffer.settle_all()
        while buffer.pass_cut():
            pass
    assert read == stretches


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40), st.booleans()), max_size=30))
def test_every_byte_is_read_in_order_from_where_a_reader_begins(steps):
    """After any writes, settles and restarts, a reader gets the whole audio from its base on."""
    audio = AudioFormat(sample_rate=4000)
    buffer = AudioBuffer(audio, hold=10)
    whole = bytearray()
    reader = buffer.reader()
    at = 0
    for size, settled, restart in steps:
        pcm = bytes((len(whole) // 2 + i) % 251 for i in range(size) for _ in range(2))
        whole += pcm
        buffer.write(pcm)
        buffer.settle(audio.seconds(2 * settled))
        if restart:
            reader = buffer.reader()
            at = audio.size(reader.base)
        view = memoryview(bytearray(min(len(pcm), len(whole) - at)))
        got = reader.read(view)
        assert view[:got] == whole[at : at + got]
        at += got


def test_a_reader_ends_at_a_cut_and_the_next_one_begins_there():
    """Audio written after a cut goes to the next reader."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(b"a" * SECOND)
    assert buffer.cut()
    buffer.write(b"b" * SECOND)
    reader = buffer.reader()
    assert (take(reader, 0.5), take(reader, 5), take(reader, 1)) == (
        b"a" * (SECOND // 2),
        b"a" * (SECOND // 2),
        b"",
    )
    assert buffer.drained
    assert not buffer.pass_cut()
    buffer.settle_all()
    assert buffer.pass_cut()
    assert (buffer.settled, buffer.drained, buffer.complete) == (1.0, False, False)
    buffer.end()
    following = buffer.reader()
    assert following.base == 1.0
    assert take(following, 5) == b"b" * SECOND
    buffer.settle_all()
    assert buffer.complete


def test_a_cut_needs_audio():
    """Two cuts in a row are one, unless forced."""
    buffer = AudioBuffer(PCM, hold=10)
    assert not buffer.cut()
    buffer.write(bytes(SECOND))
    assert buffer.cut()
    assert not buffer.cut()
    assert buffer.cut(force=True)
    buffer.reader()
    buffer.settle_all()
    assert [buffer.pass_cut() for _ in range(3)] == [True, True, False]


def test_a_result_settles_nothing_beyond_its_stretch():
    """A last result that ends slightly after its audio, by rounding, does not settle more."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(bytes(SECOND))
    buffer.cut()
    buffer.write(bytes(SECOND))
    take(buffer.reader(), 2)
    buffer.settle(1.001)
    assert buffer.settled == buffer.reader().base == 1.0


def test_a_lost_connection_keeps_the_cut():
    """A second reader of the same stretch ends at the same cut."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(b"a" * SECOND)
    buffer.cut()
    buffer.write(b"b" * SECOND)
    take(buffer.reader(), 1)
    assert take(buffer.reader(), 5) == b"a" * SECOND


def test_after_a_stop_the_next_reader_begins_where_audio_is_settled():
    """That is the stop if everything before it was settled, and an earlier position otherwise."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(b"a" * SECOND + b"b" * SECOND)
    reader = buffer.reader()
    take(reader, 1)
    buffer.stop()
    assert take(reader, 1) == b""
    assert buffer.drained
    again = buffer.reader()
    assert (again.base, take(again, 1)) == (0.0, b"a" * SECOND)
    buffer.stop()
    buffer.settle_all()
    following = buffer.reader()
    assert (following.base, take(following, 1)) == (1.0, b"b" * SECOND)


def test_a_reader_waits_for_a_minimum_of_audio():
    """The rest of a chunk does not wait for the next one, but tiny reads are avoided."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(bytes(SECOND // 20))
    reader = buffer.reader()
    assert len(take(reader, 0.1)) == SECOND // 20
    buffer.write(bytes(SECOND // 50))
    got: list[bytes] = []
    thread = threading.Thread(target=lambda: got.append(take(reader, 0.1)), daemon=True)
    thread.start()
    thread.join(0.05)
    assert thread.is_alive()
    buffer.write(bytes(SECOND // 50))
    thread.join(5)
    assert [len(pcm) for pcm in got] == [SECOND // 25]


def test_positions_are_exact_after_ten_hours():
    """However long the audio, no sample is miscounted, and no more is kept."""
    audio = AudioFormat(sample_rate=4000)
    minute = bytes(audio.size(60))
    buffer = AudioBuffer(audio, hold=120)
    view = memoryview(bytearray(minute))
    reader = buffer.reader()
    for _ in range(600):
        buffer.write(minute)
        reader.read(view)
    buffer.cut()
    buffer.write(bytes(4))
    buffer.settle_all()
    assert buffer.pass_cut()
    assert buffer.reader().base == 36_000.0
    buffer.settle(36_000.0005)
    assert buffer.written == buffer.settled == 36_000.0005
    assert len(buffer._bytes) <= audio.size(130)
