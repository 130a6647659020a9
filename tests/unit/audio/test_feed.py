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
    """Run something in a new thread."""
    thread = threading.Thread(target=call, args=arguments, daemon=True)
    thread.start()
    return thread


def until(condition) -> None:
    """Wait until a condition holds; fail if it never does."""
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
    """Everything is read once and in order, however small the buffer and the reads are."""
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
    """``push`` blocks while the feed is full, until the reader has made room."""
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


def test_a_chunk_over_the_limit_is_accepted_alone():
    """A chunk longer than the limit does not block forever."""
    feed = ByteFeed(max_buffered=10)
    feed.push(bytearray(100))
    feed.push(b"")
    assert feed.buffered == 100


@pytest.mark.parametrize("most", [0, -1])
def test_a_feed_must_hold_something(most):
    """A limit of zero or less is refused."""
    with pytest.raises(
        ConfigurationError, match=r"max_buffered=.* must be a whole number, 1 or more"
    ):
        ByteFeed(max_buffered=most)


def test_a_feed_without_a_bound_never_waits():
    """A feed without a limit never blocks, and counts what is waiting."""
    feed = ByteFeed(max_buffered=None)
    for _ in range(5):
        feed.push(bytes(1 << 20))
    assert feed.buffered == 5 << 20
    assert len(feed.take(1 << 30)) == 1 << 20
    assert feed.buffered == 4 << 20


def test_pushing_after_the_end_is_refused():
    """A closed, canceled or abandoned feed accepts no more, and the error says which it is."""
    closed, canceled, left = ByteFeed(), ByteFeed(), ByteFeed()
    closed.close()
    closed.close()
    canceled.cancel()
    left.release()
    for feed, why in ((closed, "is closed"), (canceled, "was canceled"), (left, "no longer being")):
        with pytest.raises(SessionStateError, match=why):
            feed.push(b"x")


@pytest.mark.parametrize("error", [None, RuntimeError("mine")])
def test_canceling_ends_a_blocked_read(error):
    """``cancel`` makes a blocked read raise its error; the first one counts."""
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


def test_closing_the_reader_ends_a_blocked_push(audio):
    """Pushing into a feed whose reader is closed raises an error and does not block forever."""
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


def test_reading_only_a_part_releases_the_feed(audio):
    """A reader that has reached ``end`` accepts no more data."""
    feed = ByteFeed()
    feed.push((audio / "mediarecorder.webm").read_bytes())
    assert sum(map(len, open_audio(feed, end=1.5))) == 48_000
    with pytest.raises(SessionStateError, match="is no longer being read"):
        feed.push(b"more")


@pytest.mark.parametrize("error", [None, ZeroDivisionError("mine")])
@pytest.mark.parametrize("name", ["mediarecorder.webm", "jfk.wav", "containers/mp3.mp3"])
def test_canceling_makes_the_reader_raise(audio, name, error):
    """A canceled feed's reader raises the given error, before and during decoding."""
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
def test_live_audio_is_decoded_as_it_arrives(audio, name):
    """Live audio comes out right away: all that was pushed can be read, but for the last moment."""
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
    # An Ogg page can only be read when it is complete, and contains a second.
    until(lambda: got[0] > (seconds / 2 - 1.5) * 32_000)
    feed.close()
    thread.join(10)
    assert got[0] == pytest.approx(seconds / 2 * 32_000, abs=32_000)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_live_pcm_does_not_lag(rate):
    """A live WAV stream of any rate comes out without waiting for more data."""
    header = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0" + rate.to_bytes(4, "little")
    header += (2 * rate).to_bytes(4, "little") + b"\2\0\x10\0data\xff\xff\xff\xff"
    feed = ByteFeed()
    feed.push(header)
    feed.push(bytes(rate // 5))
    with open_audio(feed) as reader:
        assert reader.total_seconds is None
        assert len(next(reader)) > 0.09 * 32_000


@pytest.mark.parametrize("name", ["mediarecorder.webm", "containers/aac.m4a", "jfk.wav"])
def test_pushed_from_a_thread_in_random_chunks(audio, name):
    """Random chunks through a small feed decode to the same samples as the whole file."""
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
