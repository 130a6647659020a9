"""A live session recognizes with every backend, on either loop, what a file gives."""

from __future__ import annotations

import anyio
import pytest

from azstt import Ended, Final, LiveSession, Partial, SessionStateError, Started, open_audio

JFK = "ask not what your country can do for you"
#: Seconds of audio per chunk.
CHUNK = 0.1

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_thread_left")]


@pytest.fixture(scope="module")
def recording(audio) -> bytes:
    """A real voice, as PCM."""
    with open_audio(audio / "jfk.wav") as reader:
        return b"".join(reader)


async def pump(live: LiveSession, pcm: bytes) -> None:
    """Send audio in a microphone's chunks, but faster, and finish."""
    size = round(CHUNK * 32_000)
    for at in range(0, len(pcm), size):
        await live.send(pcm[at : at + size])
    await live.finish()


async def test_speech_becomes_events_and_a_transcript(backend, recording):
    """Events arrive in order while audio is sent, and the transcript is complete in the end."""
    async with (
        LiveSession(backend=backend, segmentation_silence=2.0) as live,
        anyio.create_task_group() as group,
    ):
        group.start_soon(pump, live, recording)
        events = [event async for event in live]
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Ended)
    assert events[-1].position == pytest.approx(11.0)
    transcript = live.transcript
    assert JFK in transcript.text.lower().replace(",", "")
    finals = [event.segment for event in events if isinstance(event, Final)]
    assert transcript.segments == tuple(segment for segment in finals if segment.text)
    assert transcript.ledger.sent == 11.0
    assert transcript.ledger.unaccounted == 0
    assert transcript.usage.final_latency is not None


async def test_stable_text_only_grows(backend, recording):
    """A display of the stable part of the partials never has to take a word back."""
    async with (
        LiveSession(backend=backend, segmentation_silence=2.0) as live,
        anyio.create_task_group() as group,
    ):
        group.start_soon(pump, live, recording)
        shown = ""
        async for event in live:
            if isinstance(event, Final):
                shown = ""
            elif isinstance(event, Partial):
                assert event.stable == shown + event.delta
                shown = event.stable


async def test_a_session_can_be_left_at_any_moment(backend, recording):
    """Leaving in the middle of speech returns promptly and leaves nothing behind."""
    with anyio.fail_after(20):
        async with LiveSession(backend=backend) as live:
            await live.send(recording[:96_000])
    with pytest.raises(SessionStateError):
        await live.send(recording)


async def test_no_audio_at_all_is_an_empty_transcript(silent):
    """A session that is closed without any audio is not an error."""
    async with LiveSession(backend=silent) as live:
        await live.finish()
        transcript = await live.wait()
    assert (transcript.text, transcript.duration) == ("", 0.0)
