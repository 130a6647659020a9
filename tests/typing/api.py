"""The types that checkers must infer for the API. Checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import assert_type

import numpy as np
import numpy.typing as npt

import azstt
from azstt.backends import Capabilities, RecognizerBackend, resolve
from azstt.testing import ScriptedBackend, check_backend


def show(progress: azstt.Progress) -> None:
    """Read a progress snapshot."""
    assert_type(progress.total, float | None)


def sync() -> None:
    """Call the sync functions, correctly and incorrectly."""
    transcript = azstt.transcribe_file(
        Path("talk.mp4"), language="en-US", backend="local", progress=show, timeout=60, start=1.5
    )
    assert_type(transcript, azstt.Transcript)
    assert_type(transcript.text, str)
    assert_type(transcript.words, tuple[azstt.Word, ...])
    assert_type(transcript.segments[0].confidence, float | None)
    assert_type(transcript.segments[0].channel, int | None)
    assert_type(transcript.words[0].text_offset, int | None)
    assert_type(transcript.ledger.gaps, tuple[azstt.Gap, ...])
    assert_type(transcript.to_srt(), str)
    azstt.transcribe_bytes(b"", channels="separate")
    azstt.transcribe_bytes(b"", channels="both")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    azstt.transcribe_bytes(b"", language=["en-US", "de-DE"], diarize=True, phrases=["azstt"])
    azstt.transcribe_file("talk.mp4", langauge="en")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    azstt.transcribe_file("talk.mp4", start="now")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def asynchronous() -> None:
    """Await the async functions."""
    assert_type(await azstt.atranscribe_file("talk.mp4"), azstt.Transcript)
    assert_type(await azstt.atranscribe_bytes(memoryview(b"")), azstt.Transcript)


def sources() -> None:
    """Pass each kind of source."""
    with open("talk.mp4", "rb") as file:  # noqa: PTH123 - what users write
        azstt.transcribe_file(file)
    azstt.transcribe_file(iter([b"RIFF", b"..."]))
    with azstt.open_audio("talk.mp4", output=azstt.AudioFormat(channels=2)) as reader:
        for chunk in reader:
            assert_type(chunk, bytes)
        assert_type(reader.report, azstt.DecodeReport)
    assert_type(azstt.to_wav("talk.mp4"), bytes)


def samples(array: npt.NDArray[np.int16]) -> None:
    """Pass PCM without a header: arrays, bytes, files and iterables of either."""
    audio = azstt.AudioFormat(sample_rate=8_000, channels=2)
    assert_type(azstt.transcribe_bytes(array, audio=audio), azstt.Transcript)
    azstt.transcribe_bytes(b"", audio=audio)
    azstt.transcribe_file("talk.pcm", audio=audio)
    azstt.transcribe_file([array, b""], audio=audio)
    assert_type(azstt.to_wav(array, audio=audio, output=azstt.AudioFormat()), bytes)
    azstt.open_audio(array, audio=audio)
    azstt.transcribe_bytes(b"", audio="wav")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    azstt.transcribe_bytes("talk.pcm")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def backends() -> None:
    """Choose and check backends."""
    scripted: RecognizerBackend = ScriptedBackend.saying("Hello.")
    assert_type(resolve("local"), RecognizerBackend)
    assert_type(scripted.capabilities, Capabilities)
    check_backend(scripted)


def failures() -> None:
    """Read the attributes of an error."""
    try:
        azstt.transcribe_file("talk.mp4")
    except azstt.RecognitionError as error:
        assert_type(error.partial, azstt.Transcript | None)
        assert_type(error.retryable, bool)
        assert_type(error.retry_after, float | None)


def handlers(live: azstt.LiveSession, blocking: azstt.BlockingLiveSession) -> None:
    """Register handlers for one kind of event, for several, and for all."""

    def partial(event: azstt.Partial) -> None:
        pass

    def either(event: azstt.Partial | azstt.Final) -> None:
        pass

    def any_event(event: azstt.Event) -> None:
        pass

    assert_type(live.on(azstt.Partial, partial), Callable[[], None])
    blocking.on(azstt.Final, either)
    live.on(azstt.Partial | azstt.Final, either)
    blocking.on(azstt.Event, any_event)
    live.on(azstt.Final, lambda event: event.segment.text)
    live.on(azstt.Final, partial)  # type: ignore[arg-type]  # pyright: ignore[reportCallIssue, reportArgumentType]
    live.on("final", partial)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


def events(event: azstt.Event) -> str:
    """Match events by class."""
    match event:
        case azstt.Final(segment=segment):
            return segment.text
        case azstt.Partial(text=text):
            return text
        case _:
            return event.kind
