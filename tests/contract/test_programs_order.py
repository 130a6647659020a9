"""Programs whose calls stand in order with their audio, and always get an answer."""

from __future__ import annotations

import threading

import anyio
import pytest

import azstt
from azstt import BlockingLiveSession, LiveSession
from azstt.backends import Capabilities
from azstt.testing import Cue, ScriptedBackend

pytestmark = pytest.mark.usefixtures("no_thread_left")

PIECE = 3_200
#: Containers that are decoded at once, and in a thread, and seconds of audio that cannot be decoded
#: without more bytes: libav needs ten frames of FLAC.
FILES = {
    "mediarecorder.webm": 0.06,
    "jfk.wav": 0.0,
    "containers/alaw_8k.wav": 0.07,
    "containers/flac.flac": 0.85,
}


@pytest.fixture(scope="module")
def recording(audio) -> bytes:
    """A real voice, as PCM."""
    with azstt.open_audio(audio / "jfk.wav", end=10.4) as reader:
        return b"".join(reader)


def pieces(data: bytes, size: int = PIECE) -> list[bytes]:
    """Cut bytes into pieces."""
    return [data[at : at + size] for at in range(0, len(data), size)]


async def turn(live: LiveSession) -> list[azstt.Segment]:
    """Read a turn: the finals up to the answer of its commit."""
    finals = []
    with anyio.fail_after(30):
        while not isinstance(event := await live.receive(), azstt.Committed):
            if isinstance(event, azstt.Final):
                finals.append(event.segment)
    return [*finals, azstt.Segment(text="", start=event.at, end=event.at)]


def blocking_turn(live: BlockingLiveSession) -> str:
    """Read a turn: the text up to the answer of its commit."""
    texts = []
    while not isinstance(event := live.receive(timeout=30), azstt.Committed):
        if isinstance(event, azstt.Final):
            texts.append(event.segment.text)
    return " ".join(texts)


# Commits


@pytest.mark.anyio
async def test_push_to_talk(backend, recording):
    """Each turn is there once `Committed` is read, and the turns are the whole text."""
    turns = []
    async with LiveSession(backend=backend) as live:
        for half in (recording[: PIECE * 50], recording[PIECE * 50 :]):
            for piece in pieces(half):
                await live.send(piece)
            await live.commit()
            *finals, end = await turn(live)
            turns += finals
            assert all(final.end <= end.start + 0.1 for final in finals)
    assert tuple(turns) == live.transcript.segments
    assert end.start == pytest.approx(10.4, abs=0.01)


def test_blocking_push_to_talk(backend, recording):
    """The same without a loop."""
    with BlockingLiveSession(backend=backend) as live:
        live.send(recording[: PIECE * 50])
        live.commit()
        first = blocking_turn(live)
        live.send(recording[PIECE * 50 :])
        live.commit()
        second = blocking_turn(live)
    assert first
    assert f"{first} {second}".split() == live.transcript.text.split()


@pytest.mark.anyio
async def test_an_empty_turn(backend):
    """A button that is pressed and released in silence, or twice, is answered at once."""
    async with LiveSession(backend=backend) as live:
        await live.commit()
        await live.commit()
        assert [end.start for end in await turn(live) + await turn(live)] == [0.0, 0.0]


def test_commit_then_leave(backend, recording):
    """A commit at the very end is answered before the end."""
    with BlockingLiveSession(backend=backend) as live:
        live.send(recording)
        live.commit()
        live.finish()
        kinds = [event.kind for event in live]
    assert kinds[-2:] == ["committed", "ended"]


def test_a_commit_button(backend, recording):
    """Many commits from another thread, as fast as they come, are each answered once, in order."""
    with BlockingLiveSession(backend=backend) as live:

        def press() -> None:
            for _ in range(10):
                live.commit()

        thread = threading.Thread(target=press)
        thread.start()
        for piece in pieces(recording):
            live.send(piece)
        thread.join()
        live.finish()
        places = [event.at for event in live if isinstance(event, azstt.Committed)]
    assert len(places) == 10
    assert places == sorted(places)
    assert live.transcript.complete


