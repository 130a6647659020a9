from __future__ import annotations

import io
import json
import math
import threading
import time
import wave
from array import array

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

import azstt
from azstt import AudioLedger, Gap, Segment, Transcript, Usage
from azstt._assembly.channels import MOST_CHANNELS, deinterleave, merge
from azstt.testing import Cue, ScriptedBackend
from azstt.testing._scripted import EVERYTHING

pytestmark = pytest.mark.usefixtures("no_thread_left")


def wav(channels: int, *, seconds: float = 1.0) -> bytes:
    """Make a WAV file in which every sample is its channel's number."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(array("h", range(channels)).tobytes() * int(16_000 * seconds))
    return file.getvalue()


STEREO = wav(2)


def final(text: str, start: float, end: float, **more) -> azstt.Final:
    """Make a final event."""
    return azstt.Final(segment=Segment(text=text, start=start, end=end, **more))


class Sides:
    """A recognizer whose sessions play one script each, in the order in which they are opened."""

    name = "sides"
    capabilities = EVERYTHING

    def __init__(self, *sides: ScriptedBackend) -> None:
        self.sides = sides
        self.received: list[bytearray] = []
        self.closed: list[int] = []

    def open(self, options, audio, emit):
        assert audio.channels == 1
        number = len(self.received)
        self.received.append(bytearray())
        session = self.sides[number].open(options, audio, emit)
        write, close = session.write, session.close

        def record_and_write(pcm, /):
            self.received[number] += pcm
            write(pcm)

        def record_and_close():
            self.closed.append(number)
            close()

        session.write, session.close = record_and_write, record_and_close
        return session


def sides(*scripts) -> Sides:
    """Make such a recognizer from lists of events."""
    return Sides(*(ScriptedBackend(script) for script in scripts))


# Samples and transcripts


@given(st.integers(1, MOST_CHANNELS), st.binary(max_size=200))
def test_samples_are_split(channels, data):
    """Every channel gets its own samples, and no sample is lost."""
    whole = data[: len(data) // (2 * channels) * 2 * channels]
    parts = deinterleave(whole, channels)
    frames = zip(*(memoryview(part).cast("h") for part in parts), strict=True)
    assert array("h", [sample for frame in frames for sample in frame]).tobytes() == whole


def test_transcripts_are_merged():
    """Segments are in order of time, and ledgers add up to seconds times channels."""

    def side(*starts: float, sent: float, latency: float | None, **more) -> Transcript:
        gap = Gap(at=sent - 1, seconds=1, reason="unaccounted")
        return Transcript(
            segments=[Segment(text=f"{s}", start=s, end=s + 1, **more) for s in starts],
            duration=sent,
            backend="x",
            model="m",
            ledger=AudioLedger(
                decoded=sent, sent=sent, recognized=len(starts), silent=1, gaps=[gap]
            ),
            usage=Usage(audio_seconds=sent, wall_seconds=sent / 10, first_result_latency=latency),
        )

    merged = merge(
        [
            side(2, 5, sent=10, latency=None),
            side(0, 5, sent=9, latency=3, language="de-DE"),
            side(1, sent=10, latency=2),
        ]
    )
    assert [(s.channel, s.start) for s in merged.segments] == [
        (1, 0),
        (2, 1),
        (0, 2),
        (0, 5),
        (1, 5),
    ]
    assert (merged.duration, merged.backend, merged.model) == (10, "x", "m")
    assert merged.language == "de-DE"
    assert merged.ledger.model_copy(update={"gaps": ()}) == AudioLedger(
        decoded=29, sent=29, recognized=5, silent=3
    )
    assert [(gap.channel, gap.at) for gap in merged.ledger.gaps] == [(1, 8), (0, 9), (2, 9)]
    assert merged.ledger.unaccounted == 3
    assert merged.usage == Usage(audio_seconds=29, wall_seconds=1, first_result_latency=2)
    assert Transcript.model_validate_json(merged.model_dump_json()) == merged
    assert merged.to_csv().splitlines()[1] == "0.000,1.000,,de-DE,,0,1"


def test_without_speech_the_language_is_the_requested_one():
    """A transcript without speech has the language that was requested."""
    backend = sides([], [])
    transcript = azstt.transcribe_bytes(
        STEREO, backend=backend, channels="separate", language="fr-FR"
    )
    assert (transcript.language, transcript.segments) == ("fr-FR", ())
    assert transcript.ledger.silent == 2.0


# Transcriptions


def test_each_session_gets_its_own_channel():
    """Every channel goes whole to a session of its own, and the transcript counts them all."""
    backend = sides([final("Yes?", 0.5, 0.9)], [final("Hello?", 0.1, 0.4)], [])
    transcript = azstt.transcribe_bytes(wav(3), backend=backend, channels="separate")
    assert [array("h", bytes(pcm)) for pcm in backend.received] == [
        array("h", [number]) * 16_000 for number in range(3)
    ]
    assert [(s.channel, s.text) for s in transcript.segments] == [(1, "Hello?"), (0, "Yes?")]
    assert transcript.duration == 1.0
    assert transcript.ledger.decoded == transcript.ledger.sent == 3.0
    assert transcript.ledger.recognized == pytest.approx(0.7)
    assert transcript.ledger.silent == pytest.approx(2.3)
    assert transcript.usage.audio_seconds == 3.0
    assert sorted(backend.closed) == [0, 1, 2]


def test_mono_is_channel_0():
    """Mono audio may be recognized with separate channels too."""
    backend = ScriptedBackend.saying("Hello.")
    transcript = azstt.transcribe_bytes(wav(1), backend=backend, channels="separate")
    assert [segment.channel for segment in transcript.segments] == [0]
    assert transcript.ledger.sent == 1.0


def test_mixed_segments_have_no_channel():
    """By default channels are mixed, and segments have no channel."""
    transcript = azstt.transcribe_bytes(STEREO, backend=ScriptedBackend.saying("Hello."))
    assert [segment.channel for segment in transcript.segments] == [None]
    assert transcript.ledger.sent == 1.0


def test_there_is_a_limit():
    """A file with absurdly many channels does not open that many sessions."""
    backend = sides(*[[]] * MOST_CHANNELS)
    azstt.transcribe_bytes(wav(MOST_CHANNELS), backend=backend, channels="separate")
    backend = sides([])
    with pytest.raises(azstt.AudioError, match="has 9 channels, and at most 8 can") as caught:
        azstt.transcribe_bytes(wav(9), backend=backend, channels="separate")
    assert caught.value.source == "<bytes>"
    assert backend.received == [b""]
    assert azstt.transcribe_bytes(wav(8), backend=ScriptedBackend()).duration == 1.0


def test_channels_are_mixed_or_separate():
    """Any other value is refused before any I/O."""
    with pytest.raises(azstt.ConfigurationError, match="'mix' or 'separate', not 'left'"):
        azstt.transcribe_file("/no/such/file", backend="local", channels="left")


def test_a_failure_in_one_channel_ends_all():
    """The error carries what all channels had recognized before one failed."""
    error = azstt.ServiceError("on purpose")
    backend = sides(
        [final("Hello.", 0.0, 0.4), Cue(event=azstt.SpeechStarted(at=5), at=9)],
        [final("Yes?", 0.5, 0.9), Cue(event=azstt.Failed(error=error), at=1.5)],
    )
    with pytest.raises(azstt.ServiceError, match="on purpose") as caught:
        azstt.transcribe_bytes(wav(2, seconds=3), backend=backend, channels="separate")
    assert caught.value is error
    assert [(s.channel, s.text) for s in error.partial.segments] == [(0, "Hello."), (1, "Yes?")]
    ledger = error.partial.ledger
    named = sum(gap.seconds for gap in ledger.gaps)
    assert ledger.recognized + ledger.silent + named == pytest.approx(ledger.sent)
    assert sorted(backend.closed) == [0, 1]


def test_a_second_session_that_is_refused():
    """If any session is refused, the call raises its error."""
    refused = ScriptedBackend(start_error=azstt.ThrottledError("one at a time"))
    backend = Sides(ScriptedBackend(), refused)
    with pytest.raises(azstt.ThrottledError, match="one at a time") as caught:
        azstt.transcribe_bytes(STEREO, backend=backend, channels="separate")
    assert caught.value.partial.text == ""
    assert sorted(backend.closed) == [0, 1]


def test_half_a_channel_is_an_error():
    """A channel that is cut short is noticed, and the ledger says which."""
    short = [Cue(event=azstt.Ended(position=0.2), at=1.0)]
    with pytest.raises(azstt.IncompleteTranscriptError, match=r"0\.8 of 1\.0 s") as caught:
        azstt.transcribe_bytes(STEREO, backend=sides([], short), channels="separate")
    (gap,) = caught.value.partial.ledger.gaps
    assert (gap.channel, gap.reason) == (1, "unaccounted")
    assert caught.value.partial.ledger.sent == 2.0


def test_a_channel_that_ends_before_the_audio_is_an_error():
    """A session that ends early is noticed, even if the other continues."""

    def chunks():
        yield STEREO[:40] + b"\xff\xff\xff\xff"
        while True:
            yield bytes(6_400)
            time.sleep(0.001)

    stops = [Cue(event=azstt.Ended(position=2.0), at=2.0)]
    with pytest.raises((azstt.ServiceError, azstt.IncompleteTranscriptError)) as caught:
        azstt.transcribe_file(chunks(), backend=sides([], stops), channels="separate")
    assert caught.value.partial is not None


def test_a_session_that_ends_while_the_source_pauses_is_an_error():
    """A session that ends early is reported at once, not when the source continues."""
    release = threading.Event()

    def chunks():
        yield wav(2, seconds=2)[: 44 + 64_000]
        release.wait(20)

    stops = [Cue(event=azstt.Ended(position=1.0), at=1.0)]
    with pytest.raises(azstt.ServiceError, match=r"ended the session at 1\.0 s"):
        azstt.transcribe_file(chunks(), backend=sides([], stops), channels="separate")
    release.set()


def test_a_channel_that_hangs_is_given_up():
    """One session that accepts no more audio does not keep the call waiting forever."""
    hangs = [Cue(event=azstt.SpeechStarted(at=0.6), at=0.6, delay=math.inf)]
    backend = sides([final("Hello.", 0, 0.5)], hangs)
    backend.capabilities = EVERYTHING.model_copy(update={"stall_timeout": 0.3})
    with pytest.raises(azstt.RecognitionTimeoutError, match="stalled") as caught:
        azstt.transcribe_bytes(STEREO, backend=backend, channels="separate")
    assert caught.value.partial.text == "Hello."


def test_progress_waits_for_the_slowest_channel():
    """Progress counts audio that is recognized in every channel, in the recording's time."""
    reported: list[azstt.Progress] = []
    backend = sides([final("Hello.", 0.0, 0.9)], [final("Yes?", 0.2, 0.5)])
    azstt.transcribe_bytes(STEREO, backend=backend, channels="separate", progress=reported.append)
    recognized = [progress.recognized for progress in reported]
    assert recognized == sorted(recognized)
    assert recognized[-1] == reported[-1].decoded == reported[-1].total == 1.0
    assert all(progress.recognized <= progress.decoded for progress in reported)


