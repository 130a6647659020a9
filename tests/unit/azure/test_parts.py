"""The pure parts of the Azure backend: buffer, clock, speech, limits."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from azstt import (
    AudioFormat,
    ConfigurationError,
    RecognitionOptions,
    Segment,
    ServiceError,
    ServiceUnreachableError,
)
from azstt import SpeechEnded as Ends
from azstt import SpeechStarted as Starts
from azstt.backends.azure._buffer import AHEAD, AudioBuffer
from azstt.backends.azure._limits import AzureLimits, ReconnectPolicy
from azstt.backends.azure._request import Request
from azstt.backends.azure._retry import ReconnectCounter
from azstt.backends.azure._settings import AzureSettings
from azstt.backends.azure._speech import SpeechBoundaries
from azstt.backends.azure._watch import Deadlines

SECOND = 32_000
PCM = AudioFormat()


def take(reader, seconds: float) -> bytes:
    """Read so much, or less at the end."""
    view = memoryview(bytearray(int(seconds * SECOND)))
    return bytes(view[: reader.read(view)])


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


pieces = st.lists(st.integers(1, 40), min_size=1, max_size=20)


@given(pieces, st.data())
def test_stretches_are_the_whole_without_seams(sizes, data):
    """Cut anywhere, lost anywhere: the stretches' audio is all that was written, each byte once."""
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
    heard: list[bytes] = []
    while not buffer.complete:
        while data.draw(st.booleans()):  # a connection that is lost before it has dealt with it
            buffer.reader().read(memoryview(bytearray(data.draw(st.integers(1, 50)))))
        view = memoryview(bytearray(4000))
        heard.append(bytes(view[: buffer.reader().read(view)]))
        buffer.settle_all()
        while buffer.pass_cut():
            pass
    assert heard == stretches


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


def test_a_reader_ends_at_a_cut_and_the_next_one_begins_there():
    """What is written after a cut belongs to another reader, from that point on."""
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


def test_a_cut_needs_something_to_cut():
    """Two in a row are one, unless they are wanted anyhow."""
    buffer = AudioBuffer(PCM, hold=10)
    assert not buffer.cut()
    buffer.write(bytes(SECOND))
    assert buffer.cut()
    assert not buffer.cut()
    assert buffer.cut(anyhow=True)
    buffer.reader()
    buffer.settle_all()
    assert [buffer.pass_cut() for _ in range(3)] == [True, True, False]


def test_results_settle_nothing_beyond_their_stretch():
    """The service rounds, and its last result may end a hair after the audio that it was given."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(bytes(SECOND))
    buffer.cut()
    buffer.write(bytes(SECOND))
    take(buffer.reader(), 2)
    buffer.settle(1.001)
    assert buffer.settled == buffer.reader().base == 1.0


def test_a_lost_connection_keeps_the_cut():
    """A reader that begins again ends where the first one had to."""
    buffer = AudioBuffer(PCM, hold=10)
    buffer.write(b"a" * SECOND)
    buffer.cut()
    buffer.write(b"b" * SECOND)
    take(buffer.reader(), 1)
    assert take(buffer.reader(), 5) == b"a" * SECOND


def test_a_reader_that_is_stopped_is_followed_from_there_if_that_was_dealt_with():
    """Otherwise from before, and without a stop."""
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


def test_a_reader_waits_for_little():
    """The end of a piece does not wait for the next one, but not every sample goes by itself."""
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


def test_ten_hours_in_every_position_is_exact():
    """However long it goes on, no sample is miscounted, and no more is kept."""
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


# The clock


def watch() -> Deadlines:
    """Make a clock that begins at 0."""
    return Deadlines(AzureLimits(connect=5, first_response=7, idle=20), 0.0, 0.0)


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


def test_silence_that_is_the_speakers_is_told_from_the_services():
    """A service that answered may say nothing of a long silence; to its end it has to answer."""
    clock = watch()
    clock.connected(0.0)
    assert not clock.silent(50.0)
    clock.message(3.0)
    assert not clock.silent(5.0)
    assert clock.silent(13.0)
    clock.expect(30.0)
    assert not clock.silent(13.0)
    assert clock.overdue(36.9, 13.0, over=True) is None
    assert clock.heard == 3.0
    assert clock.overdue(37.1, 13.0, over=True) == "no answer within first_response=7 s"


# Attempts

POLICY = ReconnectPolicy(attempts=3, total=50, first_delay=1, longest_delay=8, jitter=0)


def attempts(retry: ReconnectCounter, *, at=0.0, settled=0.0, heard=0.0, **error) -> float:
    """Lose a connection."""
    retry.lost(at, settled=settled, heard=heard)
    return retry.after(ServiceError("lost", **error), at, stood=True)


def test_attempts_are_counted_and_run_out():
    """Each waits longer; after the last, the error is raised."""
    retry = ReconnectCounter(POLICY)
    assert [attempts(retry), attempts(retry), attempts(retry)] == [1, 2, 4]
    with pytest.raises(ServiceError, match="lost"):
        attempts(retry)


def test_attempts_end_with_the_time():
    """None is made so late that its wait would end after ``total``; a hook's wait is its own."""
    retry = ReconnectCounter(POLICY)
    attempts(retry)
    retry.postpone(1000)
    assert attempts(retry, at=1048.0) == 2
    with pytest.raises(ServiceError):
        attempts(retry, at=1049.0)


@pytest.mark.parametrize("sign", [{"settled": 1.0}, {"heard": 10.0}])
def test_attempts_begin_anew_when_the_service_was_there(sign):
    """Something was recognized, or it answered further on: another outage, another count."""
    retry = ReconnectCounter(POLICY)
    attempts(retry)
    assert attempts(retry, heard=9.0) == 2
    assert attempts(retry, at=500.0, **sign) == 1
    assert attempts(retry, at=500.0, **sign) == 2


def test_what_can_not_be_mended_is_not_tried():
    """A refusal stays one, and what was never reached is not waited for."""
    with pytest.raises(ServiceError):
        attempts(ReconnectCounter(POLICY), retryable=False)
    never = ServiceUnreachableError("nobody there")
    with pytest.raises(ServiceUnreachableError):
        ReconnectCounter(POLICY).after(never, 0.0, stood=False)
    assert ReconnectCounter(POLICY).after(never, 0.0, stood=True) == 1


def test_all_attempts_of_an_outage_are_numbered():
    """The SDK's have numbers in the same row, but do not use the policy's up."""
    retry = ReconnectCounter(POLICY)
    assert [retry.lost(0.0, settled=0.0, heard=0.0) for _ in range(9)] == list(range(1, 10))
    assert attempts(retry) == 1
    assert retry.lost(0.0, settled=0.0, heard=0.0) == 11
    assert retry.lost(0.0, settled=0.0, heard=10.0) == 1


# Speech


def test_a_result_ends_the_speech_that_it_answers():
    """The service announces starts and leaves out ends."""
    speech = SpeechBoundaries()
    segment = Segment(text="hello", start=1.0, end=2.0)
    assert list(speech.starts(1.0)) == [Starts(at=1.0)]
    assert [event.kind for event in speech.settles(segment)] == ["final", "speech_ended"]
    assert list(speech.ends(2.1)) == []


def test_speech_without_an_answer_stays_visible():
    """A second start ends the first; a start that is told again is the same."""
    speech = SpeechBoundaries()
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