@pytest.mark.anyio
@pytest.mark.parametrize("audio_format", ["auto", "its own"])
@pytest.mark.parametrize("file", FILES)
async def test_a_commit_in_the_middle_of_a_file(audio, file, audio_format):
    """A commit after a part of a file is where that part ends, whatever decodes it."""
    data, container = (audio / file).read_bytes(), file.rsplit(".", maxsplit=1)[-1]
    kind = "auto" if audio_format == "auto" else container
    with azstt.open_audio(data) as reader:
        seconds = len(b"".join(reader)) / 32_000
    async with LiveSession(audio=kind, backend=ScriptedBackend()) as live:
        for part in (data[: len(data) // 2], data[len(data) // 2 :]):
            await live.send(part)
            await live.commit()
            *_, end = await turn(live)
            assert end.start == pytest.approx(live.transcript.duration, abs=0.05)
            assert end.start >= 0.45 * seconds - FILES[file]
    assert live.transcript.duration == pytest.approx(seconds, abs=0.1)


@pytest.mark.anyio
async def test_a_commit_behind_a_large_piece(recording):
    """A commit right after a large piece waits for all of it."""
    async with LiveSession(backend=ScriptedBackend(), buffer=600) as live:
        await live.send(recording * 10)
        await live.commit()
        assert [end.start for end in await turn(live)] == [pytest.approx(104.0)]


@pytest.mark.anyio
async def test_a_commit_after_dropped_audio():
    """The answer's time is the audio's, also where some of it was dropped."""
    session = LiveSession(
        backend=ScriptedBackend(), buffer=0.1, overflow="drop_oldest", audio=azstt.AudioFormat()
    )
    async with session as live:
        await live.send(bytes(32_000 * 3))
        await live.commit()
        gaps, end = [], None
        while end is None:
            match await live.receive():
                case azstt.AudioGap() as gap:
                    gaps.append(gap)
                case azstt.Committed(at=at):
                    end = at
    assert gaps
    assert end == pytest.approx(3.0)


# Updates


@pytest.mark.anyio
@pytest.mark.parametrize("sent", [0, 1], ids=["first", "after audio"])
@pytest.mark.parametrize("options", [{}, {"language": ["en"]}, {"phrases": []}], ids=str)
async def test_an_update_without_a_change(backend, recording, options, sent):
    """An update to what is set already is answered, and nobody needs to read for that."""
    async with LiveSession(backend=backend, language=["en"]) as live:
        await live.send(recording[: PIECE * sent])
        with anyio.fail_after(20):
            await live.update(**options)


def test_a_blocking_update_without_a_change(backend, recording):
    """The same without a loop, and after `finish` it is an error."""
    with BlockingLiveSession(backend=backend) as live:
        live.send(recording)
        live.update()
        live.update(phrases=[])
        live.finish()
        with pytest.raises(azstt.SessionStateError, match="after finish"):
            live.update()
    assert live.transcript.complete


class Pretender:
    """A backend that claims what its sessions cannot do."""

    name = "pretender"
    capabilities = Capabilities(commits=True, phrases=True, updates=frozenset({"phrases"}))

    def open(self, options, audio, emit):
        session = ScriptedBackend().open(options, audio, emit)
        return _Plain(session)


class _Plain:
    def __init__(self, session):
        for name in ("start", "write", "finish", "close"):
            setattr(self, name, getattr(session, name))


@pytest.mark.anyio
@pytest.mark.parametrize("call", ["commit", "update"])
async def test_a_claim_that_is_not_kept(call):
    """A call that the backend's sessions lack is an error that names the backend."""
    async with LiveSession(backend=Pretender()) as live:
        with pytest.raises(azstt.ConfigurationError, match="'pretender' backend promise " + call):
            await (live.commit() if call == "commit" else live.update(phrases=["x"]))


@pytest.mark.anyio
async def test_an_update_that_waits_when_the_session_is_closed(recording):
    """An update behind audio that the recognizer never takes says that the session was closed."""
    stuck = Cue(event=azstt.SpeechStarted(at=0.0), at=0.1, delay=float("inf"))
    errors = []
    async with LiveSession(backend=ScriptedBackend([stuck])) as live:

        async def update() -> None:
            try:
                await live.update(phrases=["x"])
            except azstt.SessionStateError as error:
                errors.append(str(error))

        await live.send(recording)
        with anyio.fail_after(20):
            async with anyio.create_task_group() as group:
                group.start_soon(update)
                await anyio.wait_all_tasks_blocked()
                await live.aclose()
    assert errors == ["the session was closed before the update was applied"]


@pytest.mark.anyio
async def test_an_update_that_waits_when_the_session_fails(recording):
    """An update behind audio that the recognizer fails on raises why."""
    broken = azstt.Failed(error=azstt.ServiceError("it broke"))
    backend = ScriptedBackend([Cue(event=broken, at=0.1, delay=0.2)])
    async with LiveSession(backend=backend) as live:
        await live.send(recording)
        with anyio.fail_after(20), pytest.raises(azstt.ServiceError, match="it broke"):
            await live.update(phrases=["x"])


# What is left when a session is closed


@pytest.mark.anyio
async def test_send_all_and_close_at_once(recording):
    """All that was sent is in the ledger of a session that is closed at once."""
    async with LiveSession(backend=ScriptedBackend(), buffer=600) as live:
        await live.send(recording * 10)
        await live.aclose()
    transcript = live.transcript
    assert transcript.duration == pytest.approx(104.0)
    assert sum(gap.seconds for gap in transcript.ledger.gaps) == pytest.approx(104.0, abs=1.5)
    assert {gap.reason for gap in transcript.ledger.gaps} == {"closed"}


@pytest.mark.anyio
async def test_send_a_file_and_close_at_once(audio):
    """How much there was in a file that was not decoded is unknown, and the ledger says so."""
    async with LiveSession(audio="mp3", backend=ScriptedBackend(), buffer=600) as live:
        await live.send((audio / "containers/mp3.mp3").read_bytes() * 5)
        await live.aclose()
    transcript = live.transcript
    assert None in [gap.seconds for gap in transcript.ledger.gaps if gap.reason == "closed"]
    assert not transcript.complete


# Times


def test_times_of_a_partial_transcript_after_dropped_audio():
    """Words, syllables and phonemes after audio that was dropped have the audio's times."""
    sound = {"text": "x", "start": 0.5, "end": 0.7}
    word = azstt.PronouncedWord(
        **sound, syllables=(azstt.Sound(**sound),), phonemes=(azstt.Sound(**sound),)
    )
    scores = azstt.Pronunciation(words=(word,))
    segment = azstt.Segment(words=(azstt.Word(**sound),), pronunciation=scores, **sound)
    script = [
        Cue(event=azstt.SpeechStarted(at=0.0), at=0.1, delay=0.5),  # busy, so that audio is dropped
        Cue(event=azstt.Final(segment=segment), at=1.0),
        Cue(event=azstt.Failed(error=azstt.ServiceError("it broke")), at=1.0),
    ]
    backend = ScriptedBackend(script)
    with BlockingLiveSession(backend=backend, overflow="drop_oldest", buffer=1.0) as live:
        live.send(bytes(PIECE))
        live.send(bytes(32_000 * 4))
        with pytest.raises(azstt.ServiceError) as failure:
            live.wait()
    partial = failure.value.partial
    dropped = sum(gap.seconds for gap in partial.ledger.gaps if gap.reason == "dropped")
    assert dropped > 1.0
    pronounced = partial.segments[0].pronunciation.words[0]
    spans = [partial.segments[0], partial.segments[0].words[0], pronounced]
    spans += [*pronounced.syllables, *pronounced.phonemes]
    assert [span.start for span in spans] == pytest.approx([0.5 + dropped] * 5)
