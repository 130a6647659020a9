from __future__ import annotations

import random
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt._audio import ByteFeed, open_audio
from azstt._errors import AudioSourceError, ConfigurationError, SessionStateError


def drain(feed: ByteFeed, size: int = 1 << 16) -> bytes:
    """Read a feed to its end."""
    return b"".join(iter(lambda: feed.take(size), b""))


def in_thread(call, *arguments) -> threading.Thread:
    """Run something in a thread of its own."""
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    return thread


def until(condition) -> None:
    """Wait until something is so; fail if it never is."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@given(
    pieces=st.lists(st.binary(max_size=40)),
    take=st.integers(1, 50),
    most=st.integers(1, 60),
)
def test_what_is_pushed_is_read(pieces, take, most):
    """Everything comes out once and in order, however small the buffer and the reads are."""
    feed = ByteFeed(max_buffered=most)

    def push():
        for piece in pieces:
            feed.push(piece)
        feed.close()

    thread = in_thread(push)
    assert drain(feed, take) == b"".join(pieces)
    thread.join()
    assert feed.take(1) == b""


def test_pushing_waits_while_the_feed_is_full():
    """``push`` waits for the reader: that is the back-pressure."""
    feed = ByteFeed(max_buffered=10)
    feed.push(bytes(10))
    thread = in_thread(feed.push, bytes(1))
    time.sleep(0.05)
    assert thread.is_alive()
    assert feed.buffered == 10
    assert len(feed.take(4)) == 4
    thread.join(10)
    assert not thread.is_alive()
    assert feed.buffered == 7


def test_a_piece_over_the_limit_is_let_in_alone():
    """A piece longer than the limit does not wait for ever."""
    feed = ByteFeed(max_buffered=10)
    feed.push(bytearray(100))
    feed.push(b"")
    assert feed.buffered == 100


@pytest.mark.parametrize("most", [0, -1])
def test_a_feed_must_hold_something(most):
    """A limit that lets nothing in is refused."""
    with pytest.raises(ConfigurationError, match="max_buffered must be positive"):
        ByteFeed(max_buffered=most)


def test_a_feed_without_a_bound_never_waits():
    """Who must not wait asks for no bound, and looks at how much waits."""
    feed = ByteFeed(max_buffered=None)
    for _ in range(5):
        feed.push(bytes(1 << 20))
    assert feed.buffered == 5 << 20
    assert len(feed.take(1 << 30)) == 1 << 20
    assert feed.buffered == 4 << 20


def test_pushing_after_the_end_is_refused():
    """A closed, canceled or abandoned feed takes no more, and says which it is."""
    closed, canceled, left = ByteFeed(), ByteFeed(), ByteFeed()
    closed.close()
    closed.close()
    canceled.cancel()
    left.release()
    for feed, why in ((closed, "is closed"), (canceled, "was canceled"), (left, "nobody reads")):
        with pytest.raises(SessionStateError, match=why):
            feed.push(b"x")


@pytest.mark.parametrize("error", [None, RuntimeError("mine")])
def test_canceling_frees_who_waits(error):
    """``cancel`` ends a waiting read with the error, and a waiting push."""
    feed = ByteFeed(max_buffered=1)
    caught = []

    def read():
        try:
            feed.take(1)
        except Exception as raised:  # noqa: BLE001  whatever it is, the test looks at it
            caught.append(raised)

    thread = in_thread(read)
    time.sleep(0.02)
    feed.cancel(error)
    feed.cancel(ValueError("too late"))
    thread.join(10)
    expected = AudioSourceError if error is None else RuntimeError
    assert [type(raised) for raised in caught] == [expected]


def test_closing_the_reader_frees_who_pushes(audio):
    """Who pushes into a feed whose reader is closed is told so, and does not wait for ever."""
    data = (audio / "mediarecorder.webm").read_bytes()
    feed = ByteFeed(max_buffered=2_000)
    refused = threading.Event()

    def push():
        try:
            for at in range(0, len(data), 1_000):
                feed.push(data[at : at + 1_000])
        except SessionStateError:
            refused.set()

    in_thread(push)
    reader = open_audio(feed)
    next(reader)
    reader.close()
    assert refused.wait(10)


def test_reading_only_a_part_frees_who_pushes(audio):
    """A reader that has come to ``end`` lets go of the feed."""
    feed = ByteFeed()
    feed.push((audio / "mediarecorder.webm").read_bytes())
    assert sum(map(len, open_audio(feed, end=1.5))) == 48_000
    with pytest.raises(SessionStateError, match="nobody reads"):
        feed.push(b"more")


@pytest.mark.parametrize("error", [None, ZeroDivisionError("mine")])
@pytest.mark.parametrize("name", ["mediarecorder.webm", "jfk.wav", "containers/mp3.mp3"])
def test_canceling_makes_the_reader_raise(audio, name, error):
    """A canceled feed's reader raises what it was canceled with, also in the middle."""
    expected = AudioSourceError if error is None else ZeroDivisionError
    data = (audio / name).read_bytes()
    feed = ByteFeed()
    feed.push(data[: len(data) // 2])
    with open_audio(feed) as reader:
        next(reader)
        until_canceled = threading.Timer(0.05, feed.cancel, [error])
        until_canceled.start()
        with pytest.raises(expected):
            for _ in reader:
                pass
    feed = ByteFeed()
    feed.cancel(error)
    with pytest.raises(expected):
        open_audio(feed)


@pytest.mark.parametrize(
    "name", ["mediarecorder.webm", "containers/opus.ogg", "containers/mp3.mp3"]
)
def test_sound_comes_out_as_it_comes_in(audio, name):
    """Live sound is given out at once: what is pushed but the last moment is there to read."""
    data = (audio / name).read_bytes()
    seconds = sum(map(len, open_audio(data))) / 32_000
    half = data[: len(data) // 2]
    feed = ByteFeed()
    got = [0]

    def read():
        with open_audio(feed) as reader:
            for chunk in reader:
                got[0] += len(chunk)

    thread = in_thread(read)
    for at in range(0, len(half), 500):
        feed.push(half[at : at + 500])
    # An Ogg page is only readable when it is complete, and holds a second.
    until(lambda: got[0] > (seconds / 2 - 1.5) * 32_000)
    feed.close()
    thread.join(10)
    assert got[0] == pytest.approx(seconds / 2 * 32_000, abs=32_000)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_live_pcm_does_not_lag(rate):
    """A live WAV stream of any rate is given out without a wait for more."""
    header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0" + rate.to_bytes(4, "little")
    header += (2 * rate).to_bytes(4, "little") + b"\2\0\x10\0data\xff\xff\xff\xff"
    feed = ByteFeed()
    feed.push(header)
    feed.push(bytes(rate // 5))
    with open_audio(feed) as reader:
        assert reader.total_seconds is None
        assert len(next(reader)) > 0.09 * 32_000


@pytest.mark.parametrize("name", ["mediarecorder.webm", "containers/aac.m4a", "jfk.wav"])
def test_pushed_from_a_thread_in_random_pieces(audio, name):
    """Random pieces through a small feed give what the whole file gives."""
    data = (audio / name).read_bytes()
    dice = random.Random(name)  # noqa: S311  a seed makes the test repeatable
    feed = ByteFeed(max_buffered=3_000)

    def push():
        at = 0
        while at < len(data):
            size = dice.randrange(1, 9_000)
            feed.push(memoryview(data)[at : at + size])
            at += size
        feed.close()

    in_thread(push)
    assert b"".join(open_audio(feed)) == b"".join(open_audio(data))