@pytest.mark.anyio
async def test_canceling_stops_all_channels():
    """Canceling returns at once, even if one of the sessions hangs."""
    hangs = [Cue(event=azstt.SpeechStarted(at=0), at=0, delay=math.inf)]
    backend = sides([], hangs)
    with anyio.fail_after(20):
        with anyio.move_on_after(0.5) as scope:
            await azstt.atranscribe_bytes(STEREO, backend=backend, channels="separate")
    assert scope.cancelled_caught
    assert sorted(backend.closed) == [0, 1]


def test_a_session_that_opens_too_late_is_closed():
    """A session that is still being opened when the call ends gets closed."""
    gone = threading.Event()

    class Slow(Sides):
        def open(self, options, audio, emit):
            if self.received:
                gone.wait(20)
            return super().open(options, audio, emit)

    backend = Slow(ScriptedBackend(), ScriptedBackend())
    with pytest.raises(azstt.RecognitionTimeoutError):
        azstt.transcribe_bytes(STEREO, backend=backend, channels="separate", timeout=0.2)
    gone.set()
    deadline = time.monotonic() + 10
    while 1 not in backend.closed:
        assert time.monotonic() < deadline
        time.sleep(0.01)


# With the embedded recognizer


def test_a_call_with_one_speaker_per_channel(audio):
    """Each speaker's words are in their channel alone, in the order of the turns."""
    turns = json.loads((audio / "stereo.json").read_text())
    transcript = azstt.transcribe_file(audio / "stereo.flac", backend="local", channels="separate")
    assert [s.channel for s in transcript.segments] == [turn["channel"] for turn in turns]
    for segment, turn in zip(transcript.segments, turns, strict=True):
        assert segment.start == pytest.approx(turn["start"], abs=0.5)
        assert segment.end == pytest.approx(turn["end"], abs=0.7)
        said = set(segment.text.lower().replace(",", "").rstrip(".").split())
        assert len(said & set(turn["text"].split())) >= len(said) - 2
    ledger = transcript.ledger
    assert ledger.sent == transcript.usage.audio_seconds == 2 * transcript.duration
    assert ledger.recognized + ledger.silent == pytest.approx(ledger.sent)
    assert ledger.unaccounted == 0
