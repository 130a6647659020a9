"""The contenders of the live benchmark: ways to get live text from Azure, a coroutine each.

Each opens one session at ``host``, calls ``feed`` with a function that accepts audio, calls
``note`` with every text when its user has it, and returns after the audio has ended. Each imports
its libraries itself, by `import_module` where they have no types or are not our dependencies: two
of them run in an interpreter without azstt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeAlias

RATE = 16_000

Send: TypeAlias = Callable[[bytes], Awaitable[None] | None]
Feed: TypeAlias = Callable[[Send], Awaitable[None]]
#: Called for each text immediately, on any thread: the text, and whether it is a final.
Note: TypeAlias = Callable[[str, bool], None]
Contender: TypeAlias = Callable[[str, Feed, Note], Awaitable[None]]


async def nothing(_: str, feed: Feed, __: Note) -> None:
    """Discard the audio: the overhead of measuring."""
    await feed(_discard)


def _discard(_: bytes) -> None:
    pass


async def azstt(host: str, feed: Feed, note: Note) -> None:
    """Recognize as docs/live.md shows."""
    from azstt import Final, LiveSession, Partial  # noqa: PLC0415 - see the module docstring
    from azstt.backends.azure import AzureBackend, AzureSettings  # noqa: PLC0415

    backend = AzureBackend(AzureSettings(host=host))
    async with LiveSession(language="en-US", backend=backend) as live:

        async def pump() -> None:
            await feed(live.send)
            await live.finish()

        pumping = asyncio.create_task(pump())
        async for event in live:
            match event:
                case Partial(text=text):
                    note(text, False)
                case Final(segment=segment):
                    note(segment.text, True)
                case _:
                    pass
        await pumping


async def sdk(host: str, feed: Feed, note: Note) -> None:
    """Use the SDK as Microsoft's push stream sample does: callbacks that read the text."""
    speech = speech_sdk()
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    stream = speech.audio.PushAudioInputStream(speech.audio.AudioStreamFormat(RATE, 16, 1))
    recognizer = speech.SpeechRecognizer(
        speech_config=speech.SpeechConfig(host=host),
        audio_config=speech.audio.AudioConfig(stream=stream),
    )

    def end(_: object) -> None:
        with suppress(RuntimeError):  # the loop may have closed
            loop.call_soon_threadsafe(ended.set)

    def partial(event: Any) -> None:  # noqa: ANN401 - it has no types
        note(event.result.text, False)

    def final(event: Any) -> None:  # noqa: ANN401
        note(event.result.text, True)

    recognizer.recognizing.connect(partial)
    recognizer.recognized.connect(final)
    recognizer.session_stopped.connect(end)
    recognizer.canceled.connect(end)
    recognizer.start_continuous_recognition()
    await feed(stream.write)
    stream.close()
    await ended.wait()
    await asyncio.to_thread(recognizer.stop_continuous_recognition)


def speech_sdk() -> Any:  # noqa: ANN401 - it has no types
    """Import the SDK."""
    return import_module("azure.cognitiveservices.speech")


async def livekit(host: str, feed: Feed, note: Note) -> None:
    """Use LiveKit's plugin without LiveKit's server: frames in, events out."""
    rtc: Any = import_module("livekit.rtc")
    kinds: Any = import_module("livekit.agents.stt").SpeechEventType
    stream: Any = (
        import_module("livekit.plugins.azure").STT(speech_host=host, language="en-US").stream()
    )

    async def pump() -> None:
        def send(pcm: bytes) -> None:
            stream.push_frame(rtc.AudioFrame(bytearray(pcm), RATE, 1, len(pcm) // 2))

        await feed(send)
        stream.end_input()

    pumping = asyncio.create_task(pump())
    async with stream:
        async for event in stream:
            if event.type is kinds.INTERIM_TRANSCRIPT:
                note(event.alternatives[0].text, False)
            elif event.type is kinds.FINAL_TRANSCRIPT:
                note(event.alternatives[0].text, True)
    await pumping


async def pipecat(host: str, feed: Feed, note: Note) -> None:
    """Use Pipecat's service in a minimal pipeline: the service, and a processor that reads frames.

    The pipeline worker and its runner are required to run a service; their optional features are
    off: no turn tracking, no RTVI, no idle limit, no log, and no audio passed through.
    """
    frames: Any = import_module("pipecat.frames.frames")
    pipelines: Any = import_module("pipecat.pipeline.worker")
    pipeline: Any = import_module("pipecat.pipeline.pipeline").Pipeline
    processor: Any = import_module("pipecat.processors.frame_processor").FrameProcessor
    import_module("loguru").logger.remove()

    class Reader(processor):  # type: ignore[misc] # its base is not installed where types are checked
        async def process_frame(self, frame: Any, direction: Any) -> None:  # noqa: ANN401
            await processor.process_frame(self, frame, direction)
            if isinstance(frame, frames.InterimTranscriptionFrame):
                note(frame.text, False)
            elif isinstance(frame, frames.TranscriptionFrame):
                note(frame.text, True)
            await self.push_frame(frame, direction)

    service: Any = import_module("pipecat.services.azure.stt").AzureSTTService(
        api_key="none",
        private_endpoint=f"{host}/speech/universal/v2",
        sample_rate=RATE,
        audio_passthrough=False,
    )
    worker: Any = pipelines.PipelineWorker(
        pipeline([service, Reader()]),
        cancel_on_idle_timeout=False,
        enable_rtvi=False,
        enable_turn_tracking=False,
        params=pipelines.PipelineParams(audio_in_sample_rate=RATE),
    )
    started = asyncio.Event()

    def start(*_: object) -> None:
        started.set()

    worker.add_event_handler("on_pipeline_started", start)
    runner: Any = import_module("pipecat.workers.runner").WorkerRunner(
        handle_sigint=False, check_dangling_tasks=False
    )
    await runner.add_workers(worker)
    running: asyncio.Task[Any] = asyncio.create_task(runner.run())
    await started.wait()

    async def send(pcm: bytes) -> None:
        await worker.queue_frame(frames.InputAudioRawFrame(pcm, RATE, 1))

    await feed(send)
    await worker.queue_frame(frames.EndFrame())
    await running


CONTENDERS: dict[str, Contender] = {
    "nothing": nothing,
    "sdk": sdk,
    "azstt": azstt,
    "livekit": livekit,
    "pipecat": pipecat,
}
#: The packages whose versions are reported, in the interpreter that a contender runs in.
PACKAGES = {
    "azstt": ("azstt", "anyio"),
    "livekit": ("livekit-agents", "livekit-plugins-azure"),
    "pipecat": ("pipecat-ai",),
}
