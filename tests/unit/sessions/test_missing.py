"""What the media lack reaches the user, and all times are the media's."""

from __future__ import annotations

import warnings

import pytest

import azstt
from azstt import AudioGap, BlockingLiveSession, Ended, Final, IncompleteAudioWarning, LiveSession
from tests.beeps import RATE, Beeps, beeping, mkv, wav

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]

#: Seven seconds that are stored, and a hole of 100 s after four of them.
HOLED = mkv(beeping(7, at=[1, 3, 5]), holes=[(4.0, 100.0)])
#: The first five of eight seconds.
CUT = wav(beeping(5, at=[1, 3]), lost=3 * 2 * RATE)
WHOLE = wav(beeping(5, at=[1, 3]))
CUT_SAID = (
    r"3\.0 s of audio is missing at 00:00:05\.000 \(truncated: the recording ends too early\)"
)


def transcribe(data: bytes, **options) -> azstt.Transcript:
    """Transcribe and leave out the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IncompleteAudioWarning)
        return azstt.transcribe_bytes(data, backend=Beeps(), **options)


def starts(transcript: azstt.Transcript) -> list[float]:
    """Return when the beeps are."""
    return [round(segment.start, 2) for segment in transcript.segments]


def check_ledger(transcript: azstt.Transcript) -> None:
    """Every second of the media is counted once."""
    ledger = transcript.ledger
    counted = ledger.recognized + ledger.silent + sum(gap.span for gap in ledger.gaps)
    assert ledger.sent == transcript.duration == pytest.approx(counted)


async def send(live: LiveSession, data: bytes, size: int = 4_000) -> None:
    """Send a recording in pieces, and finish."""
    for at in range(0, len(data), size):
        await live.send(data[at : at + size])
    await live.finish()


def test_a_long_hole_moves_the_times_and_is_not_paid_for():
    """What follows a hole of 100 s is 100 s later, though the recognizer got 5 s of silence."""
    transcript = transcribe(HOLED)
    assert starts(transcript) == [1, 3, 105]
    assert transcript.ledger.gaps == (azstt.Gap(at=4, seconds=100, reason="absent"),)
    assert transcript.duration == transcript.ledger.decoded == 107
    assert transcript.usage.audio_seconds == 12
    assert transcript.ledger.recognized == pytest.approx(0.9)
    check_ledger(transcript)
    assert not transcript.complete


@pytest.mark.parametrize(
    ("part", "beeps", "duration", "missing"),
    [
        ({"start": 104.5}, [105], 2.5, []),
        ({"start": 2.9}, [3, 105], 104.1, [(4, 100)]),
        ({"start": 50.0}, [105], 57, [(50, 54)]),
        ({"end": 50.0}, [1, 3], 50, [(4, 46)]),
        ({"start": 0.5, "end": 3.5}, [1, 3], 3, []),
    ],
    ids=str,
)
def test_a_part_has_the_times_of_the_whole(part, beeps, duration, missing):
    """`start` and `end` are times of the media, and move none; amounts are those of the part."""
    transcript = transcribe(HOLED, **part)
    assert starts(transcript) == beeps
    assert transcript.duration == pytest.approx(duration)
    gaps = [(gap.at, gap.seconds) for gap in transcript.ledger.gaps]
    assert gaps == [pytest.approx(gap) for gap in missing]
    check_ledger(transcript)


@pytest.mark.parametrize(
    ("part", "total"), [({"start": 2.0}, 105), ({"end": 50.0}, 50)], ids=["past", "into"]
)
def test_progress_is_that_of_the_part(part, total):
    """The bar goes from nothing to the length of the part, over a hole as over speech."""
    reports: list[azstt.Progress] = []
    transcribe(HOLED, **part, progress=reports.append)
    last = reports[-1]
    assert (last.decoded, last.recognized, last.total) == pytest.approx((total,) * 3)
    assert all(0 <= report.recognized <= total for report in reports)


def test_channels_share_the_times_of_the_media():
    """A hole moves the words of each channel."""
    left, right = beeping(3, at=[1]), beeping(3, at=[2.5])
    pairs = zip(memoryview(left).cast("h"), memoryview(right).cast("h"), strict=True)
    both = b"".join(
        a.to_bytes(2, "little", signed=True) + b.to_bytes(2, "little", signed=True)
        for a, b in pairs
    )
    transcript = transcribe(mkv(both, holes=[(2.0, 60.0)], channels=2), channels="separate")
    assert [(s.channel, round(s.start, 2)) for s in transcript.segments] == [(0, 1), (1, 62.5)]
    assert [(gap.channel, gap.seconds) for gap in transcript.ledger.gaps] == [(0, 60), (1, 60)]
    assert transcript.duration == 63
    assert transcript.ledger.sent == 126


def test_what_is_missing_is_a_warning_to_the_caller():
    """The warning says how much is missing, where and why, and names the line of the call."""
    with pytest.warns(IncompleteAudioWarning, match=CUT_SAID) as caught:
        transcript = azstt.transcribe_bytes(CUT, backend=Beeps())
    assert [warning.filename for warning in caught] == [__file__]
    assert starts(transcript) == [1, 3]
    assert [(gap.at, gap.seconds, gap.span) for gap in transcript.ledger.gaps] == [(5, 3, 0)]


async def test_async_calls_warn_too():
    """Awaiting gives the same warning, at the line that awaits."""
    with pytest.warns(IncompleteAudioWarning, match=CUT_SAID) as caught:
        await azstt.atranscribe_bytes(CUT, backend=Beeps())
    assert [warning.filename for warning in caught] == [__file__]


async def test_a_live_session_warns_whoever_waits():
    """Nobody else gets the warning: whoever reads events gets the gap as an event."""
    async with LiveSession(audio="wav", backend=Beeps()) as live:
        await send(live, CUT)
        with pytest.warns(IncompleteAudioWarning, match=CUT_SAID) as caught:
            await live.wait()
    assert [warning.filename for warning in caught] == [__file__]


def test_a_blocking_session_warns_its_caller_too():
    """The warning comes on the thread that waits, not on that of the loop."""
    with (
        BlockingLiveSession(audio="wav", backend=Beeps()) as live,
        pytest.warns(IncompleteAudioWarning, match=CUT_SAID) as caught,
    ):
        live.transcribe([CUT])
    assert [warning.filename for warning in caught] == [__file__]


def test_strict_refuses_media_that_lack_something():
    """The error says what is missing, and has the transcript of the rest."""
    with pytest.raises(azstt.IncompleteTranscriptError, match=CUT_SAID) as caught:
        azstt.transcribe_bytes(CUT, backend=Beeps(), strict=True)
    assert starts(caught.value.partial) == [1, 3]
    assert not caught.value.retryable


def test_strict_takes_media_that_are_whole():
    """Nothing is missing, so there is neither an error nor a warning."""
    assert azstt.transcribe_bytes(WHOLE, backend=Beeps(), strict=True).complete


async def test_strict_live_sessions_end_with_an_error():
    """The events come first, the gap among them, and then the error."""
    async with LiveSession(audio="wav", backend=Beeps(), strict=True) as live:
        await send(live, CUT)
        kinds = [(await live.receive()).kind for _ in range(4)]
        with pytest.raises(azstt.IncompleteTranscriptError, match=CUT_SAID) as caught:
            await live.receive()
    assert kinds == ["started", "audio_gap", "final", "final"]
    assert starts(caught.value.partial) == [1, 3]


def test_strict_blocking_sessions_too():
    """The switch is the same for threads."""
    with (
        BlockingLiveSession(audio="wav", backend=Beeps(), strict=True) as live,
        pytest.raises(azstt.IncompleteTranscriptError, match=CUT_SAID),
    ):
        live.transcribe([CUT])


async def test_a_gap_is_an_event_as_soon_as_it_is_found():
    """While the audio still comes, in order, for readers and handlers; the times move with it."""
    told: list[AudioGap] = []
    holed = mkv(beeping(7, at=[1, 3, 5]), holes=[(4.0, 2.5)])
    async with LiveSession(audio="auto", backend=Beeps()) as live:
        live.on(AudioGap, told.append)
        await send(live, holed)
        events = [event async for event in live]
    (gap,) = told
    assert (gap.start, gap.end, gap.seconds) == pytest.approx((4, 6.5, 2.5))
    assert gap.reason == "absent"
    kinds = [event.kind for event in events]
    assert kinds == ["started", "audio_gap", "final", "final", "final", "ended"]
    assert starts(live.transcript) == [1, 3, 7.5]
    assert isinstance(events[-1], Ended)
    assert events[-1].position == live.transcript.duration == pytest.approx(9.5)
    check_ledger(live.transcript)


async def test_a_gap_that_grows_is_told_in_parts(audio):
    """The events of a damaged stream add up to what the ledger says, however it is cut."""
    whole = (audio / "containers" / "mp3.mp3").read_bytes()
    middle = len(whole) // 2
    damaged = whole[:middle] + b"\x55" * 9_000 + whole[middle + 9_000 :]
    async with LiveSession(audio="mp3", backend=Beeps()) as live:
        await send(live, damaged, 500)
        events = [event async for event in live]
    told = [event.seconds for event in events if isinstance(event, AudioGap)]
    known = [gap.seconds for gap in live.transcript.ledger.gaps]
    assert sum(told) == pytest.approx(sum(known))
    assert sum(told) > 0


def test_a_start_beyond_the_end_is_an_error_that_says_how_long_it_is():
    """It is no silence: the error is the caller's to correct, and arrives as it is."""
    with pytest.raises(azstt.ConfigurationError, match=r"start=100 is beyond the end .* 5\.00 s"):
        azstt.transcribe_bytes(WHOLE, backend=Beeps(), start=100)


async def test_latency_counts_in_the_time_of_the_media():
    """A result after a long hole is as late as any other."""

    class Prompt(Beeps):
        """Says a word as soon as there is audio."""

        def open(self, options, audio, emit):
            session = super().open(options, audio, emit)
            write = session.write

            def write_and_say(pcm: bytes, /) -> None:
                write(pcm)
                heard = len(session._pcm) / 2 / RATE
                emit(Final(segment=azstt.Segment(text="word", start=0, end=heard)))

            session.write = write_and_say
            return session

    async with LiveSession(audio="auto", backend=Prompt()) as live:
        await send(live, mkv(beeping(7, at=[1]), holes=[(4.0, 2.5)]))
        [event async for event in live]
    assert live.usage.final_latency is not None
    assert live.usage.final_latency < 5
