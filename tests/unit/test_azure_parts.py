"""The pure parts of the Azure backend: buffer, clock, speech, limits."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import AudioFormat, ConfigurationError, RecognitionOptions, Segment
from azstt import SpeechEnded as Ends
from azstt import SpeechStarted as Starts
from azstt._settings import AzureSettings
from azstt.backends.azure import _exit
from azstt.backends.azure._buffer import AHEAD, AudioBuffer
from azstt.backends.azure._limits import AzureLimits, ReconnectPolicy
from azstt.backends.azure._request import Request
from azstt.backends.azure._speech import Speech
from azstt.backends.azure._watch import Watch

SECOND = 32_000
PCM = AudioFormat()


def take(reader, seconds: float) -> bytes:
    """Read so much, or less at the end."""
    view = memoryview(bytearray(int(seconds * SECOND)))
    return bytes(view[: reader.read(view)])


class Sticky:
    """What takes for ever to close."""

    def __init__(self) -> None:
        self.free = threading.Event()

    def close(self) -> None:
        self.free.wait(10)


def test_the_end_of_the_interpreter_waits_once(monkeypatch):
    """However many sessions are stuck, the limit is for all of them."""
    monkeypatch.setattr(_exit, "_LIMIT", 0.2)
    stuck = [Sticky() for _ in range(30)]
    for session in stuck:
        _exit.watch(session)
    closing = threading.Thread(target=_exit._close_all, daemon=True)
    closing.start()
    closing.join(4)
    assert not closing.is_alive()
    for session in stuck:
        session.free.set()
        _exit.forget(session)


# The buffer


def test_a_reader_follows_the_writer():
    """What is written comes out, and then the end."""
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
    """Nothing that has its result is sent again, and nothing else is left out."""
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


def test_what_is_too_old_goes():
    """The buffer keeps no more than it was told to, whatever is settled."""
    buffer = AudioBuffer(PCM, hold=10)
    reader = buffer.reader()
    for _ in range(100):
        buffer.write(bytes(SECOND))
        take(reader, 1)
    assert len(buffer._bytes) <= 15 * SECOND
    assert buffer.reader().base == 85.0


def test_a_writer_waits_for_the_reader():
    """Only so much may wait to be sent; close frees who waits."""
    buffer = AudioBuffer(PCM, hold=10)
    done = threading.Event()

    def write() -> None:
        for _ in range(int(AHEAD) + 1):
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


def test_a_detached_reader_is_freed():
    """A reader that waits for audio is let go."""
    buffer = AudioBuffer(PCM, hold=10)
    got: list[bytes] = []
    reader = buffer.reader()
    thread = threading.Thread(target=lambda: got.append(take(reader, 1)), daemon=True)
    thread.start()
    buffer.detach()
    thread.join(5)
    assert got == [b""]


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40), st.booleans()), max_size=30))
def test_every_byte_is_read_in_order_from_where_a_reader_begins(steps):
    """Write, settle, begin anew: a reader's audio is the whole's, from its base on."""
    audio = AudioFormat(sample_rate=4000)
    buffer = AudioBuffer(audio, hold=10)
    whole = bytearray()
    reader = buffer.reader()
    at = 0
    for size, settled, anew in steps:
        pcm = bytes((len(whole) // 2 + i) % 251 for i in range(size) for _ in range(2))
        whole += pcm
        buffer.write(pcm)
        buffer.settle(audio.seconds(2 * settled))
        if anew:
            reader = buffer.reader()
            at = audio.size(reader.base)
        view = memoryview(bytearray(min(len(pcm), len(whole) - at)))
        got = reader.read(view)
        assert view[:got] == whole[at : at + got]
        at += got


# The clock


def watch() -> Watch:
    """Make a clock that begins at 0."""
    return Watch(AzureLimits(connect=5, first_response=7, idle=20), 0.0, 0.0)


def test_connecting_has_a_limit():
    """Until the connection stands, also when the SDK makes another."""
    clock = watch()
    assert clock.overdue(4.9, 0.0, over=False) is None
    assert clock.overdue(5.1, 0.0, over=False) == "no connection within connect=5 s"
    clock.connected(6.0)
    assert clock.overdue(1000.0, 0.0, over=False) is None
    clock.disconnected(1000.0)
    assert clock.overdue(1006.0, 0.0, over=False)


def test_the_first_answer_has_a_limit():
    """From the first audio on; without audio nothing is due."""
    clock = watch()
    clock.connected(0.0)
    assert clock.overdue(10.0, 0.1, over=False) is None
    assert clock.overdue(16.9, 0.1, over=False) is None
    assert clock.overdue(17.1, 0.1, over=False) == "no answer within first_response=7 s"
    clock.connected(17.2)
    assert clock.overdue(18.0, 0.1, over=False) is None


def test_silence_of_the_service_has_a_limit():
    """With enough audio to speak of, or at its end."""
    clock = watch()
    clock.connected(0.0)
    clock.message(3.0)
    assert clock.overdue(1.0, 3.0, over=False) is None
    assert clock.overdue(1.0, 5.0, over=False) is None
    assert clock.overdue(22.0, 5.0, over=False) is None
    assert clock.overdue(22.0, 13.0, over=False) == "not a word for idle=20 s"
    assert clock.overdue(22.0, 5.0, over=True) == "not a word for idle=20 s"
    clock.message(13.0)
    assert clock.overdue(23.0, 13.0, over=False) is None


# Speech


def test_a_result_ends_the_speech_that_it_answers():
    """The service announces starts and leaves out ends."""
    speech = Speech()
    segment = Segment(text="hello", start=1.0, end=2.0)
    assert list(speech.starts(1.0)) == [Starts(at=1.0)]
    assert [event.kind for event in speech.settles(segment)] == ["final", "speech_ended"]
    assert list(speech.ends(2.1)) == []


def test_speech_without_an_answer_stays_visible():
    """A second start ends the first; a start that is told again is the same."""
    speech = Speech()
    assert list(speech.starts(1.0)) == [Starts(at=1.0)]
    assert list(speech.starts(1.2)) == []
    assert list(speech.starts(4.0)) == [Ends(at=4.0), Starts(at=4.0)]
    late = Segment(text="late", start=1.0, end=2.0)
    assert [event.kind for event in speech.settles(late)] == ["final"]
    assert list(speech.ends(5.0)) == [Ends(at=5.0)]


# Limits and requests


def test_delays_grow_and_are_spread():
    """Doubled each time, up to the longest, a share of it by chance; Retry-After if longer."""
    policy = ReconnectPolicy(first_delay=1, longest_delay=5, jitter=0.5)
    for attempt, longest in enumerate([1, 2, 4, 5, 5], start=1):
        assert longest / 2 <= policy.delay(attempt) <= longest
    assert policy.delay(1, retry_after=9) == 9
    assert policy.delay(10_000) <= 5


def request(**options) -> Request:
    """Ask for something of a host."""
    settings = AzureSettings(host="ws://127.0.0.1:1")
    return Request(settings, RecognitionOptions.of(options), AzureLimits())


def test_the_callers_properties_come_last():
    """Whoever names a property means it."""
    properties = request(properties={"SPEECH-MaxBufferSizeMs": "1"}).properties
    assert properties["SPEECH-MaxBufferSizeMs"] == "1"


def test_changing_languages_need_the_universal_path():
    """A host alone leads to the older path, which has no continuous detection."""
    two = {"language": ("en-US", "de-DE")}
    assert request(**two).place == {"host": "ws://127.0.0.1:1"}
    changing = request(**two, language_changes=True)
    assert changing.place == {"endpoint": "ws://127.0.0.1:1/speech/universal/v2"}


def test_ten_languages_may_change():
    """Four at the start, ten where they change."""
    tags = [f"{letter}{letter}" for letter in "abcdefghijk"]
    request(language=tags[:10], language_changes=True).check()
    with pytest.raises(ConfigurationError, match="takes 10 candidates, not 11"):
        request(language=tags, language_changes=True).check()
