"""A package that wraps azstt: all types in its signatures are public. Checked, never run."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Unpack, assert_type

from typing_extensions import override

import azstt
from azstt.backends import Emit, RecognizerBackend, RecognizerSession, ReconnectHook
from azstt.backends.azure import AzureBackend, AzureSettings, Token, TokenCredential
from azstt.emulator import RequestRecord, serve
from azstt.emulator.engines import Engine, EngineCallback, EngineSession, StreamFormat, TurnRequest
from azstt.emulator.faults import Fault, Faults, Refuse


def transcribe(
    source: azstt.AudioSource,
    progress: azstt.ProgressCallback | None = None,
    **options: Unpack[azstt.TranscribeOptions],
) -> str:
    """Pass everything on, with a default of its own."""
    options.setdefault("language", "en-US")
    return azstt.transcribe_file(source, progress=progress, **options).text


class Captions:
    """Live captions from any source of chunks."""

    def __init__(
        self,
        audio: azstt.AudioFormat | azstt.Container,
        overflow: azstt.Overflow = "block",
        on_reconnect: ReconnectHook | None = None,
        **options: Unpack[azstt.LiveOptions],
    ) -> None:
        self.live: azstt.LiveSession = azstt.LiveSession(
            audio=audio, overflow=overflow, on_reconnect=on_reconnect, **options
        )

    def send(self, source: azstt.AudioChunks) -> azstt.Feed:
        """Send in the background."""
        return self.live.feed(source)

    def whole(self, source: azstt.AudioChunks) -> azstt.Transcription:
        """Wait for the transcript, or read the events."""
        return self.live.transcribe(source)

    async def events(self) -> AsyncIterator[azstt.Event]:
        """Yield the events."""
        async for event in self.live:
            yield event


def send(live: azstt.BlockingLiveSession, source: azstt.AudioChunks) -> azstt.BlockingFeed:
    """Send in the background, from a thread."""
    return live.feed(source)


def server(open_session: azstt.OpenSession) -> azstt.WireServer:
    """Serve live sessions."""
    return azstt.WireServer(open_session)


async def serve_client(
    wire: azstt.WireServer, receive: azstt.WireReceive, send: azstt.WireSend
) -> None:
    """Serve one connection."""
    await wire.serve(receive, send)


def azure(credential: TokenCredential | None, token: Token | None) -> RecognizerBackend:
    """Sign in either way."""
    return AzureBackend(AzureSettings(region="westeurope"), credential=credential, token=token)


class Silence:
    """An engine for the emulator that hears nothing."""

    def open(
        self, request: TurnRequest, audio: StreamFormat, emit: EngineCallback, channel: int
    ) -> EngineSession:
        """Open a session."""
        raise NotImplementedError


def record(faults: Sequence[Fault] = (Refuse(status=503),)) -> Sequence[RequestRecord]:
    """Read what a client sent."""
    engine: Engine = Silence()
    with serve(engine=engine, faults=Faults(faults=tuple(faults))) as emulator:
        return emulator.requests


class Loud(RecognizerBackend):
    """A backend around another one."""

    def __init__(self, inner: RecognizerBackend) -> None:
        self.inner: RecognizerBackend = inner

    @override
    def open(
        self, options: azstt.RecognitionOptions, audio: azstt.AudioFormat, emit: Emit
    ) -> RecognizerSession:
        """Open a session of the other one."""
        return self.inner.open(options, audio, emit)


def values() -> None:
    """Give wrong values, which a type checker finds as well."""
    azstt.AudioFormat(rate=8_000)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    assert_type(azstt.Transcript.model_validate_json("{}"), azstt.Transcript)
    assert_type(azstt.Word.model_validate({}), azstt.Word)
